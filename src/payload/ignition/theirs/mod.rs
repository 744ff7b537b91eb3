//! A configuration of the user's own that is merged into the node's: read far enough to know its specification and what
//! it puts where, so that a quarrel with the node's tree is found at build. Ignition would let one of the two win.

mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::sync::Arc;

use serde_json::Value;

use crate::decompress;
use crate::model::Location;
use crate::model::NodePath;
use crate::model::output::{IgnitionDigest, IgnitionSpec};
use crate::payload::Objection;
use crate::payload::gzip::Gzip;
use crate::payload::ignition::config::preset;
use crate::payload::ignition::data_url::{DataUrl, decode_data_url};
use crate::payload::ignition::document::{Merge, Verification};
use crate::payload::ignition::theirs::read::Read;
use crate::report::{Finding, Id};
use crate::tree::{Content, Entry, EntryKind, NodeTree, UNIT_FOLDER, Unit};

/// A user's configuration, read and ready to be merged. One for a whole build; nodes share it.
pub struct UserConfig {
    /// How the user calls its file.
    pub(super) name: Arc<str>,
    /// Its specification.
    pub(super) spec: IgnitionSpec,
    /// Whether it belongs into the secret payload.
    pub(super) secret: bool,
    /// The document without white space between its tokens.
    pub(super) content: Content,
    /// The smallest form, for specifications that may compress what they merge.
    pub(super) packed: DataUrl,
    /// The smallest form without compression.
    pub(super) plain: DataUrl,
    nodes: BTreeMap<NodePath, (TheirKind, Location)>,
    units: BTreeMap<String, (TheirUnit, Location)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TheirKind {
    File,
    Directory,
    Link,
}

#[derive(Debug)]
struct TheirUnit {
    text: bool,
    enabled: Option<bool>,
    masked: bool,
    dropins: Vec<(String, Location)>,
}

/// It may hold secrets, so nothing of it shows.
impl fmt::Debug for UserConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserConfig({})", self.name)
    }
}

impl UserConfig {
    /// Reads a document. `name` is how the user calls the file. The error is everything that is wrong.
    pub fn read(name: &Arc<str>, text: &str, secret: bool) -> Result<Self, Vec<Finding>> {
        let Read { spec, nodes, units } = read::read(name, text)?;
        let value: Value = serde_json::from_str(text).map_err(|_| Vec::new())?;
        let bytes = value.to_string().into_bytes();
        Ok(Self {
            name: name.clone(),
            spec,
            secret,
            packed: DataUrl::smallest(&bytes, &mut Gzip::new()),
            plain: DataUrl::uncompressed(&bytes),
            content: Content::bytes(bytes),
            nodes,
            units,
        })
    }

    /// The document as another one holds it.
    pub(super) fn merge(&self, spec: IgnitionSpec, digest: IgnitionDigest) -> Merge<'_> {
        let url = match spec.minor {
            // 3.0 has no field for a compression there.
            0 => &self.plain,
            _ => &self.packed,
        };
        Merge {
            name: (&*self.name).into(),
            compression: url.gzip.then_some("gzip"),
            source: url.url.as_str().into(),
            verification: digest.of(&self.content).map(|hash| Verification { hash }),
        }
    }

    /// All texts of the document and the bytes behind its data URLs: for whoever looks for what belongs on no node.
    pub fn contents(&self) -> Vec<Vec<u8>> {
        let Content::Blob(blob) = &self.content else {
            return Vec::new();
        };
        let mut found = Vec::new();
        if let Ok(document) = serde_json::from_slice(blob.bytes()) {
            collect(&document, &mut found);
        }
        found
    }

    /// Where it and a node's tree are at odds: what both write, and what one writes below what the other makes a link.
    pub(super) fn clashes(&self, tree: &NodeTree) -> Vec<Objection> {
        let mut found = Vec::new();
        let of_units: BTreeMap<NodePath, Entry> = tree
            .units()
            .iter()
            .flat_map(|(name, unit)| unit.entries(name))
            .chain(preset(tree))
            .collect();
        let ours = |path: &str| tree.get(path).or_else(|| of_units.get(path));
        for (path, (kind, location)) in &self.nodes {
            let rule = if let Some(entry) = ours(path.as_str()) {
                Some(format!("{} writes it too", entry.origin))
            } else if let Some((above, entry)) = above(path, &ours) {
                Some(format!(
                    "is below {above} of {}, which is not a directory",
                    entry.origin
                ))
            } else if *kind == TheirKind::Directory {
                None
            } else {
                let below = first_below(path, tree.entries());
                let below = below.or_else(|| first_below(path, &of_units));
                below.map(|(below, entry)| {
                    format!(
                        "is not a directory, but {below} of {} is below it",
                        entry.origin
                    )
                })
            };
            found.extend(rule.map(|rule| {
                Objection::new(Id::IgnitionMergeConflict, path.as_str(), rule).at(location)
            }));
        }
        for (name, (theirs, location)) in &self.units {
            let path = format!("{UNIT_FOLDER}/{name}");
            if let Some(entry) = tree.get(&path) {
                let rule = format!("{} writes {path} too", entry.origin);
                found.push(Objection::new(Id::IgnitionMergeConflict, name, rule).at(location));
            }
            if let Some(ours) = tree.units().get(name) {
                let rules = theirs.clashes(ours, location);
                found.extend(rules.map(|(rule, location)| {
                    Objection::new(Id::IgnitionMergeConflict, name, rule).at(&location)
                }));
            }
        }
        found
    }
}

