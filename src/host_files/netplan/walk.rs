//! Through a netplan file: keys, types of values, and what belongs to which interface.

use std::collections::BTreeMap;

use crate::closest::closest;
use crate::host_files::fault::Fault;
use crate::host_files::netplan::keys::{KINDS, Kind, key, known, table_of};
use crate::host_files::netplan::{Definition, Netplan, Reference, Written, value};
use crate::report::Id;
use crate::yaml::{Node, NodeContent};

/// Values that are not printed.
const SECRET: [&str; 9] = [
    "password",
    "client-key-password",
    "private",
    "shared",
    "key",
    "keys",
    "pin",
    "passthrough",
    "identity",
];

impl Netplan {
    /// A map whose keys are in a table. `path` is where it is within an interface.
    pub(super) fn map(&mut self, table: &'static str, map: &[(Node, Node)], path: &str) {
        for (name, value) in map {
            let Some(text) = self.as_scalar(name) else {
                continue;
            };
            let Some(known_key) = key(table, text) else {
                self.unknown(table, name, text);
                continue;
            };
            let path = join(path, text);
            match (known_key.kind, &value.content) {
                (Kind::Scalar, NodeContent::Scalar(written)) => {
                    self.scalar(known_key.reader, &path, value, written);
                }
                (Kind::Scalar, _) => {
                    self.as_scalar(value);
                }
                (Kind::List, _) => {
                    if let Some(items) = self.as_list(value) {
                        self.list(known_key.reader, &path, value, items);
                    }
                }
                (Kind::Map, _) => {
                    if let Some(map) = self.as_map(value) {
                        self.inner(known_key.reader, &path, value, map);
                    }
                }
                (Kind::Any, _) => self.any(known_key.reader, &path, value),
            }
        }
    }

    fn unknown(&mut self, table: &'static str, node: &Node, text: &str) {
        let place = self.place(node);
        let near = closest(text, known(table).into_iter());
        let elsewhere = near.is_none() && key("network", text).is_some();
        let fault = Fault::at(
            Id::NetplanInvalid,
            place.position,
            "must be a key that netplan knows here",
        )
        .got(text);
        let fault = match near {
            Some(near) => fault.help(format!("did you mean {near}?")),
            None if elsewhere => fault.help("move it to the left, below `network:`"),
            None => fault.help(format!("the keys here are {}", known(table).join(", "))),
        };
        self.add(place, fault);
    }

    /// A map that has a reader of its own.
    fn inner(&mut self, reader: &'static str, path: &str, node: &Node, map: &[(Node, Node)]) {
        match reader {
            "network_type" => {
                let kind = path.rsplit('.').next().unwrap_or_default();
                if let Some((kind, table)) = KINDS.iter().find(|(name, _)| *name == kind) {
                    self.definitions_of(kind, table, map);
                }
                return;
            }
            "wifi_access_points" => {
                for (name, value) in map {
                    self.as_scalar(name);
                    self.once(path, map, name);
                    if let Some(map) = self.as_map(value) {
                        self.remember(path, node, "");
                        self.item("wifi_access_point", map, self.place(value));
                    }
                }
                return;
            }
            "bridge_path_cost" | "bridge_port_priority" => {
                for (name, value) in map {
                    self.reference(name);
                    self.once(path, map, name);
                    let Some(text) = self.as_scalar(value) else {
                        continue;
                    };
                    let most = if reader == "bridge_port_priority" {
                        63
                    } else {
                        u32::MAX - 1
                    };
                    if value::unsigned(text).is_none_or(|number| number > most) {
                        let rule = format!("{path}: must be a whole number from 0 to {most}");
                        self.fault(self.place(value), rule, Some(text));
                    }
                }
                return;
            }
            "netdef_map"
            | "network_ovs_settings_global"
            | "netdef_passthrough_datalist"
            | "access_point_datalist" => {
                for (name, value) in map {
                    if !reader.ends_with("datalist") {
                        self.once(path, map, name);
                    }
                    if let (Some(name), Some(text)) = (self.as_scalar(name), self.as_scalar(value))
                    {
                        self.remember(&join(path, name), value, text);
                    }
                }
                self.remember(path, node, "");
                return;
            }
            _ => {}
        }
        self.remember(path, node, "");
        if let Some(table) = table_of(reader) {
            // What is below `network:` itself is no part of an interface.
            let path = if reader == "network" { "" } else { path };
            self.map(table, map, path);
        }
    }

    /// Of a map whose entries netplan does not overwrite: the key must be there once.
    fn once(&mut self, path: &str, map: &[(Node, Node)], name: &Node) {
        let is_same = |other: &&(Node, Node)| other.0.as_scalar() == name.as_scalar();
        let first = map.iter().find(is_same);
        if first.is_some_and(|(first, _)| !std::ptr::eq(first, name)) {
            let rule = format!("{}: the key is there already", last(path));
            self.fault(self.place(name), rule, name.as_scalar());
        }
    }

