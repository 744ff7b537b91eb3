//! `identity.servingNetworks`: networks that nodes get their addresses from by DHCP, so that nobody can list them. A request for
//! a serving certificate may hold any address of them, so none of them may have an address of a service or a pod.

use ipnet::IpNet;

use crate::inventory::identity::ServingIdentity;
use crate::inventory::{Inventory, Spec};
use crate::model::Spanned;
use crate::report::{Finding, Id, Report};

/// Why the rule is there.
const HELP: &str = "write the networks that DHCP gives nodes addresses of, and no others; a node could pass for what has an address in them";

/// Checks those of all nodes.
pub fn check(inventory: &Inventory, report: &mut Report) {
    for spec in &inventory.specs {
        let networks = &spec.identity.serving_networks;
        let serving = spec.identity.serving.as_ref().map(|at| at.value);
        let is_asked = matches!(serving, None | Some(ServingIdentity::Bootstrap));
        for network in networks {
            if !is_asked {
                let rule = "has no effect: these nodes ask for no serving certificate";
                let finding = network.location.finding(Id::ServingNetworkUnused, rule);
                report.add(finding.help("remove it, or set identity.serving to bootstrap"));
            }
            if let Some(finding) = unsafe_network(inventory, network) {
                report.add(finding);
            }
        }
    }
}

/// The networks of a spec by which a request may be approved: those that the rules allow.
pub fn approvable<'i>(inventory: &'i Inventory, spec: &'i Spec) -> impl Iterator<Item = IpNet> {
    let networks = spec.identity.serving_networks.iter();
    let safe = networks.filter(|network| unsafe_network(inventory, network).is_none());
    safe.map(|network| network.value)
}

/// The finding about a network that has, or may have, addresses which are not nodes'.
fn unsafe_network(inventory: &Inventory, network: &Spanned<IpNet>) -> Option<Finding> {
    let of_cluster = &inventory.cluster.network;
    let unsafe_because = |rule: String| {
        let finding = network.location.finding(Id::ServingNetworkUnsafe, rule);
        Some(finding.help(HELP))
    };
    let all = [
        ("network.serviceCIDRs", &of_cluster.service_cidrs, true),
        (
            "network.podCIDRs",
            &of_cluster.pod_cidrs,
            !of_cluster.pods_are_routed,
        ),
    ];
    for (name, cidrs, must) in all {
        let overlaps = |cidr: &&Spanned<IpNet>| {
            cidr.value.contains(&network.value) || network.value.contains(&cidr.value)
        };
        if let Some(cidr) = cidrs.iter().find(overlaps) {
            return unsafe_because(format!(
                "must not overlap {} ({}); got {}",
                cidr.value, cidr.location.path, network.value
            ));
        }
        if must && cidrs.is_empty() {
            return unsafe_because(format!(
                "needs {name}, to know that none of its addresses is in {}",
                network.value
            ));
        }
    }
    None
}
