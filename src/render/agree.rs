//! Whether files of a node agree with one another and with the kubelet's configuration: control groups, the sandbox
//! image, kernel settings. In: a finished tree. Out: findings; each of these mistakes shows only when pods fail.

mod logind;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::compile::images;
use crate::compile::images::Image;
use crate::compile::registries::FOLDER;
use crate::host_files::registry_mirrors;
use crate::inventory::{DEFAULT_REGISTRY, Registry, Spec};
use crate::kubernetes::runtime::{self, RuntimeKind};
use crate::model::FieldLocation;
use crate::render::other_runtimes;
use crate::report::{Finding, Id};
use crate::tree::{Content, Entry, EntryKind, NodeTree};

/// containerd's configuration.
const CONTAINERD: &str = "/etc/containerd/config.toml";
/// What a kubelet with protectKernelDefaults asks the kernel to have (pkg/kubelet/cm, setupKernelTunables).
const KERNEL_DEFAULTS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// What is known of the node beside its tree.
pub struct Known<'a> {
    /// The merged layers.
    pub spec: &'a Spec,
    /// The kubelet's configuration, rendered.
    pub config: &'a Json,
    /// The kubelet's flags, rendered.
    pub flags: &'a Map<String, Json>,
    /// The images that come with the node.
    pub images: &'a [Image],
}

/// All disagreements.
pub fn check(tree: &NodeTree, known: &Known<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let kind = runtime_kind(known);
    let config = text_at(tree, CONTAINERD).filter(|_| kind == RuntimeKind::Containerd);
    if let Some((entry, text)) = config {
        findings.extend(cgroup_driver(entry, text, known));
        findings.extend(sandbox_image(entry, text, known));
        if known.spec.containerd.reads_hosts() {
            findings.extend(registries(entry, text, known));
        }
    }
    if !known.spec.containerd.reads_hosts() && kind == RuntimeKind::Containerd {
        findings.extend(registry_tables(text_at(tree, CONTAINERD), known));
    }
    if known.config.get("protectKernelDefaults") == Some(&Json::Bool(true)) {
        findings.extend(kernel_defaults(tree, known));
    }
    findings.extend(logind::check(tree, known));
    let sandbox = sandbox_of(tree, kind, known.flags);
    let there = (sandbox.as_deref(), known.images);
    findings.extend(images::check(tree, known.spec, known.config, there));
    findings
}

/// The runtime that the kubelet talks to.
fn runtime_kind(known: &Known<'_>) -> RuntimeKind {
    let minor = known.spec.kubernetes.value.minor();
    runtime::kind(runtime::endpoint(known.flags, known.config, minor))
}

/// The sandbox's image: what the runtime itself is told counts before what the inventory would tell it.
pub fn sandbox_of(tree: &NodeTree, kind: RuntimeKind, flags: &Map<String, Json>) -> Option<String> {
    if kind != RuntimeKind::Containerd {
        return other_runtimes::sandbox_of(tree, kind, flags);
    }
    let (_, text) = text_at(tree, CONTAINERD)?;
    used_sandbox(text).map(str::to_owned)
}

fn text_at<'t>(tree: &'t NodeTree, path: &str) -> Option<(&'t Entry, &'t str)> {
    let entry = tree.get(path)?;
    Some((entry, text(entry)?))
}

fn text(entry: &Entry) -> Option<&str> {
    match &entry.kind {
        EntryKind::File(Content::Blob(blob)) => std::str::from_utf8(blob.bytes()).ok(),
        _ => None,
    }
}

/// The last value of a key in a TOML file, in whichever table: these keys have one meaning.
fn toml_value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    toml_values(text, key).last()
}

fn toml_values<'t>(text: &'t str, key: &str) -> impl Iterator<Item = &'t str> {
    text.lines().filter_map(move |line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.split(" #").next().unwrap_or_default().trim())
    })
}

/// Where the user set a field of the kubelet's configuration, or else the version.
fn location_of(known: &Known<'_>, field: &str) -> FieldLocation {
    let config = known.spec.kubelet.config.as_ref();
    let location = config.and_then(|config| config.value.get(field));
    let location = location.map_or(&known.spec.kubernetes.location.at, |at| &at.location);
    FieldLocation::new(location.clone(), format!("kubelet.config.{field}"))
}

/// Both must ask the same manager for control groups, or pods are killed under memory pressure without reason. The
/// kubelet's own default is cgroupfs.
fn cgroup_driver(entry: &Entry, text: &str, known: &Known<'_>) -> Option<Finding> {
    let flag = known.flags.get("cgroup-driver");
    let driver = known.config.get("cgroupDriver").or(flag);
    let driver = driver.and_then(Json::as_str).unwrap_or("cgroupfs");
    // Each runtime has its own; one that differs is enough.
    let told = toml_values(text, "SystemdCgroup");
    let told = told.filter_map(|value| value.parse::<bool>().ok());
    let systemd = { told }.find(|systemd| *systemd != (driver == "systemd"))?;
    let rule = format!(
        "the kubelet's cgroup driver is {driver}, and {CONTAINERD} of {} has SystemdCgroup = {systemd}",
        entry.origin
    );
    Some(
        location_of(known, "cgroupDriver")
            .finding(Id::RuntimeDisagrees, rule)
            .help("let both say the same"),
    )
}

/// The sandbox image in containerd's configuration.
fn used_sandbox(text: &str) -> Option<&str> {
    let used = toml_value(text, "sandbox_image").or_else(|| toml_value(text, "sandbox"))?;
    Some(used.trim_matches(['"', '\'']))
}

