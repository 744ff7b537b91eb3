//! `pki issue`: nodes' certificates by CAs of every kind, and which are made again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{CLUSTER, issued, mode, now, openssl_accepts, project, same_key};
use crate::support::fixture::{Project, text};
use crate::support::oracles;

#[test]
fn issued_certificates_are_what_openssl_and_go_accept() {
    let project = issued();
    let folder = project.dir.join("pki/nodes/a.example.com");
    assert_eq!(mode(&folder), 0o700);
    for pem in ["client.pem", "serving.pem", "user-system:kube-proxy.pem"] {
        assert_eq!(mode(&folder.join(pem)), 0o600);
    }
    assert!(!project.dir.join("pki/nodes/b/serving.pem").exists());
    let ca = "../../ca.pem";
    if oracles::present("openssl") {
        openssl_accepts(&folder, ca, "client.pem", "sslclient");
        openssl_accepts(&folder, ca, "serving.pem", "sslserver");
        openssl_accepts(&folder, ca, "user-system:kube-proxy.pem", "sslclient");
        same_key(&folder, "serving.pem", "serving.pem");
    }
    oracles::needs(["certificates"]);
    let at = nodebake::timing::rfc3339(time::OffsetDateTime::now_utc()).unwrap();
    let go = |args: &[&str]| oracles::content(&folder, "certificates", args);
    let node = "system:node:a.example.com system:nodes\n";
    assert_eq!(go(&["client", ca, &at, "client.pem"]), node);
    let names = ["a.example.com", "a", "10.0.0.1", "[fd00::1]", "10.7.0.1"];
    let serving = [&["server", ca, &at, "serving.pem"], &names[..]].concat();
    assert_eq!(go(&serving), node);
    let handshake = [
        "handshake",
        ca,
        &at,
        "serving.pem",
        "client.pem",
        "10.0.0.1",
    ];
    assert_eq!(go(&handshake), node);
    let user = go(&["client", ca, &at, "user-system:kube-proxy.pem"]);
    assert_eq!(user, "system:kube-proxy system:node-proxier\n");
    let foreign = ["server", ca, &at, "serving.pem", "10.0.0.2"];
    assert!(
        !oracles::run(&folder, "certificates", &foreign)
            .status
            .success()
    );
}

/// Every kind of key in every form that openssl writes: what makes it, and how it is written again.
const KINDS: [(&str, &[&str], &str); 9] = [
    ("rsa, PKCS#8", &["-newkey", "rsa:2048"], ""),
    ("rsa, PKCS#1", &["-newkey", "rsa:2048"], "rsa -traditional"),
    ("rsa 4096, PKCS#8", &["-newkey", "rsa:4096"], ""),
    (
        "P-256, PKCS#8",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "",
    ),
    (
        "P-256, SEC1",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ec",
    ),
    (
        "P-384, PKCS#8",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "",
    ),
    (
        "P-384, SEC1",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "ec",
    ),
    ("Ed25519", &["-newkey", "ed25519"], ""),
    (
        "P-256, encrypted",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "pkcs8 -topk8 -passout pass:x1",
    ),
];

