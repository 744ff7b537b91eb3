//! Paths that the kubelet, its kubeconfigs and the units are told and that the payload does not contain: each must come
//! with the image, or nobody has it.

use crate::kubernetes::paths::{PathUse, told};
use crate::kubernetes::runtime;
use crate::preflight::{NeedKind, Needs};
use crate::render::RenderedNode;
use crate::tree::Unit;

/// The kubelet's unit.
const KUBELET_UNIT: &str = "kubelet.service";
/// Where kubeadm has the kubelet's configuration.
const KUBEADM_CONFIG: &str = "/var/lib/kubelet/config.yaml";
/// The drop-in of Kubernetes' packages that starts a kubelet with that file (kubernetes/release, cmd/krel/templates/latest).
const KUBEADM_DROP_IN: &str = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";

/// What the image must have at the paths that are named.
pub(super) fn needs(baked: &RenderedNode, minor: u32, needs: &mut Needs) {
    units(baked, needs);
    let tree = &baked.tree;
    for told in told(&baked.flags, &baked.config, "/") {
        let missing = match told.usage {
            PathUse::Reads | PathUse::Lists => tree.missing(&told.path),
            PathUse::MakesInside => {
                let folder = told.path.rsplit_once('/').map(|(folder, _)| folder);
                folder
                    .filter(|at| !at.is_empty())
                    .and_then(|at| tree.missing(at))
            }
            PathUse::Connects if is_runtime(&told.setting) => None,
            PathUse::Connects => Some(told.path),
            PathUse::Makes | PathUse::Joins => None,
        };
        if let Some(path) = missing {
            needs.add(
                NeedKind::System,
                path,
                format!("the kubelet's {}", name(&told.setting)),
            );
        }
    }
    let endpoint = runtime::endpoint(&baked.flags, &baked.config, minor);
    let why = format!(
        "the kubelet's container runtime, of {}",
        runtime::unit(endpoint)
    );
    needs.add(NeedKind::System, endpoint, why);
    for path in &baked.token_files {
        if let Some(path) = tree.missing(path) {
            let why = "a kubeconfig reads its token there";
            needs.add(NeedKind::System, path, why);
        }
    }
    if let Some(name) = &baked.expected_name {
        let why = "the kubelet registers under the machine's own host name";
        needs.add(NeedKind::System, format!("the host name {name}"), why);
    }
}

/// The runtime's endpoint has one line, whichever setting counts.
fn is_runtime(setting: &str) -> bool {
    let settings = [
        "flags.container-runtime-endpoint",
        "flags.docker-endpoint",
        "config.containerRuntimeEndpoint",
    ];
    settings.contains(&setting)
}

/// Whether a flag of the kubelet has this value.
fn says(baked: &RenderedNode, flag: &str, value: &str) -> bool {
    baked.flags.get(flag).and_then(|set| set.as_str()) == Some(value)
}

/// `--tls-cert-file` or `tlsCertFile`.
fn name(setting: &str) -> String {
    match setting.split_once('.') {
        Some(("flags", flag)) => format!("--{flag}"),
        Some((_, field)) => field.to_owned(),
        None => setting.to_owned(),
    }
}

/// Programs and files of units, and units without a text of ours.
fn units(baked: &RenderedNode, needs: &mut Needs) {
    for (name, unit) in baked.tree.units() {
        if unit.masked || unit.enabled == Some(false) {
            continue;
        }
        if unit.text.is_none() && unit.enabled == Some(true) {
            let why = "a unit of the image that is enabled";
            needs.add(NeedKind::System, name.clone(), why);
            if name == KUBELET_UNIT && says(baked, "config", KUBEADM_CONFIG) {
                let why = "the command of kubelet.service, with kubeadm's paths: of Kubernetes' package kubeadm";
                needs.add(NeedKind::System, KUBEADM_DROP_IN, why);
            }
        }
        if let Some(started) = activated(name, unit).filter(|_| unit.text.is_some()) {
            let known = baked.tree.units().get(&started);
            if known.is_none_or(|known| known.text.is_none()) {
                needs.add(NeedKind::System, started, format!("{name} starts it"));
            }
        }
        for named in unit.effective().paths() {
            if let Some(path) = baked.tree.missing(&named.path) {
                let why = if named.key.starts_with("Exec") {
                    format!("{name} starts it")
                } else {
                    format!("{name} names it as {}", named.key)
                };
                needs.add(NeedKind::System, path, why);
            }
        }
    }
}

/// The unit that a timer, a path or a socket starts (systemd.timer(5), systemd.path(5), systemd.socket(5)).
fn activated(name: &str, unit: &Unit) -> Option<String> {
    let (stem, kind) = name.rsplit_once('.')?;
    let effective = unit.effective();
    let value = |section, key| effective.value(section, key).map(str::to_owned);
    let (said, is_template) = match kind {
        "timer" => (value("Timer", "Unit"), false),
        "path" => (value("Path", "Unit"), false),
        "socket" => {
            let accepts = value("Socket", "Accept");
            let is_template =
                accepts.is_some_and(|text| ["yes", "true", "on", "1"].contains(&text.as_str()));
            (value("Socket", "Service"), is_template)
        }
        _ => return None,
    };
    let at = if is_template { "@" } else { "" };
    Some(said.unwrap_or_else(|| format!("{stem}{at}.service")))
}
