//! Whether anything on the node starts a kubelet that joins this cluster, and the programs that units start are those
//! which are brought. In: a finished tree. Out: findings.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::inventory::Spec;
use crate::model::{FieldLocation, NodePath};
use crate::plan::{NodePlan, needs_token};
use crate::render::NodeRendering;
use crate::render::facts::Flags;
use crate::render::kube_proxy::KIND as KUBE_PROXY;
use crate::render::kubelet_unit::KUBELET;
use crate::report::{Finding, Id};
use crate::tree::{Content, Entry, EntryKind, NodeTree, Unit};

/// Paths of kubeadm's: the unit of Kubernetes' packages starts a kubelet with them.
const KUBEADM: [(&str, &str); 2] = [
    (
        "bootstrapKubeconfig",
        "/etc/kubernetes/bootstrap-kubelet.conf",
    ),
    ("kubeletConfig", "/var/lib/kubelet/config.yaml"),
];
/// Programs whose path is known by their name: nobody brings a second one that is not meant.
const PROGRAMS: [&str; 5] = ["kubelet", "containerd", "haproxy", "crio", "kube-proxy"];

/// The paths of a node, rendered, by name.
pub(super) type Paths = serde_json::Map<String, Json>;

impl NodeRendering<'_> {
    /// Finds a kubelet that nothing starts, and programs that are elsewhere.
    pub(super) fn check_starts(&mut self, node: &NodePlan, paths: &Paths, flags: &Flags) {
        let tree = self.builder.so_far();
        let mut findings = programs(tree, |path| self.builder.entry_location(path));
        findings.extend(kubelet(tree, node, paths, flags));
        self.builder.fail(findings);
    }
}

/// Finds a node on which nothing starts a kubelet with our kubeconfig.
fn kubelet(tree: &NodeTree, node: &NodePlan, paths: &Paths, flags: &Flags) -> Option<Finding> {
    let path = |map: &Paths, name: &str| map.get(name)?.as_str().map(str::to_owned);
    let bootstrap = path(paths, "bootstrapKubeconfig");
    let bootstrap = bootstrap.filter(|_| needs_token(Some(&node.class.spec)));
    let kubeconfigs: Vec<String> = bootstrap
        .into_iter()
        .chain(path(flags, "kubeconfig"))
        .collect();
    if kubeconfigs.is_empty() {
        // A certificate that nothing names has its finding.
        return None;
    }
    let names = |text: &str| kubeconfigs.iter().any(|path| text.contains(path.as_str()));
    let units = tree.units().iter().filter(|(_, unit)| !unit.masked);
    let naming: Vec<(&String, &Unit)> = units
        .filter(|(_, unit)| texts_of(unit).any(|text| names(&text)))
        .collect();
    if naming
        .iter()
        .any(|(name, unit)| is_started(tree, name, unit))
    {
        return None;
    }
    let is_kubeadms = || {
        KUBEADM
            .iter()
            .all(|(name, at)| path(paths, name).as_deref() == Some(at))
    };
    let image_unit = tree.units().get(KUBELET);
    let image_unit = image_unit.filter(|unit| unit.text.is_none() && unit.enabled == Some(true));
    if (image_unit.is_some() && is_kubeadms()) || files(tree).any(|text| names(&text)) {
        return None;
    }
    let location = &node.class.spec.kubernetes.location;
    let location = FieldLocation::new(location.at.clone(), "profiles");
    let Some((first, _)) = naming.first() else {
        let with = kubeconfigs.join(" or ");
        let rule = format!("nothing on the node starts a kubelet with {with}, so it never joins");
        let repair = "add the profile `worker` before that of the operating system, or a unit that starts a kubelet";
        return Some(location.finding(Id::KubeletNotStarted, rule).help(repair));
    };
    let rule = format!("{first} starts the kubelet, and nothing starts {first} at boot");
    let repair = format!("set units.{first}.enabled to true");
    Some(location.finding(Id::KubeletNotStarted, rule).help(repair))
}