/// More than this of one content is not looked at.
const LOOKED_AT: u64 = 64 << 20;

fn collect(value: &Value, found: &mut Vec<Vec<u8>>) {
    match value {
        Value::String(text) => found.push(text.clone().into_bytes()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            let source = fields.get("source").and_then(Value::as_str);
            if let Some(Ok(bytes)) = source.and_then(decode_data_url) {
                let mut unpacked = Vec::new();
                // What is cut or no gzip at all is looked at as far as it goes.
                if fields.get("compression").is_some_and(|word| word == "gzip")
                    && let Ok(mut reader) = decompress::reader(&*bytes, LOOKED_AT)
                {
                    let _ = reader.read_to_end(&mut unpacked);
                }
                found.extend([bytes.into_owned(), unpacked]);
            }
            fields.values().for_each(|field| collect(field, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The nearest of our entries above a path that is not a directory.
fn above<'t>(
    path: &NodePath,
    ours: &impl Fn(&str) -> Option<&'t Entry>,
) -> Option<(String, &'t Entry)> {
    path.ancestors().find_map(|above| {
        let entry = ours(above)?;
        (!matches!(entry.kind, EntryKind::Directory)).then(|| (above.to_owned(), entry))
    })
}

fn first_below<'t>(
    path: &NodePath,
    entries: &'t BTreeMap<NodePath, Entry>,
) -> Option<(&'t NodePath, &'t Entry)> {
    let start = format!("{path}/");
    let from = (
        std::ops::Bound::Included(start.as_str()),
        std::ops::Bound::Unbounded,
    );
    let next = entries.range::<str, _>(from).next();
    next.filter(|(below, _)| below.as_str().starts_with(&start))
}

impl TheirUnit {
    /// The rules that this and our unit of the same name break together.
    fn clashes<'t>(
        &'t self,
        ours: &'t Unit,
        location: &'t Location,
    ) -> impl Iterator<Item = (String, Location)> + 't {
        let text = ours.text.as_ref().filter(|_| self.text || self.masked);
        let text = text.map(|(_, origin)| format!("{origin} writes the unit's text too"));
        let masked = (ours.masked && (self.text || self.enabled == Some(true)))
            .then(|| "the node masks it".to_owned());
        let differ = match (ours.enabled, self.enabled) {
            (Some(ours), Some(theirs)) => ours != theirs,
            (Some(true), None) => self.masked,
            _ => false,
        };
        let state = differ.then(|| {
            let state = if ours.enabled == Some(true) {
                "enables"
            } else {
                "disables"
            };
            format!("the node {state} it")
        });
        let whole = text.or(masked).or(state);
        let dropins = self.dropins.iter().filter_map(|(file, location)| {
            let (_, origin) = ours.dropins.get(file)?;
            Some((
                format!("{origin} writes its drop-in {file} too"),
                location.clone(),
            ))
        });
        whole
            .map(|rule| (rule, location.clone()))
            .into_iter()
            .chain(dropins)
    }
}
