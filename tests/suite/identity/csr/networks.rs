//! `identity.servingNetworks`: serving requests of nodes with DHCP, by a network in place of an address.

use std::fs;

use serde_json::{Value, json};

use super::{pem, serving_request};
use crate::support::new_project::NewProject;
use crate::support::oracles;

const LINES: &str = "profiles: [worker]
apiServer: {url: \"https://10.1.0.9:6443\", ca: pki/ca.pem}
nodes:
  - {name: a, identity: {serving: bootstrap, servingNetworks: [10.1.0.0/24, \"fd00:1::/64\"]}}
  - {name: b, addresses: [10.1.0.77]}
  - {name: c, addresses: [10.1.0.78], identity: {serving: bootstrap, servingNetworks: [10.3.0.0/16]}}
  - {name: cp, managed: false, addresses: [10.1.0.5]}
";

fn project(lines: &str) -> NewProject {
    let project = NewProject::new("profiles: [worker]\nnodes: [{name: a}, {name: b}, {name: c}]\n");
    let file = project.dir().join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let head: Vec<&str> = text
        .lines()
        .filter(|line| {
            !["profiles:", "nodes:"]
                .iter()
                .any(|key| line.starts_with(key))
        })
        .filter(|line| !(lines.contains("apiServer:") && line.starts_with("apiServer:")))
        .collect();
    fs::write(file, format!("{}\n{lines}", head.join("\n"))).unwrap();
    project
}

#[test]
fn any_address_of_the_network_is_taken_and_no_other() {
    oracles::needs(["openssl"]);
    let project = project(LINES);
    let folder = project.dir();
    let decide = |node: &str, sans: &str| {
        let request = serving_request(node, &pem(&folder, node, "system:nodes", Some(sans)));
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [request]});
        fs::write(folder.join("csr.json"), list.to_string()).unwrap();
        let said = project.run(&["csr", "review", "csr.json", "-o", "json"]);
        let start = said.find(['[', '{']).unwrap_or_else(|| panic!("{said}"));
        let said: Value = serde_json::Deserializer::from_str(&said[start..])
            .into_iter()
            .next()
            .unwrap()
            .unwrap();
        let verdict = said.as_array().map_or(&said["verdicts"][0], |all| &all[0]);
        let text = |key: &str| verdict[key].as_str().unwrap().to_owned();
        (text("decision"), text("reason"))
    };
    for (node, sans) in [
        ("a", "DNS:a,IP:10.1.0.20"),
        ("a", "IP:10.1.0.254"),
        ("a", "IP:10.1.0.20,IP:fd00:1::20"),
        ("c", "IP:10.1.0.78,IP:10.3.9.9"),
    ] {
        assert_eq!(decide(node, sans).0, "approve", "{node} {sans}");
    }
    for (node, sans, why) in [
        (
            "a",
            "IP:10.1.1.20",
            "not in the networks of a (10.1.0.0/24, fd00:1::/64)",
        ),
        (
            "a",
            "IP:10.1.0.20,IP:10.9.0.1",
            "10.9.0.1, which is not in the networks",
        ),
        // Somebody else's, and those that no machine has.
        ("a", "IP:10.1.0.77", "which is b's"),
        ("a", "IP:10.1.0.5", "which is cp's"),
        ("a", "IP:10.1.0.9", "an address of the API server"),
        ("a", "IP:10.1.0.0", "not in the networks"),
        ("a", "IP:10.1.0.255", "not in the networks"),
        ("a", "IP:127.0.0.1", "not an address of one machine"),
        ("a", "IP:169.254.0.1", "not an address of one machine"),
        // Another name is never a node's own.
        ("a", "DNS:other,IP:10.1.0.20", "the name other"),
        // A node without networks is as it was.
        ("b", "IP:10.1.0.20", "which is not among b's addresses"),
        (
            "c",
            "IP:10.1.0.79",
            "not in the networks of c (10.3.0.0/16)",
        ),
    ] {
        let (decision, reason) = decide(node, sans);
        assert_eq!(decision, "leave", "{node} {sans}: {reason}");
        assert!(reason.contains(why), "{node} {sans}: {reason}");
    }
    let (decision, reason) = decide("a", "DNS:b,IP:10.1.0.20");
    assert_eq!(decision, "deny", "{reason}");
    // A program that approves has the same in its file.
    project.good(&["csr", "export-ids", "--out", "review.json"]);
    let file = fs::read_to_string(folder.join("review.json")).unwrap();
    assert!(
        file.contains("\"networks\":[\"10.1.0.0/24\",\"fd00:1::/64\"]")
            && file.contains("\"reserved\": [\"10.1.0.9\",\"10.96.0.10\"]"),
        "{file}"
    );
}

#[test]
fn a_network_must_have_no_address_of_a_service_or_a_pod() {
    let line = |networks: &str, more: &str| {
        format!(
            "profiles: [worker]\n{more}nodes: [{{name: a, identity: {{serving: bootstrap, servingNetworks: [{networks}]}}}}]\n"
        )
    };
    for (networks, ids) in [
        ("10.1.0.0/16", &[][..]),
        ("10.1.0.0/16, 192.168.0.0/24", &[]),
        ("10.96.0.0/24", &["serving-network-unsafe"]),
        ("10.96.0.0/12", &["serving-network-unsafe"]),
        ("10.244.3.0/24", &["serving-network-unsafe"]),
        ("0.0.0.0/0", &["serving-network-unsafe"]),
        ("10.1.0.1/16", &["cidr-invalid"]),
        ("10.1.0.1", &["cidr-invalid"]),
    ] {
        assert_eq!(project(&line(networks, "")).ids(), ids, "{networks}");
    }
    let unused = line("10.1.0.0/16", "").replace("bootstrap,", "selfSigned,");
    let ids = project(&unused).ids();
    assert!(
        ids.contains(&"serving-network-unused".to_owned()),
        "{ids:?}"
    );
    // What the cluster's networks are must be known, but for pods that have none.
    for (network, is_unsafe) in [
        (
            "{serviceCIDRs: [10.96.0.0/16], podCIDRs: [10.244.0.0/16]}",
            false,
        ),
        ("{serviceCIDRs: [10.96.0.0/16]}", true),
        ("{podCIDRs: [10.244.0.0/16]}", true),
        ("{serviceCIDRs: [10.96.0.0/16], pods: routed}", false),
        (
            "{serviceCIDRs: [10.96.0.0/16], pods: routed, podCIDRs: [10.1.128.0/17]}",
            true,
        ),
    ] {
        let project = project(&line("10.1.0.0/16", ""));
        let file = project.dir().join("cluster.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let text: Vec<String> = text
            .lines()
            .map(|line| {
                if line.starts_with("network:") {
                    format!("network: {network}")
                } else {
                    line.to_owned()
                }
            })
            .collect();
        fs::write(&file, text.join("\n")).unwrap();
        let found = project.ids().contains(&"serving-network-unsafe".to_owned());
        assert_eq!(found, is_unsafe, "{network}: {:?}", project.ids());
    }
}

#[test]
fn pods_may_have_addresses_of_the_nodes_network() {
    for (pods, ids) in [("own", &["node-address-in-pods"][..]), ("routed", &[])] {
        let lines = "profiles: [worker]\nnodes: [{name: a, addresses: [10.244.1.5], interfaces: {lan0: {addresses: [10.244.1.5/18]}}}]\n";
        let project = NewProject::new(lines);
        let file = project.dir().join("cluster.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replace("podCIDRs:", &format!("pods: {pods}, podCIDRs:"));
        fs::write(&file, text).unwrap();
        let found = project.ids();
        let of_pods: Vec<&String> = found
            .iter()
            .filter(|id| ids.contains(&id.as_str()) || id.contains("pods") || id.contains("hidden"))
            .collect();
        assert_eq!(of_pods, ids, "{pods}: {found:?}");
        if pods == "routed" {
            // The controller manager divides no ranges among the nodes.
            let needs = project.run(&["preflight"]);
            assert!(!needs.contains("cluster-cidr"), "{needs}");
        } else if pods == "own" {
            assert!(project.run(&["preflight"]).contains("cluster-cidr"));
        }
    }
}