    fn definitions_of(&mut self, kind: &'static str, table: &'static str, map: &[(Node, Node)]) {
        self.kind_renderer = None;
        for (name, value) in map {
            let Some(id) = self.as_scalar(name) else {
                continue;
            };
            let place = self.place(name);
            if let Err(rule) = value::scalar("netdef_id", id) {
                self.fault(place, format!("the name of an interface {rule}"), Some(id));
                continue;
            }
            if id.contains(['*', '[', ']', '?']) {
                let fault = Fault::at(
                    Id::NetplanInvalid,
                    place.position,
                    "the name of a definition must not be a pattern",
                );
                self.add(
                    place,
                    fault
                        .got(id)
                        .help("give it any name, and the pattern to match: {name: …}"),
                );
                continue;
            }
            if id == "renderer" {
                if let Some(text) = self.as_scalar(value) {
                    self.scalar("network_renderer", "", value, text);
                    self.kind_renderer = Some(text.to_owned());
                }
                continue;
            }
            let Some(keys) = self.as_map(value) else {
                continue;
            };
            if let Some(before) = self
                .definitions
                .get(id)
                .filter(|before| before.kind != kind)
            {
                let rule = format!(
                    "an interface of this name is one of {} already",
                    before.kind
                );
                self.fault(place, rule, Some(id));
                continue;
            }
            let renderer = self.kind_renderer.clone();
            let definition = self
                .definitions
                .entry(id.to_owned())
                .or_insert_with(|| Definition {
                    kind,
                    place,
                    renderer,
                    values: BTreeMap::new(),
                    items: Vec::new(),
                });
            definition.place = place;
            self.defined.push(id.to_owned());
            self.current = Some(id.to_owned());
            self.map(table, keys, "");
            self.current = None;
        }
        self.kind_renderer = None;
    }

    /// A scalar: whether its reader takes it, and what it says of the interface.
    fn scalar(&mut self, reader: &'static str, path: &str, node: &Node, text: &str) {
        match reader {
            "netdef_id_ref" | "vxlan_id_ref" | "veth_peer" => self.reference(node),
            "bond_primary_member" => self.primary(path, node, text),
            "netdef_renderer" => {
                let kind = self.definition().map_or("", |definition| definition.kind);
                if !(kind == "vlans" && text == "sriov") {
                    self.take("network_renderer", path, node, text);
                }
            }
            "network_renderer" if self.current.is_none() && !path.is_empty() => {
                self.take(reader, path, node, text);
                self.renderer = Some(text.to_owned());
            }
            "netdef_set_mac" => self.set_mac(path, node, text),
            "access_point_password" if !value::is_passphrase(text) => {
                let rule = "password: must have 8 to 63 characters, or be 64 digits of hexadecimal";
                self.fault(self.place(node), rule, None);
            }
            "ovs_bond_lacp" => self.only_of("bonds", reader, path, node, text),
            "ovs_bridge_bool"
            | "ovs_bridge_fail_mode"
            | "ovs_bridge_controller_connection_mode" => {
                self.only_of("bridges", reader, path, node, text);
            }
            "auth_str" if path.starts_with("openvswitch.ssl.") => {
                self.tls.insert(last(path).to_owned());
            }
            _ => self.take(reader, path, node, text),
        }
        self.remember(path, node, text);
    }

    /// A bond has one primary port, which is that of no other bond.
    fn primary(&mut self, path: &str, node: &Node, text: &str) {
        self.reference(node);
        let own = self.current.clone().unwrap_or_default();
        let is_other = self
            .definition()
            .and_then(|bond| bond.text(path))
            .is_some_and(|first| first != text);
        let owner = self
            .members
            .entry(("primary", text.to_owned()))
            .or_insert_with(|| own.clone());
        if is_other || *owner != own {
            let rule = "primary: a bond has one, and a port is the one of one bond";
            self.fault(self.place(node), rule, Some(text));
        }
    }

    fn set_mac(&mut self, path: &str, node: &Node, text: &str) {
        let is_wifi = self
            .definition()
            .is_some_and(|definition| definition.kind == "wifis");
        let is_word = matches!(text, "preserve" | "permanent" | "random" | "stable");
        if !(is_word || is_wifi && text == "stable-ssid") {
            self.take("netdef_match_mac", path, node, text);
        }
    }

    /// A scalar that only one kind of interface has.
    fn only_of(&mut self, kind: &str, reader: &'static str, path: &str, node: &Node, text: &str) {
        if self
            .definition()
            .is_some_and(|definition| definition.kind == kind)
        {
            self.take(reader, path, node, text);
        } else {
            self.fault(
                self.place(node),
                format!("{path}: only {kind} have it"),
                None,
            );
        }
    }

    /// Whether a reader takes a value.
    pub(super) fn take(&mut self, reader: &'static str, path: &str, node: &Node, text: &str) {
        if let Err(rule) = value::scalar(reader, text) {
            let is_secret = SECRET
                .iter()
                .any(|word| path.split('.').any(|part| part == *word));
            let value = (!is_secret).then_some(text);
            self.fault(self.place(node), format!("{}: {rule}", last(path)), value);
        }
    }

    /// Notes a value of the interface that is being read.
    pub(super) fn remember(&mut self, path: &str, node: &Node, text: &str) {
        let written = Written {
            text: text.to_owned(),
            place: self.place(node),
        };
        let current = self.current.as_ref();
        if let Some(definition) = current.and_then(|id| self.definitions.get_mut(id)) {
            definition.values.insert(path.to_owned(), written);
        }
    }

    /// The interface that is being read.
    pub(super) fn definition(&self) -> Option<&Definition> {
        self.definitions.get(self.current.as_ref()?)
    }

    /// Notes that an interface must be defined.
    pub(super) fn reference(&mut self, node: &Node) {
        if let (Some(to), Some(of)) = (self.as_scalar(node), self.current.clone()) {
            let place = self.place(node);
            self.references.push(Reference {
                of,
                to: to.to_owned(),
                place,
            });
        }
    }
}

/// The key that a path ends in.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
