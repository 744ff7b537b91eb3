//! Rules of the API's validation that look at more than one struct of a pod's spec: names that are there twice, mounts and volumes, ports,
//! probes by their kind, settings of the pod that exclude one another. Source: kubernetes `pkg/apis/core/validation/validation.go`,
//! ValidatePodCreate.

use std::collections::{BTreeMap, HashSet};

use crate::host_files::static_pod::container::Container;
use crate::host_files::static_pod::pod_resources;
use crate::host_files::static_pod::walk::{Walk, is_true, items, set, text};
use crate::yaml::{Located, Value};

/// The first minor whose pods have scheduling gates.
const GATES: u32 = 26;

/// Checks a spec.
pub fn check(walk: &mut Walk<'_>, spec: &Located) {
    let volumes = volumes(walk, spec);
    if items(spec, "containers").is_empty() && set(spec, "containers").is_none_or(is_list) {
        let at = set(spec, "containers").unwrap_or(spec);
        walk.invalid(at, "containers", "a pod needs a container");
    }
    let mut names = HashSet::new();
    // Of the ports of init containers each counts for itself, for they run one by one.
    let mut taken = HashSet::new();
    for kind in ["containers", "initContainers"] {
        for (index, container) in items(spec, kind).iter().enumerate() {
            if let Some(name) = text(container, "name").filter(|name| !names.insert(*name))
                && let Some(value) = set(container, "name")
            {
                let rule = format!("must be there once; {name:?} is there twice");
                walk.item(kind, index, |walk| walk.invalid(value, "name", &rule));
            }
            if kind == "initContainers" {
                taken.clear();
            }
            walk.item(kind, index, |walk| {
                let is_init = kind == "initContainers";
                Container::new(walk, container, spec).check(&volumes, &mut taken, is_init);
            });
        }
    }
    if let Some(value) =
        set(spec, "ephemeralContainers").filter(|_| !items(spec, "ephemeralContainers").is_empty())
    {
        let rule =
            "must not be set: containers of this kind are added to a running pod through the API";
        walk.invalid(value, "ephemeralContainers", rule);
    }
    if let Some(value) = set(spec, "schedulingGates")
        .filter(|_| walk.minor >= GATES && !items(spec, "schedulingGates").is_empty())
    {
        let rule = "must not be set: a static pod has its node already";
        walk.invalid(value, "schedulingGates", rule);
    }
    pod(walk, spec);
    pod_resources::check(walk, spec);
    spread(walk, spec);
}

fn is_list(value: &Located) -> bool {
    matches!(value.value, Value::List(_))
}

/// The volumes by name, each with whether it is a claim.
fn volumes<'v>(walk: &mut Walk<'_>, spec: &'v Located) -> BTreeMap<&'v str, bool> {
    let mut names = BTreeMap::new();
    for (index, volume) in items(spec, "volumes").iter().enumerate() {
        let Some(name) = text(volume, "name") else {
            let at = set(volume, "name").unwrap_or(volume);
            walk.item("volumes", index, |walk| {
                walk.invalid(at, "name", "must be set")
            });
            continue;
        };
        let is_claim = ["persistentVolumeClaim", "ephemeral"]
            .iter()
            .any(|key| set(volume, key).is_some());
        if names.insert(name, is_claim).is_some()
            && let Some(value) = set(volume, "name")
        {
            let rule = format!("must be there once; {name:?} is there twice");
            walk.item("volumes", index, |walk| walk.invalid(value, "name", &rule));
        }
    }
    names
}

