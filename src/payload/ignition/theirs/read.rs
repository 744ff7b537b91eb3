//! Reading a configuration of the user's, with the location of each path and unit name in its file.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::Location;
use crate::model::NodePath;
use crate::model::output::IgnitionSpec;
use crate::payload::ignition::theirs::{TheirKind, TheirUnit};
use crate::report::{Finding, Id};

/// What a document says, as far as it is looked at.
pub(super) struct Read {
    pub(super) spec: IgnitionSpec,
    pub(super) nodes: BTreeMap<NodePath, (TheirKind, Location)>,
    pub(super) units: BTreeMap<String, (TheirUnit, Location)>,
}

/// Reads a document; the error is everything that is wrong.
pub(super) fn read(name: &Arc<str>, text: &str) -> Result<Read, Vec<Finding>> {
    let source = TheirSource { name, text };
    let document: TheirDocument<'_> =
        serde_json::from_str(text).map_err(|error| vec![source.broken(&error)])?;
    let mut faults = Vec::new();
    let spec = source.spec(&document, &mut faults);
    let nodes = source.nodes(document.storage.unwrap_or_default(), &mut faults);
    let systemd = document.systemd.unwrap_or_default();
    let units = source.units(systemd.units.unwrap_or_default(), &mut faults);
    match spec {
        Some(spec) if faults.is_empty() => Ok(Read { spec, nodes, units }),
        _ => Err(faults),
    }
}

/// A document's text, to say where in it something is.
struct TheirSource<'a> {
    name: &'a Arc<str>,
    text: &'a str,
}

impl<'a> TheirSource<'a> {
    fn fault(
        &self,
        at: &RawValue,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Finding {
        Finding::new(
            Id::IgnitionConfigInvalid,
            &self.location(at),
            subject,
            message,
        )
    }

    /// What serde says of a text that is no such document.
    fn broken(&self, error: &serde_json::Error) -> Finding {
        let said = error.to_string();
        let rule = said.split(" at line ").next().unwrap_or_default();
        let position = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let location = Location::new(
            self.name.clone(),
            position(error.line()),
            position(error.column().max(1)),
        );
        let message = format!("is not an Ignition configuration: {rule}");
        Finding::new(Id::IgnitionConfigInvalid, &location, "", message)
    }

    /// Where a value begins. It is a part of the text, so the distance of the two is its offset.
    fn location(&self, at: &RawValue) -> Location {
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
        Location::new(self.name.clone(), position(line), position(column))
    }

    fn string(&self, at: &RawValue, faults: &mut Vec<Finding>) -> Option<String> {
        let read = serde_json::from_str(at.get());
        if read.is_err() {
            faults.push(self.fault(at, "", "must be a string"));
        }
        read.ok()
    }

    fn spec(
        &self,
        document: &TheirDocument<'_>,
        faults: &mut Vec<Finding>,
    ) -> Option<IgnitionSpec> {
        let head = document.ignition.as_ref();
        let Some(at) = head.and_then(|head| head.version) else {
            let location = Location::new(self.name.clone(), 1, 1);
            let message = "is not an Ignition configuration: it lacks ignition.version";
            let id = Id::IgnitionConfigInvalid;
            faults.push(Finding::new(id, &location, "", message));
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
        faults: &mut Vec<Finding>,
    ) -> BTreeMap<NodePath, (TheirKind, Location)> {
        let mut nodes = BTreeMap::new();
        for (kind, list) in [
            (TheirKind::Directory, storage.directories),
            (TheirKind::File, storage.files),
            (TheirKind::Link, storage.links),
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
                    Ok(path) => drop(nodes.insert(path, (kind, self.location(at)))),
                }
            }
        }
        for (path, (_, location)) in &nodes {
            let is_link = |above: &&str| matches!(nodes.get(*above), Some((TheirKind::Link, _)));
            if let Some(above) = path.ancestors().find(is_link) {
                let message = format!("is below {above}, which is a link");
                let id = Id::IgnitionConfigInvalid;
                faults.push(Finding::new(id, location, path.as_str(), message));
            }
        }
        nodes
    }

    fn units(
        &self,
        list: Vec<UnitDocument<'_>>,
        faults: &mut Vec<Finding>,
    ) -> BTreeMap<String, (TheirUnit, Location)> {
        let mut units = BTreeMap::new();
        for unit in list {
            let Some(name) = self.string(unit.name, faults) else {
                continue;
            };
            let dropins = unit.dropins.unwrap_or_default();
            let dropins = dropins.iter().filter_map(|dropin| {
                let name = self.string(dropin.name, faults)?;
                Some((name, self.location(dropin.name)))
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
                    free.insert((read, self.location(unit.name)));
                }
            }
        }
        units
    }
}

#[derive(Deserialize)]
struct TheirDocument<'a> {
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
