//! A node's interfaces, by name: static addresses or DHCP, gateways, DNS, routes, MTU.

mod links;

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::links::VlanKeys;
use crate::inventory::keys::{Shaped, choices, keys, texts};
use crate::inventory::kinds::{MapOf, Section};
use crate::inventory::shape::Shape;
use crate::inventory::text::Mac;
use crate::inventory::text::{Address, Cidr, Domain, checked};
use crate::model::{Bond, Interface, Link, Network, Route};
use crate::report::Id;

/// The longest interface name that Linux takes (IFNAMSIZ less its NUL).
const LONGEST_NAME: usize = 15;

keys! {
    struct InterfaceKeys: "interface", by name: InterfaceName, as Interface = interface {
        /// the port's MAC address, by which it is found
        "mac" => mac: Option<Mac>,
        /// addresses with the prefix of their network
        "addresses" => addresses: Vec<HostCidr>,
        /// which addresses come by DHCP
        "dhcp" => dhcp: Dhcp = "none",
        /// default routes
        "gateways" => gateways: Vec<Address>,
        /// servers and domains for names
        "dns" => dns: Section<DnsKeys>,
        /// further routes
        "routes" => routes: Vec<Route>,
        /// the largest packet in bytes
        "mtu" => mtu: Option<u16>,
        /// ports that are one interface
        "bond" => bond: Option<Bond>,
        /// a VLAN inside another interface's network
        "vlan" => vlan: Option<VlanKeys>,
    }

    struct DnsKeys: "dns" {
        /// servers
        "servers" => servers: Vec<Address>,
        /// domains that names are looked up in
        "search" => search: Vec<Domain>,
    }

    for Route: "route" {
        /// a network
        "to" => to: Cidr,
        /// its gateway
        "via" => via: Address,
        /// the lower one wins
        "metric" => metric: Option<u32>,
    }
}

texts! {
    /// A network interface.
    InterfaceName or NameInvalid: String = interface_name, r"^[^\s/:*?\[\]]{1,15}$", ["lan0"];
    /// An address with the prefix of its network.
    HostCidr or CidrInvalid: IpNet = host_with_prefix, r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$", ["10.20.4.11/23"];
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
    type Value = Option<Arc<Network>>;
    const SHAPE: Shape = MapOf::<InterfaceKeys>::SHAPE;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        let entries = at.entries("lan0");
        let read: Vec<(Interface, &Cursor<'_>)> = entries
            .iter()
            .filter_map(|at| Some((InterfaceKeys::read(at)?, at)))
            .collect();
        let (interfaces, cursors): (Vec<Interface>, Vec<&Cursor<'_>>) = read.into_iter().unzip();
        let network = Network { interfaces };
        for (interface, at) in network.interfaces.iter().zip(cursors) {
            links::check(interface, &network, at);
        }
        Some((!network.interfaces.is_empty()).then(|| Arc::new(network)))
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
    let interface = Interface {
        name: keys.name,
        link: link.or(keys.vlan.map(Link::from)).unwrap_or_default(),
        mac: keys.mac,
        dhcp4,
        dhcp6,
        addresses: keys.addresses,
        gateways: keys.gateways,
        nameservers: keys.dns.servers,
        search: keys.dns.search,
        routes: keys.routes,
        mtu: keys.mtu,
    };
    for gateway in &interface.gateways {
        check_gateway(&interface, *gateway, at);
    }
    Some(interface)
}

fn interface_name(name: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_graphic() && !"/:*?[]".contains(c);
    let good = (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(fits);
    checked(name, good, || {
        format!(
            "must be an interface name: at most {LONGEST_NAME} printable characters without / : * ? [ ]; got {name:?}"
        )
    })
}

fn check_gateway(interface: &Interface, gateway: IpAddr, at: &Cursor<'_>) {
    let link_local = matches!(gateway, IpAddr::V6(gateway) if gateway.is_unicast_link_local());
    let reached = interface.addresses.iter().any(|net| net.contains(&gateway));
    if !link_local && !reached && !interface.addresses.is_empty() {
        at.report(
            Id::GatewayUnreachable,
            format!("the gateway {gateway} is in none of the interface's networks"),
        );
    }
}

fn host_with_prefix(text: &str) -> Result<IpNet, String> {
    if text.contains('/') {
        text.parse()
            .map_err(|_| format!("{text:?} is not an address with a prefix"))
    } else {
        Err(format!(
            "must have a prefix, like 10.20.0.10/23; got {text:?}"
        ))
    }
}
