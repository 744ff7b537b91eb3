//! What a layer may say of a node, once all layers are merged: the fields that profiles, the cluster and nodes share.

use std::cell::RefCell;
use std::sync::Arc;

use crate::inventory::cloud_init;
use crate::inventory::cursor::Cursor;
use crate::inventory::files::{self, AssetSpec, DirectorySpec, FileSpec, LinkSpec, UnitSpec};
use crate::inventory::identity::{self, IdentitySpec, KubeconfigSpec};
use crate::inventory::ignition::{self, MergeSpec};
use crate::inventory::images::{self, Airgap};
use crate::inventory::os::{self, Os};
use crate::inventory::output;
use crate::inventory::runtime::{self, Containerd, Proxies, Registry};
use crate::inventory::shape;
use crate::inventory::users;
use crate::kubernetes::names::{label_key, label_value, taint_name};
use crate::kubernetes::version::Version;
use crate::model::User;
use crate::model::output::Settings;
use crate::model::{FieldLocation, Spanned};
use crate::report::Report;
use crate::yaml::{Located, Value};

/// Text that may be a template: it is one if it holds `{{`, `{%` or `{#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As written.
    pub text: Arc<str>,
    /// Where.
    pub location: FieldLocation,
}

impl Text {
    /// Whether it must be rendered.
    pub fn is_template(&self) -> bool {
        ["{{", "{%", "{#"]
            .iter()
            .any(|mark| self.text.contains(mark))
    }

    /// Whether it is the template that the profile `worker` has for host names: the node's name, without rendering.
    pub fn is_node_name(&self) -> bool {
        let inner = self.text.trim().strip_prefix("{{");
        let inner = inner.and_then(|text| text.strip_suffix("}}"));
        inner.is_some_and(|text| text.trim() == "node.name")
    }
}

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

/// An overlay that is laid over the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayUse {
    /// Its name.
    pub name: Spanned<String>,
    /// Whether it may replace what earlier layers wrote.
    pub replace: bool,
}

/// All layers of a node, merged and typed. Text is not rendered yet.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The kubelet's version.
    pub kubernetes: Spanned<Version>,
    /// The machine's host name, when it is ours to set.
    pub hostname: Option<Text>,
    /// Users of the machine by name, for the formats that make users.
    pub users: Arc<[User]>,
    /// Who the node is to the cluster.
    pub identity: IdentitySpec,
    /// The operating system of its image.
    pub os: Os,
    /// The runtime of its image.
    pub containerd: Containerd,
    /// Proxies for pulling images.
    pub proxies: Option<Proxies>,
    /// Registries by name.
    pub registries: Vec<Registry>,
    /// KubeletConfiguration, as merged.
    pub kubelet_config: Option<(Located, FieldLocation)>,
    /// The kubelet's flags in order; without a value for `--flag`.
    pub kubelet_flags: Vec<(String, Option<Text>)>,
    /// Labels in order.
    pub labels: Vec<(Spanned<String>, Text)>,
    /// Taints in order.
    pub taints: Vec<Taint>,
    /// Overlays in order.
    pub overlays: Vec<OverlayUse>,
    /// Units by name.
    pub units: Vec<UnitSpec>,
    /// Files by path.
    pub files: Vec<FileSpec>,
    /// Directories by path.
    pub directories: Vec<DirectorySpec>,
    /// Symbolic links by path.
    pub links: Vec<LinkSpec>,
    /// Kubeconfigs of other clients, by path.
    pub kubeconfigs: Vec<KubeconfigSpec>,
    /// Files of the project that are streamed, by path.
    pub assets: Vec<AssetSpec>,
    /// Archives of container images that the node imports.
    pub images: Vec<AssetSpec>,
    /// Whether the node must do without a network.
    pub airgap: Option<Airgap>,
    /// Well-known paths by name.
    pub paths: Vec<(String, Text)>,
    /// Free values for templates.
    pub vars: Option<Located>,
    /// Which payloads are written, and how.
    pub output: Settings,
    /// Ignition configurations of the user's that are merged, in order.
    pub ignition_merges: Vec<MergeSpec>,
    /// Parts of the user's for user-data, in order.
    pub cloud_init_parts: Vec<MergeSpec>,
    /// The user's vendor-data.
    pub vendor_data: Option<Spanned<String>>,
    /// The merged layers themselves: each value has the place of the layer that set it.
    pub merged: Arc<Located>,
}

