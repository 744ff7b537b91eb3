//! Lists of netplan: addresses, members of bonds and bridges, routes, rules, peers, and lists of words.

use std::collections::BTreeMap;

use crate::host_files::netplan::entry;
use crate::host_files::netplan::walk::last;
use crate::host_files::netplan::{Netplan, Place, value};
use crate::yaml::{Node, NodeContent};

impl Netplan {
    /// A list that a function of netplan reads.
    pub(super) fn list(&mut self, reader: &'static str, path: &str, node: &Node, items: &[Node]) {
        let words: Vec<&str> = items.iter().filter_map(Node::as_scalar).collect();
        self.remember(path, node, &words.join(" "));
        match reader {
            "ovs_bridge_protocol" | "ovs_bridge_controller_addresses"
                if self.definition().is_some_and(|of| of.kind != "bridges") =>
            {
                self.fault(
                    self.place(node),
                    format!("{path}: only bridges have it"),
                    None,
                );
            }
            "routes" => self.maps("routes", items),
            "ip_rules" => self.maps("ip_rules", items),
            "wireguard_peers" => self.maps("wireguard_peer", items),
            "bond_interfaces" => self.members_of("bond", items),
            "bridge_interfaces" => self.members_of("bridge", items),
            "vrf_interfaces" => self.members_of("VRF", items),
            "addresses" | "wireguard_allowed_ips" => self.addresses(reader, items),
            "network_ovs_settings_global_ports" => self.port_pairs(items),
            "ovs_bridge_controller_addresses" => self.controllers(items),
            _ => {
                let key = last(path);
                for item in items {
                    let Some(text) = self.as_scalar(item) else {
                        continue;
                    };
                    if let Err(rule) = value::item(reader, key, text) {
                        self.fault(self.place(item), format!("{key}: {rule}"), Some(text));
                    }
                }
                self.whole(reader, key, node, items);
            }
        }
    }

    /// What must hold for a list of words as a whole.
    fn whole(&mut self, reader: &str, key: &str, node: &Node, items: &[Node]) {
        let rule = match reader {
            "vxlan_source_port" if items.len() != 2 => "must be two numbers",
            "wowlan" if items.len() > 1 => {
                let is_default = |item: &Node| {
                    item.as_scalar()
                        .is_some_and(|text| text.eq_ignore_ascii_case("default"))
                };
                if !items.iter().any(is_default) {
                    return;
                }
                "default must be the only word"
            }
            _ => return,
        };
        self.fault(self.place(node), format!("{key}: {rule}"), None);
    }

    /// A value whose type its reader decides.
    pub(super) fn any(&mut self, reader: &'static str, path: &str, node: &Node) {
        match (&node.content, reader) {
            (NodeContent::Scalar(text), "match_driver") => self.driver(path, node, text),
            (NodeContent::Scalar(text), _) => {
                // One key for all that there is.
                for key in ["input", "output", "private"] {
                    self.remember(&format!("keys.{key}"), node, text);
                }
            }
            (NodeContent::List(items), "match_driver") => {
                if items.is_empty() {
                    self.fault(self.place(node), "driver: must not be an empty list", None);
                }
                for item in items {
                    if let Some(text) = self.as_scalar(item) {
                        self.driver(path, item, text);
                    }
                }
            }
            (NodeContent::Map(map), "tunnel_key_mapping") => self.map("tunnel_keys", map, "keys"),
            _ => self.fault(
                self.place(node),
                "must be one value, or a list or a map of them",
                None,
            ),
        }
    }

    fn driver(&mut self, path: &str, node: &Node, text: &str) {
        self.remember(path, node, text);
        if text.contains(' ') {
            self.fault(
                self.place(node),
                "driver: must have no blanks in it",
                Some(text),
            );
        }
    }

    /// A list of maps of one table.
    fn maps(&mut self, table: &'static str, items: &[Node]) {
        for item in items {
            if let Some(map) = self.as_map(item) {
                self.item(table, map, self.place(item));
            }
        }
    }

