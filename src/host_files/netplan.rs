//! netplan's files (canonical/netplan, src/parse.c, validation.c): all of a node's together, since netplan merges them. In: the files' texts
//! in netplan's order. Out: what it refuses. What the oldest release that is around and the newest one both refuse is a fault,
//! and what only newer ones know is not; a value that the network manager behind netplan cannot use is one too.

mod backend;
mod definition;
mod entry;
mod item;
mod keys;
mod open_vswitch;
mod value;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use crate::host_files::fault::Fault;
use crate::host_files::netplan::open_vswitch::Port;
use crate::host_files::yaml_text;
use crate::report::Id;
use crate::tree::Position;
use crate::yaml::{Node, NodeContent, first_document};

/// Folders that netplan reads; of one name, the file in the first folder counts.
const FOLDERS: [&str; 3] = ["/run/netplan", "/etc/netplan", "/lib/netplan"];
/// What netplan does not want others to do with its files, which may hold passwords.
const OPEN: u32 = 0o066;

/// The name under which netplan sorts a file; None if it does not read it.
pub fn name(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/')?;
    let is_read = FOLDERS.contains(&folder.strip_prefix("/usr").unwrap_or(folder));
    // A shell's pattern does not match hidden files.
    (is_read && name.ends_with(".yaml") && !name.starts_with('.')).then_some(name)
}

/// Which of two files of one name counts: the smaller one.
pub fn rank(path: &str) -> usize {
    let is_in = |folder: &&str| {
        path.strip_prefix("/usr")
            .unwrap_or(path)
            .starts_with(*folder)
    };
    FOLDERS.iter().position(is_in).unwrap_or(FOLDERS.len())
}

/// The fault of a file that others may read.
pub fn mode(mode: u32) -> Option<Fault> {
    let rule = format!(
        "netplan warns of files that others may read, for passwords may be in them, and this one has the mode {mode:04o}"
    );
    let is_open = mode & OPEN != 0;
    is_open.then(|| Fault::whole(Id::NetplanFileOpen, rule).help("set mode: \"0600\""))
}

/// Reads files in netplan's order; the faults of each.
pub fn read(files: &[Vec<u8>]) -> Vec<Vec<Fault>> {
    let mut netplan = Netplan::of(files);
    netplan.backends();
    netplan.faults
}

/// Whether an interface of these files is made by Open vSwitch, whose programs netplan then asks for.
pub fn uses_open_vswitch(files: &[Vec<u8>]) -> bool {
    !Netplan::of(files).of_open_vswitch().is_empty()
}

/// A place in one of the files.
#[derive(Clone, Copy, Debug)]
struct Place {
    file: usize,
    position: Position,
}

/// A value with its place.
#[derive(Clone, Debug)]
struct Written {
    text: String,
    place: Place,
}

/// One interface, as all files so far have it together.
#[derive(Clone, Debug)]
struct Definition {
    /// `ethernets`, `vlans` …
    kind: &'static str,
    /// Where it was begun last.
    place: Place,
    /// The renderer of its kind in the file.
    renderer: Option<String>,
    /// Scalars by path (`parameters.mode`); of maps and lists, that they are there.
    values: BTreeMap<String, Written>,
    /// Routes, rules and peers.
    items: Vec<(&'static str, BTreeMap<String, Written>, Place)>,
}

impl Definition {
    fn get(&self, path: &str) -> Option<&Written> {
        self.values.get(path)
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.get(path).map(|written| written.text.as_str())
    }

    fn number(&self, path: &str) -> Option<u32> {
        value::unsigned(self.text(path)?)
    }

