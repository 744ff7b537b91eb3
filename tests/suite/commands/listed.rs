//! `profile` and `overlay`: what a project may use, to be read and replaced.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::fixture::text;
use crate::support::new_project::NewProject;
use crate::support::tool;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const NODE: &str = "nodes:
- {name: n1, addresses: [10.0.0.1], profiles: [worker, rack]}
";
const RACK: &str =
    "apiVersion: nodebake/v1\nkind: Profile\ndescription: >-\n  Nodes of\n  rack 1\n";

/// Names and places of what a command lists.
fn listed(project: &NewProject, command: &str) -> Vec<(String, String)> {
    let rows: Value = serde_json::from_str(&project.good(&[command, "-o", "json"])).unwrap();
    let rows = rows.as_array().unwrap().iter();
    let cell = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.map(|row| (cell(row, "name"), cell(row, "from")))
        .collect()
}

/// What a run that ends with 1 says.
fn fails(project: &NewProject, args: &[&str]) -> String {
    let output = tool::nodebake(&project.dir(), args).run();
    assert_eq!(output.status.code(), Some(1));
    text(&output.stderr)
}

/// The names of a folder of the repository.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| name.replace(".yaml", "")).collect()
}

#[test]
fn every_built_in_profile_is_listed_and_printed_as_it_is() {
    let project = NewProject::new(NODE);
    let mut built_in = names("profiles");
    assert!(built_in.remove("defaults"));
    let rows = listed(&project, "profile");
    let found: BTreeSet<String> = rows.iter().map(|row| row.0.clone()).collect();
    assert_eq!(found, built_in);
    for name in built_in {
        let file = Path::new(ROOT).join(format!("profiles/{name}.yaml"));
        assert_eq!(
            project.good(&["profile", &name]),
            fs::read_to_string(file).unwrap()
        );
    }
    let said = fails(&project, &["profile", "wroker"]);
    assert!(said.contains("did you mean worker?"), "{said}");
}

#[test]
fn a_profile_of_the_project_is_listed_before_the_built_in_one_that_it_hides() {
    let hiding = "apiVersion: nodebake/v1\nkind: Profile\nextends: [worker]\n";
    let files = [
        ("profiles/rack.yaml", RACK),
        ("profiles/worker.yaml", hiding),
    ];
    let project = NewProject::with_files(NODE, &files);
    let rows = listed(&project, "profile");
    let at = rows.iter().position(|row| row.0 == "worker").unwrap();
    let pair = |name: &str, from: &str| (name.to_owned(), from.to_owned());
    assert_eq!(rows[at], pair("worker", "profiles/worker.yaml"));
    let hidden = pair("built-in:worker", "built-in:profiles/worker.yaml");
    assert_eq!(rows[at + 1], hidden);
    let text = project.good(&["profile", "built-in:worker"]);
    assert!(text.contains("A worker with sound defaults"));
    let table = project.good(&["profile"]);
    let rack = table
        .lines()
        .find(|line| line.starts_with("rack "))
        .unwrap();
    assert!(rack.ends_with("Nodes of rack 1"), "{rack}");
}

#[test]
fn every_built_in_overlay_is_listed_with_its_files() {
    let project = NewProject::new(NODE);
    let rows = listed(&project, "overlay");
    let found: BTreeSet<String> = rows.iter().map(|row| row.0.clone()).collect();
    assert_eq!(found, names("overlays"));
    for (name, _) in rows {
        let folder = Path::new(ROOT).join("overlays").join(&name);
        for file in project.good(&["overlay", &name]).lines() {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert_eq!(project.good(&["overlay", &name, file]), text);
        }
    }
    let unit = "/etc/systemd/system/kubelet.service";
    let text = project.good(&["overlay", "kubelet", unit]);
    assert!(text.contains("ExecStart="), "{text}");
    let said = fails(&project, &["overlay", "kubelet", "/etc/x"]);
    assert!(said.contains("has no file /etc/x"), "{said}");
}

#[test]
fn a_copy_replaces_the_built_in_overlay_and_makes_the_same_node() {
    let project = NewProject::with_files(NODE, &[("profiles/rack.yaml", RACK)]);
    let unit = "/etc/systemd/system/kubelet.service";
    let before = project.on_node(unit);
    let copy = ["overlay", "kubelet", "--out", "overlays/kubelet"];
    project.good(&copy);
    assert_eq!(project.on_node(unit), before);
    let template = project
        .dir()
        .join("overlays/kubelet/root/etc/systemd/system/kubelet.service.tera");
    let text = fs::read_to_string(&template).unwrap();
    fs::write(&template, format!("# of this project\n{text}")).unwrap();
    assert_eq!(
        project.on_node(unit),
        format!("# of this project\n{before}")
    );
    let from = listed(&project, "overlay");
    assert!(from.contains(&("kubelet".to_owned(), "overlays/kubelet".to_owned())));
    let again = fails(&project, &copy);
    assert!(again.contains("it is there already"), "{again}");
}