/// A CA that openssl made, in the project.
fn openssl_ca(project: &Project, how: &[&str], rewrite: &str) {
    let pki = project.dir.join("pki");
    let req = [
        &[
            "req",
            "-x509",
            "-nodes",
            "-days",
            "400",
            "-subj",
            "/O=Test only/OU=Lab/CN=ca",
            "-addext",
            "keyUsage=critical,keyCertSign",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ],
        how,
    ];
    oracles::content(&pki, "openssl", &req.concat());
    if !rewrite.is_empty() {
        let words: Vec<&str> = rewrite.split(' ').collect();
        let words = [&words[..], &["-in", "ca.key", "-out", "ca.new"]].concat();
        oracles::content(&pki, "openssl", &words);
        fs::rename(pki.join("ca.new"), pki.join("ca.key")).unwrap();
    }
    fs::set_permissions(pki.join("ca.key"), Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn cas_of_every_kind_issue_and_their_keys_get_onto_no_node() {
    oracles::needs(["openssl"]);
    for (kind, how, rewrite) in KINDS {
        let project = project();
        openssl_ca(&project, how, rewrite);
        let encrypted = rewrite.contains("-topk8");
        let key = fs::read_to_string(project.dir.join("pki/ca.key")).unwrap();
        let label = match rewrite.split(' ').next() {
            Some("rsa") => "-----BEGIN RSA PRIVATE KEY-----",
            Some("ec") => "-----BEGIN EC PRIVATE KEY-----",
            Some("pkcs8") => "-----BEGIN ENCRYPTED PRIVATE KEY-----",
            _ => "-----BEGIN PRIVATE KEY-----",
        };
        assert!(key.contains(label), "{kind}: {key}");
        if encrypted {
            let refused = project.run(&["pki", "issue"]);
            assert!(
                text(&refused.stderr).contains("there is no passphrase"),
                "{kind}"
            );
            let wrong = &mut project.command(&["pki", "issue", "--passphrase-file", "-"]);
            let wrong = wrong.run_with_input(b"x2\n");
            assert!(
                text(&wrong.stderr).contains("with this passphrase"),
                "{kind}"
            );
            let right = &mut project.command(&["pki", "issue", "--passphrase-file", "-"]);
            let right = right.run_with_input(b"x1\n");
            assert!(right.status.success(), "{kind}: {}", text(&right.stderr));
        } else {
            project.good(&["pki", "issue"]);
        }
        let folder = project.dir.join("pki/nodes/a.example.com");
        openssl_accepts(&folder, "../../ca.pem", "client.pem", "sslclient");
        openssl_accepts(&folder, "../../ca.pem", "serving.pem", "sslserver");
        now(&project, &["build"]);
        // By name of the file, for the key may be encrypted; by what it is, wherever it is.
        let cases = if encrypted {
            vec!["    source: pki/ca.key"]
        } else {
            vec!["    source: pki/ca.key", "    source: copy.txt"]
        };
        fs::write(project.dir.join("copy.txt"), format!("# mine\n{key}\n")).unwrap();
        for case in cases {
            let with = format!("{CLUSTER}files:\n  /etc/x:\n{case}\n");
            fs::write(project.dir.join("cluster.yaml"), with).unwrap();
            let refused = project.run(&["check"]);
            let said = text(&refused.stdout);
            assert!(
                said.contains("holds the CA's private key"),
                "{kind} {case}: {said}"
            );
            assert!(
                !said.contains(key.lines().nth(2).unwrap()),
                "{kind}: {said}"
            );
        }
    }
}

#[test]
fn an_encrypted_key_of_ours_is_what_openssl_reads() {
    let project = project();
    let init = &mut project.command(&["pki", "init", "--passphrase-file", "-"]);
    let init = init.run_with_input("gehe im & Licht\nnext line\n".as_bytes());
    assert!(init.status.success(), "{}", text(&init.stderr));
    let pki = project.dir.join("pki");
    let key = fs::read_to_string(pki.join("ca.key")).unwrap();
    assert!(
        key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"),
        "{key}"
    );
    if oracles::present("openssl") {
        let args = [
            "pkey",
            "-in",
            "ca.key",
            "-passin",
            "pass:gehe im & Licht",
            "-pubout",
        ];
        let public = oracles::content(&pki, "openssl", &args);
        let of_ca = ["x509", "-in", "ca.pem", "-noout", "-pubkey"];
        assert_eq!(public, oracles::content(&pki, "openssl", &of_ca));
    }
    fs::write(project.dir.join("passphrase"), "gehe im & Licht\n").unwrap();
    project.good(&["pki", "issue", "--passphrase-file", "passphrase"]);
    fs::write(project.dir.join("empty"), "").unwrap();
    let empty = project.run(&["pki", "issue", "--force", "--passphrase-file", "empty"]);
    assert!(text(&empty.stderr).contains("first line is empty"));
}

/// What `pki issue` said, as (node, certificate, issued).
fn outcomes(said: &str) -> Vec<(String, String, bool)> {
    let said: Vec<Value> = serde_json::from_str(said).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    said.iter()
        .map(|one| {
            (
                word(&one["node"]),
                word(&one["certificate"]),
                one["issued"] == true,
            )
        })
        .collect()
}

#[test]
fn only_what_is_missing_unfit_or_ends_soon_is_issued_again() {
    let project = issued();
    let issue = |args: &[&str]| {
        let all = [&["pki", "issue", "-o", "json"], args].concat();
        let mut outcomes = outcomes(&project.good(&all));
        outcomes.retain(|(_, _, issued)| *issued);
        outcomes
            .into_iter()
            .map(|(node, what, _)| format!("{node} {what}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(issue(&[]), [""; 0]);
    assert_eq!(issue(&[".", "b", "--force"]), ["b client"]);
    assert_eq!(issue(&["--renew-within", "364d"]), [""; 0]);
    assert_eq!(issue(&["--renew-within", "366d"]).len(), 4);
    fs::remove_file(project.dir.join("pki/nodes/b/client.pem")).unwrap();
    assert_eq!(issue(&[]), ["b client"]);
    // An address more, and a certificate of somebody else's.
    let changed = CLUSTER
        .replace("[10.0.0.1, ", "[10.0.0.8, ")
        .replace("[10.0.0.1/24, ", "[10.0.0.8/24, ");
    fs::write(project.dir.join("cluster.yaml"), changed).unwrap();
    let nodes = project.dir.join("pki/nodes");
    fs::copy(
        nodes.join("a.example.com/client.pem"),
        nodes.join("b/client.pem"),
    )
    .unwrap();
    assert_eq!(issue(&[]), ["a.example.com serving", "b client"]);
    // The key is needed only by who signs.
    fs::remove_file(project.dir.join("pki/ca.key")).unwrap();
    assert_eq!(issue(&[]), [""; 0]);
    let refused = project.run(&["pki", "issue", "--force"]);
    assert_eq!(refused.status.code(), Some(3));
    assert_eq!(
        text(&refused.stderr),
        "error: pki/ca.key: the CA's key is missing; name it with --ca-key, or make a CA with `nodebake pki init`\n"
    );
}
