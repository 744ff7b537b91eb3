//! Listed nodes that say the same share what they say; each has its findings, its lines and its bytes as if it were alone.

use std::fs;

use serde_json::Value;

use crate::support::new_project::NewProject;

/// Three nodes that say the same, or that differ in one value which nothing reads.
fn nodes(lines: &str, are_twins: bool) -> String {
    let node = |n: u8| {
        let own = if are_twins { 0 } else { n };
        format!("  - name: n-{n}\n    addresses: [10.0.0.{n}]\n{lines}    vars: {{own: {own}}}\n")
    };
    format!(
        "nodes:\n{}  - name: other\n    vars: {{own: 0, more: 1}}\n",
        (1..=3).map(node).collect::<String>()
    )
}

fn findings(project: &NewProject) -> Vec<Value> {
    let said = project.run(&["check", "--format", "json"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    report["findings"].as_array().unwrap().clone()
}

#[test]
fn a_mistake_in_what_twins_say_is_found_in_the_lines_of_each() {
    for (id, above, lines) in [
        // While the layers are read.
        (
            "field-unknown",
            "",
            "    labels: {a: b}\n    taint: {a: b}\n",
        ),
        ("label-invalid", "", "    labels: {\"a b\": c}\n"),
        // By the plan.
        (
            "kubelet-field-unknown",
            "",
            "    kubelet: {config: {maxPod: 60}}\n",
        ),
        (
            "kubelet-field-range",
            "",
            "    kubelet:\n      config: {maxPods: -60}\n",
        ),
        // At the nodes.
        (
            "template-failed",
            "",
            "    labels: {a: \"{{ cluster.nothing }}\"}\n",
        ),
        (
            "kubelet-name-differs",
            "",
            "    kubelet: {flags: {hostname-override: \"x-{{ node.name }}\"}}\n",
        ),
        // With what they say, in a line of all.
        (
            "template-failed",
            "files: {/srv/x: {template: \"{{ vars.own.x }}\"}}\n",
            "",
        ),
    ] {
        let found = |are_twins| {
            let nodes = nodes(lines, are_twins);
            let project = NewProject::new(&format!("profiles: [worker]\n{above}{nodes}"));
            findings(&project)
        };
        let (twins, others) = (found(true), found(false));
        assert_eq!(twins, others, "{lines}");
        assert!(twins.iter().any(|one| one["id"] == id), "{id}: {twins:?}");
    }
}

#[test]
fn an_accepted_mistake_is_counted_at_each_twin() {
    let found = |are_twins| {
        let lines = "    kubelet: {flags: {hostname-override: \"x-{{ node.name }}\"}}\n";
        let nodes = nodes(lines, are_twins);
        let accepted = "findings: {kubelet-name-differs: {level: warning, reason: known}}\n";
        findings(&NewProject::new(&format!(
            "profiles: [worker]\n{accepted}{nodes}"
        )))
    };
    assert_eq!(found(true), found(false));
}

#[test]
fn twins_have_their_own_lines_and_the_same_bytes() {
    let lines = "    labels: {rack: a}\n    kubelet: {config: {maxPods: 60}}\n    files: {/srv/own: {content: x}}\n";
    let project = NewProject::new(&format!("profiles: [worker]\n{}", nodes(lines, true)));
    project.good(&["build", "--out", "twins"]);
    let origin = project.good(&["show", "n-3", "--origin"]);
    let file = project.dir().join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let last = text.lines().collect::<Vec<_>>();
    let line = 1 + last
        .iter()
        .rposition(|line| line.contains("maxPods"))
        .unwrap();
    let expected = format!("kubelet.config.maxPods: 60  (cluster.yaml:{line}:");
    assert!(origin.contains(&expected), "{origin}");
    fs::write(
        &file,
        text.replacen("own: 0}", "own: 1}", 1)
            .replacen("own: 0}", "own: 2}", 1),
    )
    .unwrap();
    project.good(&["build", "--out", "alone"]);
    for node in ["n-1", "n-2", "n-3"] {
        for file in ["tree.json", "config.ign"] {
            let built = |out: &str| {
                let file = project.dir().join(out).join("nodes").join(node).join(file);
                fs::read_to_string(file).unwrap()
            };
            assert!(built("twins") == built("alone"), "{node}: {file}");
        }
    }
}
