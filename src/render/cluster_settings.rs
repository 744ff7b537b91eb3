//! What a kubelet is told of the cluster, against what the inventory says of it: the DNS domain and servers, and the addresses that
//! its pods can have. And a serving certificate in a file beside one that the cluster signs.

use std::net::IpAddr;

use serde_json::Value as Json;

use crate::inventory::ClusterNetwork;
use crate::kubernetes::security::{
    CLUSTER_DNS, CLUSTER_DOMAIN, MAX_PODS, SERVER_BOOTSTRAP, Setting, Settings, TLS_CERTIFICATE,
};
use crate::model::{FieldLocation, NodePath};
use crate::plan::NodePlan;
use crate::render::builder::TreeBuilder;
use crate::render::command_line::{CommandLine, KUBELET_UNIT};
use crate::render::open::location;
use crate::report::{Finding, Id};
use crate::wording::counted;

/// The prefix of a node's part of the pods' network, unless the controller manager is told another one
/// (cmd/kube-controller-manager/app/core.go, defaultNodeMaskCIDRIPv4).
pub const NODE_PREFIX: u8 = 24;

/// All that differs.
pub(super) fn check(
    (node, network): (&NodePlan, &ClusterNetwork),
    (line, config): (&CommandLine, &Json),
    builder: &TreeBuilder,
) -> Vec<Finding> {
    let spec = &node.class.spec;
    if spec.kubelet.config.is_none() && spec.kubelet.flags.is_empty() {
        return Vec::new();
    }
    let settings = line.settings(config, spec.kubernetes.value.minor());
    let at = |setting: &Setting| {
        let source = settings.get(setting).source;
        let drop_in = line.drop_in_of(setting.field);
        let drop_in = drop_in.and_then(|path| NodePath::parse(path).ok());
        if let Some(at) = drop_in.and_then(|path| builder.text_location(&path)) {
            return at.clone();
        }
        let unit = builder.unit_location(KUBELET_UNIT, None);
        location(node, setting.flag, setting.field, source, unit)
    };
    let found = [
        domain(network, &settings, &at),
        servers(network, &settings, &at),
        pods(network, &settings, &at),
        certificate(&settings, &at),
    ];
    found.into_iter().flatten().collect()
}

type Located<'l> = &'l dyn Fn(&Setting) -> FieldLocation;

/// Pods look names up in a domain that the cluster's DNS does not have.
fn domain(network: &ClusterNetwork, settings: &Settings<'_>, at: Located<'_>) -> Option<Finding> {
    let found = settings.get(&CLUSTER_DOMAIN);
    let told = found.text()?;
    let domain = &*network.cluster_domain;
    if told.trim_end_matches('.') == domain.trim_end_matches('.') {
        return None;
    }
    let rule = format!(
        "clusterDomain: pods would look for services below a domain that is not network.clusterDomain, {domain:?}; got {told:?}"
    );
    let finding = at(&CLUSTER_DOMAIN).finding(Id::ClusterDomainDiffers, rule);
    Some(finding.help("remove it: the profile takes it from network.clusterDomain"))
}

/// A server of the service network is a service, and only those of the inventory are known to be the DNS. A cache on each node has an
/// address of no such network, and is as good as any other.
fn servers(network: &ClusterNetwork, settings: &Settings<'_>, at: Located<'_>) -> Option<Finding> {
    let found = settings.get(&CLUSTER_DNS);
    let list = found.value.as_array()?;
    let told = list.iter().filter_map(Json::as_str);
    let told = told.filter_map(|text| text.trim().parse::<IpAddr>().ok());
    let known: Vec<IpAddr> = network.cluster_dns.iter().map(|at| at.value).collect();
    let is_service = |address: &IpAddr| {
        let mut services = network.service_cidrs.iter();
        services.any(|cidr| cidr.value.contains(address))
    };
    let mut told = told.filter(|address| !known.contains(address));
    let (other, rule) = match told.find(|address| is_service(address) || address.is_loopback()) {
        Some(other) if other.is_loopback() => {
            (other, "pods cannot reach a server on the node's loopback")
        }
        Some(other) => (
            other,
            "a service's address must be one of network.clusterDNS",
        ),
        None => return None,
    };
    let rule = format!("clusterDNS: {rule}; got {other}");
    let finding = at(&CLUSTER_DNS).finding(Id::ClusterDnsDiffers, rule);
    Some(finding.help("remove it: the profile takes it from network.clusterDNS"))
}

/// A node with more pods than its part of their network has addresses.
fn pods(network: &ClusterNetwork, settings: &Settings<'_>, at: Located<'_>) -> Option<Finding> {
    let most = settings.get(&MAX_PODS).value.as_i64()?;
    let networks = network.pod_cidrs.iter();
    let prefixes = networks
        .filter(|cidr| cidr.value.addr().is_ipv4())
        .map(|cidr| cidr.value.prefix_len().max(NODE_PREFIX));
    let prefix = prefixes.max()?;
    let addresses = usable(prefix);
    if most <= addresses {
        return None;
    }
    let rule = format!(
        "maxPods: {} need as many addresses, and a node's part of network.podCIDRs, a /{prefix} unless --node-cidr-mask-size \
         says otherwise, has {addresses}",
        counted(most, "pod")
    );
    let finding = at(&MAX_PODS).finding(Id::PodsWithoutAddresses, rule);
    Some(finding.help(format!(
        "run kube-controller-manager with --node-cidr-mask-size={} and accept this finding, or set maxPods to {addresses}",
        fitting(most)
    )))
}

/// How many pods a network of IPv4 can have: all addresses but its first and its last one.
pub fn usable(prefix: u8) -> i64 {
    match prefix {
        0..=30 => (1_i64 << (32 - prefix)) - 2,
        _ => 0,
    }
}

/// The longest prefix with room for so many pods.
pub fn fitting(most: i64) -> u8 {
    let fits = |prefix: &u8| usable(*prefix) >= most;
    (0..=30).rev().find(fits).unwrap_or_default()
}

/// A pair in files is loaded once and served to all who come by an address; what the cluster signs is for those who come by a name
/// (pkg/kubelet/server/server.go, ListenAndServeTLS; Go's crypto/tls, getCertificate).
fn certificate(settings: &Settings<'_>, at: Located<'_>) -> Option<Finding> {
    let file = settings.get(&TLS_CERTIFICATE);
    let file = file.text()?;
    if !settings.get(&SERVER_BOOTSTRAP).is_true() {
        return None;
    }
    let rule = format!(
        "tlsCertFile: the kubelet asks the cluster for a serving certificate too (serverTLSBootstrap), and serves {file} to the API \
         server without ever renewing it"
    );
    let finding = at(&TLS_CERTIFICATE).finding(Id::KubeletServingCertificateFixed, rule);
    Some(
        finding
            .help("set serverTLSBootstrap to false, or remove tlsCertFile and tlsPrivateKeyFile"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_room_for_pods() {
        for (most, prefix) in [
            (110, 25),
            (126, 25),
            (127, 24),
            (254, 24),
            (255, 23),
            (500, 23),
        ] {
            assert_eq!(fitting(most), prefix, "{most}");
        }
        assert_eq!((usable(24), usable(30), usable(32)), (254, 2, 0));
    }
}
