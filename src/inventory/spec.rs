//! What a layer may say of a node, once all layers are merged: the fields that profiles, the cluster and nodes share.

use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::inventory::files::{AssetSpec, DirectorySpec, FileKeys, Link, UnitSpec};
use crate::inventory::free::Vars;
use crate::inventory::identity::{IdentitySpec, KubeconfigKeys};
use crate::inventory::images::{Airgap, ImageKeys};
use crate::inventory::keys::{Entry, EntryKey, Shaped, TextKind, keys, texts};
use crate::inventory::kinds::{MapOf, Pair, Section, Switch, plain};
use crate::inventory::named_paths::NamedPaths;
use crate::inventory::os::Os;
use crate::inventory::removed::Removal;
use crate::inventory::runtime::{Proxies, Registry};
use crate::inventory::runtimes::Containerd;
use crate::inventory::shape::{Rule, Shape};
use crate::inventory::text::{Release, Text, templates};
use crate::inventory::time_sources::TimeSources;
use crate::kubernetes::names::{annotation_key, label_key, label_value, taint_name};
use crate::model::User;
use crate::model::output::Settings;
use crate::model::{FieldLocation, Spanned};
use crate::report::Id;
use crate::yaml::{Located, Value};

/// A taint by key and effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// `nvidia.com/gpu`.
    pub key: String,
    /// `NoSchedule`, `PreferNoSchedule`, `NoExecute`.
    pub effect: String,
    /// May be empty.
    pub value: String,
}

keys! {
    /// An overlay that is applied to the node.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct OverlayUse: "overlayUse", by name: Spanned<OverlayName> {
        /// whether it may overwrite what earlier layers wrote
        "replace" => replace: bool = false,
    }

    /// All layers of a node, merged and typed: the fields that profiles, the cluster and nodes share. Text is not rendered
    /// yet.
    #[derive(Clone, Debug)]
    pub struct Spec: "layer", here merged: Located = written, here removed: Vec<Removal> = nothing_removed {
        /// the kubelet's version: decides which fields, flags and labels exist
        "kubernetes" => kubernetes: Spanned<Release>,
        /// what is true of the image that the node boots
        "os" => os: Section<Os>,
        /// the image's container runtime; read by the overlay `containerd`
        "containerd" => containerd: Section<Containerd>,
        /// the servers from which the node has its time; read by the overlays `chrony` and `timesyncd`
        "time" => time: Section<TimeSources>,
        /// HTTP proxies for pulling images
        "proxies" => proxies: Option<Spanned<Proxies>>,
        /// registries by the name that images begin with; _default for all others
        "registries" => registries: MapOf<Registry>,
        /// the machine's host name; without it that is left as it is
        "hostname" => hostname: Option<Hostname>,
        /// users by name, made by cloud-init and Ignition
        "users" => users: Arc<MapOf<User>>,
        /// how the node comes to its certificates
        "identity" => identity: Section<IdentitySpec>,
        /// what the kubelet is told
        "kubelet" => kubelet: Section<KubeletSpec>,
        /// the node's labels
        "labels" => labels: MapOf<Pair<Spanned<LabelKey>, LabelValue>>,
        /// the node's annotations, which an administrator sets by cluster/node-labels.sh; a template that renders to
        /// nothing leaves its annotation out
        "annotations" => annotations: MapOf<Pair<Spanned<AnnotationKey>, AnnotationValue>>,
        /// the node's taints: key:effect and a value
        "taints" => taints: MapOf<Taint>,
        /// overlays that are applied to the node, in order
        "overlays" => overlays: MapOf<OverlayUse>,
        /// units of systemd by name
        "units" => units: MapOf<UnitSpec>,
        /// files by path: one of content, template and source, or a mode for what something else writes
        "files" => files: MapOf<FileKeys>,
        /// directories by path
        "directories" => directories: MapOf<DirectorySpec>,
        /// symbolic links by path: their targets
        "links" => links: MapOf<Link>,
        /// kubeconfigs of other clients by path: exactly one of certificate and tokenFile
        "kubeconfigs" => kubeconfigs: MapOf<KubeconfigKeys>,
        /// large files by path, streamed and checked
        "assets" => assets: MapOf<AssetSpec>,
        /// archives of container images, which containerd imports before the kubelet starts
        "images" => images: MapOf<ImageKeys>,
        /// whether every image that the node names must be in images or behind a mirror
        "airgap" => airgap: Switch<Spanned<Airgap>> = false,
        /// where generated files go and where programs are, by name
        "paths" => paths: NamedPaths,
        /// free values for templates
        "vars" => vars: Option<Vars>,
        /// which payloads are written, and how
        "output" => output: Section<Settings>,
    }

    /// What the kubelet is told.
    #[derive(Clone, Debug)]
    pub struct KubeletSpec: "kubelet" {
        /// fields of KubeletConfiguration, as the node's version has them
        "config" => config: Option<Spanned<KubeletConfig>>,
        /// flags without their dashes, as the node's version has them
        "flags" => flags: KubeletFlags,
    }
}

