//! What a node must end up with, as two files beside its payloads: `tree.json` for programs, `tree.sums` for a check
//! on the node with nothing but `sha256sum` and a shell. In: a [`NodeTree`]. Out: bytes that hold digests of secret
//! files, never secrets.
//!
//! `tree.sums` is what `cd ROOT && sha256sum --strict -c tree.sums` reads: for each file a line `DIGEST  PATH`, paths
//! relative to the root, in path order. All else is in comment lines whose fields are divided by single tabs; no
//! field is empty, none holds a tab or a line break, and nothing is escaped. So a POSIX shell reads them with
//! `while IFS="$tab" read -r kind mode uid gid user group path target`.
//! ```text
//! #nodebake-tree  1     NODE                               the first line: this grammar's version, the node
//! #dir            MODE  UID  GID  USER  GROUP  PATH        MODE is four octal digits
//! #file           MODE  UID  GID  USER  GROUP  PATH        the line after it is the file's digest
//! #link           MODE  UID  GID  USER  GROUP  PATH  TARGET
//! #unit           NAME  STATE                              enabled, disabled or masked, after all entries
//! ```
//! Presets and `.wants` links are not listed: formats enable units in different ways, and STATE is what counts.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::{NodePath, NodeState, Sha256Digest, hex};
use crate::tree::{Entry, EntryKind, NodeTree, Unit};

/// The two listings of a node's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeListing {
    /// `tree.json`: every entry and unit with all that is known of it.
    pub json: Vec<u8>,
    /// `tree.sums`: sha256sum's format with modes, owners, links and unit states in comments.
    pub sums: Vec<u8>,
}

impl TreeListing {
    /// Lists the tree of the node of that name. The name is in both files, so that two nodes' signed listings cannot
    /// change places unseen.
    pub fn of(node: &str, tree: &NodeTree) -> Self {
        let entries = tree.materialised();
        let sums = sums(node, entries.iter(), tree);
        let document = ListingDocument {
            api_version: "nodebake/v1",
            kind: "NodeTree",
            node,
            sums_sha256: hex(&Sha256::digest(&sums)),
            entries: entries.iter().map(EntryRow::of).collect(),
            units: tree.units().iter().map(UnitRow::of).collect(),
            state: tree.state(),
        };
        let mut json = serde_json::to_vec_pretty(&document)
            .expect("strings, numbers and booleans always serialise into memory");
        json.push(b'\n');
        Self { json, sums }
    }

    /// The tree's digest: SHA-256 of `tree.sums`. It does not depend on any payload format or compressor.
    pub fn digest(&self) -> Sha256Digest {
        Sha256::digest(&self.sums).into()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListingDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    node: &'a str,
    sums_sha256: String,
    entries: Vec<EntryRow<'a>>,
    units: Vec<UnitRow<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    state: &'a [NodeState],
}

#[derive(Serialize)]
struct EntryRow<'a> {
    path: &'a NodePath,
    #[serde(rename = "type")]
    kind: &'static str,
    mode: String,
    uid: u32,
    gid: u32,
    user: &'a str,
    group: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    origin: &'a str,
    secret: bool,
}

impl<'a> EntryRow<'a> {
    fn of((path, entry): (&'a NodePath, &'a Entry)) -> Self {
        let (kind, size, sha256, target) = match &entry.kind {
            EntryKind::File(content) => (
                "file",
                Some(content.len()),
                Some(hex(&content.sha256())),
                None,
            ),
            EntryKind::Directory => ("directory", None, None, None),
            EntryKind::Symlink(target) => ("symlink", None, None, Some(target.as_str())),
        };
        Self {
            path,
            kind,
            // A string, as the inventory has it: JSON has no octal numbers, and 420 tells nobody anything.
            mode: format!("{:04o}", entry.mode),
            uid: entry.user.id,
            gid: entry.group.id,
            user: &entry.user.name,
            group: &entry.group.name,
            size,
            sha256,
            target,
            origin: &entry.origin.0,
            secret: entry.secret,
        }
    }
}

#[derive(Serialize)]
struct UnitRow<'a> {
    name: &'a str,
    /// null leaves it to the image.
    enabled: Option<bool>,
    masked: bool,
    /// Whether the unit file is ours, rather than the image's.
    text: bool,
    dropins: Vec<&'a str>,
    /// The links that enable it, where it is and where its text says which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<NodePath>,
}

impl<'a> UnitRow<'a> {
    fn of((name, unit): (&'a String, &'a Unit)) -> Self {
        Self {
            name,
            enabled: unit.enabled,
            masked: unit.masked,
            text: unit.text.is_some(),
            dropins: unit.dropins.keys().map(String::as_str).collect(),
            links: if unit.enabled == Some(true) && !unit.masked {
                unit.install_links(name)
                    .into_iter()
                    .map(|link| link.path)
                    .collect()
            } else {
                Vec::new()
            },
        }
    }
}

