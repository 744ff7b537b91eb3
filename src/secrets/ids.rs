//! The ids of tokens without their secrets: what a review of requests needs to know. The API server itself logs ids.
//! The file may be given to those who approve requests and must not be able to join nodes.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use anyhow::Context;
use time::OffsetDateTime;

use crate::error::Result;
use crate::secrets::TokenStore;
use crate::secrets::store::{API_VERSION, push_nodes};
use crate::timing::rfc3339;
use crate::yaml::push_quoted;

/// `kind` of the file.
pub(super) const KIND: &str = "TokenIds";

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

/// The tokens of all nodes, the newest of a node last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenIds {
    pub(super) nodes: BTreeMap<String, Vec<TokenId>>,
}

impl From<&TokenStore> for TokenIds {
    fn from(store: &TokenStore) -> Self {
        let nodes = store.iter().map(|(node, tokens)| {
            let ids = tokens.iter().map(|token| TokenId {
                id: token.id.clone(),
                expires: token.ends(),
                revoked: token.revoked,
            });
            (node.to_owned(), ids.collect())
        });
        Self {
            nodes: nodes.collect(),
        }
    }
}

impl TokenIds {
    /// Whether a node has a token, good or not.
    pub fn has(&self, node: &str) -> bool {
        self.nodes
            .get(node)
            .is_some_and(|tokens| !tokens.is_empty())
    }

    /// All nodes that have tokens.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// Whether the node was shut out: its newest token is revoked.
    pub fn is_revoked(&self, node: &str) -> bool {
        let newest = self.nodes.get(node).and_then(|tokens| tokens.last());
        newest.is_some_and(|token| token.revoked.is_some())
    }

    /// The node and the token of an id.
    pub fn by_id(&self) -> HashMap<&str, (&str, &TokenId)> {
        let nodes = self.nodes.iter();
        nodes
            .flat_map(|(node, tokens)| {
                tokens
                    .iter()
                    .map(move |token| (token.id.as_str(), (node.as_str(), token)))
            })
            .collect()
    }

    /// The text of the file: the same tokens give the same bytes.
    pub fn to_yaml(&self, cluster: &str) -> Result<String> {
        let mut text = String::from(
            "# Ids of bootstrap tokens, without secrets, for `nodebake csr review --ids`: kept by `nodebake csr export-ids`.\n\
             ",
        );
        // Writing to a String cannot fail.
        let _ = write!(text, "apiVersion: {API_VERSION}\nkind: {KIND}\ncluster: ");
        push_quoted(&mut text, cluster);
        text.push_str("\ntokens:");
        push_nodes(&mut text, &self.nodes, push_token)?;
        Ok(text)
    }
}

fn push_token(text: &mut String, token: &TokenId) -> Result<()> {
    let time = |at| rfc3339(at).context("writing a token's time: beyond the year 9999");
    text.push_str("    - {id: ");
    push_quoted(text, &token.id);
    text.push_str(", expires: ");
    push_quoted(text, &time(token.expires)?);
    if let Some(revoked) = token.revoked {
        text.push_str(", revoked: ");
        push_quoted(text, &time(revoked)?);
    }
    text.push_str("}\n");
    Ok(())
}
