//! One node of two bundles: its tree, what its files hold, and what its payloads say beside that. In: records and files
//! of both. Out: a [`NodeDiff`]. Nothing of one node is left in memory when the next begins.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::bundle::OldBundle;
use crate::diff::content::{ContentChange, Form, LONGEST, public, secret};
use crate::diff::field::{FieldChange, Shown, compare, compare_maps};
use crate::diff::marks::{Marks, MarksChange};
use crate::diff::reading::{Contents, PayloadContents, Side, files, is_listing};
use crate::diff::tree::{
    DiffEntry, EntryChange, StateChange, Tree, UnitChange, entries, states, units,
};
use crate::diff::walk::{Change, of_part, pairs};
use crate::error::Result;
use crate::manifest::{FileRecord, NodeRecord};
use crate::model::{Sha256Digest, unhex};

/// The most of a node's files that is read into memory, in bytes; what is beyond is told by its digest.
const MOST: u64 = 32 * 1024 * 1024;

/// What of an Ignition configuration is shown: it may hold secrets, in what it merges and elsewhere.
const IGNITION: [&[&str]; 10] = [
    &["ignition", "version"],
    &["ignition", "timeouts"],
    &["kernelArguments"],
    &["passwd", "users", "*", "name"],
    &["passwd", "users", "*", "uid"],
    &["passwd", "users", "*", "groups"],
    &["passwd", "users", "*", "homeDir"],
    &["passwd", "users", "*", "shell"],
    &["passwd", "users", "*", "system"],
    &["passwd", "users", "*", "sshAuthorizedKeys"],
];

/// What differs for one node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeDiff {
    /// The node.
    pub node: String,
    /// How it differs.
    pub change: Change,
    /// What the bundle's manifest says of it: token id, usable until, its initramfs payload.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<FieldChange>,
    /// Paths of its tree.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<EntryChange>,
    /// States of its units.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitChange>,
    /// What its kubelet keeps by settings that changed: the new payload alone is not enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<StateChange>,
    /// Its payloads: which there are, what they say beside the tree, and whether they are packed otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payloads: Vec<PayloadChange>,
    /// Labels and taints that its kubelet gives itself when it registers, and never afterwards.
    #[serde(skip_serializing_if = "MarksChange::is_none")]
    pub registration: MarksChange,
    /// Whether what cloud-init reads first is another.
    #[serde(skip)]
    pub user_data: bool,
}

/// What differs of one payload.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PayloadChange {
    /// Its name in the node's folder.
    pub file: String,
    /// How it differs.
    pub change: Change,
    /// What it says beside the tree's files; none where the same things are only packed otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

impl NodeDiff {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.change == Change::Changed
            && self.facts.is_empty()
            && self.entries.is_empty()
            && self.units.is_empty()
            && self.payloads.is_empty()
    }

    /// Whether machines that have the old payload need the new one. A token is for joining only, and packing for
    /// nobody.
    pub fn needs_payload(&self) -> bool {
        let token_only = |entry: &EntryChange| {
            let content = entry.content.as_ref();
            entry.attributes.is_empty()
                && content.is_some_and(|content| {
                    content.form == Form::Secret
                        && !content.fields.is_empty()
                        && content.fields.iter().all(|field| {
                            field.path.starts_with("users") && field.path.ends_with(".user.token")
                        })
                })
        };
        let facts = self.facts.iter();
        let mut facts = facts.filter(|fact| fact.path.starts_with("initramfs"));
        self.change == Change::Changed
            && (!self.entries.iter().all(token_only)
                || !self.units.is_empty()
                || self
                    .payloads
                    .iter()
                    .any(|payload| !payload.fields.is_empty())
                || facts.next().is_some())
    }
}

/// Compares a node that at least one of the bundles has.
pub fn node(name: &str, old: &OldBundle, new: &OldBundle) -> Result<NodeDiff> {
    let side = |bundle| node_of(bundle, name).map(|record| Side { bundle, record });
    let (old, new) = (side(old), side(new));
    let facts = |side: Option<Side<'_>>| side.map(|side| facts(side.record));
    let mut diff = NodeDiff {
        node: name.to_owned(),
        change: Change::of(old, new),
        facts: compare_maps(facts(old).as_ref(), facts(new).as_ref()),
        entries: Vec::new(),
        units: Vec::new(),
        state: Vec::new(),
        payloads: Vec::new(),
        registration: MarksChange::default(),
        user_data: false,
    };
    match (old, new) {
        (Some(old), Some(new)) => {
            both(old, new, &mut diff).with_context(|| format!("comparing the node {name}"))?
        }
        (one, other) => {
            let [one, other] =
                [one, other].map(|side| side.map(|side| files(side.record)).unwrap_or_default());
            diff.payloads = payload_names(&one, &other);
        }
    }
    Ok(diff)
}

