//! ConfigMaps that hold what a cluster is set up with: kubeadm's, and those of its parts.

use crate::import::documents::read_inner;
use crate::import::facts::{Facts, KubeletSettings};
use crate::import::values::{invalid, name, text};
use crate::import::{kubeadm, kubeconfig};
use crate::report::Report;
use crate::yaml::Located;

/// Takes what a ConfigMap says.
pub fn read(tree: &Located, facts: &mut Facts, report: &mut Report) {
    let map = name(tree);
    let inner = |key: &str, report: &mut Report| {
        let data = tree.get("data").and_then(|data| data.get(key));
        let Some(data) = data else {
            let rule = format!("ConfigMap {map} has no key {key}");
            report.add(invalid(&tree.location, "data", rule));
            return None;
        };
        read_inner(data, report)
    };
    match map {
        "kubeadm-config" => {
            if let Some(inner) = inner("ClusterConfiguration", report) {
                facts.kubeadm = true;
                kubeadm::read(&inner, "ConfigMap kubeadm-config", facts, report);
            }
        }
        "kubelet-config" => {
            if let Some(inner) = inner("kubelet", report) {
                kubelet(&inner, 0, "ConfigMap kubelet-config", facts);
            }
        }
        name if name.starts_with("kubelet-config-1.") => {
            // Old ones stay in clusters that lived through the change of the name: the newest of them is the last choice.
            let minor = name
                .rsplit('.')
                .next()
                .and_then(|minor| minor.parse::<u8>().ok());
            let rank = 200_u8.saturating_sub(minor.unwrap_or_default());
            if let Some(inner) = inner("kubelet", report) {
                kubelet(&inner, rank, "ConfigMap kubelet-config", facts);
            }
        }
        "cluster-info" => {
            if let Some(inner) = inner("kubeconfig", report) {
                kubeconfig::of_cluster_info(&inner, facts, report);
            }
        }
        "kube-proxy" => {
            let data = tree.get("data");
            if let Some(at) = data.and_then(|data| data.get("kubeconfig.conf"))
                && let Some(inner) = read_inner(at, report)
            {
                kubeconfig::of_kube_proxy(&inner, facts);
            }
            if let Some(inner) = inner("config.conf", report) {
                kube_proxy(&inner, facts);
            }
        }
        "coredns" => {
            let corefile = text(tree, &["data", "Corefile"]).unwrap_or_default();
            if let Some(domain) = zone(corefile) {
                facts
                    .domain
                    .add(1, domain, &tree.location, "ConfigMap coredns");
            }
        }
        "kube-root-ca.crt" => {
            if let Some(ca) = text(tree, &["data", "ca.crt"]) {
                kubeconfig::add_ca(
                    2,
                    ca,
                    &tree.location,
                    "ConfigMap kube-root-ca.crt",
                    facts,
                    report,
                );
            }
        }
        "extension-apiserver-authentication" => {
            if let Some(ca) = text(tree, &["data", "client-ca-file"]) {
                let source = "ConfigMap extension-apiserver-authentication";
                kubeconfig::add_ca(4, ca, &tree.location, source, facts, report);
            }
        }
        name => facts.skip("ConfigMap", name, &tree.location),
    }
}

/// Takes what a KubeProxyConfiguration says.
pub fn kube_proxy(inner: &Located, facts: &mut Facts) {
    if let Some(cidrs) = text(inner, &["clusterCIDR"]).filter(|text| !text.is_empty()) {
        let at = &inner.get("clusterCIDR").unwrap_or(inner).location;
        facts
            .pods
            .add(2, kubeadm::list(cidrs), at, "kube-proxy's configuration");
    }
}

/// Takes what a KubeletConfiguration says.
pub fn kubelet(inner: &Located, rank: u8, source: &str, facts: &mut Facts) {
    let field = |key: &str| inner.get(key).map(|at| &at.location);
    if let Some(domain) = text(inner, &["clusterDomain"]).filter(|text| !text.is_empty()) {
        let at = field("clusterDomain").unwrap_or(&inner.location);
        facts.domain.add(rank, domain.to_owned(), at, source);
    }
    let dns = crate::import::values::items(inner, &["clusterDNS"]).iter();
    let dns: Vec<String> = dns
        .filter_map(|at| at.as_str().map(str::to_owned))
        .collect();
    if !dns.is_empty() {
        let at = field("clusterDNS").unwrap_or(&inner.location);
        facts.dns.add(rank, dns, at, source);
    }
    let settings = KubeletSettings {
        config: serde_json::to_value(inner).unwrap_or_default(),
        at: inner.location.clone(),
        is_part: false,
    };
    facts.kubelet.push((rank, settings));
}

/// The first zone of CoreDNS' plug-in `kubernetes`.
fn zone(corefile: &str) -> Option<String> {
    let mut lines = corefile.lines().map(str::trim);
    let line = lines.find(|line| line.starts_with("kubernetes "))?;
    let zone = line.split_whitespace().nth(1)?;
    (zone != "{").then(|| zone.trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corefile_names_its_zone() {
        for (text, found) in [
            (
                ".:53 {\n  kubernetes k8s.local in-addr.arpa {\n",
                Some("k8s.local"),
            ),
            ("kubernetes cluster.local. {", Some("cluster.local")),
            ("kubernetes {", None),
            (".:53 {\n forward . /etc/resolv.conf\n}", None),
        ] {
            assert_eq!(zone(text).as_deref(), found, "{text}");
        }
    }
}
