//! Nodes that are alike: the same class, and trees that differ in the node's own name and addresses only. What is right for
//! one of them is right for all, so such trees are checked once for a build. A tree with a finding is not remembered: each
//! node with a mistake gets a finding of its own, with its own values in it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;
use std::sync::{Arc, PoisonError, RwLock};

use memchr::memmem::Finder;
use serde_json::Value as Json;

use crate::kubernetes::rules::unusable;
use crate::plan::NodePlan;
use crate::render::NodeRendering;
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

impl NodeRendering<'_> {
    /// What the node's tree is, but for the node's name and addresses.
    pub(super) fn kind(&self, node: &NodePlan, config: &Arc<Json>, flags: &Flags) -> u64 {
        let mut kind = Kind::of(node);
        // What all nodes of the class have is one value in memory.
        match self.steady_config(config) {
            Some(_) => Arc::as_ptr(config).hash(&mut kind.hasher),
            None => kind.json(config),
        }
        for (flag, value) in flags {
            flag.hash(&mut kind.hasher);
            kind.json(value);
        }
        kind.tree(self.builder.so_far());
        kind.hasher.finish()
    }
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
pub(super) const CONFIG: &str = "generator kubelet-config";

/// A hash in which a node's own words count by their kind.
struct Kind<'n> {
    /// The words that are the node's own, each with what counts of it; those that come first are found first.
    own: Vec<(Finder<'n>, String)>,
    hasher: DefaultHasher,
}

impl<'n> Kind<'n> {
    /// What counts of a node beside its tree.
    fn of(node: &'n NodePlan) -> Self {
        let mut hasher = DefaultHasher::new();
        // Some names are the node's with another one before it, and all names have an end.
        (node.class.index, node.name.len()).hash(&mut hasher);
        for address in &node.addresses {
            // What rules ask of an address beside its family.
            let is_itself = address.to_canonical() == *address;
            let is_usable = unusable(address, 0).is_none();
            (address.is_ipv4(), is_itself, is_usable).hash(&mut hasher);
            (address.is_loopback(), address.is_unspecified()).hash(&mut hasher);
        }
        let brings = &node.credentials;
        (
            node.token.is_some(),
            brings.client.is_some(),
            brings.serving.is_some(),
        )
            .hash(&mut hasher);
        node.network.is_some().hash(&mut hasher);
        let name = (Finder::new(&node.name), kind_of_name(&node.name));
        let addresses = node.addresses.iter().enumerate();
        let addresses = addresses.map(|(index, address)| {
            let finder = Finder::new(&address.to_string()).into_owned();
            (finder, index.to_string())
        });
        Self {
            own: std::iter::once(name).chain(addresses).collect(),
            hasher,
        }
    }

    fn tree(&mut self, tree: &NodeTree) {
        for (path, entry) in tree.entries() {
            path.hash(&mut self.hasher);
            entry.mode.hash(&mut self.hasher);
            match &entry.kind {
                // The configuration is known already, and in kubeconfigs of ours each node has its own token.
                EntryKind::File(_)
                    if entry.origin.is_generator()
                        && (entry.secret || *entry.origin.0 == *CONFIG) =>
                {
                    0.hash(&mut self.hasher);
                }
                EntryKind::File(file) => self.content(file),
                EntryKind::Directory => 1.hash(&mut self.hasher),
                EntryKind::Symlink(target) => self.text(target.as_bytes()),
            }
        }
        for (name, unit) in tree.units() {
            name.hash(&mut self.hasher);
            (unit.enabled, unit.masked).hash(&mut self.hasher);
            for (dropin, (text, _)) in &unit.dropins {
                dropin.hash(&mut self.hasher);
                self.content(text);
            }
            if let Some((text, _)) = &unit.text {
                self.content(text);
            }
        }
    }

    fn content(&mut self, content: &Content) {
        match content {
            // The bytes of a shared blob are the same blob in each node.
            Content::Blob(blob) if blob.is_shared() => Arc::as_ptr(blob).hash(&mut self.hasher),
            Content::Blob(blob) => self.text(blob.bytes()),
            Content::Asset(asset) => asset.sha256.hash(&mut self.hasher),
        }
    }

    fn json(&mut self, value: &Json) {
        discriminant(value).hash(&mut self.hasher);
        match value {
            Json::Null => {}
            Json::Bool(value) => value.hash(&mut self.hasher),
            Json::Number(number) => number.hash(&mut self.hasher),
            Json::String(text) => self.text(text.as_bytes()),
            Json::Array(items) => {
                items.len().hash(&mut self.hasher);
                items.iter().for_each(|item| self.json(item));
            }
            Json::Object(fields) => {
                fields.len().hash(&mut self.hasher);
                for (name, field) in fields {
                    self.text(name.as_bytes());
                    self.json(field);
                }
            }
        }
    }

    /// A text in which the node's own words count by their kind.
    fn text(&mut self, text: &[u8]) {
        let own = std::mem::take(&mut self.own);
        pieces(text, &own, &mut self.hasher);
        self.own = own;
    }
}

/// A text divided at the first of the words; what is between is divided at the others.
fn pieces(text: &[u8], own: &[(Finder<'_>, String)], hasher: &mut DefaultHasher) {
    let Some(((word, kind), others)) = own.split_first() else {
        return text.hash(hasher);
    };
    let mut from = 0;
    for at in word.find_iter(text) {
        pieces(&text[from..at], others, hasher);
        (own.len(), kind).hash(hasher);
        from = at + word.needle().len();
    }
    pieces(&text[from..], others, hasher);
    // The end of the pieces, so that none is taken for a part of what follows.
    0.hash(hasher);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str, own: &[&str]) -> u64 {
        let own = own.iter().enumerate();
        let own: Vec<_> = own
            .map(|(index, word)| {
                let kind = match index {
                    0 => kind_of_name(word),
                    index => index.to_string(),
                };
                (Finder::new(*word), kind)
            })
            .collect();
        let mut hasher = DefaultHasher::new();
        pieces(text.as_bytes(), &own, &mut hasher);
        hasher.finish()
    }

    #[test]
    fn texts_are_of_a_kind_where_only_the_own_words_differ() {
        let one = ["n-1", "10.0.0.1", "fd00::1"];
        let other = ["n-2", "10.0.0.2", "fd00::2"];
        for (text, same) in [
            ("", ""),
            (
                "name: n-1, at 10.0.0.1/n-1 fd00::1",
                "name: n-2, at 10.0.0.2/n-2 fd00::2",
            ),
            ("n-1n-110.0.0.1", "n-2n-210.0.0.2"),
        ] {
            assert_eq!(kind(text, &one), kind(same, &other), "{text}");
        }
        for (text, different) in [
            // The other's words are no words of the node's own, and which of them it is counts.
            ("at n-1", "at n-1"),
            ("at 10.0.0.1", "at fd00::2"),
            ("at n-1", "at 10.0.0.2"),
            ("n-1 x", "x n-2"),
            ("n-1", "n-2n-2"),
            ("an-1", "n-2a"),
            ("x", "y"),
            ("x", ""),
        ] {
            assert_ne!(kind(text, &one), kind(different, &other), "{text}");
        }
    }

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
