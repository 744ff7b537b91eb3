//! A configuration of the user's own that is merged into the node's: read far enough to know its specification and what
//! it puts where, so that a quarrel with the node's tree is found at build. Ignition would let one of the two win.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::node::{Content, Entry, EntryKind, NodePath, NodeTree, UNIT_FOLDER, Unit};
use crate::payload::Objection;
use crate::payload::gzip::Gzip;
use crate::payload::ignition::config::preset;
use crate::payload::ignition::data_url::DataUrl;
use crate::payload::ignition::document::{Merge, Verification};
use crate::payload::ignition::{IgnitionDigest, IgnitionSpec};
use crate::report::Place;

/// A user's configuration, read and ready to be merged. One for a whole build; nodes share it.
pub struct UserConfig {
    /// How the user calls its file.
    pub(super) name: Arc<str>,
    /// Its specification.
    pub(super) spec: IgnitionSpec,
    /// Whether it belongs into the secret part.
    pub(super) secret: bool,
    /// The document without white space between its tokens.
    pub(super) content: Content,
    /// The smallest form, for specifications that may compress what they merge.
    pub(super) packed: DataUrl,
    /// The smallest form without compression.
    pub(super) plain: DataUrl,
    nodes: BTreeMap<NodePath, (Kind, Place)>,
    units: BTreeMap<String, (TheirUnit, Place)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
    Link,
}

#[derive(Debug)]
struct TheirUnit {
    text: bool,
    enabled: Option<bool>,
    masked: bool,
    dropins: Vec<(String, Place)>,
}

/// It may hold secrets, so nothing of it shows.
impl fmt::Debug for UserConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserConfig({})", self.name)
    }
}

/// Why a file is no configuration that can be merged, and where that shows.
#[derive(Debug)]
pub struct Fault {
    /// Where in the file.
    pub place: Place,
    /// The path or unit that it is about; empty for the document.
    pub subject: String,
    /// How the rule is broken.
    pub rule: String,
}

impl UserConfig {
    /// Reads a document. `name` is how the user calls the file. The error is everything that is wrong.
    pub fn read(name: &Arc<str>, text: &str, secret: bool) -> Result<Self, Vec<Fault>> {
        let source = Source { name, text };
        let document: Document<'_> =
            serde_json::from_str(text).map_err(|error| vec![source.broken(&error)])?;
        let mut faults = Vec::new();
        let spec = source.spec(&document, &mut faults);
        let nodes = source.nodes(document.storage.unwrap_or_default(), &mut faults);
        let systemd = document.systemd.unwrap_or_default();
        let units = source.units(systemd.units.unwrap_or_default(), &mut faults);
        let (Some(spec), true) = (spec, faults.is_empty()) else {
            return Err(faults);
        };
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| vec![source.broken(&error)])?;
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
        for (path, (kind, place)) in &self.nodes {
            let rule = if let Some(entry) = ours(path.as_str()) {
                Some(format!("{} writes it too", entry.origin))
            } else if let Some((above, entry)) = above(path, &ours) {
                Some(format!(
                    "lies below {above} of {}, which is not a directory",
                    entry.origin
                ))
            } else if *kind == Kind::Directory {
                None
            } else {
                let below = first_below(path, tree.entries());
                let below = below.or_else(|| first_below(path, &of_units));
                below.map(|(below, entry)| {
                    format!(
                        "is not a directory, but {below} of {} lies below it",
                        entry.origin
                    )
                })
            };
            found.extend(rule.map(|rule| Objection::new(path.as_str(), rule).at(place)));
        }
        for (name, (theirs, place)) in &self.units {
            let path = format!("{UNIT_FOLDER}/{name}");
            if let Some(entry) = tree.get(&path) {
                let rule = format!("{} writes {path} too", entry.origin);
                found.push(Objection::new(name, rule).at(place));
            }
            if let Some(ours) = tree.units().get(name) {
                let rules = theirs.clashes(ours, place);
                found.extend(rules.map(|(rule, place)| Objection::new(name, rule).at(&place)));
            }
        }
        found
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
        place: &'t Place,
    ) -> impl Iterator<Item = (String, Place)> + 't {
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
        let dropins = self.dropins.iter().filter_map(|(file, place)| {
            let (_, origin) = ours.dropins.get(file)?;
            Some((
                format!("{origin} writes its drop-in {file} too"),
                place.clone(),
            ))
        });
        whole
            .map(|rule| (rule, place.clone()))
            .into_iter()
            .chain(dropins)
    }
}

/// A document's text, to say where in it something stands.
struct Source<'a> {
    name: &'a Arc<str>,
    text: &'a str,
}

impl<'a> Source<'a> {
    fn fault(&self, at: &RawValue, subject: impl Into<String>, rule: impl Into<String>) -> Fault {
        Fault {
            place: self.place(at),
            subject: subject.into(),
            rule: rule.into(),
        }
    }

    /// What serde says of a text that is no such document.
    fn broken(&self, error: &serde_json::Error) -> Fault {
        let said = error.to_string();
        let rule = said.split(" at line ").next().unwrap_or_default();
        let position = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Fault {
            place: Place::new(
                self.name.clone(),
                position(error.line()),
                position(error.column().max(1)),
            ),
            subject: String::new(),
            rule: format!("is no Ignition configuration: {rule}"),
        }
    }

