//! The extract of an inventory: all that a review of requests needs to know, and no secret. Programs that approve get it as
//! a file (`cluster/approver/review.json`), and `csr review` makes one of the project. The API server itself logs the ids
//! of tokens. In: values of the inventory and the tokens. Out: a value, and text with stable bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use anyhow::Context;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::error::Result;
use crate::secrets::TokenStore;
use crate::timing::rfc3339;

/// The version of the file.
pub(super) const API_VERSION: &str = "nodebake/v1";
/// `kind` of the file.
pub(super) const KIND: &str = "Review";

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenId {
    /// Its id.
    pub id: String,
    /// When the API server stops taking it.
    pub expires: OffsetDateTime,
    /// When it was revoked.
    pub revoked: Option<OffsetDateTime>,
}

/// How a node comes into the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Joins {
    /// With a bootstrap token.
    #[default]
    Token,
    /// With certificates that it brings.
    Certificate,
    /// Somebody else made it (`managed: false`).
    Elsewhere,
}

/// A node as the inventory has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewNode {
    /// How it comes into the cluster.
    pub joins: Joins,
    /// Its addresses; none means that the inventory does not say.
    pub addresses: Vec<IpAddr>,
    /// Networks that it gets further addresses of.
    pub networks: Vec<IpNet>,
    /// The DNS names that it may have beside its own.
    pub names: BTreeSet<String>,
    /// Whether it may have another name, which the inventory gives as a template.
    pub has_other_names: bool,
    /// Its tokens, old ones too, the newest last: a request may be older than its token's successor.
    pub tokens: Vec<TokenId>,
}

/// The inventory's nodes and all tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extract {
    /// The cluster's name.
    pub cluster: String,
    /// The inventory's generation.
    pub generation: u64,
    /// When a token was last created or revoked; none without tokens.
    pub tokens_changed: Option<OffsetDateTime>,
    /// From then on nothing may be approved by it.
    pub valid_until: Option<OffsetDateTime>,
    /// Addresses that no node gets by way of a network: the API server's and those of the cluster's DNS.
    pub reserved: BTreeSet<IpAddr>,
    /// The inventory's nodes.
    pub nodes: BTreeMap<String, ReviewNode>,
    /// Tokens of nodes that are not in the inventory, or no longer.
    pub others: BTreeMap<String, Vec<TokenId>>,
}

impl Extract {
    /// The nodes, of which the tokens are still unknown, with their tokens.
    pub fn new(
        cluster: &str,
        generation: u64,
        nodes: BTreeMap<String, ReviewNode>,
        store: &TokenStore,
    ) -> Self {
        let mut extract = Self {
            cluster: cluster.to_owned(),
            generation,
            nodes,
            ..Self::default()
        };
        let tokens = store.iter().flat_map(|(_, tokens)| tokens);
        let changes = tokens.flat_map(|token| [Some(token.created), token.revoked]);
        extract.tokens_changed = changes.flatten().max();
        for (node, tokens) in store.iter() {
            let ids = tokens.iter().map(|token| TokenId {
                id: token.id.clone(),
                expires: token.ends(),
                revoked: token.revoked,
            });
            match extract.nodes.get_mut(node) {
                Some(known) => known.tokens = ids.collect(),
                None => {
                    extract.others.insert(node.to_owned(), ids.collect());
                }
            }
        }
        extract
    }

    /// The nodes that join with a token.
    pub fn joining(&self) -> impl Iterator<Item = (&str, &ReviewNode)> {
        let nodes = self.nodes.iter();
        let joining = nodes.filter(|(_, node)| node.joins == Joins::Token);
        joining.map(|(name, node)| (name.as_str(), node))
    }

    /// All tokens by node, the nodes outside of the inventory too.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (&str, &[TokenId])> {
        let known = self.nodes.iter().map(|(name, node)| (name, &node.tokens));
        let all = known.chain(&self.others);
        all.map(|(name, tokens)| (name.as_str(), tokens.as_slice()))
    }

    /// What orders the extracts of one cluster: a later one has a greater age. An extract that is older than one that was
    /// seen would bring back what was revoked since.
    pub fn age(&self) -> (u64, Option<OffsetDateTime>) {
        (self.generation, self.tokens_changed)
    }

    /// Whether nothing may be approved by it any more.
    pub fn has_ended(&self, at: OffsetDateTime) -> bool {
        self.valid_until.is_some_and(|end| end <= at)
    }

    /// The text of the file: one line for each node. The same values give the same bytes.
    pub fn to_json(&self) -> Result<String> {
        let mut text = String::from("{\n");
        field(&mut text, "apiVersion", &API_VERSION)?;
        field(&mut text, "kind", &KIND)?;
        field(&mut text, "cluster", &self.cluster)?;
        field(&mut text, "generation", &self.generation)?;
        for (key, at) in [
            ("tokensChanged", self.tokens_changed),
            ("validUntil", self.valid_until),
        ] {
            if let Some(at) = at {
                field(&mut text, key, &written(at)?)?;
            }
        }
        if !self.reserved.is_empty() {
            field(&mut text, "reserved", &self.reserved)?;
        }
        let nodes = self.nodes.iter();
        let nodes = nodes.map(|(name, node)| Ok((name, NodeText::of(node)?)));
        map(&mut text, "nodes", nodes)?;
        text.push_str(",\n");
        let others = self.others.iter();
        let others = others.map(|(name, tokens)| Ok((name, token_texts(tokens)?)));
        map(&mut text, "notInInventory", others)?;
        text.push_str("\n}\n");
        Ok(text)
    }
}

/// A node in the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NodeText {
    #[serde(default, skip_serializing_if = "is_default")]
    pub joins: Joins,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub names: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub has_other_names: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<TokenText>,
}

/// A token in the file. Its fields are texts here, so that no error of a reader repeats one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TokenText {
    pub id: String,
    pub expires: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
}

impl NodeText {
    fn of(node: &ReviewNode) -> Result<Self> {
        Ok(Self {
            joins: node.joins,
            addresses: node.addresses.clone(),
            networks: node.networks.iter().map(ToString::to_string).collect(),
            names: node.names.clone(),
            has_other_names: node.has_other_names,
            tokens: token_texts(&node.tokens)?,
        })
    }
}

fn token_texts(tokens: &[TokenId]) -> Result<Vec<TokenText>> {
    let text = |token: &TokenId| {
        Ok(TokenText {
            id: token.id.clone(),
            expires: written(token.expires)?,
            revoked: token.revoked.map(written).transpose()?,
        })
    };
    tokens.iter().map(text).collect()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn written(at: OffsetDateTime) -> Result<String> {
    rfc3339(at).context("writing a time: beyond the year 9999")
}

fn field(text: &mut String, key: &str, value: &impl Serialize) -> Result<()> {
    let value = serde_json::to_string(value)?;
    text.push_str(&format!("\"{key}\": {value},\n"));
    Ok(())
}

fn map<'a, T: Serialize>(
    text: &mut String,
    key: &str,
    entries: impl Iterator<Item = Result<(&'a String, T)>>,
) -> Result<()> {
    text.push_str(&format!("\"{key}\": {{"));
    for (index, entry) in entries.enumerate() {
        let (name, value) = entry?;
        let comma = if index == 0 { "" } else { "," };
        let name = serde_json::to_string(name)?;
        let value = serde_json::to_string(&value)?;
        text.push_str(&format!("{comma}\n{name}: {value}"));
    }
    text.push('}');
    Ok(())
}
