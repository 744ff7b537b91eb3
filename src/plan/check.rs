//! Rules between layers and versions that need no template to be rendered.

use crate::inventory::{Inventory, Spec};
use crate::kubernetes::kubelet_config::Schema;
use crate::report::{Id, Report};

/// Well-known paths that generators write to.
const PATHS: [&str; 5] = [
    "kubeletConfig",
    "bootstrapKubeconfig",
    "clusterCA",
    "servingCertificate",
    "servingKey",
];

/// Checks every spec once, however many nodes share it.
pub fn check(inventory: &Inventory, report: &mut Report) {
    for spec in &inventory.specs {
        version(spec, report);
        paths(spec, report);
    }
}

fn version(spec: &Spec, report: &mut Report) {
    let known = Schema::load().minors();
    let minor = spec.kubernetes.value.minor();
    if !known.contains(&minor) {
        let rule = format!(
            "Kubernetes 1.{minor} is not known here; 1.{} to 1.{} are",
            known.start(),
            known.end()
        );
        report.add(
            spec.kubernetes
                .location
                .finding(Id::KubernetesUnknown, rule),
        );
    }
}

fn paths(spec: &Spec, report: &mut Report) {
    for name in PATHS {
        if !spec.paths.iter().any(|(known, _)| known == name) {
            let rule = format!("paths.{name} is not set by any layer");
            report.add(
                spec.kubernetes
                    .location
                    .finding(Id::PathSettingMissing, rule)
                    .help("set it in a profile"),
            );
        }
    }
}
