//! Two trees of a node as their `tree.json` list them. In: the files' bytes. Out: entries and units that differ, without
//! what the entries hold.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::diff::content::ContentChange;
use crate::diff::field::{FieldChange, compare_maps};
use crate::diff::walk::{Change, changes, pairs};
use crate::error::Result;
use crate::model::{NodePath, NodeState};
use crate::tree::ListedKind;

/// One path of a tree that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EntryChange {
    /// Where on the node.
    pub path: String,
    /// How it differs.
    pub change: Change,
    /// Whether it holds secrets, on either side.
    pub secret: bool,
    /// Type, mode, owner, target; size and digest of what is not shown otherwise, unless it is secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<FieldChange>,
    /// What differs in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentChange>,
}

/// One unit whose state differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitChange {
    /// The unit.
    pub unit: String,
    /// How it differs.
    pub change: Change,
    /// `enabled`, `masked`, `links` and whose its text is.
    pub fields: Vec<FieldChange>,
}

/// A tree.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Entries by path.
    pub entries: BTreeMap<String, DiffEntry>,
    units: BTreeMap<String, Value>,
    state: Vec<NodeState>,
}

/// State that a node's kubelet has by the old settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateChange {
    /// Where it is on the node.
    pub path: NodePath,
    /// Whether it must be removed before the kubelet starts; `build --upgrade-from` does that.
    pub remove: bool,
    /// Whether the node must be drained first.
    pub drain: bool,
    /// The settings that it was made by and that changed.
    pub settings: Vec<String>,
}

impl StateChange {
    /// What must be done, and why.
    pub fn in_words(&self) -> String {
        let settings = self.settings.join(", ");
        match (self.remove, self.drain) {
            (true, true) => format!(
                "drain the node, and remove {} before the kubelet starts (`build --upgrade-from` and `copyToRoot` remove it): {settings} changed",
                self.path
            ),
            (true, false) => format!(
                "remove {} before the kubelet starts (`build --upgrade-from` and `copyToRoot` remove it): {settings} changed",
                self.path
            ),
            (false, _) => format!("drain the node first: {settings} changed"),
        }
    }
}

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DiffEntry {
    path: String,
    #[serde(rename = "type")]
    kind: ListedKind,
    mode: String,
    uid: u32,
    gid: u32,
    user: String,
    group: String,
    /// A file's length.
    pub size: Option<u64>,
    /// A file's digest.
    pub sha256: Option<String>,
    target: Option<String>,
    secret: bool,
    /// Whether it is known to be without secrets, whatever its mode is.
    #[serde(skip)]
    public: bool,
}

#[derive(Deserialize)]
struct EntryDocument {
    #[serde(flatten)]
    entry: DiffEntry,
    #[serde(default)]
    origin: String,
}

impl EntryDocument {
    /// The kubelet's configuration and its unit name files and hold nothing that is secret. `worker` gives them the mode
    /// 0600 because the CIS benchmark asks for it.
    fn read(self) -> DiffEntry {
        let unit = self.entry.path.strip_prefix(KUBELET_UNIT);
        let is_unit = unit.is_some_and(|rest| rest.is_empty() || rest.starts_with(".d/"));
        DiffEntry {
            public: is_unit || self.origin == "generator kubelet-config",
            ..self.entry
        }
    }
}

const KUBELET_UNIT: &str = "/etc/systemd/system/kubelet.service";

#[derive(Deserialize)]
struct TreeDocument {
    node: String,
    entries: Vec<EntryDocument>,
    units: Vec<serde_json::Map<String, Value>>,
    #[serde(default)]
    state: Vec<NodeState>,
}

impl Tree {
    /// Reads the `tree.json` of a node.
    pub fn parse(node: &str, json: &[u8]) -> Result<Self> {
        let document: TreeDocument = serde_json::from_slice(json)?;
        if document.node != node {
            bail!("it is the tree of another node, {:?}", document.node);
        }
        let mut tree = Self {
            state: document.state,
            ..Self::default()
        };
        for entry in document.entries {
            let entry = entry.read();
            let path = NodePath::parse(&entry.path)
                .map_err(|rule| anyhow!("{:?}: {rule}", entry.path))?
                .to_string();
            if tree.entries.insert(path, entry).is_some() {
                bail!("a path is in it twice");
            }
        }
        for mut unit in document.units {
            let name = match unit.remove("name") {
                Some(Value::String(name)) => name,
                _ => bail!("a unit in it has no name"),
            };
            // Each drop-in is an entry, and told as one.
            unit.remove("dropins");
            if tree.units.insert(name, Value::Object(unit)).is_some() {
                bail!("a unit is in it twice");
            }
        }
        Ok(tree)
    }
}

impl DiffEntry {
    /// What is said of it beside its content.
    fn attributes(&self) -> Value {
        let owner = |name: &str, id: u32| match (name, id) {
            ("root", 0) => name.to_owned(),
            _ => format!("{name}({id})"),
        };
        let kind = match self.kind {
            ListedKind::File => "file",
            ListedKind::Directory => "directory",
            ListedKind::Symlink => "symlink",
        };
        let owner = format!(
            "{}:{}",
            owner(&self.user, self.uid),
            owner(&self.group, self.gid)
        );
        let mut all = json!({"type": kind, "mode": self.mode, "owner": owner});
        if let Some(target) = &self.target {
            all["target"] = target.as_str().into();
        }
        if self.is_secret() {
            all["holdsSecrets"] = true.into();
        }
        all
    }

    /// Whether it is not to be shown: it is said to hold a secret, or its owner alone may read it on the node and nothing
    /// says that it is public.
    pub fn is_secret(&self) -> bool {
        let owner_only = u32::from_str_radix(&self.mode, 8).map_or(true, |mode| mode & 0o077 == 0);
        self.secret || self.kind == ListedKind::File && owner_only && !self.public
    }

    /// Size and digest, for what is not shown in another way.
    pub fn measures(&self) -> Value {
        json!({"size": self.size, "sha256": self.sha256})
    }
}

/// The entries that differ; what differs in files whose digests do is left to be found.
pub fn entries(old: &Tree, new: &Tree) -> Vec<EntryChange> {
    let changes = changes(&old.entries, &new.entries);
    let entry = |(change, (path, old, new)): (
        Change,
        (&String, Option<&DiffEntry>, Option<&DiffEntry>),
    )| {
        let attributes = |entry: Option<&DiffEntry>| entry.map(DiffEntry::attributes);
        EntryChange {
            path: path.clone(),
            change,
            secret: [old, new].into_iter().flatten().any(DiffEntry::is_secret),
            attributes: compare_maps(attributes(old).as_ref(), attributes(new).as_ref()),
            content: None,
        }
    };
    changes.map(entry).collect()
}

/// The state that a node's kubelet has by settings that are others now.
pub fn states(old: &Tree, new: &Tree) -> Vec<StateChange> {
    let change = |state: &NodeState| {
        let now = new.state.iter().find(|now| now.path == state.path)?;
        let settings = state.changed(now);
        (!settings.is_empty()).then(|| StateChange {
            path: state.path.clone(),
            remove: state.remove,
            drain: state.drain,
            settings,
        })
    };
    old.state.iter().filter_map(change).collect()
}

/// The units that differ.
pub fn units(old: &Tree, new: &Tree) -> Vec<UnitChange> {
    let units = pairs(&old.units, &new.units).map(|(name, old, new)| UnitChange {
        unit: name.clone(),
        change: Change::of(old, new),
        fields: compare_maps(old, new),
    });
    units.filter(|unit| !unit.fields.is_empty()).collect()
}
