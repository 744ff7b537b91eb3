//! IP families: a node must have an address of a family in which the cluster has services and pods.

use std::net::IpAddr;

use crate::inventory::{Inventory, Node, Spec};
use crate::kubernetes::rules::unusable;
use crate::model::FieldLocation;
use crate::report::{Id, Report};

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
    for node in &inventory.nodes {
        of_node(node, *family, report);
    }
    for spec in &inventory.specs {
        of_flag(spec, *family, report);
    }
}

fn of_node(node: &Node, family: Family, report: &mut Report) {
    let Some(first) = node.addresses.first() else {
        return;
    };
    let addresses: Vec<IpAddr> = node.addresses.iter().map(|at| at.value).collect();
    compare(&addresses, &first.location, family, report);
}

/// `--node-ip` as the user wrote it; one that is a template is made from the node's addresses.
fn of_flag(spec: &Spec, family: Family, report: &mut Report) {
    let flag = spec
        .kubelet
        .flags
        .iter()
        .find(|(name, _)| name == "node-ip");
    let Some((_, Some(text))) = flag else {
        return;
    };
    let parsed = text.text.split(',').map(|part| part.trim().parse().ok());
    // What is no address has a finding of its own.
    let Some(addresses) = parsed.collect::<Option<Vec<IpAddr>>>() else {
        return;
    };
    compare(&addresses, &text.location, family, report);
}

fn compare(addresses: &[IpAddr], location: &FieldLocation, family: Family, report: &mut Report) {
    // One that no kubelet takes has a finding of its own.
    if addresses
        .iter()
        .any(|address| unusable(address, u32::MAX).is_some())
    {
        return;
    }
    let is_right = |address: &IpAddr| Family::of(address) == family;
    if addresses.first().is_none_or(is_right) {
        return;
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
        let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        (
            format!(
                "must have an {name} address, the family of the cluster's services and pods; got {}",
                list.join(", ")
            ),
            format!("add the node's {name} address, or give the cluster networks of both families"),
        )
    };
    report.add(location.finding(Id::NodeAddressFamily, rule).help(repair));
}
