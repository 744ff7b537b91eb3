//! Files of the node whose reader is known: what the reader would not take is found, at its line, and what it takes is
//! not. Each case is a node of one project, so that one run answers many.

mod containerd;
mod containerd_server;
mod keyfile;
mod logrotate;
mod netplan;
mod networkd;
mod pods;
mod programs;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::support::fixture::{Project, text};

/// The rows of a table of network files: its lines but for comments.
fn table(name: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/network_files");
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let rows = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(str::to_owned).collect()
}

/// One node of the project: what it says beside its name and address, and the ids of the findings that it must have.
pub struct Case<'a> {
    /// Unique, for messages.
    pub name: &'a str,
    /// Keys of the node.
    pub node: Value,
    /// Ids; none for a node that is as it should be.
    pub ids: &'static [&'static str],
}

/// A node with one file.
pub fn file(
    name: &'static str,
    path: &str,
    content: &str,
    ids: &'static [&'static str],
) -> Case<'static> {
    Case {
        name,
        node: json!({"files": {path: {"content": content}}}),
        ids,
    }
}

/// What `check` says of a project whose nodes are the cases: each finding with its node's number.
fn checked(version: &str, more: &Value, cases: &[Case<'_>]) -> Vec<Value> {
    let project = Project::of("bad/project");
    let nodes: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| {
            let mut node = case.node.as_object().unwrap().clone();
            node.insert("name".into(), json!(format!("c{number}")));
            node.insert(
                "addresses".into(),
                json!([format!("10.1.{}.{}", number / 200, number % 200 + 1)]),
            );
            Value::Object(node)
        })
        .collect();
    let mut cluster: Map<String, Value> = json!({
        "apiVersion": "nodebake/v1",
        "kind": "Cluster",
        "name": "files",
        "kubernetes": version,
        "apiServer": {"url": "https://api.example.com:6443", "ca": "pki/ca.pem"},
        "network": {"clusterDomain": "cluster.local", "clusterDNS": ["10.96.0.10"], "serviceCIDRs": ["10.96.0.0/16"], "podCIDRs": ["10.244.0.0/16"]},
        "tokens": {"ttl": "999d", "approval": "review"},
        "profiles": ["worker"],
    }).as_object().unwrap().clone();
    cluster.extend(more.as_object().unwrap().clone());
    cluster.insert("nodes".into(), json!(nodes));
    let text_of = serde_json::to_string_pretty(&cluster).unwrap();
    fs::write(project.dir.join("cluster.yaml"), text_of).unwrap();
    fs::remove_file(project.dir.join("secrets.yaml")).unwrap();
    project.good(&["token", "create"]);
    let output = project.run(&["check", "--format", "json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr))
    });
    said["findings"].as_array().unwrap().clone()
}

/// Each case has the findings that it must have, and no other.
pub fn each_is_as_it_says(version: &str, more: &Value, cases: &[Case<'_>]) {
    each_is_as_it_says_by(version, more, cases, str::to_owned);
}

/// The same where some ids stand for others.
fn each_is_as_it_says_by(
    version: &str,
    more: &Value,
    cases: &[Case<'_>],
    by: impl Fn(&str) -> String,
) {
    let findings = checked(version, more, cases);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    for finding in &findings {
        let id = finding["id"].as_str().unwrap();
        let nodes = finding["nodes"].as_array().cloned();
        let nodes = nodes.filter(|nodes| !nodes.is_empty()).unwrap_or_else(|| {
            let all = 0..cases.len();
            all.map(|number| json!(format!("c{number}"))).collect()
        });
        for node in nodes {
            let node = node.as_str().unwrap().to_owned();
            said.entry(node.clone())
                .or_default()
                .push_str(&format!("{finding}\n"));
            found.entry(node).or_default().insert(by(id));
        }
    }
    let mut wrong = String::new();
    for (number, case) in cases.iter().enumerate() {
        let node = format!("c{number}");
        let is: BTreeSet<String> = found.remove(&node).unwrap_or_default();
        let wanted: BTreeSet<String> = case.ids.iter().map(|id| (*id).to_owned()).collect();
        if is != wanted {
            let said = said.get(&node).map_or("", String::as_str);
            wrong += &format!("{}: wanted {wanted:?}, found {is:?}\n{said}\n", case.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A text of a table: `\n`, `\r`, `\t`, `\\` and `\xNN` are what they are in C.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next().unwrap() {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'\\' => bytes.push(b'\\'),
            b'x' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
            }
            other => panic!("\\{}: {text}", char::from(other)),
        }
    }
    bytes
}
