//! What requests of one requestor mean to each other. Both passes look at each request once.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use crate::review::document::Request;
use crate::review::pkcs10::public_key;
use crate::review::rule::{Rule, Ruling};
use crate::review::rules::{BOOTSTRAP, CLIENT_SIGNER, Reviewed, signer};
use crate::review::{Decision, Verdict};

/// What else to do with a verdict that was an approval.
fn overrule(verdict: &mut Verdict, ruling: Ruling) {
    verdict.decision = ruling.rule.decision();
    verdict.rule = ruling.rule;
    verdict.reason = ruling.reason;
    verdict.repair = ruling.repair;
}

/// A token is for one first certificate. Once it had one, another key is a machine that was installed again, a kubelet
/// that gave up waiting, or somebody who has read the token: a person must say.
pub(super) fn leave_used_tokens(requests: &[&Request], reviewed: &mut [Reviewed]) {
    let of_token = |request: &&&Request| {
        request.was_approved()
            && request.username.starts_with(BOOTSTRAP)
            && signer(request) == CLIENT_SIGNER
    };
    let keys: Vec<_> = requests
        .par_iter()
        .filter(of_token)
        .map(|request| (*request, public_key(&request.request)))
        .collect();
    let mut used: HashMap<&str, (&str, HashSet<Vec<u8>>)> = HashMap::new();
    for (request, key) in keys {
        let of = (request.name.as_str(), HashSet::new());
        let (first, keys) = used.entry(&request.username).or_insert(of);
        // Of several the first by name is told, so that the order of the file decides nothing.
        *first = (*first).min(&request.name);
        keys.extend(key);
    }
    for found in reviewed {
        if found.verdict.rule != Rule::FirstClient {
            continue;
        }
        let Some((first, keys)) = used.get(found.verdict.requestor.as_str()) else {
            continue;
        };
        let key = found.public_key.as_ref();
        if key.is_some_and(|key| keys.contains(key)) {
            continue;
        }
        let ruling = used_token(&found.verdict, first);
        overrule(&mut found.verdict, ruling);
    }
}

fn used_token(verdict: &Verdict, first: &str) -> Ruling {
    let reason = format!("its token was used already: {first} was approved, with another key");
    let node = verdict.node.as_deref().unwrap_or_default();
    let repair = format!(
        "if {node} was installed again, or gave up waiting, run `kubectl certificate approve {}`; else revoke its token",
        verdict.name
    );
    Ruling::new(Rule::UsedToken, reason).repair(repair)
}

/// While a request waits, the kubelet makes new ones with new keys and forgets the old keys: only its last is of use,
/// and a denial of the others would be a hard error for it.
pub(super) fn leave_all_but_the_newest(requests: &[&Request], reviewed: &mut [Reviewed]) {
    let mut newest: HashMap<(String, String), usize> = HashMap::new();
    // Names break ties, so that the order of the file decides nothing.
    let age = |index: &usize| (requests[*index].created, &requests[*index].name);
    let mut approved: Vec<usize> = (0..requests.len())
        .filter(|index| {
            reviewed[*index].verdict.decision == Decision::Approve
                || requests[*index].was_approved()
        })
        .collect();
    approved.sort_by_key(|index| Reverse(age(index)));
    for index in approved {
        let verdict = &reviewed[index].verdict;
        let of = (verdict.requestor.clone(), verdict.signer.clone());
        match newest.get(&of) {
            None => {
                newest.insert(of, index);
            }
            Some(first) if verdict.decision == Decision::Approve => {
                let name = &reviewed[*first].verdict.name;
                let reason = format!("{name} is newer and of the same requestor");
                let ruling = Ruling::new(Rule::Superseded, reason);
                overrule(&mut reviewed[index].verdict, ruling);
            }
            Some(_) => {}
        }
    }
}
