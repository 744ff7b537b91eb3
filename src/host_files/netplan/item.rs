//! Lists of netplan: addresses, members of bonds and bridges, routes, rules, peers, and lists of words.

use std::collections::BTreeMap;

use crate::host_files::netplan::walk::last;
use crate::host_files::netplan::{Netplan, Place, Written, value};
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
            "routes" => route(&values),
            "ip_rules" => policy(&values),
            "wireguard_peer" => peer(&values),
            _ => access_point(&values),
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
                    None => continue,
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
                [one, other] if one != other => {
                    self.defined.push((*one).to_owned());
                    self.defined.push((*other).to_owned());
                }
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

type Values = BTreeMap<String, Written>;

fn text<'v>(values: &'v Values, key: &str) -> Option<&'v str> {
    values.get(key).map(|written| written.text.as_str())
}

/// One family, if the addresses are any.
fn one_family(values: &Values, keys: &[&str]) -> bool {
    let families = keys
        .iter()
        .filter_map(|key| value::network(text(values, key)?).ok());
    let families: Vec<bool> = families.collect();
    families.windows(2).all(|pair| pair[0] == pair[1])
}

/// `handle_routes`.
fn route(values: &Values) -> Result<(), String> {
    if !one_family(values, &["to", "via", "from"]) {
        return Err("a route's addresses must be of one family".to_owned());
    }
    let kind = text(values, "type")
        .unwrap_or("unicast")
        .to_ascii_lowercase();
    let has_via = values.contains_key("via");
    let scope = text(values, "scope")
        .map(str::to_ascii_lowercase)
        .unwrap_or_else(|| {
            let scope = match kind.as_str() {
                "local" | "nat" => "host",
                "unicast" if !has_via => "link",
                "broadcast" | "multicast" | "anycast" => "link",
                _ => "global",
            };
            scope.to_owned()
        });
    if !values.contains_key("to") {
        return Err("a route must have `to:`".to_owned());
    }
    if kind == "unicast" && scope == "global" && !has_via {
        return Err("a route must have `via:`, or the scope link".to_owned());
    }
    Ok(())
}

/// `handle_ip_rules`.
fn policy(values: &Values) -> Result<(), String> {
    if !one_family(values, &["to", "from"]) {
        return Err("a rule's addresses must be of one family".to_owned());
    }
    if values.contains_key("to") || values.contains_key("from") {
        return Ok(());
    }
    Err("a rule must have `from:` or `to:`".to_owned())
}

/// `validate_tunnel_grammar`, of a peer.
fn peer(values: &Values) -> Result<(), String> {
    let keepalive = text(values, "keepalive").and_then(value::unsigned);
    if keepalive.is_some_and(|seconds| seconds > 65535) {
        return Err("keepalive must be from 0 to 65535".to_owned());
    }
    match text(values, "keys.public") {
        None => return Err("a peer must have a public key in `keys:`".to_owned()),
        Some(key) if !value::is_wireguard_key(key) => {
            return Err("the public key must be 32 bytes in base64".to_owned());
        }
        Some(_) => {}
    }
    match text(values, "keys.shared") {
        Some(key) if !key.starts_with('/') && !value::is_wireguard_key(key) => {
            Err("the shared key must be 32 bytes in base64, or a path".to_owned())
        }
        _ => Ok(()),
    }
}

/// Channels of 5 GHz (netplan, src/util.c).
const CHANNELS: [u32; 57] = [
    7, 8, 9, 11, 12, 16, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62, 64, 68,
    96, 100, 102, 104, 106, 108, 110, 112, 114, 116, 118, 120, 122, 124, 126, 128, 132, 134, 136,
    138, 140, 142, 144, 149, 151, 153, 155, 157, 159, 161, 165, 169, 173,
];

/// A channel is one of its band.
fn access_point(values: &Values) -> Result<(), String> {
    let Some(channel) = text(values, "channel").and_then(value::unsigned) else {
        return Ok(());
    };
    let (is_one, band) = match text(values, "band") {
        Some("5GHz" | "5G") => (CHANNELS.contains(&channel), "5 GHz"),
        Some(_) => ((1..=14).contains(&channel), "2.4 GHz"),
        None => return Ok(()),
    };
    if is_one || channel == 0 {
        return Ok(());
    }
    Err(format!("channel: must be one of {band}; got {channel}"))
}
