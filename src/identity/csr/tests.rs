//! Requests that openssl made (`tests/fixtures/csr/make.sh`), each held against one small cluster.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::*;
use crate::identity::pem::{blocks, push_block};
use crate::report::Report;

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

fn store() -> TokenStore {
    let mut report = Report::default();
    let store = TokenStore::read(&mut TOKENS.as_bytes(), "s", &mut report).unwrap();
    assert!(report.is_empty(), "{report}");
    store
}

fn register(store: &TokenStore) -> Register<'_> {
    let nodes = ["edge-001", "edge-002", "edge-003", "edge-005"].map(|node| {
        let addresses = match node {
            "edge-001" => ["10.20.8.10", "fd00:20::10"]
                .map(|ip| ip.parse().unwrap())
                .into(),
            _ => Vec::new(),
        };
        let facts = NodeFacts {
            addresses,
            names: HashSet::from([node]),
            has_other_names: false,
        };
        (node, facts)
    });
    Register::new(HashMap::from(nodes), store)
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
    json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name, "creationTimestamp": "2026-11-24T15:00:00Z"},
        "spec": {
            "request": STANDARD.encode(pem),
            "username": username,
            "signerName": signer,
            "usages": usages,
            "groups": ["system:authenticated"],
        },
        "status": {},
    })
}

fn review(requests: &[Value]) -> Vec<Verdict> {
    let store = store();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": requests}).to_string();
    register(&store)
        .review(&mut list.as_bytes(), "dump")
        .unwrap()
}

fn judge(request: Value) -> Verdict {
    review(&[request]).remove(0)
}

fn judged(pem: &str, username: &str, signer: &str, usages: &[&str]) -> (Decision, String) {
    let verdict = judge(csr("csr-1", pem, username, signer, usages));
    (verdict.decision, verdict.reason)
}

use Decision::{Approve, Deny, Leave};

#[test]
fn a_client_certificate_is_for_the_node_itself() {
    for (file, requestor, decision, reason) in [
        (
            "client",
            BY_TOKEN,
            Approve,
            "the first client certificate of edge-001, by its own token",
        ),
        (
            "client",
            BY_NODE,
            Approve,
            "a new client certificate of edge-001, by itself",
        ),
        // An older token's request may come late.
        (
            "client",
            "system:bootstrap:token0",
            Approve,
            "the first client",
        ),
        ("client-rsa2048", BY_NODE, Approve, ""),
        ("client-p384", BY_NODE, Approve, ""),
        ("client-ed25519", BY_NODE, Approve, ""),
        // Somebody else.
        (
            "client-of-2",
            BY_TOKEN,
            Deny,
            "it is edge-001's and asks to be system:node:edge-002",
        ),
        (
            "client-of-2",
            BY_NODE,
            Deny,
            "it is edge-001's and asks to be system:node:edge-002",
        ),
        (
            "client",
            "system:bootstrap:token2",
            Deny,
            "it is edge-002's and asks to be",
        ),
        (
            "client",
            "system:node:edge-002",
            Deny,
            "it is edge-002's and asks to be",
        ),
        (
            "client",
            "system:bootstrap:token3",
            Deny,
            "the token of edge-003 is revoked",
        ),
        (
            "client",
            "system:bootstrap:token5",
            Deny,
            "the token of edge-005 is revoked",
        ),
        (
            "client",
            "system:bootstrap:token4",
            Deny,
            "gone is not in the inventory",
        ),
        (
            "client",
            "system:bootstrap:token9",
            Deny,
            "no node has a token of this id",
        ),
        (
            "client",
            "system:bootstrap:",
            Deny,
            "no node has a token of this id",
        ),
        (
            "client",
            "system:node:edge-003",
            Deny,
            "edge-003 is revoked",
        ),
        (
            "client",
            "system:node:gone",
            Deny,
            "gone is not in the inventory",
        ),
        ("client", "system:node:", Deny, " is not in the inventory"),
        (
            "no-organisation",
            BY_TOKEN,
            Deny,
            "it lacks the organisation system:nodes",
        ),
        (
            "masters",
            BY_TOKEN,
            Deny,
            "must be system:nodes alone, not system:masters",
        ),
        (
            "two-organisations",
            BY_TOKEN,
            Deny,
            "not system:nodes and system:masters",
        ),
        (
            "one-rdn",
            BY_TOKEN,
            Deny,
            "not system:nodes and system:masters",
        ),
        (
            "two-names",
            BY_TOKEN,
            Deny,
            "asks to be system:node:edge-001 and system:node:edge-002",
        ),
        (
            "upper-case",
            BY_TOKEN,
            Deny,
            "asks to be system:node:EDGE-001",
        ),
        ("no-name", BY_TOKEN, Deny, "it names nobody"),
        (
            "serving",
            BY_TOKEN,
            Deny,
            "is good for no name, and it asks for edge-001",
        ),
        ("serving-email", BY_TOKEN, Deny, "is good for no name"),
        // Nobody's business of ours, or no request that a signer would take.
        (
            "client",
            "admin",
            Leave,
            "neither a bootstrap token nor a node",
        ),
        ("client", "system:serviceaccount:a:b", Leave, "neither"),
        (
            "client-rsa1024",
            BY_TOKEN,
            Leave,
            "an RSA key of 1024 bits; 2048 to 8192 are taken",
        ),
        ("client-p521", BY_TOKEN, Leave, "on another curve"),
        ("client-sha1", BY_TOKEN, Leave, "SHA-1"),
    ] {
        let (found, why) = judged(&pem(file), requestor, CLIENT, FOR_CLIENTS);
        assert!(
            found == decision && why.contains(reason),
            "{file} {requestor}: {found:?} {why}"
        );
    }
}

