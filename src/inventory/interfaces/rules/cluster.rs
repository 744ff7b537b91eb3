//! Interfaces beside the cluster's own networks: packets to a Service are taken away before any route is asked, and those
//! to pods follow the routes of the pod network.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::inventory::interfaces::written::{Seen, View};
use crate::inventory::{ClusterNetwork, Node};
use crate::model::{FieldLocation, Spanned};
use crate::report::Id;

pub(super) fn check(view: &View<'_>, node: &Node, cluster: &ClusterNetwork) {
    let service = |address: &IpAddr| {
        let mut all = cluster.service_cidrs.iter().map(|cidr| &cidr.value);
        all.find(|cidr| cidr.contains(address))
    };
    let of_node = |address: &IpAddr| node.addresses.iter().any(|own| own.value == *address);
    for seen in &view.list {
        let interface = seen.interface;
        for (index, net) in interface.addresses.iter().enumerate() {
            let at = || seen.item(&["addresses"], index, interface.addresses.len());
            match service(&net.addr()) {
                // The node's own address has a finding of its own.
                Some(_) if of_node(&net.addr()) => {}
                Some(cidr) => taken(seen, at(), &net.addr(), cidr),
                None => hidden(seen, &at, net, node, cluster),
            }
        }
        for (index, gateway) in interface.gateways.iter().enumerate() {
            if let Some(cidr) = service(&gateway.via) {
                let at = seen.item(&["gateways"], index, interface.gateways.len());
                taken(seen, at, &gateway.via, cidr);
            }
        }
        for (index, server) in interface.nameservers.iter().enumerate() {
            let at = || seen.item(&["dns", "servers"], index, interface.nameservers.len());
            if let Some(cidr) = service(server) {
                taken(seen, at(), server, cidr);
            } else if cluster.cluster_dns.iter().any(|dns| dns.value == *server) {
                let rule =
                    format!("must be a server outside of the cluster, which asks it; got {server}");
                let finding = at().finding(Id::DnsServerUnusable, rule);
                seen.add(finding.help("write the network's own DNS servers"));
            }
        }
        for (index, route) in interface.routes.iter().enumerate() {
            let at = || seen.item(&["routes"], index, interface.routes.len());
            if let Some(cidr) = service(&route.via) {
                taken(seen, at(), &route.via, cidr);
            } else if let Some(cidr) = service(&route.to.network())
                && cidr.prefix_len() <= route.to.prefix_len()
            {
                let rule = format!(
                    "must lead outside the service network {cidr}; got {}",
                    route.to
                );
                let finding = at().finding(Id::InterfaceInServices, rule);
                seen.add(
                    finding.help("remove the route: no packet to a Service leaves the node as one"),
                );
            }
        }
    }
}

fn taken(seen: &Seen<'_>, at: FieldLocation, address: &IpAddr, cidr: &IpNet) {
    let rule = format!(
        "must be outside the service network {cidr}, whose addresses no machine has; got {address}"
    );
    let finding = at.finding(Id::InterfaceInServices, rule);
    seen.add(finding.help("correct it, or give the Services another network"));
}

/// A network of machines that has a network of the cluster inside: machines there cannot be reached. Pods may share the
/// nodes' network where the pod network routes natively, so the node's own one is no finding here.
fn hidden(
    seen: &Seen<'_>,
    at: &dyn Fn() -> FieldLocation,
    net: &IpNet,
    node: &Node,
    cluster: &ClusterNetwork,
) {
    let has_node = |cidr: &IpNet| node.addresses.iter().any(|own| cidr.contains(&own.value));
    let inside = |cidr: &&Spanned<IpNet>| {
        net.prefix_len() > 0 && net.contains(&cidr.value.network()) && !has_node(&cidr.value)
    };
    let pods = cluster.pod_cidrs.iter();
    let pods = pods.filter(|_| !cluster.pods_are_routed);
    let all = cluster.service_cidrs.iter().chain(pods);
    if let Some(cidr) = all.into_iter().find(inside) {
        let rule = format!(
            "the network {} has {} of the cluster inside ({}): its machines there cannot be reached",
            net.trunc(),
            cidr.value,
            cidr.location.path
        );
        let finding = at().finding(Id::InterfaceNetworkHidden, rule);
        seen.add(finding.help("correct the prefix, or give the cluster another network"));
    }
}