fn node_of<'a>(bundle: &'a OldBundle, name: &str) -> Option<&'a NodeRecord> {
    let nodes = &bundle.manifest().nodes;
    match bundle.node(name) {
        // Ours are sorted; a foreign manifest may not be.
        None => nodes.iter().find(|node| node.name == name),
        found => found,
    }
}

fn facts(record: &NodeRecord) -> Value {
    let mut facts = Map::new();
    let mut say = |name: &str, value: Value| {
        if !value.is_null() {
            facts.insert(name.to_owned(), value);
        }
    };
    say("kubernetes", record.kubernetes.clone().into());
    say("tokenId", record.token_id.clone().into());
    say("usableUntil", record.usable_until.clone().into());
    if let Some(overlay) = &record.initramfs {
        say(
            "initramfs",
            json!({"mode": overlay.mode, "kernelArguments": overlay.kernel_arguments, "memory": overlay.memory}),
        );
    }
    if !record.upgrade_from.is_empty() {
        say("upgradeFrom", record.upgrade_from.clone().into());
    }
    Value::Object(facts)
}

fn both(old: Side<'_>, new: Side<'_>, diff: &mut NodeDiff) -> Result<()> {
    let same_tree = old.record.tree_digest == new.record.tree_digest;
    let (mut trees, mut wanted) = (None, [BTreeMap::new(), BTreeMap::new()]);
    if !same_tree {
        let pair = (old.tree()?, new.tree()?);
        diff.entries = entries(&pair.0, &pair.1);
        diff.units = units(&pair.0, &pair.1);
        diff.state = states(&pair.0, &pair.1);
        wanted = wanted_contents(&diff.entries, &pair);
        trees = Some(pair);
    }
    let [old_wanted, new_wanted] = wanted;
    let (before, after) = (files(old.record), files(new.record));
    diff.payloads = payload_names(&before, &after);
    let documents: BTreeSet<&str> = before
        .iter()
        .filter(|(name, file)| {
            is_document(name)
                && after
                    .get(*name)
                    .is_some_and(|now| now.sha256 != file.sha256)
        })
        .map(|(name, _)| *name)
        .collect();
    let before_said = old.read(old_wanted, &documents)?;
    let after_said = new.read(new_wanted, &documents)?;
    if let Some((old_tree, new_tree)) = &trees {
        for entry in &mut diff.entries {
            fill(
                entry,
                (old_tree, &before_said.files),
                (new_tree, &after_said.files),
            );
        }
        let changed = diff.entries.iter().map(|entry| entry.path.as_str());
        let marks = |said: &PayloadContents| Marks::of(changed.clone(), &said.files);
        diff.registration = MarksChange::between(&marks(&before_said), &marks(&after_said));
    }
    for (name, file) in &before {
        let Some(now) = after.get(name) else { continue };
        if now.sha256 == file.sha256 || is_listing(name) {
            continue;
        }
        diff.user_data |= name.starts_with("user-data");
        let fields = if documents.contains(name) {
            document(name, (&before_said, &after_said), same_tree)
        } else {
            Vec::new()
        };
        // Payloads follow the tree; that they differ where it does goes without saying.
        if same_tree || !fields.is_empty() {
            diff.payloads.push(PayloadChange {
                file: (*name).to_owned(),
                change: Change::Changed,
                fields,
            });
        }
    }
    diff.payloads.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(())
}

fn payload_names(
    old: &BTreeMap<&str, &FileRecord>,
    new: &BTreeMap<&str, &FileRecord>,
) -> Vec<PayloadChange> {
    let one_sided = pairs(old, new)
        .filter(|(name, old, new)| old.is_some() != new.is_some() && !is_listing(name));
    let change = one_sided.map(|(name, old, new)| PayloadChange {
        file: (*name).to_owned(),
        change: Change::of(old, new),
        fields: Vec::new(),
    });
    change.collect()
}

/// What cloud-init and Ignition read.
fn is_document(name: &str) -> bool {
    let is_user_data = name.starts_with("user-data") && !name.contains(".tar");
    is_user_data
        || name.ends_with(".ign")
        || ["meta-data", "network-config", "vendor-data"].contains(&name)
}

