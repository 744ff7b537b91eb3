//! Rules between the interfaces of a node, between those of all nodes, and of what the node's network manager can do.
//! Each node is looked at once.

mod across;
mod addresses;
mod arp;
mod bonds;
mod bridges;
mod cloud_init;
mod cluster;
mod links;
mod macs;
mod managers;
mod members;
mod names;
mod resolvers;
mod routes;
mod tables;

use std::cell::RefCell;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::inventory::interfaces::of_nodes::OfNodes;
use crate::inventory::interfaces::rules::across::Across;
use crate::inventory::{ClusterNetwork, Node, Spec};
use crate::report::Report;

/// Checks the interfaces of all nodes; `spec_of` has a node's merged layers, where they could be read.
pub fn check<'a>(
    nodes: &'a [Node],
    spec_of: impl Fn(usize) -> Option<&'a Spec>,
    network: &ClusterNetwork,
    report: &RefCell<Report>,
) {
    macs::check_nodes(nodes, report);
    if nodes.iter().all(|node| node.network.is_none()) {
        return;
    }
    let of_node = RefCell::new(Report::default());
    let mut of_nodes = OfNodes::default();
    let mut across = Across::new(nodes);
    for (index, node) in nodes.iter().enumerate() {
        let Some(written) = &node.network else {
            continue;
        };
        let is_rendered = written.is_rendered();
        let view = written.view(if is_rendered { &of_node } else { report });
        names::check(&view);
        macs::check(&view, node);
        links::check(&view);
        members::check(&view);
        bonds::check(&view);
        bridges::check(&view);
        addresses::check(&view, node);
        routes::check(&view, node);
        tables::check(&view);
        resolvers::check(&view);
        cluster::check(&view, node, network);
        if let Some(spec) = spec_of(index) {
            managers::check(&view, spec);
            cloud_init::check(&view, spec);
        }
        across.check(index, &view);
        if is_rendered {
            of_nodes.add(&node.name.value, of_node.take());
        }
    }
    of_nodes.finish(&mut report.borrow_mut());
}

/// `IPv4` or `IPv6`.
fn family(ipv4: bool) -> &'static str {
    if ipv4 { "IPv4" } else { "IPv6" }
}

/// Whether an address means something on its own link only.
fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// What makes an address no address of one machine, if anything does.
fn no_host(address: &IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Some("an unspecified address"),
        IpAddr::V6(v6) if v6.is_unspecified() => Some("an unspecified address"),
        _ if address.is_loopback() => Some("a loopback address"),
        _ if address.is_multicast() => Some("a multicast address"),
        IpAddr::V4(v4) if v4.is_broadcast() => Some("the broadcast address"),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Some("an IPv4 address inside IPv6"),
        _ => None,
    }
}

/// What an address is in an IPv4 network, where it is no host of it. Networks of one or two addresses have hosts only
/// (RFC 3021).
fn edge_of(net: &IpNet, address: &IpAddr) -> Option<&'static str> {
    let IpNet::V4(net) = net else { return None };
    if net.prefix_len() >= 31 {
        None
    } else if *address == IpAddr::V4(net.network()) {
        Some("network")
    } else if *address == IpAddr::V4(net.broadcast()) {
        Some("broadcast")
    } else {
        None
    }
}
