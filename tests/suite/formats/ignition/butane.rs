//! The same node as Butane's users would write it: Butane makes an equivalent configuration, and ours is no larger.

use std::fs;

use nodebake::model::output::{Format, IgnitionDigest, IgnitionSettings, IgnitionSpec, Settings};
use nodebake::payload::NodeFacts;
use serde_json::{Map, Value, json};

use crate::formats::ignition::to_butane::{as_butane, decoded};
use crate::support::fixture::Project;
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::trees;

/// A configuration with the bytes of its contents in place of the forms that were chosen for them, keys sorted.
fn meaning(config: &Value) -> Value {
    match config {
        Value::Object(map) if map.get("source").is_some() => {
            json!({"bytes": decoded(config), "verification": config["verification"]})
        }
        Value::Object(map) => {
            let mut fields: Vec<(String, Value)> = map
                .iter()
                .filter(|(_, value)| !value.is_null() && **value != json!({}))
                .map(|(key, value)| (key.clone(), meaning(value)))
                .collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(fields))
        }
        Value::Array(items) => items.iter().map(meaning).collect(),
        other => other.clone(),
    }
}

/// Compares a configuration with what Butane makes of the same node; ours may not be larger. Returns both sizes.
fn compare(ours: &str, what: &str) -> (usize, usize) {
    let scratch = tempfile::tempdir().unwrap();
    let config: Value = serde_json::from_str(ours).unwrap();
    let butane = as_butane(&config, scratch.path());
    fs::write(scratch.path().join("node.bu"), butane.to_string()).unwrap();
    let args = ["--strict", "--files-dir", ".", "node.bu"];
    let theirs = oracles::content(scratch.path(), "butane", &args);
    let read: Value = serde_json::from_str(&theirs).unwrap();
    assert!(meaning(&config) == meaning(&read), "{what}: {theirs:.2000}");
    let sizes = (ours.trim_end().len(), theirs.trim_end().len());
    assert!(sizes.0 <= sizes.1, "{what}: {sizes:?}");
    sizes
}

#[test]
fn butane_makes_the_same_of_the_same_node_and_ours_is_no_larger() {
    oracles::needs(["butane"]);
    for minor in 1..=3 {
        for digest in [IgnitionDigest::Sha512, IgnitionDigest::None] {
            let scratch = tempfile::tempdir().unwrap();
            let tree = trees::rich(scratch.path());
            let facts = NodeFacts {
                users: trees::users(),
                ..trees::facts()
            };
            let settings = Settings {
                ignition: IgnitionSettings {
                    spec: Some(IgnitionSpec { minor }),
                    digest,
                    ..IgnitionSettings::default()
                },
                ..trees::settings()
            };
            let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
            let ours = fs::read_to_string(folder.join("config.ign")).unwrap();
            compare(&ours, &format!("3.{minor}.0, {digest:?}"));
        }
    }
}

#[test]
fn butane_makes_the_same_of_clusters_as_they_are_built() {
    oracles::needs(["butane"]);
    let mut seen = 0;
    for case in ["reference", "modern"] {
        let project = Project::of(case);
        project.good(&["build"]);
        for node in fs::read_dir(project.out().join("nodes")).unwrap() {
            let file = node.unwrap().path().join("config.ign");
            let Ok(ours) = fs::read_to_string(&file) else {
                continue;
            };
            // Butane's oldest version has no files beside the configuration; the specification says nothing else here.
            let (lowest, read) = (r#"{"version":"3.0.0"}"#, r#"{"version":"3.1.0"}"#);
            assert!(ours.contains(lowest));
            compare(&ours.replace(lowest, read), &file.display().to_string());
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}
