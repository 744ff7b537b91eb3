//! What earlier bundles installed on a node and this one does not: no format takes back by itself what another payload of it
//! wrote. In: the earlier trees as they were listed, and the new tree. Out: a list of paths, and the program that
//! removes them from a root before a tarball is unpacked there.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::error::Result;
use crate::model::NodePath;
use crate::payload::archive::{PRESET, members};
use crate::tree::{ListedKind, ListedTree, NodeTree};

/// Finds its way below a root, and removes there.
const ROOT: &str = include_str!("root.sh");
const UPGRADE: &str = include_str!("upgrade.sh");

/// What is to go from a node. A path that is of another kind now is among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removals {
    /// What was at each path, what is below a directory before it.
    pub paths: Vec<(NodePath, ListedKind)>,
    /// Units that came with an earlier tree and are in the new one no more.
    pub units: Vec<String>,
    /// Those of the paths that the node's kubelet made, which may run when they are removed.
    pub state: Vec<NodePath>,
}

impl Removals {
    /// What of the earlier trees is not in the new one; `beside` is what payloads hold beside that.
    pub fn between(old: &[ListedTree], tree: &NodeTree, beside: &[NodePath]) -> Result<Self> {
        let members = members(tree)?;
        let stays = |path: &NodePath, kind: ListedKind| {
            let member = members.get(path).map(|entry| ListedKind::of(&entry.kind));
            member == Some(kind) || kind == ListedKind::File && beside.contains(path)
        };
        let mut gone = BTreeSet::new();
        let mut units = BTreeSet::new();
        let mut stale = BTreeSet::new();
        for tree in old {
            let listed = tree.paths.iter().map(|(path, kind)| (path, *kind));
            let preset = NodePath::parse(PRESET).expect("a constant, absolute and normal");
            let preset = tree.has_states.then_some((&preset, ListedKind::File));
            for (path, kind) in listed.chain(preset) {
                if !stays(path, kind) {
                    gone.insert((path.clone(), kind));
                }
            }
            units.extend(&tree.units);
        }
        // What the kubelet would go on with, or end over.
        let kept = old.iter().flat_map(|old| &old.state);
        for state in kept.filter(|state| state.remove) {
            let now = tree.state().iter().find(|now| now.path == state.path);
            let is_stale = now.is_some_and(|now| !state.changed(now).is_empty());
            if is_stale && !members.contains_key(&state.path) {
                gone.insert((state.path.clone(), ListedKind::File));
                stale.insert(state.path.clone());
            }
        }
        let units = units.into_iter();
        Ok(Self {
            paths: gone.into_iter().rev().collect(),
            units: units
                .filter(|name| !tree.units().contains_key(*name))
                .cloned()
                .collect(),
            state: stale.into_iter().collect(),
        })
    }

    /// The program: a POSIX shell script that takes the root as its argument.
    pub fn script(&self) -> String {
        let mut script = format!("#!/bin/sh\n{UPGRADE}{ROOT}\ngone <<'END'\n");
        for (path, kind) in &self.paths {
            let kind = match kind {
                ListedKind::File => "#file",
                ListedKind::Directory => "#dir",
                ListedKind::Symlink => "#link",
            };
            // Paths hold no control characters, so each is a line; no line is the word that ends the list.
            let _ = writeln!(script, "{kind}\t{}", path.relative());
        }
        script.push_str("END\n");
        script
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::listing::TreeListing;
    use crate::tree::{Content, Entry, Origin};

    fn tree(entries: &[(&str, Entry)]) -> NodeTree {
        let mut tree = NodeTree::default();
        for (path, entry) in entries {
            let path = NodePath::parse(path).expect("a good path");
            tree.add(path, entry.clone()).expect("free");
        }
        tree
    }

    fn listed(tree: &NodeTree) -> ListedTree {
        ListedTree::parse(&TreeListing::of("n", tree).json).expect("what was written")
    }

    #[test]
    fn what_is_gone_or_of_another_kind_is_removed_children_first() {
        let origin = || Origin("t".into());
        let file = Entry::file(Content::bytes("x"), 0o644, origin());
        let link = Entry::symlink("x", origin());
        let folder = Entry::directory(0o755, origin());
        let mut old = tree(&[
            ("/a", folder.clone()),
            ("/a/b", file.clone()),
            ("/c", link.clone()),
            ("/same", file.clone()),
        ]);
        let unit = old.unit_mut("own.service");
        unit.text = Some((Content::bytes("[Install]\nWantedBy=x.target\n"), origin()));
        unit.enabled = Some(true);
        old.unit_mut("theirs.service").enabled = Some(false);
        let new = tree(&[("/a", file.clone()), ("/c", folder), ("/same", file)]);
        let removals = Removals::between(&[listed(&old)], &new, &[]).expect("good trees");
        let paths: Vec<&str> = removals
            .paths
            .iter()
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "/etc/systemd/system/x.target.wants/own.service",
                "/etc/systemd/system/own.service",
                PRESET,
                "/c",
                "/a/b",
                "/a"
            ]
        );
        assert_eq!(removals.units, ["own.service"]);
        let script = removals.script();
        assert!(
            script.ends_with("#link\tc\n#file\ta/b\n#dir\ta\nEND\n"),
            "{script}"
        );
        // The same tree again: nothing goes.
        let nothing = Removals::between(&[listed(&old)], &old, &[]).expect("good trees");
        assert_eq!(nothing, Removals::default());
    }

    #[test]
    fn what_payloads_hold_beside_the_tree_stays() {
        let mut old = ListedTree::default();
        old.add("/etc/k", ListedKind::File).expect("a good path");
        let beside = [NodePath::parse("/etc/k").expect("a good path")];
        let new = NodeTree::default();
        let stays = Removals::between(std::slice::from_ref(&old), &new, &beside);
        assert_eq!(stays.expect("good trees"), Removals::default());
        let goes = Removals::between(&[old], &new, &[]).expect("good trees");
        assert_eq!(goes.paths.len(), 1);
    }
}