impl Spec {
    /// Reads merged layers; what is wrong goes into the report, and None means that nothing usable is left.
    pub fn read(merged: Arc<Located>, report: &RefCell<Report>) -> Option<Self> {
        let top = Cursor::new(&merged, "", &shape::LAYER, report);
        let fields = top.fields()?;
        let kubelet = fields.optional("kubelet").and_then(|at| at.fields());
        let part = |key| kubelet.as_ref().and_then(|kubelet| kubelet.optional(key));
        let kubernetes = fields
            .required("kubernetes")
            .and_then(|at| at.parse_at(str::parse));
        let vars = fields.optional("vars");
        let output = fields.optional("output");
        let mut spec = Self {
            hostname: fields.optional("hostname").and_then(|at| text(&at)),
            users: fields.each("users", users::user).into(),
            identity: fields
                .optional("identity")
                .map_or_else(IdentitySpec::default, |at| identity::identity(&at)),
            os: os::read(fields.optional("os").as_ref()),
            containerd: runtime::containerd(
                fields.optional("containerd").as_ref(),
                &top.location(),
            ),
            proxies: fields
                .optional("proxies")
                .and_then(|at| runtime::proxies(&at)),
            registries: fields.each("registries", runtime::registry),
            kubelet_config: part("config").map(|at| (at.located().clone(), at.location())),
            kubelet_flags: part("flags").map(|at| read_flags(&at)).unwrap_or_default(),
            labels: fields.each("labels", label),
            taints: fields.each("taints", taint),
            overlays: fields.each("overlays", overlay),
            units: fields.each("units", files::unit),
            files: fields.each("files", files::file),
            directories: fields.each("directories", files::directory),
            links: fields.each("links", files::link),
            kubeconfigs: fields.each("kubeconfigs", identity::kubeconfig),
            assets: fields.each("assets", files::asset),
            images: fields.each("images", images::image),
            airgap: fields.optional("airgap").and_then(|at| images::airgap(&at)),
            paths: fields.each("paths", |name, at| Some((name.to_string(), text(at)?))),
            vars: vars.and_then(|at| at.map().map(|_| at.located().clone())),
            output: output::read(output.as_ref()),
            cloud_init_parts: ignition::merges(output.as_ref(), ["cloudInit", "parts"]),
            vendor_data: cloud_init::vendor_data(output.as_ref()),
            ignition_merges: ignition::merges(output.as_ref(), ["ignition", "merge"]),
            kubernetes: kubernetes?,
            merged: merged.clone(),
        };
        if let Some(sysext) = &mut spec.output.sysext {
            sysext.arch.clone_from(&spec.os.arch);
        }
        if let Some(kubelet) = kubelet {
            kubelet.finish();
        }
        fields.finish();
        Some(spec)
    }
}

/// Text with its location.
pub fn text(at: &Cursor<'_>) -> Option<Text> {
    Some(Text {
        text: at.string()?.into(),
        location: at.location(),
    })
}

/// A map's key as text: paths may be templates too.
pub fn key_text(key: &Arc<str>, at: &Cursor<'_>) -> Text {
    Text {
        text: key.clone(),
        location: at.key_location(),
    }
}

/// Flags are strings; numbers and booleans are taken as the kubelet would print them.
fn read_flags(at: &Cursor<'_>) -> Vec<(String, Option<Text>)> {
    let mut flags = Vec::new();
    for (name, at) in at.entries() {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || name.starts_with('-') || !name.chars().all(fits) {
            at.key_error(format!(
                "{name:?} is no flag; write it without leading dashes"
            ));
            continue;
        }
        let value: Arc<str> = match &at.located().value {
            Value::String(text) => text.clone(),
            Value::Bool(value) => value.to_string().into(),
            Value::Int(value) => value.to_string().into(),
            other => {
                at.error(format!("must be a string, not {}", other.kind()));
                continue;
            }
        };
        let value = Text {
            text: value,
            location: at.location(),
        };
        flags.push((name.to_string(), Some(value)));
    }
    flags
}

fn label(key: &Arc<str>, at: &Cursor<'_>) -> Option<(Spanned<String>, Text)> {
    if let Err(rule) = label_key(key) {
        at.key_error(rule);
        return None;
    }
    let value = text(at)?;
    if !value.is_template()
        && let Err(rule) = label_value(&value.text)
    {
        at.error(rule);
        return None;
    }
    let key = Spanned {
        value: key.to_string(),
        location: at.key_location(),
    };
    Some((key, value))
}

fn taint(name: &Arc<str>, at: &Cursor<'_>) -> Option<Taint> {
    let (key, effect) = match taint_name(name) {
        Ok(parts) => parts,
        Err(rule) => {
            at.key_error(rule);
            return None;
        }
    };
    let value = at.parse(|value| label_value(value).map(|()| value.to_owned()))?;
    Some(Taint {
        key: key.to_owned(),
        effect: effect.to_owned(),
        value,
    })
}

fn overlay(name: &Arc<str>, at: &Cursor<'_>) -> Option<OverlayUse> {
    let fields = at.fields()?;
    let replace = fields
        .optional("replace")
        .and_then(|replace| replace.bool());
    fields.finish();
    Some(OverlayUse {
        name: Spanned {
            value: name.to_string(),
            location: at.key_location(),
        },
        replace: replace.unwrap_or(false),
    })
}
