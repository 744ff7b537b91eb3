//! The requests of one signer, as the API server last told of them, and what is to be done with them.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use nodebake::review::{Decision, Extract, Register, Request, Verdict};
use serde_json::Value;

/// A request, and the version of it that was seen.
struct Seen {
    request: Request,
    uid: String,
    version: String,
    is_decided: bool,
    /// Those of others, which stay.
    conditions: Vec<Value>,
}

/// A decision to be carried out, or a reason to be told.
#[derive(Clone, Debug)]
pub struct Action {
    /// The request's name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its version when it was decided on.
    pub version: String,
    /// Who made it.
    pub requestor: String,
    /// The node that the requestor is, where that is known.
    pub node: String,
    /// What is to be done.
    pub decision: Decision,
    /// The name of the rule that decided.
    pub rule: String,
    /// Why, and what would make it right.
    pub message: String,
    /// The conditions that the request has already.
    pub conditions: Vec<Value>,
}

/// A request of which a call failed is looked at again after so long.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The requests of one signer.
#[derive(Default)]
pub struct Store {
    requests: BTreeMap<String, Seen>,
    /// Request → the rule that was told of it.
    told: HashMap<String, String>,
    /// Requests that were decided, in this version.
    done: HashMap<String, String>,
    /// Requests of which a call failed, and when they are looked at again: they must not keep the others waiting.
    failed: HashMap<String, Instant>,
}

impl Store {
    /// Begins again with a list.
    pub fn replace(&mut self, items: &[Value]) {
        self.requests.clear();
        items.iter().for_each(|item| self.put(item));
        let is_there = |uid: &String| self.requests.values().any(|seen| seen.uid == *uid);
        let gone: Vec<String> = self
            .told
            .keys()
            .filter(|uid| !is_there(uid))
            .cloned()
            .collect();
        gone.iter().for_each(|uid| self.forget(uid));
    }

    /// A request that is new or has changed.
    pub fn put(&mut self, item: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &item["metadata"];
        // What cannot be read is not a request that could be decided.
        let Ok(request) = Request::parse(item) else {
            return;
        };
        let conditions = item["status"]["conditions"].as_array();
        let seen = Seen {
            conditions: conditions.cloned().unwrap_or_default(),
            is_decided: request.is_decided(),
            request,
            uid: text(&metadata["uid"]),
            version: text(&metadata["resourceVersion"]),
        };
        self.requests.insert(text(&metadata["name"]), seen);
    }

    /// A request that is gone.
    pub fn remove(&mut self, item: &Value) {
        let name = item["metadata"]["name"].as_str().unwrap_or_default();
        if let Some(seen) = self.requests.remove(name) {
            self.forget(&seen.uid);
        }
    }

    fn forget(&mut self, uid: &str) {
        self.told.remove(uid);
        self.done.remove(uid);
        self.failed.remove(uid);
    }

    /// How many requests wait.
    pub fn pending(&self) -> usize {
        self.requests
            .values()
            .filter(|seen| !seen.is_decided)
            .count()
    }

    /// All that is to be done now. Without an extract everything is left, for this reason.
    pub fn actions(&self, knowledge: Result<&Extract, &str>) -> Vec<Action> {
        let all: Vec<&Seen> = self.requests.values().collect();
        let verdicts: Vec<Option<Verdict>> = match knowledge {
            Ok(extract) => {
                let requests: Vec<&Request> = all.iter().map(|seen| &seen.request).collect();
                let verdicts = Register::new(extract).review_requests(&requests);
                verdicts.into_iter().map(Some).collect()
            }
            Err(_) => all.iter().map(|_| None).collect(),
        };
        let why = knowledge.err().unwrap_or_default();
        let now = Instant::now();
        let found = all.into_iter().zip(verdicts);
        let mut actions: Vec<Action> = found
            .filter(|(seen, _)| !seen.is_decided)
            .filter(|(seen, _)| self.done.get(&seen.uid) != Some(&seen.version))
            .filter(|(seen, _)| self.failed.get(&seen.uid).is_none_or(|again| *again <= now))
            .map(|(seen, verdict)| seen.action(verdict, why))
            .filter(|action| {
                // A reason is told once.
                let is_told = self.told.get(&action.uid) == Some(&action.rule);
                action.decision != Decision::Leave || !is_told
            })
            .collect();
        // Nodes wait for approvals; reasons are for people.
        actions.sort_by_key(|action| action.decision);
        actions
    }

    /// A call failed.
    pub fn has_failed(&mut self, action: &Action) {
        self.failed
            .insert(action.uid.clone(), Instant::now() + AFTER_FAILURE);
    }

    /// A reason was told; whether it is a new one.
    pub fn has_told(&mut self, action: &Action) -> bool {
        let before = self.told.insert(action.uid.clone(), action.rule.clone());
        before.as_ref() != Some(&action.rule)
    }

