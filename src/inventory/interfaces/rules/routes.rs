//! Gateways and routes of a node's interfaces.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::inventory::Node;
use crate::inventory::interfaces::rules::{edge_of, family, is_link_local, no_host};
use crate::inventory::interfaces::written::{Seen, View};
use crate::model::{FieldLocation, MAIN_TABLE, Route};
use crate::report::Id;

/// A route, what it is called in the inventory, and where its next hop stands.
struct Hop<'a> {
    seen: &'a Seen<'a>,
    route: Route,
    /// Its place among the gateways, or among the routes.
    place: (&'static str, usize),
}

impl Hop<'_> {
    /// Where it stands.
    fn location(&self) -> FieldLocation {
        let (list, index) = self.place;
        let interface = self.seen.interface;
        let len = if list == "gateways" {
            interface.gateways.len()
        } else {
            interface.routes.len()
        };
        self.seen.item(&[list], index, len)
    }

    fn is_gateway(&self) -> bool {
        self.place.0 == "gateways"
    }

    fn report(&self, id: Id, rule: String, help: &str) {
        self.seen.add(self.location().finding(id, rule).help(help));
    }
}

pub(super) fn check(view: &View<'_>, node: &Node) {
    let mut known: HashMap<(IpNet, u32, u32), &str> = HashMap::new();
    let hops: Vec<Hop<'_>> = view.list.iter().flat_map(hops_of).collect();
    for hop in &hops {
        let usable = families(hop) && next_hop(hop, view, node);
        let table = hop.route.table_in_kernel();
        let key = (hop.route.to, table, hop.route.metric_in_kernel());
        let name = &hop.seen.interface.name;
        if let Some(other) = known.insert(key, name) {
            repeated(hop, other);
        } else if usable && table == MAIN_TABLE {
            own_network(hop);
        }
        if table == MAIN_TABLE {
            dynamic(hop, view);
        }
    }
}

fn hops_of<'a>(seen: &'a Seen<'a>) -> impl Iterator<Item = Hop<'a>> {
    let gateways = seen.interface.gateways.len();
    seen.interface
        .all_routes()
        .enumerate()
        .map(move |(index, route)| Hop {
            seen,
            route,
            place: match index.checked_sub(gateways) {
                None => ("gateways", index),
                Some(index) => ("routes", index),
            },
        })
}

/// A route and its gateway are of one family: the kernel could have IPv4 over IPv6, no network manager writes it.
fn families(hop: &Hop<'_>) -> bool {
    let Route { to, via, .. } = &hop.route;
    let same = to.addr().is_ipv4() == via.is_ipv4();
    if !same {
        let kind = family(to.addr().is_ipv4());
        let rule = format!("via must be an {kind} address, as the network {to} is; got {via}");
        hop.report(
            Id::RouteFamiliesMixed,
            rule,
            "write the gateway of that family",
        );
    }
    same
}

/// Whether the next hop can be one; else there is a finding.
fn next_hop(hop: &Hop<'_>, view: &View<'_>, node: &Node) -> bool {
    let via = &hop.route.via;
    if let Some(what) = unusable(via, hop.seen, view, node) {
        let rule = format!("must be the address of a router, not {what}; got {via}");
        hop.report(Id::GatewayUnusable, rule, "write the router's address");
        return false;
    }
    let interface = hop.seen.interface;
    let ipv4 = via.is_ipv4();
    if !interface.speaks(ipv4) {
        if !hop.seen.is_broken {
            let kind = family(ipv4);
            let rule = format!(
                "must be on an interface with an {kind} address; {} has none; got {via}",
                interface.name
            );
            let help = "give the interface an address of that family, or move it to the interface that has one";
            hop.report(Id::GatewayWithoutAddress, rule, help);
        }
        return false;
    }
    let near = interface.addresses.iter().any(|net| net.contains(via));
    let v6_neighbour = !ipv4 && is_link_local(via);
    if near || v6_neighbour || hop.route.on_link || interface.is_dynamic(ipv4) {
        return true;
    }
    let what = if hop.is_gateway() {
        "the gateway"
    } else {
        "via"
    };
    let rule = format!("{what} {via} is in none of the interface's networks");
    let elsewhere = view.list.iter().find(|other| {
        let mut nets = other.interface.addresses.iter();
        nets.any(|net| net.contains(via))
    });
    let help = match elsewhere {
        Some(other) => format!("move it to {}, which has its network", other.interface.name),
        None => "correct it or the prefix; for a router that is a neighbour all the same, write {via: …, onLink: true}".to_owned(),
    };
    hop.report(Id::GatewayUnreachable, rule, &help);
    false
}

/// What a next hop is instead of a router.
fn unusable(via: &IpAddr, seen: &Seen<'_>, view: &View<'_>, node: &Node) -> Option<String> {
    if let Some(what) = no_host(via) {
        return Some(what.to_owned());
    }
    let of_node = node.addresses.iter().any(|own| own.value == *via);
    let mut all = view.list.iter().flat_map(|seen| &seen.interface.addresses);
    if of_node || all.any(|net| net.addr() == *via) {
        return Some("the node itself".to_owned());
    }
    let mut nets = seen.interface.addresses.iter();
    nets.find_map(|net| {
        let edge = edge_of(net, via)?;
        Some(format!("the {edge} address of {}", net.trunc()))
    })
}

fn repeated(hop: &Hop<'_>, other: &str) {
    let Route {
        to, via, metric, ..
    } = &hop.route;
    let metric = metric.map_or_else(
        || "without a metric".to_owned(),
        |metric| format!("with metric {metric}"),
    );
    if hop.route.is_default() {
        let kind = family(via.is_ipv4());
        let rule = format!(
            "there is an {kind} default route {metric} already, on {other}; got one more via {via}"
        );
        let help = "keep one of them, or give each a metric: {via: …, metric: 200}";
        hop.report(Id::DefaultRouteRepeated, rule, help);
    } else {
        let rule = format!(
            "there is a route to {to} {metric} already, on {other}; got one more via {via}"
        );
        let help = "keep one of them, or give each a metric of its own";
        hop.report(Id::RouteRepeated, rule, help);
    }
}

/// The kernel has a route to an interface's own network, with metric 0 in IPv4.
fn own_network(hop: &Hop<'_>) {
    let to = &hop.route.to;
    let mut nets = hop.seen.interface.addresses.iter();
    let is_single = to.prefix_len() == to.max_prefix_len();
    if hop.route.metric_in_kernel() == 0 && !is_single && nets.any(|net| net.trunc() == *to) {
        let rule = format!("must not lead to the interface's own network; got {to}");
        hop.report(Id::RouteRepeated, rule, "remove it, or give it a metric");
    }
}

/// A default route beside those that DHCP or router advertisements bring.
fn dynamic(hop: &Hop<'_>, view: &View<'_>) {
    let ipv4 = hop.route.via.is_ipv4();
    // In IPv6 the network's route is the better one, whichever interface it comes by.
    let mut rivals = view.list.iter().filter(|seen| {
        let is_own = seen.interface.name == hop.seen.interface.name;
        seen.interface.is_dynamic(ipv4) && (is_own || !ipv4)
    });
    let Some(rival) = rivals.next() else { return };
    if hop.route.is_default() && hop.route.metric.is_none() {
        let by = if ipv4 {
            "DHCP"
        } else {
            "router advertisements"
        };
        let rule = format!(
            "the default route via {} competes with the one that {by} may bring on {}",
            hop.route.via, rival.interface.name
        );
        let help = "remove the gateway, or give it a metric: below 100 it wins";
        hop.report(Id::DefaultRouteDynamic, rule, help);
    }
}