#[test]
fn a_serving_certificate_is_for_the_nodes_own_names_and_addresses() {
    for (file, requestor, decision, reason) in [
        (
            "serving",
            BY_NODE,
            Approve,
            "a serving certificate of edge-001, by itself",
        ),
        (
            "serving",
            BY_TOKEN,
            Deny,
            "a bootstrap token may ask for a client certificate only",
        ),
        (
            "serving",
            "system:node:edge-002",
            Deny,
            "asks to be system:node:edge-001",
        ),
        (
            "serving-name",
            BY_NODE,
            Deny,
            "it asks for the name edge-002, which is not edge-001's",
        ),
        ("serving-wildcard", BY_NODE, Deny, "it asks for the name *"),
        (
            "serving-address",
            BY_NODE,
            Deny,
            "it asks for 10.20.8.11, which is not edge-001's",
        ),
        (
            "serving-email",
            BY_NODE,
            Deny,
            "it asks for an e-mail address",
        ),
        ("serving-uri", BY_NODE, Deny, "it asks for a URI"),
        (
            "serving-other",
            BY_NODE,
            Deny,
            "it asks for a name of an unusual kind",
        ),
        ("client", BY_NODE, Leave, "without a name or address"),
    ] {
        let (found, why) = judged(&pem(file), requestor, SERVING, FOR_SERVERS);
        assert!(
            found == decision && why.contains(reason),
            "{file} {requestor}: {found:?} {why}"
        );
    }
}

/// What the inventory cannot tell is not held against a node.
#[test]
fn what_the_inventory_does_not_say_is_left() {
    let store = store();
    let mut register = register(&store);
    let facts = register.nodes.get_mut("edge-001").unwrap();
    facts.has_other_names = true;
    facts.addresses.clear();
    for (file, reason) in [
        ("serving-name", "the host name of edge-001 is a template"),
        ("serving", "the inventory has no addresses of edge-001"),
    ] {
        let list = json!({"items": [csr("a", &pem(file), BY_NODE, SERVING, FOR_SERVERS)]});
        let verdicts = register.review(&mut list.to_string().as_bytes(), "dump");
        let verdict = verdicts.unwrap().remove(0);
        assert_eq!(verdict.decision, Leave);
        assert!(verdict.reason.contains(reason), "{verdict:?}");
    }
}

#[test]
fn usages_must_be_a_kubelets() {
    for (signer, file, usages, decision) in [
        (
            CLIENT,
            "client",
            &["client auth", "digital signature"][..],
            Approve,
        ),
        (CLIENT, "client", FOR_SERVERS, Leave),
        (CLIENT, "client", &["client auth"], Leave),
        (CLIENT, "client", &[], Leave),
        (
            CLIENT,
            "client",
            &["digital signature", "client auth", "server auth"],
            Leave,
        ),
        (
            CLIENT,
            "client",
            &["digital signature", "client auth", "cert sign"],
            Leave,
        ),
        (
            SERVING,
            "serving",
            &["digital signature", "key encipherment", "server auth"],
            Approve,
        ),
        (SERVING, "serving", FOR_CLIENTS, Leave),
    ] {
        let (found, why) = judged(&pem(file), BY_NODE, signer, usages);
        assert_eq!(found, decision, "{usages:?}: {why}");
        assert_eq!(
            why.contains("its usages are not a kubelet's"),
            found == Leave,
            "{why}"
        );
    }
}

