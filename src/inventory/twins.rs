//! Listed nodes that say the same, like 10,000 that differ in their addresses only: all have the layer of the first one, so
//! that they are one class, and what is equal for them is worked out once. A finding in that layer is one of each of them,
//! where its own lines are.

use std::collections::HashMap;
use std::sync::Arc;

use crate::inventory::names::NameRange;
use crate::inventory::nodes::NodeItem;
use crate::model::Location;
use crate::model::location::Position;
use crate::report::{Finding, Id};
use crate::yaml::{Located, Value};

/// Settings that become no entry of a node's tree. An entry says where it was asked for, so layers with other settings are
/// shared by none: each node's listing has its own lines.
const WITHOUT_ENTRIES: [&str; 5] = ["annotations", "kubelet", "labels", "taints", "vars"];

/// Templates that say the same are one wherever they are, so a finding in one of them is said once, with all its nodes.
const TEMPLATES: [Id; 3] = [
    Id::TemplateFailed,
    Id::TemplateTagUnsupported,
    Id::TemplateVariableUnknown,
];

/// Which nodes share the layers of another node.
#[derive(Clone, Debug, Default)]
pub struct Twins {
    groups: Vec<Group>,
    /// Where in the layer of a group's first item: the group, and the number among its places.
    by_place: HashMap<Place, (usize, usize)>,
}

/// Items of `nodes` that have one layer.
#[derive(Clone, Debug, Default)]
struct Group {
    /// The others: who they are, and where each has what the first one has.
    others: Vec<(Who, Vec<Place>)>,
}

/// A location in `cluster.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    line: u32,
    column: u32,
    end: Option<Position>,
}

/// The nodes of an item.
#[derive(Clone, Debug)]
enum Who {
    One(String),
    Many(NameRange),
}

/// Finds items that say the same while they are read.
#[derive(Default)]
pub struct TwinFinder {
    twins: Twins,
    /// The layers that were read by what they say, each with its group if it has one yet.
    known: HashMap<String, (Arc<Located>, Option<usize>)>,
}

impl TwinFinder {
    /// Gives an item the layer of an earlier one that says the same.
    pub fn share(&mut self, item: &mut NodeItem) {
        let who = match &*item {
            NodeItem::One(node) => Who::One(node.name.value.clone()),
            NodeItem::Range(range) => Who::Many(range.range.names.value.clone()),
        };
        for layer in item.layers() {
            let keys = layer.as_map().into_iter().flat_map(|map| map.keys());
            if !keys
                .into_iter()
                .all(|key| WITHOUT_ENTRIES.contains(&&**key))
            {
                continue;
            }
            // What cannot be written as text, as an infinite number, is shared with nobody.
            let Ok(text) = serde_json::to_string(&**layer) else {
                continue;
            };
            let Some((first, group)) = self.known.get_mut(&text) else {
                self.known.insert(text, (Arc::clone(layer), None));
                continue;
            };
            let twins = &mut self.twins;
            let index = *group.get_or_insert_with(|| {
                let index = twins.groups.len();
                twins.groups.push(Group::default());
                let places = places(first).into_iter().enumerate();
                let places = places.map(|(number, place)| (place, (index, number)));
                twins.by_place.extend(places);
                index
            });
            let own = places(layer);
            twins.groups[index].others.push((who.clone(), own));
            *layer = Arc::clone(first);
        }
    }

    /// All that were found.
    pub fn take(&mut self) -> Twins {
        std::mem::take(&mut self.twins)
    }
}

impl Twins {
    /// A finding in a layer that several items have, as findings of each of them; those of nodes are of the items that they are
    /// in.
    pub fn findings(&self, mut finding: Finding) -> Vec<Finding> {
        let found = self.find(&finding.location);
        let Some((group, place)) = found.filter(|_| !TEMPLATES.contains(&finding.id)) else {
            return vec![finding];
        };
        let is_of_nodes = !finding.nodes.is_empty();
        let mut all = Vec::new();
        for (who, places) in &group.others {
            let nodes = &mut finding.nodes;
            let own: Vec<String> = nodes.extract_if(.., |node| who.has(node)).collect();
            if let Some(place) = places
                .get(place)
                .filter(|_| !is_of_nodes || !own.is_empty())
            {
                all.push(Finding {
                    location: place.of(&finding.location),
                    nodes: own,
                    ..finding.clone()
                });
            }
        }
        if !is_of_nodes || !finding.nodes.is_empty() {
            all.insert(0, finding);
        }
        all
    }

    /// Where a node has what is at a location of the layer that it shares.
    pub fn own(&self, node: &str, location: &Location) -> Location {
        let found = self.find(location).and_then(|(group, place)| {
            let mut others = group.others.iter();
            let (_, places) = others.find(|(who, _)| who.has(node))?;
            places.get(place)
        });
        found.map_or_else(|| location.clone(), |place| place.of(location))
    }

    fn find(&self, location: &Location) -> Option<(&Group, usize)> {
        if &*location.file != super::CLUSTER_FILE {
            return None;
        }
        let (group, place) = *self.by_place.get(&Place::new(location))?;
        Some((self.groups.get(group)?, place))
    }
}

impl Who {
    fn has(&self, node: &str) -> bool {
        match self {
            Self::One(name) => name == node,
            Self::Many(range) => range.names().any(|name| name == node),
        }
    }
}

impl Place {
    fn new(location: &Location) -> Self {
        Self {
            line: location.line,
            column: location.column,
            end: location.end,
        }
    }

    fn of(self, location: &Location) -> Location {
        Location {
            file: location.file.clone(),
            line: self.line,
            column: self.column,
            end: self.end,
        }
    }
}

/// Where everything of a layer is, but not the layer as a whole: that is the whole item. In the order of the layer, which is
/// the same in layers that say the same.
fn places(layer: &Located) -> Vec<Place> {
    let mut places = Vec::new();
    below(layer, &mut places);
    places
}

fn below(at: &Located, places: &mut Vec<Place>) {
    let value = |value: &Located, places: &mut Vec<Place>| {
        places.push(Place::new(&value.location));
        below(value, places);
    };
    match &at.value {
        Value::List(items) => items.iter().for_each(|item| value(item, places)),
        Value::Map(map) => {
            for field in map.values() {
                places.push(Place::new(&field.key));
                value(&field.value, places);
            }
        }
        _ => {}
    }
}