/// Whether a unit is enabled, or something else of ours starts it: a link, another unit, a preset, a script.
fn is_started(tree: &NodeTree, name: &str, unit: &Unit) -> bool {
    let is_link = |(path, entry): (&NodePath, &Entry)| {
        matches!(entry.kind, EntryKind::Symlink(_)) && path.file_name() == name
    };
    let mut others = tree.units().iter().filter(|(other, _)| *other != name);
    unit.enabled == Some(true)
        || tree.entries().iter().any(is_link)
        || others.any(|(_, other)| other.effective().starts(name))
        || files(tree).any(|text| text.contains(name))
}

/// Whether anything of a node may start a kubelet, ours or another one, joining or not. Only what is known to start none
/// counts as none: a unit that is not enabled, a script that names a kubelet, a program whose content is not looked at.
pub(super) fn may_start_any(tree: &NodeTree, spec: &Spec) -> bool {
    const WORD: &str = "kubelet";
    let has = |content: &Content| match content {
        Content::Blob(blob) => String::from_utf8_lossy(blob.bytes()).contains(WORD),
        Content::Asset(_) => true,
    };
    let mut units = tree.units().iter().filter(|(_, unit)| !unit.masked);
    let of_units = units.any(|(name, unit)| {
        let mut texts = unit.text.iter().chain(unit.dropins.values());
        name.contains(WORD) || texts.any(|(content, _)| has(content))
    });
    let written = tree.entries().iter();
    let mut written = written.filter(|(_, entry)| !entry.origin.is_generator());
    let of_files = written.any(|(path, entry)| match &entry.kind {
        EntryKind::Symlink(target) => path.as_str().contains(WORD) || target.contains(WORD),
        EntryKind::File(Content::Asset(_)) => entry.mode & 0o111 != 0,
        EntryKind::File(content) => has(content),
        EntryKind::Directory => false,
    });
    let cloud = &spec.output.cloud_init;
    let of_image = !cloud.parts.is_empty() || cloud.vendor_data.is_some();
    of_units || of_files || of_image
}

fn texts_of(unit: &Unit) -> impl Iterator<Item = Cow<'_, str>> {
    let texts = unit.text.iter().chain(unit.dropins.values());
    texts.filter_map(|(content, _)| match content {
        Content::Blob(blob) => Some(String::from_utf8_lossy(blob.bytes())),
        Content::Asset(_) => None,
    })
}

/// The texts of files that somebody wrote; what is generated names these paths and starts nothing, and kube-proxy's
/// configuration names the kubelet's kubeconfig.
fn files(tree: &NodeTree) -> impl Iterator<Item = Cow<'_, str>> {
    let written = tree
        .entries()
        .values()
        .filter(|entry| !entry.origin.is_generator());
    let texts = written.filter_map(|entry| match &entry.kind {
        EntryKind::File(Content::Blob(blob)) => Some(String::from_utf8_lossy(blob.bytes())),
        _ => None,
    });
    texts.filter(|text| !text.contains(KUBE_PROXY))
}

/// Finds units that start a program at one path while the payload brings it at another one.
fn programs(
    tree: &NodeTree,
    location_of: impl Fn(&NodePath) -> Option<FieldLocation>,
) -> Vec<Finding> {
    let mut brought: BTreeMap<&str, Vec<&NodePath>> = BTreeMap::new();
    for (path, entry) in tree.entries() {
        let is_program = matches!(entry.kind, EntryKind::File(_)) && entry.mode & 0o111 != 0;
        if is_program && PROGRAMS.contains(&path.file_name()) {
            brought.entry(path.file_name()).or_default().push(path);
        }
    }
    if brought.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (name, unit) in tree.units().iter().filter(|(_, unit)| !unit.masked) {
        for command in unit.effective().commands("ExecStart") {
            let Some(program) = command.first() else {
                continue;
            };
            let own = program.rsplit('/').next().unwrap_or_default();
            let Some(paths) = brought.get(own).filter(|_| tree.missing(program).is_some()) else {
                continue;
            };
            let Some((path, location)) = paths.iter().find_map(|at| Some((at, location_of(at)?)))
            else {
                continue;
            };
            let rule = format!("{name} starts {program}, and this is {path}");
            let name = if own == "kube-proxy" {
                "kubeProxy"
            } else {
                own
            };
            let repair = format!("write it to {program}, or set paths.{name} to {path}");
            findings.push(location.finding(Id::ProgramElsewhere, rule).help(repair));
        }
    }
    findings
}
