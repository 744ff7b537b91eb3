//! Which labels a kubelet of a minor version may set on its own Node with `--node-labels`. The kubelet itself refuses
//! to start with others of the `kubernetes.io` and `k8s.io` namespaces (`ValidateKubeletFlags`, since 1.16), and the
//! NodeRestriction admission refuses them too: those an admin must set.

use crate::kubernetes::kubelet_config::Schema;

/// Whether a kubelet of that minor may set the label itself. Labels outside Kubernetes' namespaces are free.
pub fn self_settable(key: &str, minor: u32) -> bool {
    let Some((namespace, _)) = key.split_once('/') else {
        return true;
    };
    if !["kubernetes.io", "k8s.io"]
        .iter()
        .any(|of| within(namespace, of))
    {
        return true;
    }
    let schema = Schema::load();
    schema.self_labels(minor).any(|label| label == key)
        || schema
            .self_label_namespaces(minor)
            .any(|of| within(namespace, of))
}

/// Whether a namespace is the other one or below it.
fn within(namespace: &str, of: &str) -> bool {
    namespace
        .strip_suffix(of)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubelet_sets_what_its_version_allows() {
        for (key, minor, may) in [
            ("rack", 16, true),
            ("example.com/rack", 37, true),
            ("notkubernetes.io/rack", 34, true),
            ("kubernetes.io/hostname", 16, true),
            ("topology.kubernetes.io/zone", 16, false),
            ("topology.kubernetes.io/zone", 17, true),
            ("topology.kubernetes.io/zone", 34, true),
            ("failure-domain.kubernetes.io/zone", 16, true),
            ("failure-domain.kubernetes.io/zone", 17, false),
            ("failure-domain.beta.kubernetes.io/zone", 34, true),
            ("node.kubernetes.io/anything", 16, true),
            ("sub.node.kubernetes.io/anything", 34, true),
            ("kubelet.kubernetes.io/anything", 34, true),
            ("xnode.kubernetes.io/anything", 34, false),
            ("node-role.kubernetes.io/control-plane", 34, false),
            ("kubernetes.io/rack", 34, false),
            ("k8s.io/rack", 34, false),
            ("a.k8s.io/rack", 34, false),
            ("node-restriction.kubernetes.io/pci", 16, false),
            ("a.node-restriction.kubernetes.io/pci", 37, false),
        ] {
            assert_eq!(self_settable(key, minor), may, "{key} in 1.{minor}");
        }
    }
}
