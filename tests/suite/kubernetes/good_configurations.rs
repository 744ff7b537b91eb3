//! Nothing valid is refused: kubelet configurations as clusters really have them, each for a node of its own.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::support::fixture::{fixtures, text};
use crate::support::tool;

/// One node of the fixture.
struct Good {
    name: String,
    release: String,
    config: Value,
}

fn all() -> Vec<Good> {
    let file = fixtures().join("kubelet-configurations/good.yaml");
    let all: Vec<Value> = nodebake::yaml::read(&fs::read_to_string(file).unwrap()).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    all.iter()
        .map(|one| Good {
            name: word(&one["name"]),
            release: word(&one["release"]),
            config: one["config"].clone(),
        })
        .collect()
}

/// A project with all of them, checked; the findings that are errors.
#[test]
fn configurations_of_real_clusters_are_not_refused() {
    let all = all();
    assert!(all.len() >= 40, "{}", all.len());
    let folder = tempfile::tempdir().unwrap();
    tool::nodebake(folder.path(), &["init", "p"]).good();
    let project = folder.path().join("p");
    let mut inventory = String::from(
        "apiVersion: nodebake/v1
kind: Cluster
name: good
kubernetes: v1.37.2
apiServer: {url: \"https://api.example.internal:6443\", ca: pki/ca.pem, version: v1.37.2}
network: {clusterDomain: cluster.local, clusterDNS: [10.96.0.10], serviceCIDRs: [10.96.0.0/16], podCIDRs: [10.244.0.0/16]}
findings: {version-skew: {level: off, reason: each node is of a cluster of its own}}
profiles: [worker]
nodes:
",
    );
    for (index, good) in (1..).zip(&all) {
        let _ = writeln!(
            inventory,
            "  - {{name: {}, kubernetes: {}, addresses: [10.0.0.{index}], kubelet: {{config: {}}}}}",
            good.name, good.release, good.config
        );
    }
    fs::write(project.join("cluster.yaml"), inventory).unwrap();
    tool::nodebake(&project, &["token", "create"]).run();
    let output = tool::nodebake(&project, &["check", "--format", "json"]).run();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .map(|finding| {
            format!(
                "{} {}: {}",
                finding["id"], finding["nodes"], finding["message"]
            )
        })
        .collect();
    assert!(
        errors.is_empty(),
        "{}{}",
        errors.join("\n"),
        text(&output.stderr)
    );
}