#[test]
fn a_foreign_signer_gives_nobody_a_part_of_the_system() {
    let foreign = "kubernetes.io/kube-apiserver-client";
    for (file, requestor, signer, decision) in [
        ("client", BY_TOKEN, foreign, Deny),
        ("plug-in", BY_TOKEN, "example.com/signer", Deny),
        ("client", BY_NODE, foreign, Deny),
        ("masters", BY_NODE, foreign, Deny),
        ("client", BY_NODE, "kubernetes.io/legacy-unknown", Deny),
        ("plug-in", BY_NODE, "example.com/signer", Leave),
        ("plug-in", "admin", "example.com/signer", Leave),
    ] {
        let (found, why) = judged(&pem(file), requestor, signer, FOR_CLIENTS);
        assert_eq!(found, decision, "{file} {requestor} {signer}: {why}");
    }
}

/// Before 1.18 no signer is named, and the usages tell what the API server would choose.
#[test]
fn requests_of_old_clusters_name_no_signer() {
    for (file, usages, decision, signer) in [
        ("client", FOR_CLIENTS, Approve, CLIENT),
        ("serving", FOR_SERVERS, Approve, SERVING),
        ("serving", FOR_CLIENTS, Deny, CLIENT),
        (
            "client",
            &["code signing"][..],
            Deny,
            "kubernetes.io/legacy-unknown",
        ),
    ] {
        let mut old = csr("csr-1", &pem(file), BY_NODE, "", usages);
        old["apiVersion"] = "certificates.k8s.io/v1beta1".into();
        let _ = old["spec"].as_object_mut().unwrap().remove("signerName");
        let verdict = judge(old);
        assert_eq!(
            (verdict.decision, verdict.signer.as_str()),
            (decision, signer),
            "{verdict:?}"
        );
    }
}

#[test]
fn a_signature_by_another_key_is_denied() {
    let mut der = der("client");
    // The last byte of s: still a signature, of something else.
    *der.last_mut().unwrap() ^= 1;
    let (found, why) = judged(&to_pem(&der), BY_TOKEN, CLIENT, FOR_CLIENTS);
    assert_eq!(
        (found, why.as_str()),
        (Deny, "it is not signed with its own key")
    );
}

#[test]
fn what_cannot_be_read_is_left() {
    let good = pem("client");
    let cut = &der("client")[..100];
    let mut longer = der("client");
    longer.push(0);
    for text in [
        String::new(),
        "hello".into(),
        good.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
        // Which of two would be read?
        format!("{good}{}", pem("client-of-2")),
        format!("{}{good}", pem("client-of-2")),
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{good}"),
        good.replacen("\nMI", "\n!!", 1),
        to_pem(cut),
        to_pem(&longer),
    ] {
        let (found, why) = judged(&text, BY_TOKEN, CLIENT, FOR_CLIENTS);
        assert_eq!(found, Leave, "{text}: {why}");
    }
    let mut not_base64 = csr("csr-1", &good, BY_TOKEN, CLIENT, FOR_CLIENTS);
    not_base64["spec"]["request"] = "*".into();
    assert_eq!(judge(not_base64).decision, Leave);
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length, &content].concat()
}

/// A request with attributes of our own; its signature is broken, which the rules look at last.
fn with_attributes(attributes: &[&[u8]]) -> String {
    let der = der("client");
    let (_, request) = X509CertificationRequest::from_der(&der).unwrap();
    let info = &request.certification_request_info;
    let version = [2, 1, 0];
    let all = tlv(0xa0, attributes);
    let new = tlv(
        0x30,
        &[&version, info.subject.as_raw(), info.subject_pki.raw, &all],
    );
    let start = der.windows(info.raw.len()).position(|w| w == info.raw);
    let rest = &der[start.unwrap() + info.raw.len()..];
    to_pem(&tlv(0x30, &[&new, rest]))
}

/// subjectAltName with one DNS name.
fn extensions(name: &str) -> Vec<u8> {
    let names = tlv(0x30, &[&tlv(0x82, &[name.as_bytes()])]);
    let oid = [6, 3, 0x55, 0x1d, 0x11];
    tlv(0x30, &[&tlv(0x30, &[&oid, &tlv(4, &[&names])])])
}

