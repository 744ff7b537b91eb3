//! The part of the pods' network that each node gets, against how many pods a node may have and how many nodes there are. Source:
//! `cmd/kube-controller-manager/app/core.go`, setNodeCIDRMaskSizes, and `pkg/controller/nodeipam`.

use ipnet::IpNet;

use crate::preflight::control_plane::{Answer, Demand, Facts, demand, missing, ranges};
use crate::preflight::manifest::{CommandLine, Program};
use crate::render::cluster_settings::{NODE_PREFIX, fitting, usable};
use crate::wording::counted;

const SIZE: &str = "node-cidr-mask-size";
const SIZE_V4: &str = "node-cidr-mask-size-ipv4";
const SIZE_V6: &str = "node-cidr-mask-size-ipv6";
/// What a node gets of IPv6 unless the flag says otherwise.
const NODE_PREFIX_V6: u8 = 64;
/// The controller keeps a bit for each part of a network of IPv6, and no more (ipam/cidrset, clusterSubnetMaxDiff).
const MOST_BITS: u8 = 16;

/// What nodes ask of it, where the pods' networks are known.
pub(super) fn demands<'f>(facts: &Facts<'_>) -> Option<Demand<'f>> {
    let networks = &facts.cluster.network.pod_cidrs;
    let mut networks: Vec<IpNet> = networks.iter().map(|at| at.value).collect();
    networks.dedup();
    let (most, nodes) = (facts.most_pods, facts.nodes);
    let first = networks.first()?;
    let is_dual = is_dual(&networks);
    let flag = match (is_dual, first) {
        (true, _) => SIZE_V4,
        (false, _) => SIZE,
    };
    let (_, text) = ranges(&facts.cluster.network.pod_cidrs);
    let size = fitting(most).min(NODE_PREFIX);
    let what = match first {
        IpNet::V6(_) if !is_dual => format!("--{flag}, {NODE_PREFIX_V6} if it is not set"),
        _ => format!("--{flag}={size} or less, {NODE_PREFIX} if it is not set"),
    };
    let why = format!(
        "each of {} may have {}, with addresses in network.podCIDRs, {text}",
        counted(nodes, "node"),
        counted(most, "pod")
    );
    Some(demand(
        Program::ControllerManager,
        (what, why),
        move |line| answer(line, &networks, most, nodes),
    ))
}

fn answer(line: &CommandLine, networks: &[IpNet], most: i64, nodes: usize) -> Answer {
    // Then the pod network gives addresses itself.
    let allocates = matches!(
        line.value("allocate-node-cidrs"),
        Some("true" | "1" | "t" | "T" | "TRUE" | "True")
    );
    if !allocates {
        return Answer::Unknown;
    }
    let is_dual = is_dual(networks);
    if is_dual && size(line, SIZE).is_some() {
        let rule = "must not be set where there are networks of two families: the program ends";
        return missing(SIZE, rule, format!("set {SIZE_V4} and {SIZE_V6}"));
    }
    for network in networks {
        let (own, default) = match network {
            IpNet::V4(_) => (SIZE_V4, NODE_PREFIX),
            IpNet::V6(_) => (SIZE_V6, NODE_PREFIX_V6),
        };
        let found = size(line, SIZE).map(|size| (SIZE, size));
        let found = found.or_else(|| size(line, own).map(|size| (own, size)));
        let (flag, size) = found.unwrap_or(if is_dual {
            (own, default)
        } else {
            (SIZE, default)
        });
        let broken = of_network(network, size, most, nodes);
        if let Some((rule, repair)) = broken {
            return missing(flag, rule, repair);
        }
    }
    Answer::Met
}

fn is_dual(networks: &[IpNet]) -> bool {
    let is_v4 = |network: &IpNet| matches!(network, IpNet::V4(_));
    networks.iter().any(is_v4) && !networks.iter().all(is_v4)
}

/// What is wrong with the parts of one network.
fn of_network(network: &IpNet, size: u8, most: i64, nodes: usize) -> Option<(String, String)> {
    let whole = network.prefix_len();
    let bits = size.checked_sub(whole);
    let Some(bits) = bits else {
        let rule = format!(
            "must be {whole} or more, as {network} is no larger: the program ends; got {size}"
        );
        return Some((
            rule,
            "take a smaller part for each node, or a larger network".to_owned(),
        ));
    };
    if matches!(network, IpNet::V6(_)) && bits > MOST_BITS {
        let rule = format!(
            "must be {} or less for {network}: the program ends; got {size}",
            whole + MOST_BITS
        );
        return Some((rule, "take a larger part for each node".to_owned()));
    }
    if bits < 32 && (1_u64 << bits) < nodes as u64 {
        let rule = format!(
            "leaves {network} room for {}, and there are {nodes}; got {size}",
            counted(1_u64 << bits, "node")
        );
        return Some((
            rule,
            "take a smaller part for each node, or a larger network".to_owned(),
        ));
    }
    if matches!(network, IpNet::V4(_)) && usable(size) < most {
        let rule = format!(
            "gives a node {} of {network}, and maxPods is {most}; got {size}",
            counted(usable(size), "address")
        );
        return Some((
            rule,
            format!("set it to {} or less, or maxPods lower", fitting(most)),
        ));
    }
    None
}

/// A size that is set; zero is as if it were not.
fn size(line: &CommandLine, flag: &str) -> Option<u8> {
    line.value(flag)?
        .trim()
        .parse()
        .ok()
        .filter(|size| *size > 0)
}