    /// A map of an interface whose values are its own and not the interface's.
    pub(super) fn item(&mut self, table: &'static str, map: &[(Node, Node)], place: Place) {
        let current = self.current.clone().unwrap_or_default();
        let outer = self
            .definitions
            .get_mut(&current)
            .map(|of| std::mem::take(&mut of.values));
        self.map(table, map, "");
        let mut values = BTreeMap::new();
        if let Some(definition) = self.definitions.get_mut(&current) {
            values = std::mem::replace(&mut definition.values, outer.unwrap_or_default());
            definition.items.push((table, values.clone(), place));
        }
        let rule = match table {
            "routes" => entry::route(&values),
            "ip_rules" => entry::policy(&values),
            "wireguard_peer" => entry::peer(&values),
            _ => entry::access_point(&values),
        };
        if let Err(rule) = rule {
            self.fault(place, rule, None);
        }
    }

    /// Interfaces that become parts of this one.
    fn members_of(&mut self, what: &'static str, items: &[Node]) {
        for item in items {
            self.reference(item);
            let (Some(member), Some(owner)) = (item.as_scalar(), self.current.clone()) else {
                continue;
            };
            // A port of a bond is no port of a bridge, nor the other way round.
            let others: &[&str] = if what == "VRF" {
                &["VRF"]
            } else {
                &["bond", "bridge"]
            };
            let taken = others.iter().find_map(|other| {
                let of = self.members.get(&(*other, member.to_owned()))?;
                (*other != what || *of != owner).then(|| (*other, of.clone()))
            });
            match taken {
                Some((other, of)) => {
                    let rule = format!(
                        "an interface can be in one {what} only, and this one is in the {other} {of:?}"
                    );
                    self.fault(self.place(item), rule, Some(member));
                }
                None => {
                    self.members.insert((what, member.to_owned()), owner);
                }
            }
        }
    }

    fn addresses(&mut self, reader: &str, items: &[Node]) {
        for item in items {
            let (node, options) = match &item.content {
                NodeContent::Map(map) => match map.first() {
                    Some((address, options)) => (address, Some(options)),
                    None => {
                        self.fault(
                            self.place(item),
                            "must be an IP address with a prefix length",
                            None,
                        );
                        continue;
                    }
                },
                _ => (item, None),
            };
            let Some(text) = self.as_scalar(node) else {
                continue;
            };
            if let Err(rule) = value::interface_address(text, reader != "addresses") {
                self.fault(self.place(node), rule, Some(text));
            }
            if let Some(options) = options
                && let Some(map) = self.as_map(options)
            {
                self.map("address_option", map, "addresses.*");
            }
        }
    }

    /// Patch ports of Open vSwitch, which are interfaces from then on.
    fn port_pairs(&mut self, items: &[Node]) {
        for pair in items {
            let Some(ports) = self.as_list(pair) else {
                continue;
            };
            let names: Vec<&str> = ports.iter().filter_map(Node::as_scalar).collect();
            match names.as_slice() {
                [one, other] if one != other => self.port_pair(one, other, self.place(pair)),
                _ => self.fault(self.place(pair), "ports: must be pairs of two names", None),
            }
        }
    }

    fn controllers(&mut self, items: &[Node]) {
        for item in items {
            let Some(text) = self.as_scalar(item) else {
                continue;
            };
            let is_target = match text.split_once(':') {
                Some(("unix" | "punix", _)) => true,
                Some(("tcp" | "ssl", target)) => is_host_port(target, true),
                Some(("ptcp" | "pssl", target)) => is_host_port(target, false),
                _ => false,
            };
            if !is_target {
                let rule = "must be a controller of Open vSwitch (for example tcp:10.0.0.1:6653)";
                self.fault(self.place(item), rule, Some(text));
            }
        }
    }
}

/// `validate_ovs_target`: `HOST[:PORT]`, or `[PORT][:HOST]`.
fn is_host_port(target: &str, host_first: bool) -> bool {
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_host = |host: &str| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = host.split('%').next().unwrap_or_default();
        value::is_ip4(host) || value::is_ip6(host)
    };
    if host_first {
        let (host, port) = match target.strip_prefix('[') {
            Some(rest) => match rest.split_once("]:") {
                Some((host, port)) => (host, port),
                None => (rest.trim_end_matches(']'), "6653"),
            },
            None => target.split_once(':').unwrap_or((target, "6653")),
        };
        return is_port(port) && is_host(host);
    }
    match target.split_once(':') {
        Some((port, host)) => is_port(port) && is_host(host),
        None => target.is_empty() || is_port(target),
    }
}
