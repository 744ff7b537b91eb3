//! Requests for client certificates.

use crate::review::Decision::{Approve, Deny, Leave};
use crate::review::tests::{
    BY_NODE, BY_TOKEN, CLIENT, FOR_CLIENTS, FOR_SERVERS, SERVING, csr, decided, pem, verdict,
};

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
        (
            "client",
            "system:bootstrap:token0",
            Leave,
            "was made after this token of edge-001 had expired",
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
            "it is gone's and asks to be system:node:edge-001",
        ),
        (
            "client",
            "system:bootstrap:token9",
            Leave,
            "no node has a token of this id",
        ),
        (
            "client",
            "system:bootstrap:",
            Leave,
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
            "it is gone's and asks to be system:node:edge-001",
        ),
        ("client", "system:node:", Leave, "neither a bootstrap token"),
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
            "it is edge-001's and asks to be system:node:edge-002",
        ),
        (
            "upper-case",
            BY_TOKEN,
            Leave,
            "asks to be system:node:EDGE-001, which is not in the inventory",
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
            Deny,
            "an RSA key of 1024 bits; it must have at least 2048",
        ),
        (
            "client-p521",
            BY_TOKEN,
            Leave,
            "on a curve that is not checked here",
        ),
        ("client-sha1", BY_TOKEN, Leave, "SHA-1"),
    ] {
        let (found, why) = decided(&pem(file), requestor, CLIENT, FOR_CLIENTS);
        assert!(
            found == decision && why.contains(reason),
            "{file} {requestor}: {found:?} {why}"
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
        let (found, why) = decided(&pem(file), requestor, signer, FOR_CLIENTS);
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
        old["spec"].as_object_mut().unwrap().remove("signerName");
        let verdict = verdict(old);
        assert_eq!(
            (verdict.decision, verdict.signer.as_str()),
            (decision, signer),
            "{verdict:?}"
        );
    }
}
