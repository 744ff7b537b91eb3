//! Many nodes: memory does not grow with them, and what they have in common is told once.

use std::fs;

use crate::support::fixture::Project;
use crate::support::tool::nodebake;

/// A project of so many nodes, and its two bundles, by today's clock, like their tokens.
fn bundles(nodes: usize) -> Project {
    let project = Project::of("modern");
    let inventory = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&inventory).unwrap();
    let (head, _) = text.split_once("nodes:\n").unwrap();
    let write = |pods: u32| {
        let range = format!(
            "nodes:\n  - range: {{names: \"n[0001-{nodes:04}]\", start: 10.9.0.1, within: 10.9.0.0/16}}\n    \
             kubelet: {{config: {{maxPods: {pods}}}}}\n    output: {{formats: [ignition]}}\n"
        );
        fs::write(&inventory, format!("{head}{range}")).unwrap();
    };
    write(50);
    project.good(&["token", "create", "."]);
    nodebake(&project.dir, &["build", "-o", "old"]).good();
    write(60);
    nodebake(&project.dir, &["build", "-o", "new"]).good();
    project
}

#[test]
fn what_nodes_have_in_common_is_told_once_and_memory_does_not_grow() {
    let many = bundles(400);
    let said = many.good(&["diff", "old", "new"]);
    assert_eq!(said.matches("maxPods").count(), 1, "{said}");
    assert!(
        said.contains("nodes n0002 to n0400, 399 of them: as n0001\n"),
        "{said}"
    );
    let few = bundles(40);
    let peak = |project: &Project| {
        let mut tool = project.command(&["diff", "old", "new"]);
        tool.good_with_peak()
    };
    let (few, many) = (peak(&few), peak(&many));
    // The manifests of both bundles are in memory, some 3 KB a node.
    assert!(many < few + (8 << 20), "{few} {many}");
}