    /// A decision was carried out.
    pub fn has_done(&mut self, action: &Action) {
        self.done.insert(action.uid.clone(), action.version.clone());
    }
}

impl Seen {
    fn action(&self, verdict: Option<Verdict>, why: &str) -> Action {
        let (decision, rule, message, node) = match verdict {
            Some(verdict) => {
                let message = match verdict.repair {
                    Some(repair) => format!("{}; {repair}", verdict.reason),
                    None => verdict.reason,
                };
                (verdict.decision, verdict.rule.name(), message, verdict.node)
            }
            None => (Decision::Leave, NO_EXTRACT, why.to_owned(), None),
        };
        Action {
            name: self.request.name().to_owned(),
            uid: self.uid.clone(),
            version: self.version.clone(),
            requestor: self.request.requestor().to_owned(),
            node: node.unwrap_or_default(),
            decision,
            rule: rule.to_owned(),
            message,
            conditions: self.conditions.clone(),
        }
    }
}

/// The rule by which everything is left while there is no good extract.
pub const NO_EXTRACT: &str = "no-extract";

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use nodebake::review::Rule;

    use super::*;

    /// Requests with the rule that must decide each; `csr review` is held to the same table.
    const CRAFTED: &str = include_str!("../../../tests/fixtures/csr/crafted.tsv");
    const EXTRACT: &str = include_str!("../../../tests/fixtures/csr/review.json");

    fn item(line: &str) -> Option<(&str, Value)> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, requestor, signer, rule, request] = fields[..] else {
            panic!("{line}");
        };
        // Requests of other signers are not even seen.
        let (signer, usage) = match signer {
            "client" => (crate::SIGNERS[0], "client auth"),
            "serving" => (crate::SIGNERS[1], "server auth"),
            _ => return None,
        };
        let lines: Vec<&str> = request
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        let pem = format!(
            "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
            lines.join("\n")
        );
        let group = if requestor.starts_with("system:bootstrap:") {
            "system:bootstrappers"
        } else {
            "system:nodes"
        };
        let item = json!({
            "metadata": {
                "name": name, "uid": format!("uid-{name}"), "resourceVersion": "7",
                "creationTimestamp": "2026-11-24T15:00:00Z",
            },
            "spec": {
                "request": STANDARD.encode(pem), "username": requestor, "signerName": signer,
                "usages": ["digital signature", usage], "groups": [group, "system:authenticated"],
            },
            "status": {},
        });
        Some((rule, item))
    }

    #[test]
    fn crafted_requests_get_the_verdicts_of_csr_review() {
        let extract = Extract::parse(EXTRACT).unwrap();
        let mut seen = 0;
        let mut wrong = Vec::new();
        for (rule, item) in CRAFTED.lines().filter_map(item) {
            let mut store = Store::default();
            store.put(&item);
            let known = store.actions(Ok(&extract)).remove(0);
            let of_rule = Rule::ALL.iter().find(|one| one.name() == rule).unwrap();
            if known.rule != rule || known.decision != of_rule.decision() {
                wrong.push(format!("{}: {} and not {rule}", known.name, known.rule));
            }
            // Nothing is decided by nothing.
            let left = store.actions(Err("no extract")).remove(0);
            assert_eq!((left.decision, &*left.rule), (Decision::Leave, NO_EXTRACT));
            seen += 1;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(seen >= 190, "{seen}");
    }

    #[test]
    fn a_decision_is_carried_out_once_and_a_reason_is_told_once() {
        let extract = Extract::parse(EXTRACT).unwrap();
        let of_rule = |wanted: &str| {
            let mut all = CRAFTED.lines().filter_map(item);
            all.find(|(rule, _)| *rule == wanted).unwrap().1
        };
        let mut store = Store::default();
        store.replace(&[of_rule("first-client"), of_rule("unlisted-address")]);
        let actions = store.actions(Ok(&extract));
        assert_eq!((actions.len(), store.pending()), (2, 2));
        for action in &actions {
            assert!(store.has_told(action) && !store.has_told(action));
            if action.decision == Decision::Approve {
                store.has_done(action);
            }
        }
        assert!(store.actions(Ok(&extract)).is_empty());
        // Another reason is told.
        let told = store.actions(Err("it ended"));
        assert!(
            told.iter().any(|action| action.rule == NO_EXTRACT),
            "{told:?}"
        );
        // One that changed is looked at again; one that is decided or gone is not.
        let mut changed = of_rule("first-client");
        changed["metadata"]["resourceVersion"] = json!("8");
        store.put(&changed);
        assert_eq!(store.actions(Ok(&extract)).len(), 1);
        changed["status"]["conditions"] = json!([{"type": "Approved"}]);
        store.put(&changed);
        store.remove(&of_rule("unlisted-address"));
        assert!(store.actions(Ok(&extract)).is_empty());
        assert_eq!(store.pending(), 0);
    }
}
