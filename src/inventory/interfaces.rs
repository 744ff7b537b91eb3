//! A node's interfaces, by name: static addresses or DHCP, gateways, DNS, routes, MTU.

pub(crate) mod layers;
mod links;
mod of_nodes;
pub(crate) mod rules;
mod values;
mod written;

use std::sync::Arc;

pub use crate::inventory::interfaces::written::NodeNetwork;

use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::links::VlanKeys;
use crate::inventory::interfaces::values::{
    HostCidr, InterfaceName, Metric, Mtu, Number, SearchDomain, Table, ViaOrGateway,
};
use crate::inventory::keys::{Shaped, choices, keys};
use crate::inventory::kinds::{MapOf, Section};
use crate::inventory::shape::Shape;
use crate::inventory::text::{Address, Cidr, Mac};
use crate::model::{Bond, Bridge, Gateway, Interface, Link, Network, Route, RoutingRule};
use crate::report::Id;

keys! {
    struct InterfaceKeys: "interface", by name: InterfaceName, as Interface = interface {
        /// the port's MAC address, by which it is found
        "mac" => mac: Option<Mac>,
        /// addresses with the prefix of their network
        "addresses" => addresses: Vec<HostCidr>,
        /// which addresses come by DHCP
        "dhcp" => dhcp: Dhcp = "none",
        /// whether IPv6 addresses and routes come by router advertisements; where it is absent, they do with dhcp ipv6 or both
        "acceptRA" => accept_ra: Option<bool>,
        /// default routes: an address, or a map with `via`
        "gateways" => gateways: Vec<ViaOrGateway>,
        /// servers and domains for names
        "dns" => dns: Section<DnsKeys>,
        /// further routes
        "routes" => routes: Vec<Route>,
        /// rules by which packets are looked up in a routing table of their own
        "rules" => rules: Vec<RoutingRule>,
        /// the largest packet in bytes
        "mtu" => mtu: Option<Mtu>,
        /// true: the machine starts without waiting for it
        "optional" => optional: bool = false,
        /// true: a packet for its MAC address (a magic packet) wakes the machine
        "wakeOnLan" => wake_on_lan: bool = false,
        /// ports that are one interface
        "bond" => bond: Option<Bond>,
        /// a VLAN inside another interface's network
        "vlan" => vlan: Option<VlanKeys>,
        /// a switch of the machine's own, with interfaces as its ports
        "bridge" => bridge: Option<Bridge>,
    }

    struct DnsKeys: "dns" {
        /// servers
        "servers" => servers: Vec<Address>,
        /// domains that names are looked up in
        "search" => search: Vec<SearchDomain>,
    }

    for Gateway: "gateway" {
        /// its address
        "via" => via: Address,
        /// true: it is a neighbour, although it is in none of the interface's networks
        "onLink" => on_link: bool = false,
        /// the lower one wins
        "metric" => metric: Option<Metric>,
    }

    for Route: "route" {
        /// a network
        "to" => to: Cidr,
        /// its gateway
        "via" => via: Address,
        /// true: the gateway is a neighbour, although it is in none of the interface's networks
        "onLink" => on_link: bool = false,
        /// the lower one wins
        "metric" => metric: Option<Metric>,
        /// its routing table, which `rules` lead to; where it is absent, the main one (254)
        "table" => table: Option<Table>,
    }

    for RoutingRule: "routing rule", as RoutingRule = routing_rule {
        /// from where the packets come
        "from" => from: Option<Cidr>,
        /// where they go to
        "to" => to: Option<Cidr>,
        /// the routing table that they are looked up in
        "table" => table: Table,
        // NetworkManager has no rule without one, and what the others choose for themselves depends on the order.
        /// the lower one is asked first; the main table is asked at 32766
        "priority" => priority: Number<1, { u32::MAX - 1 }>,
    }
}

choices! {
    /// Whether IPv4 comes by DHCP, and whether IPv6 does.
    Dhcp: (bool, bool) = [
        ("both", (true, true)),
        ("ipv4", (true, false)),
        ("ipv6", (false, true)),
        ("none", (false, false)),
    ];
}

/// The interfaces of a node; None where there is none.
pub enum Interfaces {}

impl Shaped for Interfaces {
    type Value = Option<NodeNetwork>;
    const SHAPE: Shape = MapOf::<InterfaceKeys>::SHAPE;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        let mut interfaces = Vec::new();
        let mut broken = Vec::new();
        for entry in at.entries("lan0") {
            let before = at.findings_so_far();
            if let Some(interface) = InterfaceKeys::read(&entry) {
                interfaces.push(interface);
                broken.push(at.findings_so_far() > before);
            }
        }
        let network = (!interfaces.is_empty()).then(|| Arc::new(Network { interfaces }));
        Some(network.map(|network| NodeNetwork::new(network, broken, at)))
    }
}

fn interface(keys: InterfaceKeys, at: &Cursor<'_>) -> Option<Interface> {
    let kinds = [("bond", "bond"), ("vlan", "VLAN"), ("bridge", "bridge")];
    let mut is = kinds.into_iter().filter(|(key, _)| at.has(key));
    if let (Some((_, first)), Some((key, second))) = (is.next(), is.next())
        && let Some(at) = at.find(&[key])
    {
        let rule = format!(
            "an interface is a {first} or a {second}, not both; give the {second} an entry of its own"
        );
        at.report(Id::FieldsExclusive, rule);
    }
    let vlan = keys.vlan.map(Link::from);
    let link = keys
        .bond
        .map(Link::Bond)
        .or(vlan)
        .or(keys.bridge.map(Link::Bridge));
    let (dhcp4, dhcp6) = keys.dhcp;
    Some(Interface {
        name: keys.name,
        link: link.unwrap_or_default(),
        mac: keys.mac,
        dhcp4,
        dhcp6,
        accept_ra: keys.accept_ra,
        addresses: keys.addresses,
        gateways: keys.gateways,
        nameservers: keys.dns.servers,
        search: keys.dns.search,
        routes: keys.routes,
        rules: keys.rules,
        mtu: keys.mtu,
        optional: keys.optional,
        wake_on_lan: keys.wake_on_lan,
    })
}

/// A rule is about packets of one family.
fn routing_rule(rule: RoutingRule, at: &Cursor<'_>) -> Option<RoutingRule> {
    match (rule.from, rule.to) {
        (None, None) => {
            // One that could not be read has its finding.
            if !at.has("from") && !at.has("to") {
                let message = "must say which packets: add from, to or both (a network each)";
                at.report(Id::FieldMissing, message);
            }
            None
        }
        (Some(from), Some(to)) if from.addr().is_ipv4() != to.addr().is_ipv4() => {
            let message = format!("from and to must be of one family; got {from} and {to}");
            at.report(Id::RouteFamiliesMixed, message);
            None
        }
        _ => Some(rule),
    }
}
