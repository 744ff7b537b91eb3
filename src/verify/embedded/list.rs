//! `tree.sums` as it is read back: what a node must end up with. In: the bytes of a list that verified. Out: a
//! [`NodeTree`] whose files are known by digest only.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::{NodePath, Owner, Sha256Digest, unhex};
use crate::tree::{Asset, AssetSource, Content, Entry, EntryKind, NodeTree, Origin, Permissions};

/// A list.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// Whose it is.
    pub node: String,
    /// The entries.
    pub entries: BTreeMap<NodePath, Entry>,
    /// Units whose state it gives: `enabled`, `disabled` or `masked`.
    pub units: BTreeMap<String, String>,
}

impl List {
    /// Reads the grammar of `tree.sums`, strictly: whatever else is there is no list. The error is the line and the rule.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
        let mut lines = text.split_inclusive('\n').enumerate();
        let mut list = Self::default();
        let head = lines.next().and_then(|(_, line)| {
            let node = line.strip_prefix("#nodebake-tree\t1\t")?;
            node.strip_suffix('\n')
        });
        list.node = head.ok_or("does not begin as a list of a tree")?.to_owned();
        while let Some((number, line)) = lines.next() {
            let wrong = |rule: &str| format!("line {}: {rule}", number + 1);
            let line = line.strip_suffix('\n').ok_or(wrong("is cut"))?;
            let fields: Vec<&str> = line.split('\t').collect();
            let digest = match fields[0] {
                "#file" => lines.next().map(|(_, line)| line),
                _ => None,
            };
            list.line(&fields, digest).map_err(|rule| wrong(&rule))?;
        }
        Ok(list)
    }

    fn line(&mut self, fields: &[&str], digest: Option<&str>) -> Result<(), String> {
        let (kind, path, rest) = match fields {
            ["#unit", name, state @ ("enabled" | "disabled" | "masked")] => {
                let before = self.units.insert((*name).to_owned(), (*state).to_owned());
                return before.map_or(Ok(()), |_| Err("gives a unit twice".to_owned()));
            }
            ["#dir", rest @ .., path] if rest.len() == 5 => (EntryKind::Directory, *path, rest),
            ["#file", rest @ .., path] if rest.len() == 5 => {
                let line = digest.unwrap_or_default();
                let digest = line.split_once("  ").and_then(|(digits, named)| {
                    (named.strip_suffix('\n') == Some(path)).then(|| unhex(digits))?
                });
                let digest = digest.ok_or("has no digest after it")?;
                (EntryKind::File(known_by(digest)), *path, rest)
            }
            ["#link", rest @ .., path, target] if rest.len() == 5 => {
                (EntryKind::Symlink((*target).to_owned()), *path, rest)
            }
            _ => return Err("is none of a list".to_owned()),
        };
        let [mode, uid, gid, user, group] = rest else {
            return Err("is none of a list".to_owned());
        };
        let number = |text: &str| {
            text.parse::<u32>()
                .map_err(|_| "has a bad owner".to_owned())
        };
        let owner = |name: &str, id: u32| Owner {
            name: name.into(),
            id,
        };
        let entry = Entry {
            kind,
            mode: u32::from_str_radix(mode, 8).map_err(|_| "has a bad mode")?,
            user: owner(user, number(uid)?),
            group: owner(group, number(gid)?),
            ..Entry::directory(0, Origin("tree.sums".into()))
        };
        let path = NodePath::parse(&format!("/{path}"))?;
        match self.entries.insert(path, entry) {
            None => Ok(()),
            Some(_) => Err("gives a path twice".to_owned()),
        }
    }

    /// The tree. `texts` are contents of its files by path: of units they are needed, to know what enables them.
    pub fn tree(&self, texts: &BTreeMap<String, Vec<u8>>) -> Result<NodeTree, String> {
        let mut tree = NodeTree::default();
        let mut entries = self.entries.clone();
        for (name, state) in &self.units {
            let unit = tree.unit_mut(name);
            match state.as_str() {
                "masked" => unit.masked = true,
                state => unit.enabled = Some(state == "enabled"),
            }
            let path = format!("{}/{name}", crate::tree::UNIT_FOLDER);
            let entry = entries.get(path.as_str());
            let is_text = entry.is_some_and(|entry| matches!(entry.kind, EntryKind::File(_)));
            if let Some(text) = texts.get(&path).filter(|_| is_text) {
                let origin = Origin("tree.sums".into());
                unit.text = Some((Content::bytes(text.clone()), origin));
                unit.permissions
                    .extend(entry.map(|entry| (None, Permissions::of(entry))));
            }
            if unit.masked || unit.text.is_some() {
                entries.remove(path.as_str());
            }
        }
        for (path, entry) in entries {
            tree.add(path, entry).map_err(|conflict| conflict.rule)?;
        }
        Ok(tree)
    }
}

/// A content of which only the digest is known.
fn known_by(sha256: Sha256Digest) -> Content {
    Content::Asset(Arc::new(Asset {
        source: AssetSource::File(PathBuf::new()),
        size: 0,
        sha256,
        sha512: [0; 64],
    }))
}
