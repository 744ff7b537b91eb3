//! Node objects: what an inventory says of a node, without what the system sets by itself.

use crate::import::facts::{Facts, NodeFact};
use crate::import::values::{invalid, items, name, text};
use crate::kubernetes::names::{label_key, label_value, node_name, taint_name};
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Value};

/// The label of a role is this and the role's name.
const ROLE: &str = "node-role.kubernetes.io/";
/// Roles of nodes with an API server: the old name of the role to 1.23, the new one since 1.20.
const CONTROL_PLANE: [&str; 2] = ["control-plane", "master"];
/// A label by which a distribution marks such nodes without a role: that of MicroK8s.
const MARKS: [&str; 1] = ["node.kubernetes.io/microk8s-controlplane"];

/// Labels that a kubelet or a controller sets by itself. A name that ends with a slash stands for all keys of that prefix.
const SYSTEM_LABELS: [&str; 37] = [
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "node.kubernetes.io/windows-build",
    "feature.node.kubernetes.io/",
    "nvidia.com/gpu.",
    "nvidia.com/cuda.",
    "nvidia.com/gfd.",
    "nvidia.com/mig.",
    "topology.ebs.csi.aws.com/zone",
    "topology.gke.io/zone",
    "topology.disk.csi.azure.com/zone",
    "topology.cinder.csi.openstack.org/zone",
    "topology.hostpath.csi/node",
    "kubernetes.azure.com/",
    "eks.amazonaws.com/",
    "alpha.eksctl.io/",
    "cloud.google.com/",
    "karpenter.sh/",
    "karpenter.k8s.aws/",
    "node.cluster.x-k8s.io/",
    "egress.k3s.io/",
    "p2p.k3s.cattle.io/",
    "k3s.io/",
    "rke.cattle.io/",
    "cattle.io/",
    "plan.upgrade.cattle.io/",
    "microk8s.io/",
    "node.kubernetes.io/microk8s-worker",
    "node.kubernetes.io/microk8s-controlplane",
    "node.k0sproject.io/",
    "node.openshift.io/os_id",
    "k8s.io/cloud-provider-aws",
    "topology.k8s.aws/",
    "csi.volume.kubernetes.io/nodeid",
];

/// Labels that a cloud's controller sets; by hand elsewhere.
const CLOUD_LABELS: [&str; 6] = [
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

/// The beginnings of `providerID` that cloud controllers set.
const CLOUDS: [&str; 22] = [
    "aws",
    "azure",
    "gce",
    "openstack",
    "vsphere",
    "digitalocean",
    "hcloud",
    "linode",
    "ibm",
    "oci",
    "alicloud",
    "equinixmetal",
    "packet",
    "scaleway",
    "exoscale",
    "cloudstack",
    "vultr",
    "kubernetes-vmware",
    "nutanix",
    // The controllers of these set an instance type, which is their own name.
    "k3s",
    "rke2",
    "harvester",
];

/// Marks of distributions whose nodes join in a way of their own: the beginning of a label, and its name.
const DISTRIBUTIONS: [(&str, &str); 8] = [
    ("eks.amazonaws.com/", "EKS"),
    ("cloud.google.com/gke-", "GKE"),
    ("kubernetes.azure.com/", "AKS"),
    ("microk8s.io/", "MicroK8s"),
    ("node.openshift.io/", "OpenShift"),
    ("node.k0sproject.io/", "k0s"),
    ("rke.cattle.io/", "RKE2"),
    ("p2p.k3s.cattle.io/", "k3s"),
];

/// Taints that controllers set and remove by themselves.
const SYSTEM_TAINTS: [&str; 15] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.kubernetes.io/out-of-service",
    "node.cloudprovider.kubernetes.io/",
    "node.cluster.x-k8s.io/",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "node.cilium.io/agent-not-ready",
    "ebs.csi.aws.com/agent-not-ready",
    "karpenter.sh/",
];