fn extension_request(values: &[&[u8]]) -> Vec<u8> {
    let oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
    tlv(0x30, &[&oid, &tlv(0x31, values)])
}

/// A reader that takes the first of a repeated thing would not see the name that is hidden in the second.
#[test]
fn repeated_attributes_hide_nothing() {
    let (own, other) = (extensions("edge-001"), extensions("edge-002"));
    let requests = |names: &[&[u8]]| {
        let attributes: Vec<Vec<u8>> = names.iter().map(|n| extension_request(&[n])).collect();
        let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
        with_attributes(&attributes)
    };
    let serving = |pem: &str| judged(pem, BY_NODE, SERVING, FOR_SERVERS);
    // The way in which these are made is sound: only the signature is wrong.
    let (found, why) = serving(&requests(&[&own]));
    assert_eq!(
        (found, why.as_str()),
        (Deny, "it is not signed with its own key")
    );
    let (found, why) = serving(&requests(&[&own, &other]));
    assert!(found == Deny && why.contains("the name edge-002"), "{why}");
    let both = [&own[4..], &other[4..]].concat();
    let (found, why) = serving(&requests(&[&tlv(0x30, &[&both])]));
    assert_ne!(found, Approve, "{why}");
    let (found, why) = serving(&with_attributes(&[&extension_request(&[&own, &other])]));
    assert!(found == Leave && why.contains("cannot be read"), "{why}");
    let empty = tlv(0x30, &[]);
    let client = requests(&[&empty, &other]);
    let (found, why) = judged(&client, BY_TOKEN, CLIENT, FOR_CLIENTS);
    assert!(found == Deny && why.contains("asks for edge-002"), "{why}");
}

fn made(mut csr: Value, at: &str) -> Value {
    csr["metadata"]["creationTimestamp"] = at.into();
    csr
}

#[test]
fn the_newest_pending_request_is_approved_and_older_ones_are_left() {
    let client =
        |name: &str, at: &str| made(csr(name, &pem("client"), BY_TOKEN, CLIENT, FOR_CLIENTS), at);
    let serving = csr("serving", &pem("serving"), BY_NODE, SERVING, FOR_SERVERS);
    let verdicts = review(&[
        client("old", "2026-11-24T15:00:00Z"),
        client("new", "2026-11-24T15:15:00Z"),
        client("older", "2026-11-24T14:45:00Z"),
        serving,
    ]);
    let said: Vec<_> = verdicts
        .iter()
        .map(|verdict| (verdict.name.as_str(), verdict.decision))
        .collect();
    let expected = [
        ("old", Leave),
        ("new", Approve),
        ("older", Leave),
        ("serving", Approve),
    ];
    assert_eq!(said, expected);
    assert_eq!(verdicts[0].reason, "new is newer and of the same requestor");
    // A denied one that is newer changes nothing for an honest one.
    let impostor = csr(
        "impostor",
        &pem("client-of-2"),
        BY_TOKEN,
        CLIENT,
        FOR_CLIENTS,
    );
    let verdicts = review(&[
        client("old", "2026-11-24T15:00:00Z"),
        made(impostor, "2026-11-24T16:00:00Z"),
    ]);
    assert_eq!(
        (verdicts[0].decision, verdicts[1].decision),
        (Approve, Deny)
    );
    // Of the same second the order of the file decides nothing.
    for names in [["a", "b"], ["b", "a"]] {
        let requests = names.map(|name| client(name, "2026-11-24T15:00:00Z"));
        let verdicts = review(&requests);
        let approved = verdicts.iter().find(|verdict| verdict.decision == Approve);
        assert_eq!(approved.unwrap().name, "b");
    }
    // One that waits beside a newer one that was approved has been given up by its kubelet.
    let mut newer = client("newer", "2026-11-24T15:30:00Z");
    newer["status"] = json!({"conditions": [{"type": "Approved", "status": "True"}]});
    let verdicts = review(&[client("old", "2026-11-24T15:00:00Z"), newer]);
    assert_eq!(verdicts[0].decision, Leave);
}

#[test]
fn what_is_decided_stays_decided() {
    for (status, decided) in [
        (
            json!({"conditions": [{"type": "Approved", "status": "True"}]}),
            "approved",
        ),
        (json!({"conditions": [{"type": "Denied"}]}), "denied"),
        (
            json!({"conditions": [{"type": "Approved"}, {"type": "Failed"}]}),
            "failed",
        ),
        (json!({"certificate": "eA=="}), "approved"),
    ] {
        let mut request = csr("csr-1", &pem("masters"), BY_TOKEN, CLIENT, FOR_CLIENTS);
        request["status"] = status;
        let verdict = judge(request);
        assert_eq!(verdict.decision, Leave);
        assert_eq!(verdict.reason, format!("it is {decided} already"));
    }
}

