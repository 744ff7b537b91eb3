//! Requests that other programs made (`tests/fixtures/csr/make.py`): good, odd and forged ones, with the rule that must
//! decide each.

use std::collections::HashSet;

use crate::review::tests::{
    CLIENT, FOR_CLIENTS, FOR_SERVERS, SERVING, STANDARD, csr, to_pem, verdict,
};
use crate::review::{Decision, Rule, Verdict};
use base64::Engine;
use serde_json::Value;

/// A line of the table.
pub(super) struct Crafted {
    pub name: &'static str,
    pub rule: &'static str,
    pub request: Value,
}

/// All lines of the table.
pub(super) fn crafted() -> Vec<Crafted> {
    const TABLE: &str = include_str!("../../../tests/fixtures/csr/crafted.tsv");
    TABLE.lines().map(line).collect()
}

fn line(line: &'static str) -> Crafted {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, requestor, signer, rule, request] = fields[..] else {
        panic!("{line}");
    };
    let (signer, usages) = match signer {
        "client" => (CLIENT, FOR_CLIENTS),
        "serving" => (SERVING, FOR_SERVERS),
        other => (other, FOR_CLIENTS),
    };
    let pem = to_pem(&STANDARD.decode(request).unwrap());
    let request = csr(name, &pem, requestor, signer, usages);
    Crafted {
        name,
        rule,
        request,
    }
}

#[test]
fn every_crafted_request_gets_its_verdict() {
    let all = crafted();
    assert!(all.len() >= 200, "{}", all.len());
    let mut wrong = Vec::new();
    for crafted in all {
        let found = verdict(crafted.request);
        if found.rule.name() != crafted.rule {
            let Verdict { rule, reason, .. } = found;
            wrong.push(format!(
                "{}: {} and not {}: {reason}",
                crafted.name,
                rule.name(),
                crafted.rule
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The signature covers the whole request: one changed bit of an approved one is enough.
#[test]
fn no_changed_byte_of_what_is_signed_is_approved() {
    let honest = crafted().into_iter().find(|one| one.name == "serving-own");
    let request = honest.unwrap().request;
    let pem = STANDARD.decode(request["spec"]["request"].as_str().unwrap());
    let pem = String::from_utf8(pem.unwrap()).unwrap();
    let der = crate::identity::blocks(&pem)[0].decode().unwrap();
    // After it come the algorithm (12 bytes) and the signature, which is 70 to 72 bytes long.
    let mut rules = HashSet::new();
    let signed = der.len() - 2 - 72 - 12;
    for index in 0..signed {
        let mut changed = der.clone();
        changed[index] ^= 1;
        let mut request = request.clone();
        request["spec"]["request"] = STANDARD.encode(to_pem(&changed)).into();
        let found = verdict(request);
        assert_ne!(found.decision, Decision::Approve, "{index}");
        rules.insert(found.rule);
    }
    assert!(
        rules.contains(&Rule::WrongSignature) && rules.len() > 5,
        "{rules:?}"
    );
}
