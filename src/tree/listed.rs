//! A tree as its `tree.json` lists it: what an earlier bundle installed on a node. In: the file's bytes. Out: paths by kind,
//! and the links that enabled its units.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{NodePath, NodeState};
use crate::tree::EntryKind;

/// What kind of thing a listing says is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListedKind {
    /// A regular file.
    File,
    /// A declared directory.
    Directory,
    /// A symbolic link.
    Symlink,
}

impl ListedKind {
    /// The kind of an entry.
    pub fn of(kind: &EntryKind) -> Self {
        match kind {
            EntryKind::File(_) => Self::File,
            EntryKind::Directory => Self::Directory,
            EntryKind::Symlink(_) => Self::Symlink,
        }
    }
}

/// A tree that an earlier build listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedTree {
    /// Entries, unit files and drop-ins, masks, enablement links.
    pub paths: BTreeMap<NodePath, ListedKind>,
    /// Units whose text came with the tree.
    pub units: Vec<String>,
    /// Whether it set the state of any unit, and so had a preset.
    pub has_states: bool,
    /// What the node's kubelet has kept since.
    pub state: Vec<NodeState>,
}

#[derive(Deserialize)]
struct ListedDocument {
    entries: Vec<ListedEntry>,
    units: Vec<Unit>,
    #[serde(default)]
    state: Vec<NodeState>,
}

#[derive(Deserialize)]
struct ListedEntry {
    path: String,
    #[serde(rename = "type")]
    kind: ListedKind,
}

#[derive(Deserialize)]
struct Unit {
    name: String,
    enabled: Option<bool>,
    masked: bool,
    text: bool,
    #[serde(default)]
    links: Vec<String>,
}

impl ListedTree {
    /// Reads `tree.json`. The error is why it is none.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let document: ListedDocument =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut tree = Self {
            state: document.state,
            ..Self::default()
        };
        for ListedEntry { path, kind } in document.entries {
            tree.add(&path, kind)?;
        }
        for unit in document.units {
            tree.has_states |= unit.masked || unit.enabled.is_some();
            for link in &unit.links {
                tree.add(link, ListedKind::Symlink)?;
            }
            if unit.text {
                tree.units.push(unit.name);
            }
        }
        Ok(tree)
    }

    /// Adds a path beside the entries.
    pub fn add(&mut self, path: &str, kind: ListedKind) -> Result<(), String> {
        let path = NodePath::parse(path).map_err(|rule| format!("{path}: {rule}"))?;
        self.paths.insert(path, kind);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::listing::TreeListing;
    use crate::tree::{Content, Entry, NodeTree, Origin};

    #[test]
    fn what_was_listed_is_read() {
        let origin = Origin("t".into());
        let mut tree = NodeTree::default();
        let mut add = |path: &str, entry: Entry| {
            let path = NodePath::parse(path).expect("a good path");
            tree.add(path, entry).expect("free");
        };
        add("/srv/d", Entry::directory(0o755, origin.clone()));
        add("/etc/l", Entry::symlink("x", origin.clone()));
        let unit = tree.unit_mut("own.service");
        let text = "[Service]\nExecStart=/x\n[Install]\nWantedBy=a.target\n";
        unit.text = Some((Content::bytes(text), origin));
        unit.enabled = Some(true);
        tree.unit_mut("swap.target").masked = true;
        let listing = TreeListing::of("n", &tree);
        let listed = ListedTree::parse(&listing.json).expect("what was written");
        let paths: Vec<_> = listed
            .paths
            .iter()
            .map(|(path, kind)| (path.as_str(), *kind))
            .collect();
        assert_eq!(
            paths,
            [
                ("/etc/l", ListedKind::Symlink),
                (
                    "/etc/systemd/system/a.target.wants/own.service",
                    ListedKind::Symlink
                ),
                ("/etc/systemd/system/own.service", ListedKind::File),
                ("/etc/systemd/system/swap.target", ListedKind::Symlink),
                ("/srv/d", ListedKind::Directory),
            ]
        );
        assert_eq!(listed.units, ["own.service"]);
        assert!(listed.has_states);
    }

    #[test]
    fn paths_that_are_none_are_refused() {
        for path in ["/a/../b", "a", "/", "/a\n"] {
            let json =
                serde_json::json!({"entries": [{"path": path, "type": "file"}], "units": []});
            assert!(ListedTree::parse(json.to_string().as_bytes()).is_err());
        }
    }
}