#[test]
fn a_strange_name_reaches_no_command_line_and_no_terminal() {
    for name in [
        "--all",
        "a b",
        "$(id)",
        "a;b",
        "-f",
        "",
        "A",
        "a\u{1b}[2J",
        "../x",
    ] {
        let verdict = judge(csr(name, &pem("client"), BY_TOKEN, CLIENT, FOR_CLIENTS));
        assert_eq!(verdict.decision, Leave, "{name}");
        assert!(commands(std::slice::from_ref(&verdict)).is_empty());
        assert!(!to_text(&[verdict]).contains('\u{1b}'));
    }
    let hostile = "system:node:\u{1b}]0;x\u{7}\u{202e}";
    let verdict = judge(csr("a", &pem("client"), hostile, CLIENT, FOR_CLIENTS));
    let text = to_text(std::slice::from_ref(&verdict));
    assert_eq!(verdict.decision, Deny);
    assert!(
        text.lines().count() == 2 && !text.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{text}"
    );
}

#[test]
fn verdicts_become_a_table_and_commands() {
    let verdicts = review(&[
        csr("csr-b", &pem("client"), BY_TOKEN, CLIENT, FOR_CLIENTS),
        csr("csr-a", &pem("client-of-2"), BY_TOKEN, CLIENT, FOR_CLIENTS),
        csr("csr-c", &pem("client"), "admin", CLIENT, FOR_CLIENTS),
        csr("csr-d", &pem("serving"), BY_NODE, SERVING, FOR_SERVERS),
    ]);
    assert_eq!(
        commands(&verdicts),
        [
            vec!["certificate", "approve", "csr-b", "csr-d"],
            vec!["certificate", "deny", "csr-a"]
        ]
    );
    let text = to_text(&verdicts);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("DECISION   NAME    REQUESTOR"),
        "{text}"
    );
    assert!(lines[3].contains("<none>"), "{text}");
    let columns: HashSet<_> = lines
        .iter()
        .map(|line| line.find("csr-").unwrap_or(11))
        .collect();
    assert_eq!(columns, HashSet::from([11]), "{text}");
}

#[test]
fn what_is_no_list_of_requests_is_refused() {
    let store = store();
    let register = register(&store);
    for text in [
        "",
        "[]",
        "{}",
        r#"{"kind": "Pod", "apiVersion": "v1", "metadata": {}, "spec": {}}"#,
        r#"{"items": [{"kind": "Pod", "metadata": {}, "spec": {}}]}"#,
        r#"{"items": [{"apiVersion": "v1", "metadata": {}, "spec": {}}]}"#,
        r#"{"items": [{}]}"#,
    ] {
        let refused = register.review(&mut text.as_bytes(), "dump").unwrap_err();
        assert!(
            format!("{refused:#}").starts_with("reading dump: "),
            "{refused:#}"
        );
    }
    let none = register.review(&mut br#"{"kind": "List", "items": []}"#.as_slice(), "dump");
    assert_eq!(none.unwrap(), []);
    let single = csr("csr-1", &pem("client"), BY_TOKEN, CLIENT, FOR_CLIENTS).to_string();
    let verdicts = register.review(&mut single.as_bytes(), "dump").unwrap();
    assert_eq!(verdicts[0].decision, Approve);
}

#[test]
fn an_approver_in_the_cluster_knows_the_inventorys_nodes_and_no_others() {
    let addresses = ["10.0.0.2", "10.0.0.3", "10.0.0.5", "fd00::1"].map(|ip| ip.parse().unwrap());
    let text = approver_settings(["gpu-1.example.com", "edge-001"], addresses);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        [
            r#"providerRegex: "^(edge-001|gpu-1\\.example\\.com)$""#,
            "providerIpPrefixes:",
            r#"- "10.0.0.2/31""#,
            r#"- "10.0.0.5/32""#,
            r#"- "fd00::1/128""#,
            "ignoreNonSystemNode: true"
        ]
    );
    let text = approver_settings(["a"], []);
    assert!(
        text.contains("providerIpPrefixes: []\n")
            && text.contains("# The inventory has no addresses")
    );
}
