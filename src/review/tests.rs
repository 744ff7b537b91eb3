//! Requests that openssl made (`tests/fixtures/csr/make.sh`), each held against one small cluster.

mod client;
mod crafted;
mod forged;
mod guide;
mod order;
mod print;
mod serving;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::identity::{blocks, push_block};
use crate::report::Report;
use crate::secrets::{Keys, TokenStore};

const CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const SERVING: &str = "kubernetes.io/kubelet-serving";
const BY_TOKEN: &str = "system:bootstrap:token1";
const BY_NODE: &str = "system:node:edge-001";
const FOR_CLIENTS: &[&str] = &["digital signature", "key encipherment", "client auth"];
const FOR_SERVERS: &[&str] = &["digital signature", "server auth"];

const TOKENS: &str = r#"
apiVersion: nodebake/v1
kind: Secrets
tokens:
  edge-001:
    - {id: token0, secret: testonlysecret00, epoch: 1, created: 2026-01-01T00:00:00Z, expires: 2026-02-01T00:00:00Z}
    - {id: token1, secret: testonlysecret01, epoch: 2, created: 2026-01-01T00:00:00Z, expires: 2099-01-01T00:00:00Z}
  edge-002:
    - {id: token2, secret: testonlysecret02, epoch: 1, created: 2026-01-01T00:00:00Z, expires: 2099-01-01T00:00:00Z}
  edge-003:
    - {id: token3, secret: testonlysecret03, epoch: 1, created: 2026-01-01T00:00:00Z, expires: 2099-01-01T00:00:00Z, revoked: 2026-03-01T00:00:00Z}
  gone:
    - {id: token4, secret: testonlysecret04, epoch: 1, created: 2026-01-01T00:00:00Z, expires: 2099-01-01T00:00:00Z}
  edge-005:
    - {id: token5, secret: testonlysecret05, epoch: 1, created: 2026-01-01T00:00:00Z, expires: 2099-01-01T00:00:00Z, revoked: 2026-03-01T00:00:00Z}
    - {id: token6, secret: testonlysecret06, epoch: 2, created: 2026-04-01T00:00:00Z, expires: 2099-01-01T00:00:00Z}
"#;

fn extract() -> Extract {
    let mut report = Report::default();
    let store =
        TokenStore::read(&mut TOKENS.as_bytes(), "s", &Keys::default(), &mut report).unwrap();
    assert!(report.is_empty(), "{report}");
    let nodes = ["edge-001", "edge-002", "edge-003", "edge-005"].map(|node| {
        let addresses = match node {
            "edge-001" => ["10.20.8.10", "fd00:20::10"]
                .map(|ip| ip.parse().unwrap())
                .into(),
            _ => Vec::new(),
        };
        let facts = ReviewNode {
            addresses,
            ..ReviewNode::default()
        };
        (node.to_owned(), facts)
    });
    let extract = Extract::new("test", 1, nodes.into(), &store);
    // As programs get it.
    Extract::parse(&extract.to_json().unwrap()).unwrap()
}

/// The approver's tests hold it to the same requests.
#[test]
fn the_extract_is_the_one_that_the_approver_is_tested_with() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/csr/review.json"
    );
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        extract().to_json().unwrap()
    );
}

fn pem(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/csr");
    std::fs::read_to_string(format!("{folder}/{name}.pem")).unwrap()
}

fn der(name: &str) -> Vec<u8> {
    blocks(&pem(name))[0].decode().unwrap()
}

fn to_pem(der: &[u8]) -> String {
    let mut text = String::new();
    push_block(&mut text, "CERTIFICATE REQUEST", der);
    text
}

fn csr(name: &str, pem: &str, username: &str, signer: &str, usages: &[&str]) -> Value {
    let group = if username.starts_with("system:bootstrap:") {
        "system:bootstrappers"
    } else {
        "system:nodes"
    };
    json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name, "creationTimestamp": "2026-11-24T15:00:00Z"},
        "spec": {
            "request": STANDARD.encode(pem),
            "username": username,
            "signerName": signer,
            "usages": usages,
            "groups": [group, "system:authenticated"],
        },
        "status": {},
    })
}

fn review(requests: &[Value]) -> Vec<Verdict> {
    let extract = extract();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": requests}).to_string();
    Register::new(&extract)
        .review(list.as_bytes(), "dump")
        .unwrap()
}

fn verdict(request: Value) -> Verdict {
    review(&[request]).remove(0)
}

fn decided(pem: &str, username: &str, signer: &str, usages: &[&str]) -> (Decision, String) {
    let verdict = verdict(csr("csr-1", pem, username, signer, usages));
    (verdict.decision, verdict.reason)
}