texts! {
    /// The name of an overlay.
    OverlayName: String = plain, r"^[^./\\][^/\\]*$", ["containerd"];
    /// A label's key.
    LabelKey or LabelInvalid: String = |key| label_key(key).map(|()| key.to_owned()),
        r"^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$", ["topology.kubernetes.io/zone"];
    /// An annotation's key.
    AnnotationKey or AnnotationInvalid: String = |key| annotation_key(key).map(|()| key.to_owned()),
        r"^([A-Za-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$", ["example.com/owner"];
    /// A taint's key and effect.
    TaintName or TaintInvalid: (String, String) = |name| taint_name(name).map(|(key, effect)| (key.to_owned(), effect.to_owned())),
        r"^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?:(NoSchedule|PreferNoSchedule|NoExecute)$",
        ["nvidia.com/gpu:NoSchedule"];
    /// A taint's value.
    TaintValue or TaintInvalid: String = |value| label_value(value).map(|()| value.to_owned()),
        r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$", ["present"];
}

templates! {
    /// An annotation's value.
    AnnotationValue: "", ["rack 1"];
    /// A host name of the machine.
    Hostname: "", ["{{ node.name }}"];
}

/// A label's value.
pub enum LabelValue {}

impl TextKind for LabelValue {
    type Parsed = Text;
    const LOOK: &'static Rule = &Rule {
        pattern: r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$",
        examples: &["a"],
        template: true,
    };
    const ID: Id = Id::LabelInvalid;

    fn parse(text: &str, location: impl FnOnce() -> FieldLocation) -> Result<Text, String> {
        let text = Text {
            text: text.into(),
            location: location(),
        };
        if !text.is_template() {
            label_value(&text.text)?;
        }
        Ok(text)
    }
}

impl Shaped for Taint {
    type Value = Self;
    const SHAPE: Shape = TaintValue::SHAPE;

    fn read(at: &Cursor<'_>) -> Option<Self> {
        let ((key, effect), value) = Pair::<TaintName, TaintValue>::read(at)?;
        Some(Self { key, effect, value })
    }
}

impl Entry for Taint {
    const KEY: &'static Rule = TaintName::RULE;
}

/// Layers are merged before a spec is read, and what they remove is not in it any more: whoever merges them tells it.
fn nothing_removed(_: &Cursor<'_>) -> Vec<Removal> {
    Vec::new()
}

fn written(at: &Cursor<'_>) -> Located {
    at.located().clone()
}

/// A KubeletConfiguration, as merged.
pub enum KubeletConfig {}

impl Shaped for KubeletConfig {
    type Value = Located;
    const SHAPE: Shape = Shape::KubeletConfig;

    fn read(at: &Cursor<'_>) -> Option<Located> {
        Some(written(at))
    }
}

/// The kubelet's flags in order; without a value for `--flag`.
pub enum KubeletFlags {}

/// Flags are strings; numbers and booleans are taken as the kubelet would print them.
impl Shaped for KubeletFlags {
    type Value = Vec<(String, Option<Text>)>;
    const SHAPE: Shape = Shape::KubeletFlags;
    const REQUIRED: bool = false;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        let mut flags = Vec::new();
        for at in at.entries("v") {
            let name = at.key();
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
            // The kubelet takes both (component-base `cli/flag`, WordSepNormalizeFunc); one spelling is enough here.
            let dashed = name.replace('_', "-");
            if dashed != name && !dashed.starts_with('-') && dashed.chars().all(fits) {
                let rule = format!("must be written as {dashed}; got {name:?}");
                at.report_key(Id::NameInvalid, rule);
                continue;
            }
            if name.is_empty() || name.starts_with('-') || !name.chars().all(fits) {
                at.report_key(
                    Id::NameInvalid,
                    format!("must be a flag without leading dashes; got {name:?}"),
                );
                continue;
            }
            let value: Arc<str> = match &at.located().value {
                Value::String(text) => text.clone(),
                Value::Bool(value) => value.to_string().into(),
                Value::Int(value) => value.to_string().into(),
                other => {
                    at.report(
                        Id::ValueTypeWrong,
                        format!("must be a string, not {}", other.kind()),
                    );
                    continue;
                }
            };
            let value = Text {
                text: value,
                location: at.location(),
            };
            flags.push((name.to_owned(), Some(value)));
        }
        Some(flags)
    }

    fn absent(_: &Cursor<'_>) -> Option<Self::Value> {
        Some(Vec::new())
    }
}
