//! Nodes that are alike are checked once, and a mistake is found at each node that has it.

use std::fs;

use crate::support::new_project::NewProject;

/// The nodes of the findings with an id.
fn nodes_of(lines: &str, id: &str) -> Vec<String> {
    let project = NewProject::new(lines);
    let said = project.run(&["check", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let mut nodes: Vec<String> = findings
        .iter()
        .filter(|finding| finding["id"] == id)
        .flat_map(|finding| finding["nodes"].as_array().cloned().unwrap_or_default())
        .map(|node| node.as_str().unwrap().to_owned())
        .collect();
    nodes.sort();
    nodes
}

fn nodes(nodes: &str, unit: &str) -> Vec<String> {
    let units = format!("units: {{x.service: {{text: \"{unit}\"}}}}");
    nodes_of(
        &format!("profiles: [worker]\n{units}\nnodes:\n{nodes}"),
        "unit-value-invalid",
    )
}

#[test]
fn a_mistake_is_found_at_each_node_that_has_it() {
    let unit = |value: &str| format!("[Service]\\nExecStart=/bin/true\\nNice={value}\\n");
    let named = "  - {name: \"12\"}\n  - {name: \"19\"}\n  - {name: \"25\"}\n  - {name: \"31\"}\n";
    assert_eq!(nodes(named, &unit("{{ node.name }}")), ["25", "31"]);
    let range = "  - range: {names: \"n-[1-3]\", start: 10.0.0.1, within: 10.0.0.0/24}\n";
    assert_eq!(
        nodes(range, &unit("{{ node.name }}")),
        ["n-1", "n-2", "n-3"]
    );
    assert_eq!(nodes(range, &unit("19")), [""; 0]);
}

const RANGE: &str = "  - range: {names: \"n-[1-3]\", start: 10.0.0.1, within: 10.0.0.0/24}\n";

/// Files of each of which a part is the same for all nodes of a range, and a part is not.
const SHARED: &str = r#"profiles: [worker]
vars: {rack: a, by: {n-1: one, n-2: two, n-3: three}}
paths: {own: "/srv/{{ node.name }}", same: "/srv/{{ cluster.name }}"}
links: {"/srv/to-{{ vars.rack }}": "{{ paths.own }}", "/srv/from-{{ node.name }}": "{{ paths.same }}"}
units:
  same.service: {text: "[Service]\nExecStart=/bin/echo {{ cluster.name }}\n"}
  own.service: {text: "[Service]\nExecStart=/bin/echo {{ vars.by[node.name] }}\n"}
files:
  /srv/same: {template: "{{ cluster.name }} {{ os.name }} {{ kubelet.minor }}"}
  /srv/paths: {template: "{{ paths.same }}"}
  /srv/config: {template: "{{ kubelet.config | json }} {{ kubelet.shutdownSeconds }}"}
  /srv/kubelet: {template: "{{ kubelet | json }}"}
  /srv/flags: {template: "{% for flag in kubelet.flags %}{{ flag[0] }}={{ flag[1] }} {% endfor %}"}
  /srv/args: {template: "{{ kubelet.args | join(sep=\" \") }}"}
  /srv/runtime: {template: "{{ kubelet.runtimeUnit }}{{ kubelet.runtimeEndpoint }}"}
  /srv/copy: {template: "{% set copy = node %}{{ copy.name }}"}
  /srv/key: {template: "{{ vars.by[node.name] }}"}
  /srv/secret: {template: "{{ vars.rack }}", secret: true}
  "/srv/of-{{ node.name }}": {template: "{{ vars.rack }}"}
"#;

/// Each node of a range by itself, with settings of its own, so that it shares nothing with the others.
fn alone(more: &str) -> String {
    let node = |n: u8| {
        format!("  - {{name: n-{n}, addresses: [10.0.0.{n}], vars: {{alone: {n}}}{more}}}\n")
    };
    (1..=3).map(node).collect()
}

#[test]
fn what_is_rendered_once_is_what_each_node_would_have_by_itself() {
    for config in ["", "kubelet: {config: {address: \"{{ node.address }}\"}}\n"] {
        let project = NewProject::new(&format!("{SHARED}{config}nodes:\n{RANGE}"));
        project.good(&["build", "--out", "range"]);
        let file = project.dir().join("cluster.yaml");
        let text = fs::read_to_string(&file)
            .unwrap()
            .replace(RANGE, &alone(""));
        fs::write(&file, text).unwrap();
        project.good(&["build", "--out", "alone"]);
        for node in ["n-1", "n-2", "n-3"] {
            let built = |out: &str, file: &str| {
                let file = project.dir().join(out).join("nodes").join(node).join(file);
                fs::read_to_string(file).unwrap()
            };
            for file in ["tree.json", "config.ign", "user-data"] {
                assert!(
                    built("range", file) == built("alone", file),
                    "{node}: {file}"
                );
            }
            let tree = built("range", "tree.json");
            assert!(tree.contains(&format!("/srv/of-{node}")), "{tree}");
        }
    }
}

#[test]
fn a_template_that_fails_is_found_at_each_node_for_which_it_does() {
    let lines = |file: &str| {
        format!("profiles: [worker]\nfiles: {{/srv/x: {{template: '{file}'}}}}\nnodes:\n{RANGE}")
    };
    let nodes = |file: &str| nodes_of(&lines(file), "template-failed");
    assert_eq!(nodes("{{ cluster.nothing }}"), ["n-1", "n-2", "n-3"]);
    let of_one = "{% if node.name == \"n-2\" %}{{ cluster.nothing }}{% endif %}";
    assert_eq!(nodes(of_one), ["n-2"]);
    assert_eq!(nodes("{{ cluster.name }}"), [""; 0]);
}

#[test]
fn a_secret_in_a_text_that_nodes_share_is_found_at_each_of_them() {
    let key = "Q".repeat(58);
    let lines = |mark: &str| {
        format!(
            "profiles: [worker]\nvars: {{a: AGE-SECRET, b: KEY-1{key}}}\n\
             files: {{/srv/x: {{template: \"{{{{ vars.a }}}}{mark}{{{{ vars.b }}}}\"}}}}\nnodes:\n{RANGE}"
        )
    };
    let nodes = |mark: &str| nodes_of(&lines(mark), "private-key-exposed");
    assert_eq!(nodes("-"), ["n-1", "n-2", "n-3"]);
    assert_eq!(nodes("+"), [""; 0]);
}

#[test]
fn a_rule_about_flags_and_addresses_is_broken_by_each_node_that_breaks_it() {
    let lines = |address: &str| {
        format!(
            "profiles: [worker]\nkubelet: {{flags: {{node-ip: \"{address}\"}}}}\nnodes:\n{RANGE}"
        )
    };
    let nodes = |address: &str| nodes_of(&lines(address), "kubelet-address-foreign");
    // One for all: it is the address of the first node only, and no part of the others' own words.
    assert_eq!(nodes("10.0.0.1"), ["n-2", "n-3"]);
    assert_eq!(nodes("{{ node.address }}"), [""; 0]);
    let invalid =
        "{% if node.name == 'n-3' %}{{ node.name }}{% else %}{{ node.address }}{% endif %}";
    assert_eq!(
        nodes_of(&lines(invalid), "kubelet-address-invalid"),
        ["n-3"]
    );
}