/// Settings of the pod as a whole.
fn pod(walk: &mut Walk<'_>, spec: &Located) {
    if is_true(spec, "hostPID") && is_true(spec, "shareProcessNamespace") {
        let value = set(spec, "shareProcessNamespace").unwrap_or(spec);
        walk.invalid(
            value,
            "shareProcessNamespace",
            "must not be true where hostPID is true",
        );
    }
    if text(spec, "dnsPolicy") == Some("None") {
        let servers = set(spec, "dnsConfig").map_or(&[][..], |config| items(config, "nameservers"));
        if servers.is_empty() {
            let value = set(spec, "dnsConfig")
                .or(set(spec, "dnsPolicy"))
                .unwrap_or(spec);
            let rule = "must have a server where dnsPolicy is None";
            walk.invalid(value, "dnsConfig.nameservers", rule);
        }
    }
    let own_users = set(spec, "hostUsers").is_some_and(|value| value.value == Value::Bool(false));
    if own_users && walk.minor >= 25 {
        for field in ["hostNetwork", "hostPID", "hostIPC"] {
            if let Some(value) = set(spec, field).filter(|_| is_true(spec, field)) {
                walk.invalid(value, field, "must not be true where hostUsers is false");
            }
        }
    }
    let minor = walk.minor;
    let all = ["initContainers", "containers"]
        .iter()
        .flat_map(|kind| items(spec, kind));
    for container in all.filter(|_| !own_users && minor >= 30) {
        let context = set(container, "securityContext");
        if let Some(value) = context.and_then(|context| set(context, "procMount"))
            && value.as_str() == Some("Unmasked")
        {
            let rule = "must be Unmasked only where hostUsers is false";
            walk.invalid(value, "securityContext.procMount", rule);
        }
    }
    let account = ["serviceAccountName", "serviceAccount"]
        .iter()
        .find_map(|key| text(spec, key));
    // From 1.34 on every such token is refused, as a reference.
    let is_said_here = account.is_none() && minor < 34;
    for volume in items(spec, "volumes").iter().filter(|_| is_said_here) {
        let sources =
            set(volume, "projected").map_or(&[][..], |projected| items(projected, "sources"));
        for token in sources
            .iter()
            .filter_map(|source| set(source, "serviceAccountToken"))
        {
            let rule = "must not be set where serviceAccountName is not";
            walk.invalid(token, "volumes.projected.sources.serviceAccountToken", rule);
        }
    }
    let context = set(spec, "securityContext");
    let mut seen = HashSet::new();
    for (index, sysctl) in context
        .map_or(&[][..], |context| items(context, "sysctls"))
        .iter()
        .enumerate()
    {
        let (Some(name), Some(value)) = (text(sysctl, "name"), set(sysctl, "name")) else {
            continue;
        };
        let field = format!("securityContext.sysctls[{index}].name");
        if !seen.insert(name) {
            walk.invalid(value, &field, "must be there once");
        }
        // `pkg/util/sysctl`: the namespaces that settings belong to. Before 1.29 the kubelet alone looked at it.
        let name = name.replace('/', ".");
        let is_ipc = ["kernel.shm", "kernel.msg", "fs.mqueue."]
            .iter()
            .any(|prefix| name.starts_with(prefix))
            || name == "kernel.sem";
        for (of, is_of) in [
            ("hostNetwork", name.starts_with("net.")),
            ("hostIPC", is_ipc),
        ] {
            if is_of && is_true(spec, of) && walk.minor >= 29 {
                walk.invalid(
                    value,
                    &field,
                    &format!("must not be set where {of} is true"),
                );
            }
        }
    }
}

fn spread(walk: &mut Walk<'_>, spec: &Located) {
    let mut seen = HashSet::new();
    for (index, constraint) in items(spec, "topologySpreadConstraints").iter().enumerate() {
        for field in ["maxSkew", "topologyKey", "whenUnsatisfiable"] {
            if set(constraint, field).is_none() {
                let path = format!("topologySpreadConstraints[{index}].{field}");
                walk.invalid(constraint, &path, "must be set");
            }
        }
        let key = (
            text(constraint, "topologyKey"),
            text(constraint, "whenUnsatisfiable"),
        );
        if !seen.insert(key) {
            let path = format!("topologySpreadConstraints[{index}]");
            walk.invalid(
                constraint,
                &path,
                "must be there once for a topologyKey and whenUnsatisfiable",
            );
        }
    }
}
