//! Which interfaces Open vSwitch gets, and what `netplan generate` refuses of them (netplan, src/parse.c, `handle_ovs_backend`;
//! src/openvswitch.c).

use std::collections::BTreeSet;

use crate::host_files::netplan::definition::Broken;
use crate::host_files::netplan::{Definition, Netplan, Place};

/// What an interface of another network manager may have too.
const SHARED: [&str; 2] = ["external-ids", "other-config"];
/// Modes of a bond that only Open vSwitch has.
const OWN_MODES: [&str; 2] = ["balance-tcp", "balance-slb"];

/// Half of a pair of patch ports.
#[derive(Clone, Debug)]
pub(super) struct Port {
    peer: String,
    place: Place,
}

impl Netplan {
    /// Notes a pair of patch ports: a port has one peer.
    pub(super) fn port_pair(&mut self, one: &str, other: &str, place: Place) {
        for (name, peer) in [(one, other), (other, one)] {
            self.defined.push(name.to_owned());
            let port = self.ports.entry(name.to_owned()).or_insert_with(|| Port {
                peer: peer.to_owned(),
                place,
            });
            if port.peer != peer {
                let rule = format!("ports: a port has one peer, and {name} has {}", port.peer);
                self.fault(place, rule, Some(peer));
            }
        }
    }

    /// The interfaces that Open vSwitch gets: those that ask for it, and what is above one of them.
    pub(super) fn of_open_vswitch(&self) -> BTreeSet<&str> {
        let mut own: BTreeSet<&str> = self.ports.keys().map(String::as_str).collect();
        let definitions = || self.definitions.iter();
        own.extend(definitions().filter_map(|(id, of)| asks(of).then_some(id.as_str())));
        loop {
            let before = own.len();
            let above = self.members.iter().filter(|((what, member), _)| {
                matches!(*what, "bond" | "bridge") && own.contains(member.as_str())
            });
            let above: Vec<&str> = above.map(|(_, owner)| owner.as_str()).collect();
            own.extend(above);
            let vlans = definitions().filter(|(_, of)| {
                of.kind == "vlans" && of.text("link").is_some_and(|link| own.contains(link))
            });
            let vlans: Vec<&str> = vlans.map(|(id, _)| id.as_str()).collect();
            own.extend(vlans);
            if own.len() == before {
                return own;
            }
        }
    }

    /// What Open vSwitch's side of netplan refuses.
    pub(super) fn open_vswitch(&self, own: &BTreeSet<&str>) -> Vec<(Place, String)> {
        let mut broken = Vec::new();
        for (name, port) in &self.ports {
            if !self.is_member(name) {
                let rule = format!("ports: {name} must be in a bridge or a bond");
                broken.push((port.place, rule));
            }
        }
        for (id, definition) in &self.definitions {
            let result = if own.contains(id.as_str()) {
                self.switched(id, definition)
            } else {
                self.shared(id, definition)
            };
            broken.extend(result.err());
        }
        broken
    }

    fn owner(&self, what: &'static str, id: &str) -> Option<&String> {
        self.members.get(&(what, id.to_owned()))
    }

    fn is_member(&self, id: &str) -> bool {
        ["bond", "bridge"]
            .iter()
            .any(|what| self.owner(what, id).is_some())
    }

    fn switched(&self, id: &str, definition: &Definition) -> Broken {
        match definition.kind {
            "bonds" => self.bond(id, definition),
            "bridges" => self.controllers_have_tls(definition),
            "vlans" => Ok(()),
            kind => {
                let place = definition.get("openvswitch").map(|written| written.place);
                let rule = format!(
                    "openvswitch: has no {kind}; leave out all but external-ids and other-config"
                );
                Err((place.unwrap_or(definition.place), rule))
            }
        }
    }

    fn bond(&self, id: &str, definition: &Definition) -> Broken {
        let place = definition.place;
        if self.owner("bridge", id).is_none() {
            let rule = "a bond of Open vSwitch must be in a bridge";
            return Err((place, rule.to_owned()));
        }
        let ports = self
            .members
            .iter()
            .filter(|((what, _), owner)| *what == "bond" && *owner == id);
        if ports.count() < 2 {
            let rule = "interfaces: a bond of Open vSwitch must have two or more";
            return Err((place, rule.to_owned()));
        }
        match definition.get("parameters.mode") {
            Some(mode)
                if mode.text != "active-backup" && !OWN_MODES.contains(&mode.text.as_str()) =>
            {
                let rule = format!(
                    "mode: of a bond of Open vSwitch must be active-backup, balance-tcp or balance-slb; got {:?}",
                    mode.text
                );
                Err((mode.place, rule))
            }
            _ => Ok(()),
        }
    }

    /// `check_ovs_ssl`.
    fn controllers_have_tls(&self, definition: &Definition) -> Broken {
        let Some(addresses) = definition.get("openvswitch.controller.addresses") else {
            return Ok(());
        };
        let is_tls = |target: &str| target.starts_with("ssl:") || target.starts_with("pssl:");
        let has_tls = ["ca-cert", "certificate", "private-key"]
            .iter()
            .all(|key| self.tls.contains(*key));
        if !addresses.text.split(' ').any(is_tls) || has_tls {
            return Ok(());
        }
        let rule = "addresses: a controller by ssl needs `network: {openvswitch: {ssl: {ca-cert, certificate, private-key}}}`";
        Err((addresses.place, rule.to_owned()))
    }

    /// What Open vSwitch notes of a part of one of its interfaces.
    fn shared(&self, id: &str, definition: &Definition) -> Broken {
        let noted = SHARED.iter().find_map(|key| {
            let path = format!("openvswitch.{key}");
            let below = format!("{path}.");
            let is_set = definition.values.keys().any(|key| key.starts_with(&below));
            definition.get(&path).filter(|_| is_set)
        });
        match noted {
            Some(written) if !self.is_member(id) => {
                let rule =
                    "openvswitch: is for interfaces in a bridge or a bond, and this one is in none";
                Err((written.place, rule.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// Whether an interface is Open vSwitch's by what it says itself.
fn asks(definition: &Definition) -> bool {
    let mode = definition.text("parameters.mode");
    if mode.is_some_and(|mode| OWN_MODES.contains(&mode)) {
        return true;
    }
    if definition.get("openvswitch").is_none() {
        return false;
    }
    let is_switch = matches!(definition.kind, "bonds" | "bridges");
    let below = definition
        .values
        .keys()
        .filter_map(|path| path.strip_prefix("openvswitch."));
    let mut keys = below.map(|path| path.split('.').next().unwrap_or_default());
    let has_other = keys.clone().any(|key| !SHARED.contains(&key));
    is_switch || has_other || keys.next().is_none()
}
