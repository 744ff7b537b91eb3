//! The guide's table of verdicts, row by row: each rule has one row, in the order of the rules, and a request that falls
//! under it.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::review::tests::crafted::crafted;
use crate::review::tests::{BY_TOKEN, CLIENT, FOR_CLIENTS, csr, pem, review};
use crate::review::{Rule, Verdict};

/// A row of the table.
struct Row {
    rule: &'static str,
    decision: &'static str,
    has_repair: bool,
}

fn rows() -> Vec<Row> {
    const GUIDE: &str = include_str!("../../man/requests.md");
    let rows = GUIDE.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [rule, decision, _, repair] = cells[..] else {
            panic!("{line}");
        };
        Row {
            rule: rule.trim_matches('`'),
            decision,
            has_repair: repair != "none",
        }
    })
    .collect()
}

/// A dump whose first request falls under a rule that no single request shows; else the first crafted one does.
fn of_several(rule: Rule) -> Option<Vec<Value>> {
    let one = |name: &str, file: &str| csr(name, &pem(file), BY_TOKEN, CLIENT, FOR_CLIENTS);
    let approved = |mut request: Value| {
        request["status"] = json!({"conditions": [{"type": "Approved"}]});
        request
    };
    let mut first = one("a", "client");
    Some(match rule {
        Rule::Decided => vec![approved(first)],
        Rule::Superseded => vec![first, one("b", "client")],
        Rule::UsedToken => vec![first, approved(one("b", "client-ed25519"))],
        Rule::Groups => {
            first["spec"]["groups"] = json!(["system:authenticated"]);
            vec![first]
        }
        Rule::Usages => {
            first["spec"]["usages"] = json!(["client auth", "code signing"]);
            vec![first]
        }
        Rule::RequestName => vec![one("--all", "client")],
        _ => return None,
    })
}

fn verdict(rule: Rule, crafted: &HashMap<&str, Value>) -> Verdict {
    let dump = of_several(rule).or_else(|| crafted.get(rule.name()).map(|one| vec![one.clone()]));
    review(&dump.unwrap_or_else(|| panic!("no request falls under {rule:?}"))).remove(0)
}

#[test]
fn every_row_of_the_guide_is_a_verdict() {
    let rows = rows();
    let listed: Vec<&str> = rows.iter().map(|row| row.rule).collect();
    let known: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(listed, known);
    let mut requests = HashMap::new();
    for one in crafted() {
        requests.entry(one.rule).or_insert(one.request);
    }
    for (row, rule) in rows.iter().zip(Rule::ALL) {
        let found = verdict(*rule, &requests);
        assert_eq!(found.rule, *rule, "{found:?}");
        assert_eq!(found.decision.name(), row.decision, "{found:?}");
        assert_eq!(found.repair.is_some(), row.has_repair, "{found:?}");
    }
}

/// The same key again is the same machine; an earlier request that was denied, or one of another token, says nothing.
#[test]
fn a_token_is_used_once_by_one_key() {
    let one = |name: &str, file: &str, by: &str| csr(name, &pem(file), by, CLIENT, FOR_CLIENTS);
    let is = |mut request: Value, state: &str| {
        request["status"] = json!({"conditions": [{"type": state}]});
        request["metadata"]["creationTimestamp"] = "2026-11-24T14:00:00Z".into();
        request
    };
    let new = || one("new", "client-ed25519", BY_TOKEN);
    for (earlier, rule) in [
        (
            is(one("a", "client", BY_TOKEN), "Approved"),
            Rule::UsedToken,
        ),
        (
            is(one("a", "client-ed25519", BY_TOKEN), "Approved"),
            Rule::FirstClient,
        ),
        (
            is(one("a", "client", BY_TOKEN), "Denied"),
            Rule::FirstClient,
        ),
        (
            is(one("a", "client", BY_TOKEN), "Failed"),
            Rule::FirstClient,
        ),
        (
            is(one("a", "client", "system:node:edge-001"), "Approved"),
            Rule::FirstClient,
        ),
    ] {
        for order in [false, true] {
            let mut dump = vec![new(), earlier.clone()];
            if order {
                dump.reverse();
            }
            let verdicts = review(&dump);
            let found = verdicts.iter().find(|one| one.name == "new").unwrap();
            assert_eq!(found.rule, rule, "{found:?}");
        }
    }
}
