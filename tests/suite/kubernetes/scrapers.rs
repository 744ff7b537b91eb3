//! That the objects of programs which read from kubelets are what kubectl makes for the same subjects.

use std::fs;

use serde_json::{Value, json};

use crate::support::fixture::{Project, text};
use crate::support::oracles;

/// A project with further lines below `rbac`.
fn with_scrapers(scrapers: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let written = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{written}rbac: {{scrapers: {scrapers}}}\n")).unwrap();
    project
}

#[test]
fn scrapers_get_what_they_read_and_no_more() {
    oracles::needs(["kubectl"]);
    let project = with_scrapers(
        "{prometheus: {serviceAccounts: [monitoring/prometheus, other/p.q]}, \
         audit: {users: [\"1e3\", \"a: b\"], groups: [\"yes\"], reads: [configz, proxy, metrics]}, one: {users: [u], reads: log}}",
    );
    project.good(&["build"]);
    let file = project.out().join("cluster/rbac/rbac.yaml");
    let objects = oracles::same_values(&file);
    let find = |kind: &str, name: &str| -> Value {
        let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
        objects
            .iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("{kind} {name}"))
            .clone()
    };
    for (name, subjects, reads) in [
        (
            "prometheus",
            &[
                "--serviceaccount=monitoring:prometheus",
                "--serviceaccount=other:p.q",
            ][..],
            &["nodes/metrics"][..],
        ),
        (
            "audit",
            &["--user=1e3", "--user=a: b", "--group=yes"],
            &["nodes/configz", "nodes/proxy", "nodes/metrics"],
        ),
        ("one", &["--user=u"], &["nodes/log"]),
    ] {
        let name = format!("kubelet-scraper:{name}");
        let role = format!("--clusterrole={name}");
        let mut args = vec![
            "create",
            "clusterrolebinding",
            &name,
            &role,
            "--dry-run=client",
            "-o",
            "json",
        ];
        args.extend(subjects);
        let theirs: Value =
            serde_json::from_str(&oracles::content(project.scratch(), "kubectl", &args)).unwrap();
        let ours = find("ClusterRoleBinding", &name);
        for field in ["apiVersion", "kind", "subjects", "roleRef"] {
            assert_eq!(ours[field], theirs[field], "{name}: {field}");
        }
        let rules = json!([{"apiGroups": [""], "resources": reads, "verbs": ["get"]}]);
        assert_eq!(find("ClusterRole", &name)["rules"], rules);
    }
    let written = fs::read_to_string(file).unwrap();
    assert_eq!(
        written.matches("Kubelets before 1.33").count(),
        1,
        "{written}"
    );
}

#[test]
fn scrapers_without_subjects_are_found() {
    for (scrapers, expected) in [
        ("{a: {}}", "field-missing"),
        ("{a: {reads: [metrics]}}", "field-missing"),
        ("{a: {serviceAccounts: [prometheus]}}", "name-invalid"),
        ("{A_b: {users: [a]}}", "name-invalid"),
        (
            "{a: {users: [a], reads: [everything]}}",
            "value-not-a-choice",
        ),
    ] {
        let output = with_scrapers(scrapers).run(&["check", "--format", "json"]);
        let said = text(&output.stdout);
        let ids = said.matches(&format!("\"{expected}\"")).count();
        assert!(ids > 0, "{scrapers}: {said}");
    }
}
