//! Whether the node's files are what its kubelet needs to start: a kubeconfig to join with. In: a finished tree, and the flags.
//! Out: findings.

use serde_json::Value as Json;

use crate::inventory::ClientIdentity;
use crate::model::FieldLocation;
use crate::render::agree::Known;
use crate::report::{Finding, Id};
use crate::tree::NodeTree;

/// All findings.
pub fn check(tree: &NodeTree, known: &Known<'_>) -> Vec<Finding> {
    cannot_join(tree, known).into_iter().collect()
}

/// The text of a flag, unless it is empty.
fn flag<'k>(known: &Known<'k>, name: &str) -> Option<&'k str> {
    let text = known.flags.get(name).and_then(Json::as_str);
    text.filter(|text| !text.is_empty())
}

/// Where a flag is set, else where the layer that spoke of flags last did so.
fn flag_location(known: &Known<'_>, name: &str) -> FieldLocation {
    let spec = known.spec;
    let set = spec.kubelet.flags.iter().find(|(flag, _)| flag == name);
    if let Some(text) = set.and_then(|(_, text)| text.as_ref()) {
        return text.location.clone();
    }
    let kubelet = spec.merged.get("kubelet");
    let flags = kubelet.and_then(|kubelet| kubelet.get("flags"));
    let at = flags.map_or(&spec.kubernetes.location.at, |flags| &flags.location);
    FieldLocation::new(at.clone(), format!("kubelet.flags.{name}"))
}

/// A kubelet without a client certificate needs a bootstrap kubeconfig, or a kubeconfig that is there already. Source:
/// cmd/kubelet/app/server.go, buildKubeletClientConfig.
fn cannot_join(tree: &NodeTree, known: &Known<'_>) -> Option<Finding> {
    const FLAG: &str = "bootstrap-kubeconfig";
    // 1.22 is the last that has the older name.
    let bootstraps = [FLAG, "experimental-bootstrap-kubeconfig"];
    let kubeconfig = flag(known, "kubeconfig")?;
    let is_there =
        tree.get(kubeconfig).is_some() || bootstraps.iter().any(|name| flag(known, name).is_some());
    if is_there || known.spec.identity.client.value != ClientIdentity::BootstrapToken {
        return None;
    }
    let rule = format!("is not set, and no layer writes {kubeconfig}, so the kubelet cannot join");
    let finding = flag_location(known, FLAG).finding(Id::KubeletCannotJoin, rule);
    Some(finding.help("set it to \"{{ paths.bootstrapKubeconfig }}\""))
}
