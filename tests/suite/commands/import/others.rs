//! Inventories of other tools: Ansible's, as kubespray has them, and tables of machines, as NetBox exports them.

use std::fs;

use serde_json::json;

use crate::commands::import::{folder, import, is_recorded, now, written};
use crate::support::fixture::{Project, fixtures};

fn path(name: &str) -> String {
    fixtures().join("import").join(name).display().to_string()
}

#[test]
fn an_inventory_of_kubespray_becomes_a_project() {
    let project = folder(&[]);
    let (said, printed, code) = import(
        &project,
        &["--from", "ansible", "--name", "lab", &path("kubespray")],
    );
    assert_eq!(code, Some(0), "{said}{printed}");
    assert!(said.contains("kube_pods_subnet: is a template of Jinja, which Ansible alone can render: it is left out"), "{said}");
    assert!(
        printed.contains("not known: the cluster's CA: "),
        "{printed}"
    );
    let expected = fixtures().join("import/kubespray.expected");
    is_recorded(
        &project,
        &expected,
        &["cluster.yaml", "profiles/imported.yaml"],
    );
    now(&project, &["check", "p"]);
}

/// The same hosts in each form of an inventory.
#[test]
fn all_forms_of_an_inventory_say_the_same() {
    let ini = "[kube_control_plane]\ncp1 ip=10.0.0.1\n[kube_node]\nn[1:2] kube_version=1.34.4\nn1 ip=10.0.0.11\nn2 ip=10.0.0.12 node_labels=\"{'a': 'b'}\"\n";
    let yaml = "all:\n  children:\n    k8s_cluster:\n      children:\n        kube_control_plane: {hosts: {cp1: {ip: 10.0.0.1}}}\n        \
                kube_node:\n          vars: {kube_version: 1.34.4}\n          hosts:\n            n1: {ip: 10.0.0.11}\n            n2: {ip: 10.0.0.12, node_labels: {a: b}}\n";
    let listed = json!({
        "_meta": {"hostvars": {
            "cp1": {"ip": "10.0.0.1"}, "n1": {"ip": "10.0.0.11", "kube_version": "1.34.4"},
            "n2": {"ip": "10.0.0.12", "kube_version": "1.34.4", "node_labels": {"a": "b"}},
        }},
        "all": {"children": ["kube_control_plane", "kube_node"]},
        "kube_control_plane": {"hosts": ["cp1"]}, "kube_node": {"hosts": ["n1", "n2"]},
    })
    .to_string();
    let mut first = None;
    for (name, text) in [
        ("hosts.ini", ini),
        ("hosts.yaml", yaml),
        ("list.json", &listed),
    ] {
        let project = folder(&[(name, text)]);
        let (said, printed, code) = import(&project, &["--from", "ansible", name]);
        assert_eq!((said.as_str(), code), ("", Some(0)), "{name}: {printed}");
        let inventory = written(&project, "cluster.yaml");
        let (head, nodes) = inventory.split_once("nodes:\n").unwrap();
        assert!(nodes.contains("  - name: n2                        # v1.34.4\n    managed: false\n    addresses: [10.0.0.12]\n    labels: {a: b}\n"), "{name}: {nodes}");
        assert!(head.contains("  endpoints: [\"10.0.0.1:6443\"]"), "{head}");
        let same = first.get_or_insert_with(|| nodes.to_owned());
        assert_eq!(nodes, same, "{name}");
        now(&project, &["check", "p"]);
    }
}

#[test]
fn inventories_that_are_none_are_findings() {
    for (text, said) in [
        ("[a\n", "in.ini:1:1: the bracket of a group is not closed"),
        (
            "[a:b]\nx\n",
            "must be a group, GROUP:children or GROUP:vars; got :b",
        ),
        (
            "[kube_node]\nn[2:1]\n",
            "in.ini:2:1: must be a host or a range like node[01:50]; got \"n[2:1]\"",
        ),
        (
            "[web]\nx\n",
            "there is nothing to import; give an inventory with the groups kube_control_plane and kube_node",
        ),
    ] {
        let project = folder(&[("in.ini", text)]);
        let (found, _, code) = import(&project, &["--from", "ansible", "in.ini"]);
        assert!(found.contains(said), "{text}: {found}");
        assert_eq!(code, Some(3));
    }
}

fn nodes(project: &Project) -> String {
    let inventory = written(project, "cluster.yaml");
    inventory.split_once("nodes:\n").unwrap().1.to_owned()
}

