//! Which of several requests is approved, and what is decided already.

use serde_json::{Value, json};

use crate::review::Decision::{Approve, Deny, Leave};
use crate::review::tests::{
    BY_NODE, BY_TOKEN, CLIENT, FOR_CLIENTS, FOR_SERVERS, SERVING, csr, pem, review, verdict,
};

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
        let verdict = verdict(request);
        assert_eq!(verdict.decision, Leave);
        assert_eq!(verdict.reason, format!("it is {decided} already"));
    }
}
