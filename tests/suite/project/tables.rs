//! Tables of nodes: a whole fleet in a few lines, and columns for every kind of key.

use std::fmt::Write;
use std::fs;

use crate::support::new_project::NewProject;

/// With the six lines that every project of these tests begins with, far below forty.
const FLEET: &str = "profiles: [worker]
os: {network: networkd}
hostname: \"{{ node.name }}\"
output: {formats: [cloudInit]}
kubelet: {config: {maxPods: 60}}
files: {/etc/machine: {template: \"{{ vars.site }}\\n\"}}
nodesFrom: [fleet.csv]
";

/// 250 nodes: two architectures, two minors, two roles, static addresses.
fn fleet() -> String {
    let mut table = "name,addresses,os.arch,kubernetes,labels.node-role.kubernetes.io/edge,labels.example.com/gpu,\
                     taints.nvidia.com/gpu:NoSchedule,interfaces.lan0.addresses,interfaces.lan0.mac,interfaces.lan0.gateways,\
                     interfaces.lan0.dns.servers,interfaces.lan0.mtu,vars.site,kubelet.config.maxPods\n"
        .to_owned();
    for number in 1..=250 {
        let address = format!("10.20.8.{number}");
        let is_gpu = number % 5 == 0;
        let (arch, minor) = (
            ["amd64", "arm64"][number % 2],
            ["v1.33.6", "v1.34.4"][usize::from(number > 125)],
        );
        let role = if is_gpu { ",a100,present" } else { "\"\",," };
        let pods = if is_gpu { "20" } else { "" };
        writeln!(
            table,
            "e-{number:03},{address},{arch},{minor},{role},{address}/22,52:54:00:00:08:{number:02x},10.20.11.254,\
             10.20.0.2;10.20.0.3,9000,s{},{pods}",
            number % 3
        )
        .unwrap();
    }
    table
}

#[test]
fn a_fleet_of_two_architectures_minors_and_roles_is_one_table() {
    assert!(FLEET.lines().count() + 6 < 40);
    let project = NewProject::with_files(FLEET, &[("fleet.csv", &fleet())]);
    assert_eq!(
        project.good(&["check", "--strict"]),
        "250 nodes can be built\n"
    );
    project.good(&["build"]);
    assert_eq!(
        fs::read_dir(project.dir().join("out/nodes"))
            .unwrap()
            .count(),
        250
    );
    let gpu = project.good(&["show", "e-005"]);
    let edge = project.good(&["show", "e-126"]);
    let has = |text: &str, wanted: &[&str]| {
        for wanted in wanted {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
    };
    has(&gpu, &["v1.33.6", "example.com/gpu"]);
    has(&edge, &["v1.34.4", "node-role.kubernetes.io/edge"]);
    let file = |node: &str, path: &str| project.good(&["show", node, "--file", path]);
    assert_eq!(file("e-005", "/etc/machine"), "s2\n");
    assert_eq!(file("e-126", "/etc/machine"), "s0\n");
    let origin = |node: &str| project.good(&["show", node, "--origin"]);
    // Equal rows share the values of the first of them.
    has(&origin("e-005"), &["os.arch: \"arm64\"  (fleet.csv:6:17)"]);
    has(&origin("e-126"), &["os.arch: \"amd64\"  (fleet.csv:"]);
    has(&origin("e-132"), &["os.arch: \"amd64\"  (fleet.csv:127:"]);
    let config = "/etc/kubernetes/kubelet-config.yaml";
    has(&file("e-005", config), &["maxPods: 20\n"]);
    has(&file("e-126", config), &["maxPods: 60\n"]);
    let labels = project.built("cluster/node-labels.sh");
    has(
        &labels,
        &["label node 'e-126' --overwrite 'node-role.kubernetes.io/edge='\n"],
    );
    let network = project.built("nodes/e-126/network-config");
    has(
        &network,
        &[
            "10.20.8.126/22",
            "52:54:00:00:08:7e",
            "10.20.11.254",
            "10.20.0.3",
            "mtu: 9000",
        ],
    );
}

#[test]
fn a_table_in_json_has_keys_and_paths() {
    let table = r#"[
  {"name": "n1", "addresses": ["192.168.10.11"], "labels": {"example.com/disk": "nvme"}, "labels.example.com/rack": "",
   "vars": {"slots": [1, 2]}, "files./etc/slots.template": "{{ vars.slots | length }} {{ vars.row.name }}\n", "vars.row.name": "b"},
  {"range": {"names": "r-[1-3]", "start": "192.168.10.20", "within": "192.168.10.0/24"}, "kubernetes": "v1.33.6"}
]"#;
    let lines = "profiles: [worker]\nnodesFrom: [racks.json]\n";
    let project = NewProject::with_files(lines, &[("racks.json", table)]);
    assert_eq!(
        project.good(&["check", "--strict"]),
        "4 nodes can be built\n"
    );
    assert_eq!(project.on_node("/etc/slots"), "2 b\n");
    let shown = project.good(&["show", "n1"]);
    assert!(shown.contains("example.com/disk"), "{shown}");
    assert!(shown.contains("example.com/rack"), "{shown}");
    assert!(project.good(&["show", "r-3"]).contains("192.168.10.22"));
}

#[test]
fn cells_are_held_against_the_rules_of_their_keys() {
    for (column, cell, id) in [
        ("interfaces.lan0.addresses", "10.0.0.300/24", "cidr-invalid"),
        ("interfaces.lan0.mtu", "big", "value-type-wrong"),
        ("kubernetes", "1.34", "version-invalid"),
        ("kubelet.config.maxPods", "many", "kubelet-field-type"),
        ("labels.example.com/rack", "a b", "label-invalid"),
        ("taints.gpu:Sometimes", "x", "taint-invalid"),
        ("os.arch", "sparc", "value-not-a-choice"),
        ("managed", "maybe", "value-type-wrong"),
        ("rack", "r1", "csv-column-unknown"),
        (
            "interfaces.lan0.adresses",
            "10.0.0.1/24",
            "csv-column-unknown",
        ),
    ] {
        let table = format!("name,addresses,{column}\nn1,192.168.10.11,{cell}\n");
        let lines = "profiles: [worker]\nnodesFrom: [t.csv]\n";
        let project = NewProject::with_files(lines, &[("t.csv", &table)]);
        assert_eq!(project.ids(), [id], "{column}");
    }
}

#[test]
fn no_message_quotes_a_table_of_secret_files() {
    let table = "name,addresses,files./etc/a.content,files./etc/a.secret,os.arch\nn1,192.168.10.11,hunter2hunter2,true,sparc\n";
    let json = r#"[{"name": "n1", "addresses": ["192.168.10.11"], "files./etc/a.content": "hunter2hunter2", "files./etc/a.secret": true, "os.arch": "sparc"}]"#;
    for (file, text) in [("t.csv", table), ("t.json", json)] {
        let lines = format!("profiles: [worker]\nnodesFrom: [{file}]\n");
        let project = NewProject::with_files(&lines, &[(file, text)]);
        let said = project.run(&["check"]);
        assert!(
            said.contains("sparc") && !said.contains("hunter2"),
            "{said}"
        );
    }
}

#[test]
fn members_of_a_range_have_interfaces_with_their_own_addresses() {
    let lines = "profiles: [worker]
os: {network: networkd}
nodes:
  - range: {names: \"e-[1-250]\", start: [10.20.8.1, \"fd00::1\"], within: 10.20.8.0/22}
    interfaces:
      lan0: {addresses: [\"{{ node.address }}/22\", \"{{node.addresses[1]}}/64\"], gateways: [10.20.11.254], mtu: 9000}
      lan1: {dhcp: ipv4}
  - {name: e-7, interfaces: {lan0: null, lan9: {addresses: [10.20.8.7/22, \"fd00::7/64\"]}}}
  - {name: n1, addresses: [10.20.10.1], interfaces: {lan0: {addresses: [\"{{ node.address }}/22\"]}}}
  - {range: {names: \"d-[1-2]\"}, interfaces: {lan0: {dhcp: ipv4}}}
";
    let project = NewProject::new(lines);
    project.run(&["token", "create"]);
    assert_eq!(
        project.good(&["check", "--strict"]),
        "253 nodes can be built\n"
    );
    let file = |node: &str, name: &str| {
        let path = format!("/etc/systemd/network/06-nodebake-{name}.network");
        project.good(&["show", node, "--file", &path])
    };
    let lan0 = file("e-250", "lan0");
    assert!(
        lan0.contains("10.20.8.250/22") && lan0.contains("fd00::fa/64"),
        "{lan0}"
    );
    assert!(lan0.contains("Gateway=10.20.11.254"), "{lan0}");
    assert!(file("e-7", "lan9").contains("10.20.8.7/22"));
    assert!(file("n1", "lan0").contains("10.20.10.1/22"));
    assert!(file("d-2", "lan0").contains("DHCP=ipv4"));
}

#[test]
fn an_address_that_a_member_does_not_have_is_found_once() {
    for (interface, id) in [
        (
            "{addresses: [\"{{ node.addresses[1] }}/64\"]}",
            "template-failed",
        ),
        ("{addresses: [\"{{ node.adress }}/22\"]}", "template-failed"),
        ("{addresses: [\"{{ node.address }}\"]}", "cidr-invalid"),
        ("{addresses: [\"{{ node.address }}/33\"]}", "cidr-invalid"),
        ("{adresses: [10.20.8.1/22]}", "field-unknown"),
        ("{addresses: [10.20.8.1/22]}", "interface-address-repeated"),
    ] {
        let lines = format!(
            "profiles: [worker]\nos: {{network: networkd}}\nnodes: [{{range: {{names: \"e-[1-9]\", start: 10.20.8.1}}, interfaces: {{lan0: {interface}}}}}]\n"
        );
        let project = NewProject::new(&lines);
        assert_eq!(project.ids().last().unwrap(), id, "{interface}");
        if id != "interface-address-repeated" {
            let said = project.run(&["check"]);
            let found = said.matches("nodes[0].interfaces.lan0").count();
            assert_eq!(found, 1, "{said}");
        }
    }
}
