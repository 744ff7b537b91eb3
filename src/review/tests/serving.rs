//! Requests for serving certificates, and what a kubelet may use certificates for.

use serde_json::json;

use crate::review::Decision::{Approve, Deny, Leave};
use crate::review::Register;
use crate::review::tests::{
    BY_NODE, BY_TOKEN, CLIENT, FOR_CLIENTS, FOR_SERVERS, SERVING, csr, decided, extract, pem,
};

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
            "it asks for the name edge-002, which is another node",
        ),
        (
            "serving-wildcard",
            BY_NODE,
            Deny,
            "it asks for the wildcard *",
        ),
        (
            "serving-address",
            BY_NODE,
            Leave,
            "it asks for 10.20.8.11, which is not among edge-001's addresses",
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
        let (found, why) = decided(&pem(file), requestor, SERVING, FOR_SERVERS);
        assert!(
            found == decision && why.contains(reason),
            "{file} {requestor}: {found:?} {why}"
        );
    }
}

/// What the inventory cannot tell is not held against a node.
#[test]
fn what_the_inventory_does_not_say_is_left() {
    for (name, reason) in [
        ("edge-004", "the host name of edge-004 is a template"),
        ("edge-001", "the inventory has no addresses of edge-001"),
    ] {
        let mut extract = extract();
        let mut node = extract.nodes.remove("edge-001").unwrap();
        node.has_other_names = true;
        node.addresses.clear();
        extract.nodes.insert(name.to_owned(), node);
        let mut request = csr("a", &pem("serving"), BY_NODE, SERVING, FOR_SERVERS);
        if name != "edge-001" {
            // Its subject is another node's, so the rule is asked alone.
            request["spec"]["username"] = json!(format!("system:node:{name}"));
            let register = Register::new(&extract);
            let asked = crate::review::pkcs10::read(request["spec"]["request"].as_str().unwrap());
            let said = register.own_sans(&asked.unwrap(), name, &extract.nodes[name]);
            assert!(said.unwrap_err().reason.contains(reason));
            continue;
        }
        let list = json!({"items": [request]});
        let verdicts = Register::new(&extract).review(list.to_string().as_bytes(), "dump");
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
        let (found, why) = decided(&pem(file), BY_NODE, signer, usages);
        assert_eq!(found, decision, "{usages:?}: {why}");
        assert_eq!(
            why.contains("its usages are not a kubelet's"),
            found == Leave,
            "{why}"
        );
    }
}
