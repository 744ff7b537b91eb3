//! A node's interfaces, by name: static addresses or DHCP, gateways, DNS, routes, MTU.

mod links;
pub(crate) mod rules;
mod values;
mod written;

use std::sync::Arc;

pub use crate::inventory::interfaces::written::NodeNetwork;

use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::links::VlanKeys;
use crate::inventory::interfaces::values::{
    HostCidr, InterfaceName, Metric, Mtu, SearchDomain, ViaOrGateway,
};
use crate::inventory::keys::{Shaped, choices, keys};
use crate::inventory::kinds::{MapOf, Section};
use crate::inventory::shape::Shape;
use crate::inventory::text::{Address, Cidr, Mac};
use crate::model::{Bond, Gateway, Interface, Link, Network, Route};
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
        /// the largest packet in bytes
        "mtu" => mtu: Option<Mtu>,
        /// ports that are one interface
        "bond" => bond: Option<Bond>,
        /// a VLAN inside another interface's network
        "vlan" => vlan: Option<VlanKeys>,
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
    if let (true, Some(vlan)) = (at.has("bond"), at.find(&["vlan"])) {
        vlan.report(
            Id::FieldsExclusive,
            "an interface is a bond or a VLAN, not both; give the VLAN an entry of its own",
        );
    }
    let link = keys.bond.map(Link::Bond);
    let (dhcp4, dhcp6) = keys.dhcp;
    Some(Interface {
        name: keys.name,
        link: link.or(keys.vlan.map(Link::from)).unwrap_or_default(),
        mac: keys.mac,
        dhcp4,
        dhcp6,
        accept_ra: keys.accept_ra,
        addresses: keys.addresses,
        gateways: keys.gateways,
        nameservers: keys.dns.servers,
        search: keys.dns.search,
        routes: keys.routes,
        mtu: keys.mtu,
    })
}
