//! Interfaces that contradict one another, the node or the kernel, each beside right ones that look alike.

mod addresses;
mod good;
mod layers;
mod links;
mod names;
mod nodes;
mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value as Json;

use crate::support::fixture::{Project, text};

/// A node's settings, in which `@` is a number of its own and `#` the same in two hexadecimal digits; and the ids of the findings.
type Row = (&'static str, &'static str);

/// The ids of the findings of each node, by its place in the inventory.
fn findings(rows: &[&str]) -> BTreeMap<usize, BTreeSet<String>> {
    findings_of(rows, "10.96.0.10")
}

/// The same where the cluster's own DNS has an address.
fn findings_of(rows: &[&str], cluster_dns: &str) -> BTreeMap<usize, BTreeSet<String>> {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let (head, _) = inventory.split_once("nodes:\n").unwrap();
    let head = head.replace("10.96.0.10", cluster_dns);
    let mut all = format!("{head}nodes:\n");
    for (index, row) in rows.iter().enumerate() {
        let number = index + 11;
        let row = row.replace('@', &number.to_string());
        let row = row.replace('#', &format!("{:02x}", number % 256));
        all += &format!("  - {{name: r-{index}, {row}}}\n");
    }
    fs::write(&file, all).unwrap();
    let output = project.run(&["check", "--format", "json"]);
    let said: Json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    let mut found: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for finding in said["findings"].as_array().unwrap() {
        let path = finding["path"].as_str().unwrap_or_default();
        let row = path
            .strip_prefix("nodes[")
            .and_then(|rest| rest.split_once(']'));
        if let Some((row, _)) = row {
            let id = finding["id"].as_str().unwrap().to_owned();
            found.entry(row.parse().unwrap()).or_default().insert(id);
        }
    }
    found
}

#[test]
fn what_is_right_is_not_found() {
    let found = findings(good::GOOD);
    for (row, ids) in &found {
        assert!(ids.is_empty(), "{}: {ids:?}", good::GOOD[*row]);
    }
}

#[test]
fn what_is_wrong_is_found_and_nothing_else() {
    let mut wrong = String::new();
    for table in [addresses::BAD, routes::BAD, links::BAD, names::BAD] {
        let rows: Vec<&str> = table.iter().map(|(row, _)| *row).collect();
        let found = findings(&rows);
        for (index, (row, expected)) in table.iter().enumerate() {
            let ids = found.get(&index).cloned().unwrap_or_default();
            let expected: BTreeSet<String> = expected.split(' ').map(str::to_owned).collect();
            if ids != expected {
                wrong += &format!("{row}\n  expected {expected:?}\n  found {ids:?}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
