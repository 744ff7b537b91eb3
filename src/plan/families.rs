//! IP families: a node must have an address of a family in which the cluster has services and pods.

use std::net::IpAddr;

use crate::inventory::{Inventory, Node, Spec};
use crate::kubernetes::rules::unusable;
use crate::model::FieldLocation;
use crate::report::{Finding, Id, Report};

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn of(address: &IpAddr) -> Self {
        if address.to_canonical().is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// Adds a finding for each node of the wrong family. A cluster of both takes every node.
pub fn check(inventory: &Inventory, report: &mut Report) {
    let network = &inventory.cluster.network;
    let mut families: Vec<Family> = Vec::new();
    for cidr in network.service_cidrs.iter().chain(&network.pod_cidrs) {
        let family = Family::of(&cidr.value.addr());
        if !families.contains(&family) {
            families.push(family);
        }
    }
    let [family] = families.as_slice() else {
        return;
    };
    let mut found: Vec<Finding> = Vec::new();
    let nodes = inventory.nodes.iter();
    for (node, finding) in nodes.filter_map(|node| Some((node, of_node(node, *family)?))) {
        // The nodes of a range have one place and one finding.
        match found.last_mut().filter(|known| is_same(known, &finding)) {
            Some(known) => known.nodes.push(node.name.value.clone()),
            None => found.push(finding.of_node(node.name.value.clone())),
        }
    }
    found.into_iter().for_each(|finding| report.add(finding));
    for spec in &inventory.specs {
        if let Some(finding) = of_flag(spec, *family) {
            report.add(finding);
        }
    }
}

fn is_same(one: &Finding, other: &Finding) -> bool {
    one.location == other.location && one.path == other.path && one.message == other.message
}

fn of_node(node: &Node, family: Family) -> Option<Finding> {
    let first = node.addresses.first()?;
    let addresses: Vec<IpAddr> = node.addresses.iter().map(|at| at.value).collect();
    compare(&addresses, &first.location, family)
}

/// `--node-ip` as the user wrote it; one that is a template is made from the node's addresses.
fn of_flag(spec: &Spec, family: Family) -> Option<Finding> {
    let flag = spec
        .kubelet
        .flags
        .iter()
        .find(|(name, _)| name == "node-ip");
    let text = flag.and_then(|(_, text)| text.as_ref())?;
    let parsed = text.text.split(',').map(|part| part.trim().parse().ok());
    // What is no address has a finding of its own.
    let addresses = parsed.collect::<Option<Vec<IpAddr>>>()?;
    compare(&addresses, &text.location, family)
}

fn compare(addresses: &[IpAddr], location: &FieldLocation, family: Family) -> Option<Finding> {
    // One that no kubelet takes has a finding of its own.
    let is_unusable = |address: &IpAddr| unusable(address, u32::MAX).is_some();
    let is_right = |address: &IpAddr| Family::of(address) == family;
    if addresses.iter().any(is_unusable) || addresses.first().is_none_or(is_right) {
        return None;
    }
    let name = family.name();
    let (rule, repair) = if addresses.iter().any(is_right) {
        (
            format!(
                "the first address must be {name}, the family of the cluster's services and pods"
            ),
            format!("write the {name} address first"),
        )
    } else {
        (
            format!("must have an {name} address, the family of the cluster's services and pods"),
            format!("add the node's {name} address, or give the cluster networks of both families"),
        )
    };
    let finding = location.finding(Id::NodeAddressFamily, rule);
    Some(finding.help(repair))
}
