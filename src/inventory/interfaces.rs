//! A node's interfaces, by name: static addresses or DHCP, gateways, DNS, routes, MTU.

mod links;

pub(super) use links::{HASH_POLICIES, MODES};

use std::net::IpAddr;

use ipnet::IpNet;

use crate::inventory::cluster::{address, cidr};
use crate::inventory::cursor::{Cursor, Fields};
use crate::inventory::nodes::mac;
use crate::model::Spanned;
use crate::model::{Interface, Network, Route};

/// The longest interface name that Linux takes (IFNAMSIZ less its NUL).
const LONGEST_NAME: usize = 15;

/// Reads `interfaces`. Where the node's MAC addresses are known, its interfaces have no others.
pub fn read(at: &Cursor<'_>, macs: &[Spanned<String>]) -> Option<Network> {
    let entries = at.entries();
    let read: Vec<(Interface, &Cursor<'_>)> = entries
        .iter()
        .filter_map(|(name, at)| Some((interface(name, at, macs)?, at)))
        .collect();
    let (interfaces, cursors): (Vec<Interface>, Vec<&Cursor<'_>>) = read.into_iter().unzip();
    let network = Network { interfaces };
    for (interface, at) in network.interfaces.iter().zip(cursors) {
        links::check(interface, &network, at);
    }
    match network.interfaces.is_empty() {
        true => None,
        false => Some(network),
    }
}

fn interface(name: &str, at: &Cursor<'_>, macs: &[Spanned<String>]) -> Option<Interface> {
    if name.is_empty()
        || name.len() > LONGEST_NAME
        || name.contains(|c: char| !c.is_ascii_graphic() || "/:*?[]".contains(c))
    {
        at.error(format!("{name:?} is no interface name: at most {LONGEST_NAME} printable characters without / : * ? [ ]"));
        return None;
    }
    let fields = at.fields()?;
    let dhcp = fields.optional("dhcp").and_then(|dhcp| {
        dhcp.choice(&[
            ("both", (true, true)),
            ("ipv4", (true, false)),
            ("ipv6", (false, true)),
            ("none", (false, false)),
        ])
    });
    let (dhcp4, dhcp6) = dhcp.unwrap_or((false, false));
    let dns = fields.optional("dns").and_then(|dns| dns.fields());
    let interface = Interface {
        name: name.to_owned(),
        link: links::read(&fields),
        mac: fields.optional("mac").and_then(|at| known_mac(&at, macs)),
        dhcp4,
        dhcp6,
        addresses: parsed(&fields, "addresses", host_with_prefix),
        gateways: parsed(&fields, "gateways", address),
        nameservers: dns
            .as_ref()
            .map(|dns| parsed(dns, "servers", address))
            .unwrap_or_default(),
        search: dns
            .as_ref()
            .map(|dns| parsed(dns, "search", |text| Ok(text.to_owned())))
            .unwrap_or_default(),
        routes: fields.list("routes").iter().filter_map(route).collect(),
        mtu: fields.optional("mtu").and_then(|mtu| mtu.integer()),
    };
    if let Some(dns) = dns {
        dns.finish();
    }
    for gateway in &interface.gateways {
        check_gateway(&interface, *gateway, at);
    }
    fields.finish();
    Some(interface)
}

/// A MAC address that the node has: with another one the interface would stay down.
fn known_mac(at: &Cursor<'_>, macs: &[Spanned<String>]) -> Option<String> {
    let found = at.parse(mac)?;
    if !macs.is_empty() && !macs.iter().any(|known| known.value == found) {
        let rule = format!("{found} is none of the node's macs");
        at.add(
            at.location()
                .error(rule)
                .repair("add it to macs, or mend it"),
        );
    }
    Some(found)
}

fn check_gateway(interface: &Interface, gateway: IpAddr, at: &Cursor<'_>) {
    let link_local = matches!(gateway, IpAddr::V6(gateway) if gateway.is_unicast_link_local());
    let reached = interface.addresses.iter().any(|net| net.contains(&gateway));
    if !link_local && !reached && !interface.addresses.is_empty() {
        at.error(format!(
            "the gateway {gateway} lies in none of the interface's networks"
        ));
    }
}

fn parsed<T>(
    fields: &Fields<'_>,
    key: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Vec<T> {
    let items = fields.list(key);
    items.iter().filter_map(|item| item.parse(&parse)).collect()
}

fn host_with_prefix(text: &str) -> Result<IpNet, String> {
    match text.contains('/') {
        true => text
            .parse()
            .map_err(|_| format!("{text:?} is not an address with a prefix")),
        false => Err(format!("{text:?} must have a prefix, like 10.20.0.10/23")),
    }
}

fn route(at: &Cursor<'_>) -> Option<Route> {
    let fields = at.fields()?;
    let to = fields.required("to").and_then(|to| to.parse(cidr));
    let via = fields.required("via").and_then(|via| via.parse(address));
    let metric = fields
        .optional("metric")
        .and_then(|metric| metric.integer());
    fields.finish();
    Some(Route {
        to: to?,
        via: via?,
        metric,
    })
}