/// A kubelet that is told of another image removes the one in use when the disk fills up.
fn sandbox_image(entry: &Entry, text: &str, known: &Known<'_>) -> Option<Finding> {
    let told = known.flags.get("pod-infra-container-image")?.as_str()?;
    let used = used_sandbox(text)?;
    if used == told {
        return None;
    }
    let rule = format!(
        "pod-infra-container-image is {told}, and {CONTAINERD} of {} has {used}",
        entry.origin
    );
    let flags = &known.spec.kubelet.flags;
    let flag = flags
        .iter()
        .find(|(name, _)| name == "pod-infra-container-image");
    let location = flag
        .and_then(|(_, text)| text.as_ref())
        .map(|text| &text.location);
    let location = location.unwrap_or(&known.spec.containerd.sandbox_image.location);
    Some(
        location
            .finding(Id::RuntimeDisagrees, rule)
            .help("let both name one image"),
    )
}

fn registries(entry: &Entry, text: &str, known: &Known<'_>) -> Option<Finding> {
    let first = known.spec.registries.first()?;
    if text.contains(FOLDER) {
        return None;
    }
    let rule = format!(
        "{CONTAINERD} of {} has no config_path = \"{FOLDER}\", so nobody reads the registries",
        entry.origin
    );
    Some(
        first
            .host
            .location
            .finding(Id::RegistriesUnused, rule)
            .help("set it there"),
    )
}

/// containerd 1.3 and 1.4 know of registries what their configuration says.
fn registry_tables(config: Option<(&Entry, &str)>, known: &Known<'_>) -> Option<Finding> {
    let there = config.map_or_else(Vec::new, |(_, text)| registry_mirrors(text));
    let name = |registry: &Registry| match registry.host.value.as_str() {
        DEFAULT_REGISTRY => "*".to_owned(),
        host => host.to_owned(),
    };
    let mut all = known.spec.registries.iter();
    let missing = all.find(|registry| !there.contains(&name(registry)))?;
    let (rule, repair) = match config {
        Some((entry, _)) => (
            format!(
                "{CONTAINERD} of {} has no table registry.mirrors.{:?}, so nobody reads this registry",
                entry.origin,
                name(missing)
            ),
            "write {{ containerd.registryTables }} into it",
        ),
        None => (
            format!("the registries go into {CONTAINERD}, which nothing writes"),
            "add the overlay `containerd`",
        ),
    };
    let finding = missing.host.location.finding(Id::RegistriesUnused, rule);
    Some(finding.help(repair))
}

/// The kubelet refuses to start when the kernel differs; of our own files the last one in name order counts
/// (sysctl.d(5)).
fn kernel_defaults(tree: &NodeTree, known: &Known<'_>) -> Vec<Finding> {
    let set = sysctls(tree);
    KERNEL_DEFAULTS
        .iter()
        .filter_map(|(key, wanted)| {
            let (value, path, entry) = set.get(*key)?;
            (value != wanted).then(|| {
                let rule = format!(
                    "the kubelet insists on {} = {wanted}, and {path} of {} sets {value}",
                    key.replace('/', "."),
                    entry.origin
                );
                let repair = "set it as the kubelet wants, or protectKernelDefaults to false";
                location_of(known, "protectKernelDefaults")
                    .finding(Id::KernelSettingDisagrees, rule)
                    .help(repair)
            })
        })
        .collect()
}

/// Those of the settings which neither a file of the payload sets nor the kernel has by itself: the image must.
pub fn unset_kernel_defaults(tree: &NodeTree) -> impl Iterator<Item = String> {
    const NOT_THE_KERNELS: [&str; 3] = [
        "vm/overcommit_memory",
        "kernel/panic",
        "kernel/panic_on_oops",
    ];
    let set = sysctls(tree);
    let unset = move |key: &str| NOT_THE_KERNELS.contains(&key) && !set.contains_key(key);
    let wanted = KERNEL_DEFAULTS.iter().filter(move |(key, _)| unset(key));
    wanted.map(|(key, value)| format!("{} = {value}", key.replace('/', ".")))
}

/// What sysctl files of the payload set, with file and writer; the last in the order of names counts.
fn sysctls(tree: &NodeTree) -> BTreeMap<String, (&str, &str, &Entry)> {
    let in_folder = |path: &str| {
        let folders = ["/etc/sysctl.d/", "/usr/lib/sysctl.d/"];
        path.ends_with(".conf") && folders.iter().any(|folder| path.starts_with(folder))
    };
    let mut files: Vec<_> = tree.entries().iter().collect();
    files.retain(|(path, _)| in_folder(path.as_str()));
    files.sort_by_key(|(path, _)| path.file_name());
    let mut set: BTreeMap<String, (&str, &str, &Entry)> = BTreeMap::new();
    for (path, entry) in files {
        for line in text(entry).unwrap_or_default().lines() {
            let line = line.trim_start_matches('-').trim();
            if line.starts_with(['#', ';']) {
                continue;
            }
            if let Some((key, value)) = line.split_once('=') {
                let key = key.trim().replace('.', "/");
                set.insert(key, (value.trim(), path.as_str(), entry));
            }
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_table() {
        let text = "version = 2\n[a.\"b\"]\n  SystemdCgroup = true # why\n[c]\nsandbox_image = \"x/y:1\"\n";
        assert_eq!(toml_value(text, "SystemdCgroup"), Some("true"));
        assert_eq!(toml_value(text, "sandbox_image"), Some("\"x/y:1\""));
        assert_eq!(toml_value(text, "Cgroup"), None);
    }
}