/// The lines of entries, with the head line that says the grammar and the node.
pub fn write_entries<'a>(
    text: &mut String,
    node: &str,
    entries: impl Iterator<Item = (&'a NodePath, &'a Entry)>,
) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "#nodebake-tree\t1\t{node}");
    for (path, entry) in entries {
        let path = path.relative();
        let kind = match &entry.kind {
            EntryKind::File(_) => "file",
            EntryKind::Directory => "dir",
            EntryKind::Symlink(_) => "link",
        };
        let (user, group) = (&entry.user, &entry.group);
        let _ = write!(
            text,
            "#{kind}\t{:04o}\t{}\t{}\t{}\t{}\t{path}",
            entry.mode, user.id, group.id, user.name, group.name
        );
        match &entry.kind {
            EntryKind::File(content) => {
                // Without a leading `\` sha256sum takes a name as it is, and so does busybox: backslashes, which
                // systemd's unit names have, need no escape.
                let _ = writeln!(text, "\n{}  {path}", hex(&content.sha256()));
            }
            EntryKind::Directory => text.push('\n'),
            EntryKind::Symlink(target) => {
                let _ = writeln!(text, "\t{target}");
            }
        }
    }
}

fn sums<'a>(
    node: &str,
    entries: impl Iterator<Item = (&'a NodePath, &'a Entry)>,
    tree: &NodeTree,
) -> Vec<u8> {
    let mut text = String::with_capacity(4096);
    write_entries(&mut text, node, entries);
    for (name, unit) in tree.units() {
        let state = match (unit.masked, unit.enabled) {
            (true, _) => "masked",
            (false, Some(true)) => "enabled",
            (false, Some(false)) => "disabled",
            (false, None) => continue,
        };
        let _ = writeln!(text, "#unit\t{name}\t{state}");
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Content, Origin};

    fn tree() -> NodeTree {
        let mut tree = NodeTree::default();
        let origin = Origin("overlay kubelet".into());
        let mut add = |path: &str, entry: Entry| {
            let path = NodePath::parse(path).expect("a good path");
            tree.add(path, entry).expect("free");
        };
        add(
            "/etc/token",
            Entry::secret_file(Content::bytes("abcdef.0123456789abcdef"), origin.clone()),
        );
        add("/etc/a b", Entry::symlink("to here", origin.clone()));
        add("/srv/k", Entry::directory(0o2750, origin.clone()));
        let unit = tree.unit_mut("x.service");
        unit.enabled = Some(true);
        let dropin = (Content::bytes("[Unit]\n"), origin);
        unit.dropins.insert("10-x.conf".into(), dropin);
        tree.unit_mut("swap.target").masked = true;
        tree
    }

    #[test]
    fn sums_follow_the_grammar() {
        let digest = hex(&Content::bytes("abcdef.0123456789abcdef").sha256());
        let dropin = hex(&Content::bytes("[Unit]\n").sha256());
        let expected = format!(
            "#nodebake-tree\t1\tn-1\n\
             #link\t0777\t0\t0\troot\troot\tetc/a b\tto here\n\
             #link\t0777\t0\t0\troot\troot\tetc/systemd/system/swap.target\t/dev/null\n\
             #file\t0644\t0\t0\troot\troot\tetc/systemd/system/x.service.d/10-x.conf\n\
             {dropin}  etc/systemd/system/x.service.d/10-x.conf\n\
             #file\t0600\t0\t0\troot\troot\tetc/token\n\
             {digest}  etc/token\n\
             #dir\t2750\t0\t0\troot\troot\tsrv/k\n\
             #unit\tswap.target\tmasked\n\
             #unit\tx.service\tenabled\n"
        );
        let listing = TreeListing::of("n-1", &tree());
        assert_eq!(String::from_utf8_lossy(&listing.sums), expected);
    }

    #[test]
    fn json_has_every_entry_and_no_secret() {
        let listing = TreeListing::of("n-1", &tree());
        let json: serde_json::Value = serde_json::from_slice(&listing.json).expect("JSON");
        let entries = json["entries"].as_array().expect("an array");
        assert_eq!(entries.len(), 5);
        assert_eq!(entries[3]["path"], "/etc/token");
        assert_eq!(entries[3]["mode"], "0600");
        assert_eq!(entries[3]["size"], 23);
        assert_eq!(entries[3]["secret"], true);
        assert_eq!(entries[0]["target"], "to here");
        assert_eq!(json["units"][1]["dropins"][0], "10-x.conf");
        assert_eq!(json["sumsSha256"], hex(&listing.digest()));
        for file in [&listing.json, &listing.sums] {
            assert!(!String::from_utf8_lossy(file).contains("abcdef.0123"));
        }
    }
}
