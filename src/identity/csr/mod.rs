//! Requests for certificates, held against the inventory. A bootstrap token does not bind a name: any holder may ask
//! for any node's certificate, and the controller that approves by itself lets it. Here a request must come from the
//! node that it names. In: what `kubectl get csr -o json` printed, the inventory's nodes, the tokens. Out: a verdict
//! on each, with its reason.

mod approver;
mod claims;
mod document;
mod history;
mod key;
mod pkcs10;
mod print;
mod rule;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use rayon::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::model::named;
use crate::secrets::{TokenId, TokenIds};

pub use approver::approver_settings;
pub use print::{commands, to_text};
pub use rule::Rule;

named! {
    /// What is to be done with a request.
    #[derive(PartialOrd, Ord)]
    pub enum Decision {
        /// It is the node's own and asks for what a node needs.
        Approve = "approve",
        /// It is proved to be forged: it claims to be somebody else, or what no node can be.
        Deny = "deny",
        /// It is decided, superseded, unfit, not ours to decide, or not in the inventory: a denial would stop an honest
        /// kubelet for good.
        Leave = "leave",
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
    /// What decided.
    pub rule: Rule,
    /// Why.
    pub reason: String,
    /// What would make it right, where something would.
    pub repair: Option<String>,
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
    tokens: HashMap<&'a str, (&'a str, &'a TokenId)>,
    token_nodes: HashSet<&'a str>,
    revoked: HashSet<&'a str>,
    holders: HashMap<IpAddr, &'a str>,
    denies_unknown: bool,
}

impl<'a> Register<'a> {
    /// The inventory's nodes and all tokens, old ones too: a request may be older than its token's successor.
    pub fn new(nodes: HashMap<&'a str, NodeFacts<'a>>, tokens: &'a TokenIds) -> Self {
        let addresses = nodes.iter().flat_map(|(node, facts)| {
            let addresses = facts.addresses.iter();
            addresses.map(move |address| (*address, *node))
        });
        // Of two that have one address the first by name is told.
        let mut holders: HashMap<IpAddr, &str> = HashMap::new();
        for (address, node) in addresses {
            holders
                .entry(address)
                .and_modify(|holder| *holder = (*holder).min(node))
                .or_insert(node);
        }
        let names = tokens.nodes();
        Self {
            nodes,
            holders,
            tokens: tokens.by_id(),
            token_nodes: tokens.nodes().collect(),
            revoked: names.filter(|node| tokens.is_revoked(node)).collect(),
            denies_unknown: false,
        }
    }

    /// Whether what the inventory and the tokens do not know is denied; else it is left.
    pub fn deny_unknown(mut self, denies: bool) -> Self {
        self.denies_unknown = denies;
        self
    }

    /// Reviews all requests of a dump, in its order. `name` is what errors call it.
    pub fn review(&self, dump: &[u8], name: &str) -> Result<Vec<Verdict>> {
        let requests = document::requests(dump, name)?;
        let mut reviewed: Vec<_> = requests.par_iter().map(|r| self.review_one(r)).collect();
        history::leave_used_tokens(&requests, &mut reviewed);
        history::leave_all_but_the_newest(&requests, &mut reviewed);
        Ok(reviewed.into_iter().map(|found| found.verdict).collect())
    }
}