#[test]
fn a_table_of_machines_becomes_nodes_that_are_built() {
    let project = folder(&[]);
    let map = [
        "--map",
        "label.example.com/site=Site,label.example.com/role=Role",
    ];
    let machines = path("machines.csv");
    let args = [&["--from", "csv", &machines][..], &map].concat();
    let (said, _, code) = import(&project, &args);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("machines.csv:3:1: w2 has the status Planned: it is left out"),
        "{said}"
    );
    let found = nodes(&project);
    let w1 = "  - name: w1\n    addresses: [10.0.0.21, \"fd00::21\"]\n    macs: [\"52:54:00:00:00:21\"]\n    \
              labels: {example.com/role: worker, example.com/site: eu1}\n";
    assert!(found.contains(w1), "{found}");
    assert!(
        found.contains("  - name: w3\n") && !found.contains("w2"),
        "{found}"
    );
    now(&project, &["check", "p"]);
    // More machines come into the same project; those that are there stay.
    let listed = json!({"count": 1, "results": [
        {"name": "W9", "status": {"value": "active"}, "primary_ip4": {"address": "10.0.0.29/24"}, "primary_ip6": null, "custom_fields": {"rack": 5}},
        {"name": "w1", "status": {"value": "active"}, "primary_ip4": {"address": "10.0.0.21/24"}},
    ]});
    fs::write(project.dir.join("devices.json"), listed.to_string()).unwrap();
    let map = [
        "--map",
        "label.example.com/rack=custom_fields.rack",
        "--write",
    ];
    let args = [&["--from", "json", "devices.json"][..], &map].concat();
    let (said, _, code) = import(&project, &args);
    assert_eq!(code, Some(0), "{said}");
    let found = nodes(&project);
    assert!(
        found.ends_with(
            "  - name: w9\n    addresses: [10.0.0.29]\n    labels: {example.com/rack: \"5\"}\n"
        ),
        "{found}"
    );
    assert_eq!(found.matches("name: w1\n").count(), 1);
}

#[test]
fn a_mapping_names_what_is_there() {
    let table = "host;addr;rack\nn1;10.0.0.1;a\n";
    for (map, said) in [
        (vec!["--map", "name=host,address=addr,label.rack=rack"], ""),
        (
            vec!["--map", "name=hosts"],
            "there is no column \"hosts\"; the columns are host, addr, rack",
        ),
        (
            vec!["--map", "nam=host"],
            "must map one of name, address, mac",
        ),
        (
            vec![],
            "no column has the nodes' names: map one with --map name=COLUMN",
        ),
        (vec!["--map", "name=addr"], ""),
        (
            vec!["--map", "name=host,address=rack"],
            "in.csv:2:1: address: must be an address; got \"a\"",
        ),
    ] {
        let project = folder(&[("in.csv", table)]);
        let args = [vec!["--from", "csv", "in.csv"], map.clone()].concat();
        let (found, _, code) = import(&project, &args);
        assert_eq!(
            code,
            Some(if said.is_empty() { 0 } else { 3 }),
            "{map:?}: {found}"
        );
        assert!(found.contains(said), "{map:?}: {found}");
    }
    for (table, said) in [
        (
            "name,a\nn1\n",
            "in.csv:2:1: the line does not fit the header",
        ),
        (
            "name\n\"\"\nn1\n",
            "in.csv:2:1: the row has no name: it is left out",
        ),
        ("name\nn_1\n", "in.csv:2:1: name: \"n_1\""),
        ("name\nn1\nn1\n", "in.csv:3:1: name: n1 is there twice"),
        (
            "",
            "there is nothing to import; give a table with one node a row",
        ),
    ] {
        let project = folder(&[("in.csv", table)]);
        let (found, _, _) = import(&project, &["--from", "csv", "in.csv"]);
        assert!(found.contains(said), "{table}: {found}");
    }
}

/// Nodes of some distributions join in a way of their own: the import says so.
#[test]
fn distributions_that_join_otherwise_are_named() {
    for (version, name) in [
        ("v1.30.4+k3s1", Some("k3s")),
        ("v1.30.4+rke2r1", Some("RKE2")),
        ("v1.30.4-eks-a737599", Some("EKS")),
        ("v1.30.4-gke.1348000", Some("GKE")),
        ("v1.30.4", None),
    ] {
        let node = json!({"kind": "Node", "metadata": {"name": "n1"}, "status": {"nodeInfo": {"kubeletVersion": version}}});
        let project = folder(&[("in.json", &node.to_string())]);
        let (said, printed, code) = import(&project, &["in.json"]);
        assert_eq!((said.as_str(), code), ("", Some(0)), "{version}");
        let words = name.map(|name| format!("not known: whether nodes of yours may join {name}: "));
        let is_named = printed.contains("whether nodes of yours may join");
        assert_eq!(is_named, name.is_some(), "{printed}");
        assert!(
            words.is_none_or(|words| printed.contains(&words)),
            "{printed}"
        );
        now(&project, &["check", "p"]);
    }
}
