//! Objects of a cluster by their kind, and what each of them says.

use crate::import::facts::{Facts, KubeletSettings};
use crate::import::values::{items, name, text};
use crate::import::{config_maps, kubeadm, kubeconfig, nodes, pods};
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Value};

/// What a single kubelet has comes after what all of them have.
const CONFIGZ_RANK: u8 = 210;

/// Whether a document is what an import reads, so that a mistake in it is one of the user's.
pub fn is_known(tree: &Located) -> bool {
    let own = ["kind", "kubeletconfig", "serverVersion", "gitVersion"];
    matches!(&tree.value, Value::List(_)) || own.iter().any(|key| tree.get(key).is_some())
}

/// Takes what an object says, or all objects of a list. `of_node` is the node that a `/configz` belongs to.
pub fn read(tree: &Located, of_node: Option<&str>, facts: &mut Facts, report: &mut Report) {
    object(tree, None, of_node, facts, report);
}

fn object(
    tree: &Located,
    of_list: Option<&str>,
    of_node: Option<&str>,
    facts: &mut Facts,
    report: &mut Report,
) {
    if let Value::List(items) = &tree.value {
        for item in items.iter() {
            object(item, None, of_node, facts, report);
        }
        return;
    }
    if tree.as_map().is_none() {
        let rule = format!("must be an object of Kubernetes, not {}", tree.value.kind());
        let finding = Finding::new(Id::ImportInvalid, &tree.location, "", rule);
        report.add(finding.help("give what kubectl prints with -o yaml or -o json"));
        return;
    }
    let Some(kind) = text(tree, &["kind"]).or(of_list) else {
        return without_kind(tree, of_node, facts, report);
    };
    let all = items(tree, &["items"]);
    if kind.ends_with("List") || !all.is_empty() {
        // The items of a NodeList have no kind of their own.
        let of_item = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
        for item in all {
            object(item, of_item, of_node, facts, report);
        }
        return;
    }
    facts.read += 1;
    match kind {
        "ConfigMap" => config_maps::read(tree, facts, report),
        "Node" => nodes::read(tree, facts, report),
        "Config" => kubeconfig::of_client(tree, facts, report),
        "Pod" | "Deployment" | "DaemonSet" => pods::read(tree, facts),
        "ClusterConfiguration" => kubeadm::read(tree, "ClusterConfiguration", facts, report),
        "InitConfiguration" | "JoinConfiguration" | "ClusterStatus" => {}
        "KubeletConfiguration" if of_node.is_some() => configz(tree, of_node, facts, report),
        "KubeletConfiguration" => config_maps::kubelet(tree, 1, "KubeletConfiguration", facts),
        "KubeProxyConfiguration" => config_maps::kube_proxy(tree, facts),
        "Service" => service(tree, facts),
        "ServiceCIDR" => {
            let cidrs = items(tree, &["spec", "cidrs"]).iter();
            let cidrs = cidrs.filter_map(|cidr| cidr.as_str().map(str::to_owned));
            if name(tree) == "kubernetes" {
                let cidrs = cidrs.collect();
                facts
                    .services
                    .add(3, cidrs, &tree.location, "ServiceCIDR kubernetes");
            } else {
                facts.skip(kind, name(tree), &tree.location);
            }
        }
        kind => facts.skip(kind, name(tree), &tree.location),
    }
}

/// What has no kind: a kubelet's `/configz`, what `kubectl version -o json` prints.
fn without_kind(tree: &Located, of_node: Option<&str>, facts: &mut Facts, report: &mut Report) {
    facts.read += 1;
    if let Some(config) = tree.get("kubeletconfig") {
        return configz(config, of_node, facts, report);
    }
    // What `jq .kubeletconfig` leaves of it.
    if of_node.is_some() && tree.get("apiVersion").is_none() {
        return configz(tree, of_node, facts, report);
    }
    let server = tree.get("serverVersion").unwrap_or(tree);
    if let Some(version) = text(server, &["gitVersion"]) {
        if tree.get("clientVersion").is_none() || tree.get("serverVersion").is_some() {
            facts
                .version
                .add(2, version.to_owned(), &server.location, "kubectl version");
        }
        return;
    }
    let rule = "has no kind, and is not what a kubelet's /configz prints";
    let finding = Finding::new(Id::ImportInvalid, &tree.location, "", rule);
    report.add(finding.help("give what kubectl prints with -o yaml or -o json"));
}

fn configz(config: &Located, of_node: Option<&str>, facts: &mut Facts, report: &mut Report) {
    let settings = KubeletSettings {
        config: serde_json::to_value(config).unwrap_or_default(),
        at: config.location.clone(),
        is_part: false,
    };
    let source = "/configz";
    let dns = items(config, &["clusterDNS"]).iter();
    let dns: Vec<String> = dns
        .filter_map(|at| at.as_str().map(str::to_owned))
        .collect();
    if !dns.is_empty() {
        facts.dns.add(CONFIGZ_RANK, dns, &config.location, source);
    }
    if let Some(domain) = text(config, &["clusterDomain"]).filter(|text| !text.is_empty()) {
        facts
            .domain
            .add(CONFIGZ_RANK, domain.to_owned(), &config.location, source);
    }
    let Some(node) = of_node else {
        let rule = "/configz does not name its node";
        let finding = Finding::new(Id::ImportNodeUnknown, &config.location, "", rule);
        report.add(finding.help("name the node: --configz NODE=FILE"));
        return;
    };
    facts.configz.insert(node.to_owned(), settings);
}

fn service(tree: &Located, facts: &mut Facts) {
    let of = text(tree, &["metadata", "namespace"]).unwrap_or_default();
    if (of, name(tree)) != ("kube-system", "kube-dns") {
        facts.skip("Service", name(tree), &tree.location);
        return;
    }
    let all = items(tree, &["spec", "clusterIPs"]).iter();
    let mut addresses: Vec<String> = all
        .filter_map(|at| at.as_str().map(str::to_owned))
        .collect();
    if addresses.is_empty() {
        addresses.extend(text(tree, &["spec", "clusterIP"]).map(str::to_owned));
    }
    if !addresses.is_empty() {
        facts
            .dns
            .add(1, addresses, &tree.location, "Service kube-dns");
    }
}
