//! Runtimes that are not containerd: their files in a tree, and whether these agree with the kubelet. What the inventory says of
//! containerd is nothing to them. In: a finished tree and the kubelet's endpoint. Out: findings.

use serde_json::{Map, Value as Json};

use crate::host_files::{Crio, crio, docker_cgroup_driver};
use crate::inventory::{Registry, Spec};
use crate::kubernetes::runtime::{self, RuntimeKind};
use crate::model::FieldLocation;
use crate::render::containerd_files::text_of;
use crate::report::{Finding, Id};
use crate::tree::NodeTree;
use crate::yaml::Located;

/// CRI-O's main file and the folder of those that follow it.
const CRIO: &str = "/etc/crio/crio.conf";
const CRIO_FOLDER: &str = "/etc/crio/crio.conf.d/";
const DOCKER: &str = "/etc/docker/daemon.json";
/// The overlay that configures containerd, which Docker runs on.
const CONTAINERD: &str = "containerd";
/// What containerd reads that is nothing to its CRI plugin.
const OF_CONTAINERD: [&str; 4] = ["version", "root", "state", "imports"];

/// What a tree tells CRI-O.
pub fn crio_of(tree: &NodeTree) -> Crio {
    let main = tree.entries().get_key_value(CRIO);
    let others = tree.entries().iter();
    let others = others.filter(|(path, _)| {
        let name = path.as_str().strip_prefix(CRIO_FOLDER);
        name.is_some_and(|name| !name.contains('/'))
    });
    let texts = main.into_iter().chain(others);
    let texts: Vec<String> = texts
        .filter_map(|(_, entry)| text_of(&entry.kind))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    crio(&texts)
}

/// Who makes Docker's control groups, where the tree says it.
pub fn docker_driver_of(tree: &NodeTree) -> Option<String> {
    docker_cgroup_driver(&text_of(&tree.get(DOCKER)?.kind)?)
}

/// Who makes the kubelet's control groups (its own default is cgroupfs).
pub fn kubelet_driver<'k>(config: &'k Json, flags: &'k Map<String, Json>) -> &'k str {
    let driver = config
        .get("cgroupDriver")
        .or_else(|| flags.get("cgroup-driver"));
    driver.and_then(Json::as_str).unwrap_or("cgroupfs")
}

/// The image of the pause container, where a runtime that is not containerd is told of one in the tree.
pub fn sandbox_of(tree: &NodeTree, kind: RuntimeKind, flags: &Map<String, Json>) -> Option<String> {
    match kind {
        RuntimeKind::Crio => crio_of(tree).pause_image,
        RuntimeKind::Containerd | RuntimeKind::CriDockerd => None,
        // dockershim is a part of the kubelet.
        RuntimeKind::Docker => {
            let flag = flags.get("pod-infra-container-image");
            flag.and_then(Json::as_str).map(str::to_owned)
        }
    }
}

/// Whether somebody who pulls must be told more of a registry than its name.
pub fn has_settings(registry: &Registry) -> bool {
    let has_access = registry.accesses().any(|access| {
        access.login.is_some()
            || access.client.is_some()
            || access.skip_verify
            || !access.headers.is_empty()
    });
    has_access || registry.server.is_some() || registry.ca.is_some() || !registry.mirrors.is_empty()
}

/// What does not agree, where the kubelet's runtime is not containerd.
pub(super) fn check(
    tree: &NodeTree,
    spec: &Spec,
    config: &Json,
    flags: &Map<String, Json>,
) -> Vec<Finding> {
    let endpoint = runtime::endpoint(flags, config, spec.kubernetes.value.minor());
    let kind = runtime::kind(endpoint);
    let mut findings = Vec::new();
    if kind == RuntimeKind::Containerd {
        return findings;
    }
    let location = |field: &str| {
        let set = spec.kubelet.config.as_ref();
        let set = set.and_then(|config| config.value.get(field));
        let at = set.map_or(&spec.kubernetes.location.at, |at| &at.location);
        FieldLocation::new(at.clone(), format!("kubelet.config.{field}"))
    };
    let driver = kubelet_driver(config, flags);
    let told = match kind {
        RuntimeKind::Crio => crio_of(tree).cgroup_manager.map(|manager| (CRIO, manager)),
        _ => docker_driver_of(tree).map(|driver| (DOCKER, driver)),
    };
    if let Some((file, manager)) = told.filter(|(_, manager)| manager != driver) {
        let rule = format!(
            "the kubelet's cgroup driver is {driver}, and {file} or a file beside it has {manager} for {}",
            kind.name()
        );
        let finding = location("cgroupDriver").finding(Id::RuntimeDisagrees, rule);
        findings.push(finding.help("let both say the same"));
    }
    findings.extend(unread(spec, kind, endpoint));
    findings
}

/// What the inventory says that only containerd would read.
fn unread(spec: &Spec, kind: RuntimeKind, endpoint: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = kind.name();
    if let Some(first) = spec
        .registries
        .iter()
        .find(|registry| has_settings(registry))
    {
        let rule =
            format!("{name} reads none of it: nodebake tells containerd alone of registries");
        let finding = first.host.location.finding(Id::RuntimeSettingUnread, rule);
        findings.push(finding.help(format!(
            "write {} by `files`, and remove the registry here",
            registries_file(kind)
        )));
    }
    let mut found = |at: &Located, path: String, rule: &str| {
        let rule = format!("{name} reads none of it: {rule}, and the kubelet talks to {endpoint}");
        let location = FieldLocation::new(at.location.clone(), path);
        let finding = location.finding(Id::RuntimeSettingUnread, rule);
        findings.push(finding.help(format!("remove it, or configure {name} by `files`")));
    };
    let uses_containerd = spec
        .overlays
        .iter()
        .any(|used| used.name.value == CONTAINERD);
    let containerd = spec.merged.get("containerd").and_then(Located::as_map);
    for (key, field) in containerd.into_iter().flat_map(|map| map.iter()) {
        let is_read = uses_containerd && OF_CONTAINERD.contains(&&**key);
        // A profile for an operating system says what its containerd must know.
        let is_built_in = field.value.location.file.starts_with("built-in:");
        if !is_read && !is_built_in {
            found(
                &field.value,
                format!("containerd.{key}"),
                "it is for containerd",
            );
        }
    }
    if !spec.images.is_empty()
        && let Some(images) = spec.merged.get("images")
    {
        found(images, "images".to_owned(), "containerd's ctr imports them");
    }
    findings
}

/// Where a runtime is told of registries.
pub fn registries_file(kind: RuntimeKind) -> &'static str {
    match kind {
        RuntimeKind::Containerd => "/etc/containerd/certs.d/REGISTRY/hosts.toml",
        RuntimeKind::Crio => "/etc/containers/registries.conf.d/*.conf",
        RuntimeKind::CriDockerd | RuntimeKind::Docker => "/etc/docker/daemon.json",
    }
}
