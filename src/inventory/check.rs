//! Rules that hold between fields: addresses and networks, the API server, tokens.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::inventory::cursor::At;
use crate::inventory::{Cluster, Inventory};
use crate::kubernetes::version::skew;
use crate::report::Report;

/// Longer than this, automatic approval is worth a warning: whoever holds a token can become any node.
const LONG_TTL: Duration = Duration::from_secs(24 * 3600);

/// Checks the inventory as a whole.
pub fn check(inventory: &Inventory, report: &mut Report) {
    networks(&inventory.cluster, report);
    addresses(inventory, report);
    api_server(inventory, report);
    tokens(&inventory.cluster, report);
}

fn networks(cluster: &Cluster, report: &mut Report) {
    let network = &cluster.network;
    let all: Vec<&At<IpNet>> = network
        .service_cidrs
        .iter()
        .chain(&network.pod_cidrs)
        .collect();
    for (index, later) in all.iter().enumerate() {
        for earlier in &all[..index] {
            if earlier.value.contains(&later.value) || later.value.contains(&earlier.value) {
                let rule = format!(
                    "{} overlaps {} ({})",
                    later.value, earlier.value, earlier.spot.path
                );
                report.add(
                    later
                        .spot
                        .error(rule)
                        .repair("give services and pods networks of their own"),
                );
            }
        }
    }
    for dns in &network.cluster_dns {
        // NodeLocal DNSCache listens on 169.254.20.10.
        let local = match dns.value {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        let inside = network
            .service_cidrs
            .iter()
            .any(|cidr| cidr.value.contains(&dns.value));
        if !local && !inside && !network.service_cidrs.is_empty() {
            report.add(dns.spot.warning(format!(
                "{} lies in none of the service networks",
                dns.value
            )));
        }
    }
}

fn addresses(inventory: &Inventory, report: &mut Report) {
    let network = &inventory.cluster.network;
    let kinds = [
        ("service", &network.service_cidrs),
        ("pod", &network.pod_cidrs),
    ];
    for node in &inventory.nodes {
        for address in &node.addresses {
            for (kind, cidrs) in kinds {
                if let Some(cidr) = cidrs
                    .iter()
                    .find(|cidr| cidr.value.contains(&address.value))
                {
                    let rule = format!(
                        "{} lies inside the {kind} network {}",
                        address.value, cidr.value
                    );
                    report.add(address.spot.error(rule));
                }
            }
            if address.value.is_loopback()
                || address.value.is_multicast()
                || address.value.is_unspecified()
            {
                report.add(
                    address
                        .spot
                        .error(format!("{} can be no node's address", address.value)),
                );
            }
        }
    }
}

fn api_server(inventory: &Inventory, report: &mut Report) {
    let api = &inventory.cluster.api_server;
    let loopback = api.host == "localhost"
        || api
            .host
            .parse()
            .is_ok_and(|host: IpAddr| host.is_loopback());
    let overlays = inventory.specs.iter().flat_map(|spec| &spec.overlays);
    // With the proxy that is built in it is an error, said elsewhere.
    let own_proxy = !overlays
        .into_iter()
        .any(|used| used.name.value == "api-proxy");
    if loopback && own_proxy && api.endpoints.is_empty() {
        let warning = api.url.spot.warning(format!(
            "{} is each node itself, and no proxy is declared there",
            api.url.value
        ));
        report.add(warning.repair(
            "list the servers in apiServer.endpoints, and use the overlay api-proxy or run a proxy of yours",
        ));
    }
    // Where nothing is said the API server is as new as the newest kubelet: it may be no older.
    let versions = inventory.specs.iter().map(|spec| &spec.kubernetes.value);
    let Some(server) = api.version.as_ref().map(|at| &at.value).or(versions.max()) else {
        return;
    };
    for spec in &inventory.specs {
        if let Some((rule, repair)) = skew(&spec.kubernetes.value, server) {
            report.add(spec.kubernetes.spot.error(rule).repair(repair));
        }
    }
}

fn tokens(cluster: &Cluster, report: &mut Report) {
    let tokens = &cluster.tokens;
    if tokens.automatic_approval.value && tokens.ttl.value > LONG_TTL {
        let rule = "automatic approval with tokens that live longer than a day lets whoever holds one become any node";
        report.add(
            tokens
                .automatic_approval
                .spot
                .warning(rule)
                .repair("set tokens.approval to review, or a shorter ttl"),
        );
    }
    if tokens.shelf_life > tokens.ttl.value {
        let rule = "tokens end before the shelf life of the payloads does";
        report.add(
            tokens
                .ttl
                .spot
                .error(rule)
                .repair("make tokens.ttl longer than tokens.shelfLife"),
        );
    }
    if !tokens.node_group.value.contains("{node}") {
        let rule = "must hold {node}, or all nodes would share one group";
        report.add(tokens.node_group.spot.error(rule));
    }
}