    fn is_set(&self, path: &str) -> bool {
        self.text(path).and_then(value::truth) == Some(true)
    }
}

/// An interface that is named by another one.
#[derive(Clone, Debug)]
struct Reference {
    of: String,
    to: String,
    place: Place,
}

/// What has been read.
#[derive(Default)]
struct Netplan {
    definitions: BTreeMap<String, Definition>,
    renderer: Option<String>,
    /// By interface: the bond, bridge or VRF that it is a part of.
    members: BTreeMap<(&'static str, String), String>,
    /// Patch ports of Open vSwitch.
    ports: BTreeMap<String, Port>,
    /// The keys of Open vSwitch's own certificate that are set.
    tls: BTreeSet<String>,
    /// Of the file that is being read.
    references: Vec<Reference>,
    /// Interfaces that the file defines.
    defined: Vec<String>,
    /// The interface that is being read.
    current: Option<String>,
    /// The renderer of the kind that is being read.
    kind_renderer: Option<String>,
    /// By file.
    faults: Vec<Vec<Fault>>,
}

impl Netplan {
    fn of(files: &[Vec<u8>]) -> Self {
        let mut netplan = Self::default();
        for bytes in files {
            netplan.faults.push(Vec::new());
            match std::str::from_utf8(bytes) {
                Ok(text) => netplan.file(text),
                Err(_) => netplan.add_all(vec![Fault::whole(Id::NetplanInvalid, "is not UTF-8")]),
            }
        }
        netplan
    }

    fn file(&mut self, text: &str) {
        let document = match first_document(text) {
            Ok(document) => document,
            Err(fault) => {
                // The other reader says more of what is wrong with a text.
                let faults = yaml_text::read(text, Id::NetplanInvalid).err();
                let number = |number: u32| usize::try_from(number).unwrap_or(1).max(1);
                let at = Position {
                    line: number(fault.line),
                    column: number(fault.column),
                };
                let own = Fault::at(
                    Id::NetplanInvalid,
                    at,
                    format!("not valid YAML: {}", fault.message),
                );
                let faults = faults.filter(|faults| faults.len() == 1);
                self.add_all(faults.unwrap_or_else(|| vec![own]));
                return;
            }
        };
        if let Some(line) = document.second {
            let rule = "netplan reads only the first document of a file";
            let at = Position { line, column: 1 };
            let fault = Fault::at(Id::NetplanInvalid, at, rule);
            self.add_all(vec![fault.help("move it to a file of its own")]);
        }
        let Some(root) = document.root else { return };
        if let Some(map) = self.as_map(&root) {
            self.map("root", map, "");
        }
        self.end_of_file();
    }

    fn add_all(&mut self, faults: Vec<Fault>) {
        if let Some(last) = self.faults.last_mut() {
            last.extend(faults);
        }
    }

    fn place(&self, node: &Node) -> Place {
        Place {
            file: self.faults.len().saturating_sub(1),
            position: Position {
                line: node.line,
                column: node.column,
            },
        }
    }

    /// A fault at a place, which is not said twice: netplan stops at the first one there.
    fn fault(&mut self, place: Place, rule: impl Into<String>, value: Option<&str>) {
        let fault = Fault::at(Id::NetplanInvalid, place.position, rule);
        let fault = match value {
            Some(value) => fault.got(value),
            None => fault,
        };
        self.add(place, fault);
    }

    fn add(&mut self, place: Place, fault: Fault) {
        if let Some(faults) = self.faults.get_mut(place.file)
            && !faults.iter().any(|other| other.position == fault.position)
        {
            faults.push(fault);
        }
    }

    fn as_map<'n>(&mut self, node: &'n Node) -> Option<&'n [(Node, Node)]> {
        match &node.content {
            NodeContent::Map(map) => Some(map),
            _ => {
                self.fault(
                    self.place(node),
                    "must be a map; look at the indentation",
                    None,
                );
                None
            }
        }
    }

    fn as_list<'n>(&mut self, node: &'n Node) -> Option<&'n [Node]> {
        match &node.content {
            NodeContent::List(items) => Some(items),
            _ => {
                self.fault(self.place(node), "must be a list", None);
                None
            }
        }
    }

    fn as_scalar<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        let text = node.as_scalar();
        if text.is_none() {
            self.fault(
                self.place(node),
                "must be one value, not a list or a map",
                None,
            );
        }
        text
    }
}

#[cfg(test)]
mod tests;
