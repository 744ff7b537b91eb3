//! Nodes that are alike are checked once, and a mistake is found at each node that has it.

use crate::support::new_project::NewProject;

/// The nodes of the only finding.
fn nodes(nodes: &str, unit: &str) -> Vec<String> {
    let project = NewProject::new(&format!(
        "profiles: [worker]\nunits: {{x.service: {{text: \"{unit}\"}}}}\nnodes:\n{nodes}"
    ));
    let said = project.run(&["check", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let of_unit = findings
        .iter()
        .filter(|finding| finding["id"] == "unit-value-invalid");
    let mut nodes: Vec<String> = of_unit
        .flat_map(|finding| finding["nodes"].as_array().cloned().unwrap_or_default())
        .map(|node| node.as_str().unwrap().to_owned())
        .collect();
    nodes.sort();
    nodes
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
