//! Static addresses of a node's interfaces.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::inventory::Node;
use crate::inventory::interfaces::rules::{edge_of, family, is_link_local, no_host};
use crate::inventory::interfaces::written::{Seen, View};
use crate::report::Id;

pub(super) fn check(view: &View<'_>, node: &Node) {
    for (index, seen) in view.list.iter().enumerate() {
        let addresses = &seen.interface.addresses;
        for (at, net) in addresses.iter().enumerate() {
            let location = || seen.item(&["addresses"], at, addresses.len());
            if let Some(what) = unusable(net) {
                let rule = format!("must be the address of a machine, not {what}; got {net}");
                seen.add(location().finding(Id::InterfaceAddressUnusable, rule));
                continue;
            }
            if is_anycast(net) {
                let rule = format!(
                    "{net} is the anycast address of all routers of its network (RFC 4291, section 2.6.1)"
                );
                let finding = location().finding(Id::InterfaceAddressAnycast, rule);
                seen.add(finding.help("take another one, like the next"));
            }
            if let Some((other, theirs)) = overlapping(net, &view.list[..index]) {
                let rule = format!(
                    "{net} is in one network with {theirs} of {other}: answers leave by either of the two"
                );
                let finding = location().finding(Id::InterfaceNetworkShared, rule);
                seen.add(finding.help(
                    "correct the prefix, make a bond of the two, or put both addresses on one",
                ));
            }
        }
    }
    only_link_local(view);
    of_node(view, node);
}

fn unusable(net: &IpNet) -> Option<String> {
    let address = net.addr();
    if let Some(what) = no_host(&address) {
        return Some(what.to_owned());
    }
    if net.prefix_len() == 0 {
        return Some("in a network of all addresses".to_owned());
    }
    let edge = edge_of(net, &address)?;
    Some(format!("the {edge} address of {}", net.trunc()))
}

/// Whether it is the subnet-router anycast address. Networks between two routers have none (RFC 6164).
fn is_anycast(net: &IpNet) -> bool {
    matches!(net, IpNet::V6(v6) if v6.prefix_len() < 127 && v6.addr() == v6.network())
}

/// An address of an interface above whose network overlaps, and whose it is. The same address is another rule's.
fn overlapping<'a>(net: &IpNet, above: &'a [Seen<'a>]) -> Option<(&'a str, &'a IpNet)> {
    let is_single = |net: &IpNet| net.prefix_len() == net.max_prefix_len();
    if is_single(net) || is_link_local(&net.addr()) {
        return None;
    }
    above.iter().find_map(|seen| {
        let found = seen.interface.addresses.iter().find(|theirs| {
            let meets = theirs.contains(&net.network()) || net.contains(&theirs.network());
            meets && !is_single(theirs) && theirs.addr() != net.addr()
        })?;
        Some((seen.interface.name.as_str(), found))
    })
}

/// A node that other machines cannot reach.
fn only_link_local(view: &View<'_>) {
    let mut all = view.list.iter().map(|seen| seen.interface);
    let reachable = all.any(|interface| {
        let mut addresses = interface.addresses.iter();
        let dynamic = interface.is_dynamic(true) || interface.is_dynamic(false);
        dynamic || addresses.any(|net| !is_link_local(&net.addr()))
    });
    let first = view
        .list
        .iter()
        .find(|seen| !seen.interface.addresses.is_empty());
    if let Some(seen) = first.filter(|_| !reachable && !view.is_broken()) {
        let rule = "the node has link-local addresses only, which no router forwards";
        let at = seen.location(&["addresses"]);
        let finding = at.finding(Id::InterfaceAddressUnusable, rule);
        seen.add(finding.help("add an address, or dhcp"));
    }
}

/// The kubelet ends where its --node-ip is on no interface (validateNodeIP in pkg/kubelet/nodestatus).
fn of_node(view: &View<'_>, node: &Node) {
    let has = |address: &IpAddr| {
        let mut all = view.list.iter().map(|seen| seen.interface);
        all.any(|interface| {
            let mut own = interface.addresses.iter();
            interface.is_dynamic(address.is_ipv4()) || own.any(|net| net.addr() == *address)
        })
    };
    for address in &node.addresses {
        if has(&address.value) || view.is_broken() {
            continue;
        }
        let kind = family(address.value.is_ipv4());
        let rule = format!(
            "must be an address of one of the node's interfaces, none of which gets {kind} addresses from the network; got {}",
            address.value
        );
        let at = address.location.finding(Id::NodeAddressOnNoInterface, rule);
        if let Some(seen) = view.list.first() {
            seen.add(at.help("add it to interfaces.NAME.addresses, or correct it"));
        }
    }
}
