//! Requests for certificates, held against the inventory. A bootstrap token does not bind a name: any holder may ask
//! for any node's certificate, and the controller that approves by itself lets it. Here a request must come from the
//! node that it names. In: requests as the API server has them, and an extract of the inventory. Out: a verdict on each, with
//! its reason. No file and no network is known here: `csr review` and nodebake-approver both decide by this.

mod approver;
mod claims;
mod document;
mod extract;
mod extract_read;
mod history;
mod key;
mod pkcs10;
mod print;
mod rule;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use rayon::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::model::named;
use crate::review::document::requests;

pub use approver::approver_settings;
pub use document::Request;
pub use extract::{Extract, Joins, ReviewNode, TokenId};
pub use extract_read::ExtractFault;
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

/// What requests are held against.
pub struct Register<'a> {
    nodes: HashMap<&'a str, &'a ReviewNode>,
    tokens: HashMap<&'a str, (&'a str, &'a TokenId)>,
    token_nodes: HashSet<&'a str>,
    revoked: HashSet<&'a str>,
    holders: HashMap<IpAddr, &'a str>,
    reserved: &'a BTreeSet<IpAddr>,
    denies_unknown: bool,
}

impl<'a> Register<'a> {
    /// The nodes and tokens of an extract.
    pub fn new(extract: &'a Extract) -> Self {
        let nodes = extract.nodes.iter();
        let addresses = nodes.flat_map(|(name, node)| {
            let addresses = node.addresses.iter();
            addresses.map(move |address| (*address, name.as_str()))
        });
        // Of two that have one address the first by name is told.
        let mut holders: HashMap<IpAddr, &str> = HashMap::new();
        for (address, node) in addresses {
            holders
                .entry(address)
                .and_modify(|holder| *holder = (*holder).min(node))
                .or_insert(node);
        }
        let tokens = extract.tokens().flat_map(|(node, tokens)| {
            let tokens = tokens.iter();
            tokens.map(move |token| (token.id.as_str(), (node, token)))
        });
        // A node is shut out if its newest token is revoked.
        let is_revoked = |tokens: &[TokenId]| tokens.last().is_some_and(|it| it.revoked.is_some());
        let revoked = extract.tokens();
        let revoked = revoked.filter(|(_, tokens)| is_revoked(tokens));
        let nodes = extract.nodes.iter();
        let others = extract.others.keys().map(String::as_str);
        Self {
            nodes: nodes.map(|(name, node)| (name.as_str(), node)).collect(),
            holders,
            reserved: &extract.reserved,
            tokens: tokens.collect(),
            token_nodes: others.collect(),
            revoked: revoked.map(|(node, _)| node).collect(),
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
        let requests = requests(dump, name)?;
        let requests: Vec<&Request> = requests.iter().collect();
        Ok(self.review_requests(&requests))
    }

    /// Reviews requests, in their order. They must be all of their requestors: one that was approved decides on others.
    pub fn review_requests(&self, requests: &[&Request]) -> Vec<Verdict> {
        let mut reviewed: Vec<_> = requests.par_iter().map(|r| self.review_one(r)).collect();
        history::leave_used_tokens(requests, &mut reviewed);
        history::leave_all_but_the_newest(requests, &mut reviewed);
        reviewed.into_iter().map(|found| found.verdict).collect()
    }
}
