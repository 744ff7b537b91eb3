//! Reviews by ids of tokens alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{CLIENT, csr};
use crate::support::fixture::Project;
use crate::support::oracles;

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
    project.good(&["csr", "export-ids", "--out", "review.json"]);
    let written = fs::read_to_string(dir.join("review.json")).unwrap();
    assert_eq!(printed, written);
    let mode = fs::metadata(dir.join("review.json"))
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
        "csr",
        "review",
        "csr.json",
        "--ids",
        "review.json",
        "-o",
        "json",
    ];
    assert_eq!(project.good(review), with_tokens);
    assert!(with_tokens.contains("\"revoked\"") && with_tokens.contains("unknown-token"));
    // What is wrong with the file is said, and nothing else; a whole token is not repeated.
    let secret = secrets[0];
    for (text, said) in [
        (
            written.replace("\"cluster\": \"", "\"cluster\": \"x"),
            "cluster: must be",
        ),
        (
            written.replace("\"test01\"", &format!("\"test01.{secret}\"")),
            "the secret that follows the dot",
        ),
        (
            written.replace("\"Review\"", "\"Secrets\""),
            "kind must be Review",
        ),
        (without_tokens(&written), "there is no token of 3 nodes"),
    ] {
        fs::write(dir.join("bad.json"), text).unwrap();
        let output = project.run(&["csr", "review", "csr.json", "--ids", "bad.json"]);
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
        "review.json",
        "--secrets",
        "s",
    ];
    assert_eq!(project.run(&both).status.code(), Some(2));
}

fn without_tokens(written: &str) -> String {
    let mut value: Value = serde_json::from_str(written).unwrap();
    let nodes = value["nodes"].as_object_mut().unwrap();
    for (_, node) in nodes.iter_mut() {
        node.as_object_mut().unwrap().remove("tokens");
    }
    value.to_string()
}

/// What is in a bundle is what `csr export-ids` writes, signed by the bundle's key; it does without the project.
#[test]
fn a_bundle_has_what_reviews_go_by() {
    oracles::needs(["ssh-keygen"]);
    let project = Project::of("reference");
    let dir = &project.dir;
    project.good(&["key", "generate"]);
    project.good(&["build"]);
    let folder = dir.join("out/cluster/approver");
    let written = fs::read_to_string(folder.join("review.json")).unwrap();
    assert_eq!(written, project.good(&["csr", "export-ids"]));
    let value: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(value["nodes"].as_object().unwrap().len(), 3, "{written}");
    let verify = format!(
        "ssh-keygen -Y verify -f {0}/keys/allowed_signers -I nodebake -n nodebake -s {1}/review.json.sshsig < {1}/review.json",
        dir.display(),
        folder.display()
    );
    oracles::content(dir, "sh", &["-c", &verify]);
    let changed = written.replace("\"generation\": ", "\"generation\": 1");
    fs::write(folder.join("review.json"), changed).unwrap();
    let output = oracles::run(dir, "sh", &["-c", &verify]);
    assert!(!output.status.success());
    // The same verdicts in a folder without a project.
    let fixture = crate::support::fixture::fixtures().join("csr/client.pem");
    let pem = fs::read_to_string(fixture).unwrap();
    let items = [csr("a", "system:bootstrap:test01", CLIENT, &pem)];
    fs::write(dir.join("csr.json"), json!({"items": items}).to_string()).unwrap();
    let with_tokens = project.good(&["csr", "review", "csr.json", "-o", "json"]);
    let alone = dir.join("alone");
    fs::create_dir(&alone).unwrap();
    fs::write(alone.join("review.json"), &written).unwrap();
    let args = [
        "csr",
        "review",
        "csr.json",
        "alone",
        "--ids",
        "alone/review.json",
        "-o",
        "json",
    ];
    assert_eq!(project.good(&args), with_tokens);
    // After its end it decides nothing.
    let (head, rest) = written.split_once("\"validUntil\": \"").unwrap();
    let ended = format!("{head}\"validUntil\": \"2020{}", &rest[4..]);
    fs::write(alone.join("review.json"), ended).unwrap();
    let output = project.run(&args);
    let stderr = crate::support::fixture::text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("has passed") && output.stdout.is_empty(),
        "{stderr}"
    );
}