    /// Where a value begins. It is a part of the text, so the distance of the two is its offset.
    fn place(&self, at: &RawValue) -> Place {
        let offset = at.get().as_ptr() as usize - self.text.as_ptr() as usize;
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        let position = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Place::new(self.name.clone(), position(line), position(column))
    }

    fn string(&self, at: &RawValue, faults: &mut Vec<Fault>) -> Option<String> {
        let read = serde_json::from_str(at.get());
        if read.is_err() {
            faults.push(self.fault(at, "", "must be a string"));
        }
        read.ok()
    }

    fn spec(&self, document: &Document<'_>, faults: &mut Vec<Fault>) -> Option<IgnitionSpec> {
        let head = document.ignition.as_ref();
        let Some(at) = head.and_then(|head| head.version) else {
            faults.push(Fault {
                place: Place::new(self.name.clone(), 1, 1),
                subject: String::new(),
                rule: "is no Ignition configuration: it lacks ignition.version".to_owned(),
            });
            return None;
        };
        let text = self.string(at, faults)?;
        let spec = text.parse();
        if let Err(rule) = &spec {
            faults.push(self.fault(at, "ignition.version", rule));
        }
        spec.ok()
    }

    fn nodes(
        &self,
        storage: StorageDocument<'_>,
        faults: &mut Vec<Fault>,
    ) -> BTreeMap<NodePath, (Kind, Place)> {
        let mut nodes = BTreeMap::new();
        for (kind, list) in [
            (Kind::Directory, storage.directories),
            (Kind::File, storage.files),
            (Kind::Link, storage.links),
        ] {
            for NodeDocument { path: at } in list.unwrap_or_default() {
                let Some(text) = self.string(at, faults) else {
                    continue;
                };
                match NodePath::parse(&text) {
                    Err(rule) => faults.push(self.fault(at, text, rule)),
                    Ok(path) if nodes.contains_key(&path) => {
                        faults.push(self.fault(at, text, "is there twice"));
                    }
                    Ok(path) => drop(nodes.insert(path, (kind, self.place(at)))),
                }
            }
        }
        for (path, (_, place)) in &nodes {
            let is_link = |above: &&str| matches!(nodes.get(*above), Some((Kind::Link, _)));
            if let Some(above) = path.ancestors().find(is_link) {
                faults.push(Fault {
                    place: place.clone(),
                    subject: path.to_string(),
                    rule: format!("lies below {above}, which is a link"),
                });
            }
        }
        nodes
    }

    fn units(
        &self,
        list: Vec<UnitDocument<'_>>,
        faults: &mut Vec<Fault>,
    ) -> BTreeMap<String, (TheirUnit, Place)> {
        let mut units = BTreeMap::new();
        for unit in list {
            let Some(name) = self.string(unit.name, faults) else {
                continue;
            };
            let dropins = unit.dropins.unwrap_or_default();
            let dropins = dropins.iter().filter_map(|dropin| {
                let name = self.string(dropin.name, faults)?;
                Some((name, self.place(dropin.name)))
            });
            let read = TheirUnit {
                text: unit.contents.is_some(),
                enabled: unit.enabled,
                masked: unit.mask.unwrap_or(false),
                dropins: dropins.collect(),
            };
            match units.entry(name) {
                Slot::Occupied(known) => {
                    faults.push(self.fault(unit.name, known.key(), "is there twice"));
                }
                Slot::Vacant(free) => {
                    let _ = free.insert((read, self.place(unit.name)));
                }
            }
        }
        units
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    ignition: Option<HeadDocument<'a>>,
    #[serde(borrow)]
    storage: Option<StorageDocument<'a>>,
    #[serde(borrow)]
    systemd: Option<SystemdDocument<'a>>,
}

#[derive(Deserialize)]
struct HeadDocument<'a> {
    #[serde(borrow)]
    version: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct StorageDocument<'a> {
    #[serde(borrow)]
    directories: Option<Vec<NodeDocument<'a>>>,
    #[serde(borrow)]
    files: Option<Vec<NodeDocument<'a>>>,
    #[serde(borrow)]
    links: Option<Vec<NodeDocument<'a>>>,
}

#[derive(Deserialize)]
struct NodeDocument<'a> {
    #[serde(borrow)]
    path: &'a RawValue,
}

#[derive(Default, Deserialize)]
struct SystemdDocument<'a> {
    #[serde(borrow)]
    units: Option<Vec<UnitDocument<'a>>>,
}

#[derive(Deserialize)]
struct UnitDocument<'a> {
    #[serde(borrow)]
    name: &'a RawValue,
    contents: Option<serde::de::IgnoredAny>,
    enabled: Option<bool>,
    mask: Option<bool>,
    #[serde(borrow)]
    dropins: Option<Vec<DropinDocument<'a>>>,
}

#[derive(Deserialize)]
struct DropinDocument<'a> {
    #[serde(borrow)]
    name: &'a RawValue,
}