/// Takes what a Node says.
pub fn read(tree: &Located, facts: &mut Facts, report: &mut Report) {
    let called = name(tree);
    if let Err(rule) = node_name(called) {
        report.add(invalid(&tree.location, "metadata.name", rule));
        return;
    }
    let info = |key: &str| text(tree, &["status", "nodeInfo", key]).filter(|text| !text.is_empty());
    if info("operatingSystem") == Some("windows") {
        let rule = format!("{called} runs Windows, which nodebake does not build: it is left out");
        report.add(Finding::new(
            Id::ImportNodeSkipped,
            &tree.location,
            "",
            rule,
        ));
        return;
    }
    let mut node = NodeFact::new(called, &tree.location);
    addresses(tree, &mut node);
    node.version = info("kubeletVersion").map(str::to_owned);
    node.arch = info("architecture").map(str::to_owned);
    node.os_image = info("osImage").map(str::to_owned);
    node.runtime = info("containerRuntimeVersion").map(str::to_owned);
    node.provider_id = text(tree, &["spec", "providerID"]).map(str::to_owned);
    let ranges = items(tree, &["spec", "podCIDRs"]).iter();
    node.pods = ranges
        .filter_map(|at| at.as_str().map(str::to_owned))
        .collect();
    if node.pods.is_empty() {
        node.pods
            .extend(text(tree, &["spec", "podCIDR"]).map(str::to_owned));
    }
    labels(tree, &mut node, report);
    taints(tree, &mut node, report);
    notes(tree, &mut node);
    // An API server's pod may have been read before.
    if let Some(known) = facts.nodes.get(called) {
        node.control_plane |= known.control_plane;
    }
    facts.nodes.insert(called.to_owned(), node);
}

fn addresses(tree: &Located, node: &mut NodeFact) {
    for address in items(tree, &["status", "addresses"]) {
        let Some(value) = text(address, &["address"]) else {
            continue;
        };
        match text(address, &["type"]) {
            Some("InternalIP") => {
                if let Ok(address) = value.parse()
                    && !node.addresses.contains(&address)
                {
                    node.addresses.push(address);
                }
            }
            // Names and addresses that its serving certificate may have beside its own.
            Some("ExternalIP" | "ExternalDNS" | "InternalDNS" | "Hostname")
                if value != node.name && !node.names.iter().any(|known| known == value) =>
            {
                node.names.push(value.to_owned());
            }
            _ => {}
        }
    }
    let own: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
    node.names.retain(|name| !own.contains(name));
}

/// Whether a key is one of a list, in which a slash or a dot at the end stands for what follows.
fn is_among(key: &str, list: &[&str]) -> bool {
    list.iter().any(|one| {
        let is_start = one.ends_with(['/', '.']);
        key == *one || is_start && key.starts_with(one)
    })
}

/// Whether a cloud's controller has set the node's `providerID`.
fn is_of_cloud(node: &NodeFact) -> bool {
    let provider = node.provider_id.as_deref();
    let provider = provider.and_then(|id| id.split_once("://"));
    provider.is_some_and(|(cloud, _)| CLOUDS.contains(&cloud))
}

fn labels(tree: &Located, node: &mut NodeFact, report: &mut Report) {
    let Some(labels) = tree
        .get("metadata")
        .and_then(|at| at.get("labels")?.as_map())
    else {
        return;
    };
    let has_role = |role: &str| labels.contains_key(&*format!("{ROLE}{role}"));
    node.control_plane = CONTROL_PLANE.iter().any(|role| has_role(role))
        || MARKS.iter().any(|mark| labels.contains_key(*mark));
    let is_marked = |mark: &str| labels.keys().any(|key| key.starts_with(mark));
    let mut marks = DISTRIBUTIONS.iter();
    let mark = marks.find(|(mark, _)| is_marked(mark));
    node.distribution = mark.map(|(_, name)| *name);
    for (key, field) in labels.iter() {
        let Some(value) = scalar(&field.value) else {
            continue;
        };
        let of_control_plane = node.control_plane
            && (key
                .strip_prefix(ROLE)
                .is_some_and(|role| CONTROL_PLANE.contains(&role) || role == "etcd")
                || &**key == "node.kubernetes.io/exclude-from-external-load-balancers");
        let is_system = is_among(key, &SYSTEM_LABELS)
            || of_control_plane
            || is_of_cloud(node) && CLOUD_LABELS.contains(&&**key);
        if is_system {
            continue;
        }
        if let Err(rule) = label_key(key).and_then(|()| label_value(&value)) {
            report.add(invalid(&field.key, "metadata.labels", rule));
            continue;
        }
        node.labels.insert(key.to_string(), value);
    }
}

