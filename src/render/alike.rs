//! Nodes that are alike: the same class, and trees that differ in the node's own name and addresses only. What is right for
//! one of them is right for all, so such trees are checked once for a build. A tree with a finding is not remembered: each
//! node with a mistake gets a finding of its own, with its own values in it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

use serde_json::Value as Json;

use crate::plan::NodePlan;
use crate::render::facts::Flags;
use crate::tree::{Content, EntryKind, NodeTree};

/// The most kinds of trees that are remembered. Where there are more, nodes have little in common.
const KINDS: usize = 4096;

/// The kinds of trees in which nothing was found.
#[derive(Default)]
pub struct Alike(RwLock<HashSet<u64>>);

impl Alike {
    /// Whether nothing was found in a tree of this kind.
    pub fn is_clean(&self, kind: u64) -> bool {
        // A thread that panicked has left a whole set behind.
        let kinds = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kinds.contains(&kind)
    }

    /// Remembers that nothing was found.
    pub fn remember(&self, kind: u64) {
        let mut kinds = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kinds.len() < KINDS {
            kinds.insert(kind);
        }
    }
}

/// What a node's tree is, but for the node's name and addresses.
pub fn kind_of(node: &NodePlan, tree: &NodeTree, config: &Json, flags: &Flags) -> u64 {
    let own = Own::of(node);
    let mut hasher = DefaultHasher::new();
    // Some names are the node's with another one before it, and all names have an end.
    (node.class.index, node.name.len()).hash(&mut hasher);
    for address in &node.addresses {
        address.is_ipv4().hash(&mut hasher);
    }
    let brings = &node.credentials;
    (
        node.token.is_some(),
        brings.client.is_some(),
        brings.serving.is_some(),
    )
        .hash(&mut hasher);
    node.network.is_some().hash(&mut hasher);
    own.text(&config.to_string()).hash(&mut hasher);
    for (flag, value) in flags {
        flag.hash(&mut hasher);
        own.text(&value.to_string()).hash(&mut hasher);
    }
    let content = |content: &Content, hasher: &mut DefaultHasher| match content {
        // The bytes of a shared blob are the same blob in each node.
        Content::Blob(blob) if blob.is_shared() => std::sync::Arc::as_ptr(blob).hash(hasher),
        Content::Blob(blob) => match std::str::from_utf8(blob.bytes()) {
            Ok(text) => own.text(text).hash(hasher),
            Err(_) => blob.bytes().hash(hasher),
        },
        Content::Asset(asset) => asset.sha256.hash(hasher),
    };
    for (path, entry) in tree.entries() {
        path.hash(&mut hasher);
        entry.mode.hash(&mut hasher);
        match &entry.kind {
            // The configuration is known already, and in kubeconfigs of ours each node has its own token.
            EntryKind::File(_)
                if entry.origin.is_generator() && (entry.secret || *entry.origin.0 == *CONFIG) =>
            {
                0.hash(&mut hasher);
            }
            EntryKind::File(file) => content(file, &mut hasher),
            EntryKind::Directory => 1.hash(&mut hasher),
            EntryKind::Symlink(target) => own.text(target).hash(&mut hasher),
        }
    }
    for (name, unit) in tree.units() {
        name.hash(&mut hasher);
        (unit.enabled, unit.masked).hash(&mut hasher);
        for (dropin, (text, _)) in &unit.dropins {
            dropin.hash(&mut hasher);
            content(text, &mut hasher);
        }
        if let Some((text, _)) = &unit.text {
            content(text, &mut hasher);
        }
    }
    hasher.finish()
}

/// A name with its digits replaced. All else counts: what reads a text may divide a name at a dot or a dash, and take a word
/// like `on` or a number for a value of its own.
fn kind_of_name(name: &str) -> String {
    let is_number = name.starts_with(|c: char| c.is_ascii_digit());
    let kind = |c: char| {
        if c.is_ascii_digit() && !is_number {
            '0'
        } else {
            c
        }
    };
    name.chars().map(kind).collect()
}

/// The origin of the kubelet's configuration.
const CONFIG: &str = "generator kubelet-config";

/// A node's own words.
struct Own {
    name: String,
    addresses: Vec<String>,
    name_of_kind: String,
}

impl Own {
    fn of(node: &NodePlan) -> Self {
        Self {
            name_of_kind: format!("\u{0}{}\u{0}", kind_of_name(&node.name)),
            name: node.name.clone(),
            addresses: node.addresses.iter().map(IpAddr::to_string).collect(),
        }
    }

    /// A text with all of them replaced.
    fn text(&self, text: &str) -> String {
        let mut text = text.replace(&self.name, &self.name_of_kind);
        for (index, address) in self.addresses.iter().enumerate() {
            text = text.replace(address, &format!("\u{0}{index}\u{0}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_a_kind_where_only_digits_differ() {
        assert_eq!(kind_of_name("n-07.rack1"), kind_of_name("n-12.rack3"));
        for (one, other) in [
            ("n-7", "n-12"),
            ("a1", "b1"),
            ("12", "25"),
            ("5s", "6s"),
            ("on", "of"),
        ] {
            assert_ne!(kind_of_name(one), kind_of_name(other));
        }
    }
}
