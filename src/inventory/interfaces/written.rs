//! The interfaces of one node beside the text that they were read from, so that a rule which compares them can name the
//! line of either.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::inventory::rendered::Broken;
use crate::model::{FieldLocation, Interface, Network};
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Value};

/// The interfaces of one node, and where they were written.
#[derive(Clone, Debug)]
pub struct NodeNetwork {
    /// The interfaces.
    pub network: Arc<Network>,
    /// For each of them whether a value could not be read.
    broken: Vec<bool>,
    at: Located,
    path: String,
    /// Whether templates were rendered in it: what is wrong with it may be right for other nodes.
    is_rendered: bool,
}

impl NodeNetwork {
    pub(super) fn new(network: Arc<Network>, broken: Vec<bool>, at: &Cursor<'_>) -> Self {
        Self {
            network,
            broken,
            at: at.located().clone(),
            path: at.location().path.to_string(),
            is_rendered: false,
        }
    }

    /// The same, rendered for one node.
    pub(super) fn of_one_node(mut self, broken: &Broken) -> Self {
        self.is_rendered = true;
        let interfaces = self.network.interfaces.iter();
        for (interface, is_broken) in interfaces.zip(&mut self.broken) {
            *is_broken |= broken.has(&interface.name);
        }
        self
    }

    /// The interfaces as the node's layers have them.
    pub fn located(&self) -> &Located {
        &self.at
    }

    /// Whether templates were rendered in it.
    pub(super) fn is_rendered(&self) -> bool {
        self.is_rendered
    }

    /// Each interface with its location; findings go to the report.
    pub(super) fn view<'a>(&'a self, report: &'a RefCell<Report>) -> View<'a> {
        let whole = Cursor::new(&self.at, self.path.as_str(), report);
        let entries = whole.entries("lan0");
        let index: HashMap<&str, usize> = self.keys().zip(0..).collect();
        let seen = |(interface, broken): (&'a Interface, &bool)| {
            let index = index.get(interface.name.as_str())?;
            Some(Seen {
                interface,
                is_broken: *broken,
                at: entries[*index].clone(),
            })
        };
        View {
            list: self
                .network
                .interfaces
                .iter()
                .zip(&self.broken)
                .filter_map(seen)
                .collect(),
            network: &self.network,
        }
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        let map = self.at.as_map().into_iter();
        map.flat_map(|map| map.keys().map(|key| &**key))
    }
}

/// The interfaces of one node while they are checked.
pub(super) struct View<'a> {
    /// Each of them.
    pub list: Vec<Seen<'a>>,
    /// All of them.
    pub network: &'a Network,
}

impl View<'_> {
    /// Whether a value of an interface could not be read: what is missing then may be what was meant.
    pub fn is_broken(&self) -> bool {
        self.list.iter().any(|seen| seen.is_broken)
    }

    /// Whether some interface gets or has an address of IPv4, or of IPv6.
    pub fn speaks(&self, ipv4: bool) -> bool {
        self.list.iter().any(|seen| seen.interface.speaks(ipv4))
    }

    /// The interface of a name.
    pub fn get(&self, name: &str) -> Option<&Interface> {
        let mut all = self.network.interfaces.iter();
        all.find(|interface| interface.name == name)
    }
}

/// One interface and where it was written.
pub(super) struct Seen<'a> {
    /// The interface.
    pub interface: &'a Interface,
    /// Whether a value of it could not be read.
    pub is_broken: bool,
    /// Its entry.
    pub at: Cursor<'a>,
}

impl Seen<'_> {
    /// Where the value of keys stands; the entry itself where nobody wrote it.
    pub fn location(&self, keys: &[&str]) -> FieldLocation {
        let found = self.at.find(keys);
        found.map_or_else(|| self.at.location(), |at| at.location())
    }

    /// Where an item of a list of `len` items stands; the list where some of them could not be read.
    pub fn item(&self, keys: &[&str], index: usize, len: usize) -> FieldLocation {
        let Some(list) = self.at.find(keys) else {
            return self.at.location();
        };
        match &list.located().value {
            Value::List(items) if items.len() == len => list.items()[index].location(),
            _ => list.location(),
        }
    }

    /// Adds a finding about the entry as a whole.
    pub fn report(&self, id: Id, message: impl Into<String>) {
        self.at.report(id, message);
    }

    /// Adds a finding.
    pub fn add(&self, finding: Finding) {
        self.at.add(finding);
    }
}