/// The files of both trees whose contents are to be compared, as far as there is room for them.
fn wanted_contents(
    changes: &[EntryChange],
    (old, new): &(Tree, Tree),
) -> [BTreeMap<String, Sha256Digest>; 2] {
    let mut wanted = [BTreeMap::new(), BTreeMap::new()];
    let mut room = MOST;
    for change in changes {
        let sides = [old.entries.get(&change.path), new.entries.get(&change.path)];
        let digests = sides.map(|entry| entry.and_then(|entry| entry.sha256.as_deref()));
        // Of a secret file that comes or goes nothing is shown, nor of what goes.
        let useless = digests[0] == digests[1]
            || digests[1].is_none()
            || change.secret && digests[0].is_none();
        let size =
            |entry: Option<&DiffEntry>| entry.and_then(|entry| entry.size).unwrap_or_default();
        let sizes = sides.map(size);
        if useless || sizes.iter().any(|size| *size > LONGEST) || sizes.iter().sum::<u64>() > room {
            continue;
        }
        room -= sizes.iter().sum::<u64>();
        for (wanted, digest) in wanted.iter_mut().zip(digests) {
            if let Some(digest) = digest.and_then(unhex) {
                wanted.insert(change.path.clone(), digest);
            }
        }
    }
    wanted
}

/// Finds what differs in a file, where its digest does.
fn fill(change: &mut EntryChange, old: (&Tree, &Contents), new: (&Tree, &Contents)) {
    let path = &change.path;
    let (before, after) = (old.0.entries.get(path), new.0.entries.get(path));
    let digest = |entry: Option<&DiffEntry>| entry.and_then(|entry| entry.sha256.clone());
    if digest(before) == digest(after) {
        return;
    }
    let contents = (old.1.get(path), new.1.get(path));
    let content = match contents {
        _ if change.secret && change.change != Change::Changed => return,
        (Some(old), Some(new)) if change.secret => secret(old, new),
        _ if change.secret => ContentChange::of(Form::Secret),
        (Some(old), Some(new)) => public(path, Some(old), new),
        (None, Some(new)) if digest(before).is_none() => public(path, None, new),
        _ => {
            let long = |entry: Option<&DiffEntry>| {
                entry
                    .and_then(|entry| entry.size)
                    .is_some_and(|size| size > LONGEST)
            };
            let form = if digest(after).is_none() || long(before) || long(after) {
                Form::Binary
            } else {
                Form::Unread
            };
            ContentChange::of(form)
        }
    };
    if matches!(content.form, Form::Binary | Form::Unread) {
        let measures = |entry: Option<&DiffEntry>| entry.map(DiffEntry::measures);
        let (before, after) = (measures(before), measures(after));
        change
            .attributes
            .extend(compare_maps(before.as_ref(), after.as_ref()));
    }
    // What goes is not shown.
    if digest(after).is_some() {
        change.content = Some(content);
    }
}

/// What a payload says beside the tree's files.
fn document(
    name: &str,
    (old, new): (&PayloadContents, &PayloadContents),
    same_tree: bool,
) -> Vec<FieldChange> {
    let [old, new] = [old, new].map(|said| said.documents.get(name).map_or(&[][..], Vec::as_slice));
    let ours = |said: &[(String, Value)]| {
        said.iter()
            .filter(|(part, _)| part == "nodebake.cfg")
            .count()
    };
    // Two of the name, and one is none of ours.
    let doubtful = ours(old) > 1 || ours(new) > 1;
    let [old, new] =
        [old, new].map(|said| said.iter().cloned().collect::<BTreeMap<String, Value>>());
    let mut changes = Vec::new();
    for (part, before, after) in pairs(&old, &new) {
        // A part of the user's own may hold anything.
        let ours =
            ["", "nodebake.cfg"].contains(&part.as_str()) && !doubtful && name != "vendor-data";
        let shown = match name.ends_with(".ign") {
            true => Shown::Only(&IGNITION),
            false if ours => Shown::Usual,
            false => Shown::Only(&[]),
        };
        let mut of_this = compare(before, after, shown);
        if ours && !same_tree {
            // Commands follow the tree.
            of_this.retain(|change| !["runcmd", "bootcmd"].contains(&change.path.as_str()));
        }
        let needs_no_name = part.is_empty() || ours && old.len() == new.len();
        changes.extend(if needs_no_name {
            of_this
        } else {
            of_part(part, of_this)
        });
    }
    changes
}
