//! Requests for certificates, held against the inventory. A bootstrap token does not bind a name: any holder may ask
//! for any node's certificate, and the controller that approves by itself lets it. Here a request must come from the
//! node that it names. In: what `kubectl get csr -o json` printed, the inventory's nodes, the tokens. Out: a verdict
//! on each, with its reason.

mod approver;
mod document;
mod pkcs10;
mod print;
mod rules;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use rayon::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::secrets::{Token, TokenStore};

pub use approver::approver_settings;
pub use print::{commands, to_text};

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It is the node's own and asks for what a node needs.
    Approve,
    /// It claims to be somebody else.
    Deny,
    /// It is decided, superseded, unfit, or not ours to judge: a denial would stop an honest kubelet for good.
    Leave,
}

impl Decision {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Leave => "leave",
        }
    }
}

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The request's name.
    pub name: String,
    /// Who made it, as the API server says.
    pub requestor: String,
    /// Who is to sign it; for clusters that do not say, what the API server would choose.
    pub signer: String,
    /// The node that the requestor is, where the inventory or the tokens tell.
    pub node: Option<String>,
    /// What is to be done.
    pub decision: Decision,
    /// Why.
    pub reason: String,
}

/// A node as the inventory has it.
#[derive(Clone, Debug, Default)]
pub struct NodeFacts<'a> {
    /// Its addresses; none means that the inventory does not say.
    pub addresses: Vec<IpAddr>,
    /// The DNS names that it may have.
    pub names: HashSet<&'a str>,
    /// Whether it may have another name, which the inventory gives as a template.
    pub has_other_names: bool,
}

/// What requests are held against.
pub struct Register<'a> {
    nodes: HashMap<&'a str, NodeFacts<'a>>,
    tokens: HashMap<&'a str, (&'a str, &'a Token)>,
    revoked: HashSet<&'a str>,
}

impl<'a> Register<'a> {
    /// The inventory's nodes and all tokens, old ones too: a request may be older than its token's successor.
    pub fn new(nodes: HashMap<&'a str, NodeFacts<'a>>, store: &'a TokenStore) -> Self {
        let names = store.iter().map(|(node, _)| node);
        Self {
            nodes,
            tokens: store.by_id(),
            revoked: names.filter(|node| store.is_revoked(node)).collect(),
        }
    }

    /// Reviews all requests of a dump, in its order. `name` is what errors call it.
    pub fn review(&self, dump: &[u8], name: &str) -> Result<Vec<Verdict>> {
        let requests = document::requests(dump, name)?;
        let mut verdicts: Vec<Verdict> = requests.par_iter().map(|r| self.judge(r)).collect();
        leave_all_but_the_newest(&requests, &mut verdicts);
        Ok(verdicts)
    }
}

/// While a request waits, the kubelet makes new ones with new keys and forgets the old keys: only its last is of use,
/// and a denial of the others would be a hard error for it.
fn leave_all_but_the_newest(requests: &[document::Request], verdicts: &mut [Verdict]) {
    let mut newest: HashMap<(String, String), usize> = HashMap::new();
    // Names break ties, so that the order of the file decides nothing.
    let age = |index: &usize| (requests[*index].created, &requests[*index].name);
    let mut approved: Vec<usize> = (0..requests.len())
        .filter(|index| {
            verdicts[*index].decision == Decision::Approve || requests[*index].was_approved()
        })
        .collect();
    approved.sort_by_key(|index| Reverse(age(index)));
    for index in approved {
        let verdict = &verdicts[index];
        let of = (verdict.requestor.clone(), verdict.signer.clone());
        match newest.get(&of) {
            None => {
                let _ = newest.insert(of, index);
            }
            Some(first) if verdict.decision == Decision::Approve => {
                let reason = format!(
                    "{} is newer and of the same requestor",
                    verdicts[*first].name
                );
                let verdict = &mut verdicts[index];
                verdict.decision = Decision::Leave;
                verdict.reason = reason;
            }
            Some(_) => {}
        }
    }
}
