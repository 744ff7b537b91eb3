//! The extract of a project: what a review knows of its nodes and tokens, for `csr review`, for a bundle and for a file.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use time::OffsetDateTime;

use crate::inventory::{Cluster, Inventory, approvable_networks, host_of};
use crate::plan::needs_token;
use crate::review::{Extract, Joins, ReviewNode};
use crate::secrets::TokenStore;

/// The nodes of an inventory with all addresses and names that it knows, and their tokens. It ends with the CA, unless
/// `approver.validUntil` says otherwise: no clock decides, so that the same project gives the same bytes.
pub fn extract(
    inventory: &Inventory,
    store: &TokenStore,
    ca_ends: Option<OffsetDateTime>,
) -> Extract {
    let cluster = &inventory.cluster;
    let mut extract = Extract::new(
        &cluster.name.value,
        cluster.generation,
        nodes(inventory),
        store,
    );
    let approver = cluster.approver.as_ref();
    let end = approver.and_then(|approver| approver.valid_until.as_ref());
    extract.valid_until = end.map(|end| end.value).or(ca_ends);
    if extract.nodes.values().any(|node| !node.networks.is_empty()) {
        extract.reserved = reserved(cluster);
    }
    extract
}

/// Addresses that a node could pass for others with.
fn reserved(cluster: &Cluster) -> BTreeSet<IpAddr> {
    let api = &cluster.api_server;
    let endpoints = api.endpoints.iter().map(|at| host_of(&at.value).to_owned());
    let hosts = std::iter::once(api.host()).chain(endpoints);
    let dns = cluster.network.cluster_dns.iter().map(|at| at.value);
    hosts
        .filter_map(|host| host.parse().ok())
        .chain(dns)
        .collect()
}

fn nodes(inventory: &Inventory) -> BTreeMap<String, ReviewNode> {
    let specs = inventory
        .spec_of
        .iter()
        .map(|index| inventory.specs.get((*index)?));
    // Of nodes that others made the inventory has no settings.
    let specs = specs.chain(std::iter::repeat(None));
    let nodes = inventory.all_nodes().zip(specs).enumerate();
    nodes
        .map(|(index, (node, spec))| {
            let hostname = spec.and_then(|spec| spec.hostname.as_ref());
            let hostname = hostname.filter(|hostname| !hostname.is_node_name());
            let is_template = hostname.is_some_and(|hostname| hostname.text.contains('{'));
            let hostname = hostname.filter(|_| !is_template);
            let hostname = hostname.map(|hostname| hostname.text.to_string());
            let names = node.further_names().map(str::to_owned).chain(hostname);
            let joins = if index >= inventory.nodes.len() {
                Joins::Elsewhere
            } else if needs_token(spec.map(|spec| &**spec)) {
                Joins::Token
            } else {
                Joins::Certificate
            };
            let read = ReviewNode {
                joins,
                addresses: node.all_addresses().collect(),
                networks: spec.map_or_else(Vec::new, |spec| {
                    approvable_networks(inventory, spec).collect()
                }),
                names: names.filter(|name| *name != node.name.value).collect(),
                has_other_names: is_template,
                tokens: Vec::new(),
            };
            (node.name.value.clone(), read)
        })
        .collect()
}