/// A text, or a number or boolean that YAML took for one.
fn scalar(at: &Located) -> Option<String> {
    match &at.value {
        Value::String(text) => Some(text.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::Null => Some(String::new()),
        _ => None,
    }
}

fn taints(tree: &Located, node: &mut NodeFact, report: &mut Report) {
    for taint in items(tree, &["spec", "taints"]) {
        let Some((key, effect)) = text(taint, &["key"]).zip(text(taint, &["effect"])) else {
            continue;
        };
        let role = key.strip_prefix(ROLE);
        let of_control_plane =
            node.control_plane && role.is_some_and(|role| CONTROL_PLANE.contains(&role));
        if of_control_plane || is_among(key, &SYSTEM_TAINTS) {
            continue;
        }
        let value = taint.get("value").and_then(scalar).unwrap_or_default();
        let name = format!("{key}:{effect}");
        let checked = taint_name(&name)
            .map(drop)
            .and_then(|()| label_value(&value));
        if let Err(rule) = checked {
            report.add(invalid(&taint.location, "spec.taints", rule));
            continue;
        }
        node.taints.insert(name, value);
    }
}

fn notes(tree: &Located, node: &mut NodeFact) {
    let conditions = items(tree, &["status", "conditions"]).iter();
    let mut ready = conditions.filter(|one| text(one, &["type"]) == Some("Ready"));
    if ready
        .next()
        .is_some_and(|one| text(one, &["status"]) != Some("True"))
    {
        node.notes.push("not Ready".to_owned());
    }
    if let Some(at) = tree.get("spec").and_then(|spec| spec.get("unschedulable"))
        && at.value == Value::Bool(true)
    {
        node.notes.push("cordoned".to_owned());
    }
    if tree
        .get("spec")
        .is_some_and(|spec| spec.get("configSource").is_some())
    {
        node.notes
            .push("its settings come from a ConfigMap (dynamic kubelet configuration)".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::documents;

    fn node(text: &str) -> (NodeFact, String) {
        let mut report = Report::default();
        let mut facts = Facts::default();
        for tree in documents::read(&"n.yaml".into(), text, &mut report) {
            read(&tree, &mut facts, &mut report);
        }
        let (_, node) = facts.nodes.pop().expect("a node");
        (node, report.to_string())
    }

    #[test]
    fn what_the_system_sets_is_left_out_and_what_people_set_is_taken() {
        let labels = "kubernetes.io/hostname: n1, kubernetes.io/arch: amd64, feature.node.kubernetes.io/cpu: \"1\", \
             node-role.kubernetes.io/worker: \"\", topology.kubernetes.io/zone: a, example.com/n: 5, x: yes, \
             node-role.kubernetes.io/control-plane: \"\", nvidia.com/gpu.count: \"2\", nvidia.com/other: \"1\"";
        for (provider, control_plane, expected) in [
            (
                "",
                false,
                "example.com/n nvidia.com/other topology.kubernetes.io/zone x",
            ),
            (
                "providerID: \"metal://u1\"",
                false,
                "example.com/n nvidia.com/other topology.kubernetes.io/zone x",
            ),
            (
                "providerID: \"aws:///eu/i-1\"",
                false,
                "example.com/n nvidia.com/other x",
            ),
        ] {
            let (node, said) = node(&format!(
                "metadata: {{name: n1, labels: {{{labels}}}}}\nspec: {{{provider}}}\n"
            ));
            let _ = control_plane;
            assert_eq!(said, "");
            let keys: Vec<&str> = node
                .labels
                .keys()
                .map(String::as_str)
                .filter(|key| !key.contains("role"))
                .collect();
            assert_eq!(keys.join(" "), expected);
            assert!(node.labels.contains_key("node-role.kubernetes.io/worker"));
            assert!(node.control_plane);
        }
    }

    #[test]
    fn taints_addresses_and_notes() {
        let (node, said) = node(
            "metadata: {name: n1}
spec:
  unschedulable: true
  taints:
  - {key: example.com/db, effect: NoSchedule, value: x, timeAdded: \"2026-01-01T00:00:00Z\"}
  - {key: example.com/db, effect: NoExecute}
  - {key: node.kubernetes.io/not-ready, effect: NoExecute}
  - {key: node.cloudprovider.kubernetes.io/uninitialized, effect: NoSchedule}
status:
  addresses:
  - {type: InternalIP, address: 10.0.0.2}
  - {type: InternalIP, address: \"fd00::2\"}
  - {type: Hostname, address: n1}
  - {type: InternalDNS, address: n1.example.com}
  - {type: ExternalIP, address: 203.0.113.2}
  conditions: [{type: Ready, status: Unknown}]
",
        );
        assert_eq!(said, "");
        let taints: Vec<String> = node
            .taints
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            taints,
            ["example.com/db:NoExecute=", "example.com/db:NoSchedule=x"]
        );
        let addresses: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["10.0.0.2", "fd00::2"]);
        assert_eq!(node.names, ["n1.example.com", "203.0.113.2"]);
        assert_eq!(node.notes, ["not Ready", "cordoned"]);
    }
}
