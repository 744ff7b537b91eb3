//! Reviews by ids of tokens alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{CLIENT, csr};
use crate::support::fixture::Project;

/// Whoever approves requests need not be able to join nodes: the ids do for all that the tokens do.
#[test]
fn ids_without_secrets_are_enough_for_a_review() {
    let project = Project::of("reference");
    let dir = &project.dir;
    let fixture = crate::support::fixture::fixtures().join("csr/client.pem");
    let pem = fs::read_to_string(fixture).unwrap();
    project.good(&["token", "revoke", ".", "zhangjun-k8s-03"]);
    let items: Vec<Value> = ["test01", "test02", "test03", "zzzzzz"]
        .map(|id| csr(id, &format!("system:bootstrap:{id}"), CLIENT, &pem))
        .into();
    fs::write(dir.join("csr.json"), json!({"items": items}).to_string()).unwrap();
    let with_tokens = project.good(&["csr", "review", "csr.json", "-o", "json"]);
    let printed = project.good(&["csr", "export-ids"]);
    project.good(&["csr", "export-ids", "--out", "ids.yaml"]);
    let written = fs::read_to_string(dir.join("ids.yaml")).unwrap();
    assert_eq!(printed, written);
    let mode = fs::metadata(dir.join("ids.yaml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);
    let secrets = fs::read_to_string(dir.join("secrets.yaml")).unwrap();
    let secrets: Vec<&str> = secrets
        .lines()
        .filter_map(|line| line.split_once("secret: "))
        .map(|(_, secret)| secret.trim_matches('"'))
        .collect();
    assert_eq!(secrets.len(), 3);
    assert!(secrets.iter().all(|secret| !written.contains(secret)));
    fs::remove_file(dir.join("secrets.yaml")).unwrap();
    let review = &[
        "csr", "review", "csr.json", "--ids", "ids.yaml", "-o", "json",
    ];
    assert_eq!(project.good(review), with_tokens);
    assert!(with_tokens.contains("\"revoked\"") && with_tokens.contains("unknown-token"));
    // What is wrong with the file is said, and nothing else; a whole token is not repeated.
    let secret = secrets[0];
    for (text, said) in [
        (
            written.replace("cluster: \"", "cluster: \"x"),
            "cluster: must be",
        ),
        (
            written.replace("\"test01\"", &format!("test01.{secret}")),
            "the secret that follows the dot",
        ),
        (
            written.replace("TokenIds", "Secrets"),
            "kind: must be TokenIds",
        ),
        (
            written.split("tokens:").next().unwrap().to_owned() + "tokens: {}\n",
            "there is no token of 3 nodes",
        ),
    ] {
        fs::write(dir.join("bad.yaml"), text).unwrap();
        let output = project.run(&["csr", "review", "csr.json", "--ids", "bad.yaml"]);
        let stderr = crate::support::fixture::text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(
            output.stdout.is_empty() && stderr.contains(said),
            "{stderr}"
        );
        assert!(!stderr.contains(secret), "{stderr}");
    }
    for args in [
        &["csr", "review", "csr.json", "--ids", "missing.yaml"][..],
        &["csr", "export-ids"],
        &["csr", "export-ids", "--secrets", "missing.yaml"],
    ] {
        let output = project.run(args);
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    let both = [
        "csr",
        "review",
        "csr.json",
        "--ids",
        "ids.yaml",
        "--secrets",
        "s",
    ];
    assert_eq!(project.run(&both).status.code(), Some(2));
}
