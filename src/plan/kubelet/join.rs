//! Whether a kubelet reads its configuration and finds its API server: flags that a profile sets, and that a `null` in a layer
//! above takes away. Source: cmd/kubelet/app/server.go, NewKubeletCommand and run.

use crate::inventory::{ClientIdentity, Spec, Text, child_path};
use crate::model::FieldLocation;
use crate::report::{Id, Report};

/// Adds a finding for each flag that is missing. A layer without any flags starts its kubelet in another way.
pub fn check(spec: &Spec, flags: &[(String, Option<Text>)], report: &mut Report) {
    if flags.is_empty() {
        return;
    }
    let is_set = |name: &str| {
        let mut all = flags.iter();
        all.any(|(flag, text)| {
            flag == name && text.as_ref().is_some_and(|text| !text.text.is_empty())
        })
    };
    if !is_set("config") && spec.kubelet.config.is_some() {
        let rule =
            "is not set, so the kubelet reads nothing of kubelet.config, and everybody may call it";
        let finding = location(spec, flags, "config").finding(Id::KubeletConfigUnread, rule);
        report.add(finding.help("set it to \"{{ paths.kubeletConfig }}\""));
    }
    // One that brings its certificate has a finding of its own.
    if !is_set("kubeconfig") && spec.identity.client.value == ClientIdentity::BootstrapToken {
        let rule = "is not set, so the kubelet runs alone, and its node never joins";
        let finding = location(spec, flags, "kubeconfig").finding(Id::KubeletStandalone, rule);
        report.add(finding.help("set it to \"{{ paths.kubeconfig }}\""));
    }
}

/// Where a flag is set; where it is missing, the flags of the layer that spoke of them last.
pub fn location(spec: &Spec, flags: &[(String, Option<Text>)], name: &str) -> FieldLocation {
    let set = flags.iter().find(|(flag, _)| flag == name);
    if let Some(text) = set.and_then(|(_, text)| text.as_ref()) {
        return text.location.clone();
    }
    let path = child_path("kubelet.flags", name);
    let all = spec
        .merged
        .get("kubelet")
        .and_then(|kubelet| kubelet.get("flags"));
    let at = all.map_or(&spec.kubernetes.location.at, |all| &all.location);
    FieldLocation::new(at.clone(), path)
}
