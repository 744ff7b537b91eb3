//! Rules that hold between fields: addresses and networks, the API server, tokens.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::inventory::cert_sans::CertSan;
use crate::inventory::identity::{ClientIdentity, KubeconfigAuth, KubeconfigSpec, ServingIdentity};
use crate::inventory::{Cluster, Inventory, Node, Registry, Spec, host_of};
use crate::kubernetes::rules::unusable;
use crate::kubernetes::version::skew;
use crate::model::output::limits::Target;
use crate::model::output::{Format, IgnitionTarget, Secrets};
use crate::model::{Approval, FieldLocation, Location, Spanned};
use crate::report::{Id, Report};
use crate::wording::counted;

/// Every kubelet refuses the same addresses, but for the unspecified one.
const NEWEST: u32 = u32::MAX;

/// Checks the inventory as a whole.
pub fn check(inventory: &Inventory, report: &mut Report) {
    networks(&inventory.cluster, report);
    addresses(inventory, report);
    cert_sans(inventory, report);
    api_server(inventory, report);
    tokens(&inventory.cluster, report);
    approver(&inventory.cluster, report);
    readable_user_data(inventory, report);
    boots_by_mac(inventory, report);
}

fn approver(cluster: &Cluster, report: &mut Report) {
    let approval = &cluster.tokens.approval;
    if approval.value == Approval::Approver
        && cluster.approver.is_none()
        && !report.has_error_at("approver")
    {
        let rule = "the approver needs an image, and nobody else approves requests";
        let finding = approval.location.finding(Id::ApproverMissing, rule);
        report.add(
            finding.help("write approver: {image: NAME@sha256:DIGEST}; `make image` makes one"),
        );
    }
}

fn networks(cluster: &Cluster, report: &mut Report) {
    let network = &cluster.network;
    let all: Vec<&Spanned<IpNet>> = network
        .service_cidrs
        .iter()
        .chain(&network.pod_cidrs)
        .collect();
    for (index, later) in all.iter().enumerate() {
        for earlier in &all[..index] {
            if earlier.value.contains(&later.value) || later.value.contains(&earlier.value) {
                let rule = format!(
                    "{} overlaps {} ({})",
                    later.value, earlier.value, earlier.location.path
                );
                report.add(
                    later
                        .location
                        .finding(Id::NetworksOverlap, rule)
                        .help("give services and pods networks of their own"),
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
        let mut services = network.service_cidrs.iter();
        let within = services.find(|cidr| cidr.value.contains(&dns.value));
        let inside = within.is_some();
        if let Some(of) = within.and_then(|cidr| taken(&cidr.value, dns.value)) {
            let rule = format!(
                "must be the address of a DNS service, and is {of}; got {}",
                dns.value
            );
            let finding = dns.location.finding(Id::DnsAddressTaken, rule);
            report.add(finding.help("write the ClusterIP of the service kube-dns"));
        }
        if !local && !inside && !network.service_cidrs.is_empty() {
            report.add(dns.location.finding(
                Id::DnsOutsideServices,
                format!("{} is in none of the service networks", dns.value),
            ));
        }
    }
}

/// Whose an address of a service network is, where no DNS can have it (pkg/registry/core/service/ipallocator; the API server's
/// service takes the first one, pkg/controlplane).
fn taken(services: &IpNet, address: IpAddr) -> Option<&'static str> {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let offset = bits(address).wrapping_sub(bits(services.network()));
    match offset {
        0 => Some("the network's own address"),
        1 => Some("that of the API server's service"),
        _ if services.broadcast() == address && address.is_ipv4() => {
            Some("the network's broadcast address")
        }
        _ => None,
    }
}

fn addresses(inventory: &Inventory, report: &mut Report) {
    let network = &inventory.cluster.network;
    among_pods(inventory, report);
    for node in inventory.all_nodes() {
        for address in &node.addresses {
            let mut cidrs = network.service_cidrs.iter();
            if let Some(cidr) = cidrs.find(|cidr| cidr.value.contains(&address.value)) {
                let rule = format!(
                    "{} is inside the service network {}",
                    address.value, cidr.value
                );
                report.add(address.location.finding(Id::NodeAddressInCluster, rule));
            }
            let unspecified =
                || format!("must not be the unspecified address; got {}", address.value);
            let rule = unusable(&address.value, NEWEST)
                .or_else(|| address.value.is_unspecified().then(unspecified));
            if let Some(rule) = rule {
                report.add(address.location.finding(Id::NodeAddressUnusable, rule));
            }
        }
    }
}

/// Finds nodes with addresses inside a pod network, once for each network. That is wrong where pods have a network of their
/// own, and right with native routing, which `network.pods: routed` declares.
fn among_pods(inventory: &Inventory, report: &mut Report) {
    let network = &inventory.cluster.network;
    for cidr in network
        .pod_cidrs
        .iter()
        .filter(|_| !network.pods_are_routed)
    {
        let mut inside = inventory.all_nodes().filter(|node| {
            let mut addresses = node.addresses.iter();
            addresses.any(|address| cidr.value.contains(&address.value))
        });
        let Some(first) = inside.next() else { continue };
        let first = &first.name.value;
        let rule = match inside.count() {
            0 => format!(
                "the node {first} has an address inside the pod network {}",
                cidr.value
            ),
            more => format!(
                "{}, like {first}, have addresses inside the pod network {}",
                counted(more + 1, "node"),
                cidr.value
            ),
        };
        report.add(cidr.location.finding(Id::NodeAddressInPods, rule).help(
            "give pods a network of their own; where pods have addresses of the machines' network (native routing), set network.pods to routed",
        ));
    }
}

/// Finds items of certSANs that belong to another node: with them in its certificate, a node could pass for the other.
fn cert_sans(inventory: &Inventory, report: &mut Report) {
    if inventory.all_nodes().all(|node| node.cert_sans.is_empty()) {
        return;
    }
    let mut owners: HashMap<CertSan, &str> = HashMap::new();
    for node in inventory.all_nodes() {
        let name = node.name.value.as_str();
        owners.insert(CertSan::Name(name.to_owned()), name);
        let addresses = node.addresses.iter().map(|address| address.value);
        owners.extend(addresses.map(|address| (CertSan::Address(address), name)));
    }
    for node in inventory.all_nodes() {
        for san in &node.cert_sans {
            let other = owners.get(&san.value);
            if let Some(other) = other.filter(|other| **other != node.name.value) {
                let rule =
                    format!("must not be another node's name or address; this is of {other}");
                let finding = san.location.finding(Id::CertSanForeign, rule);
                report.add(finding.help("remove it: with it this node could pass for the other"));
            }
        }
    }
}

fn api_server(inventory: &Inventory, report: &mut Report) {
    let api = &inventory.cluster.api_server;
    let host = api.host();
    let loopback = host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback());
    let overlays = inventory.specs.iter().flat_map(|spec| &spec.overlays);
    // With the proxy that is built in it is an error, said elsewhere.
    let own_proxy = !overlays
        .into_iter()
        .any(|used| used.name.value == "api-proxy");
    if loopback && own_proxy && api.endpoints.is_empty() {
        let warning = api.url.location.finding(
            Id::ApiServerUrlLocal,
            format!(
                "{} is each node itself, and no proxy is declared there",
                api.url.value
            ),
        );
        report.add(warning.help(
            "list the servers in apiServer.endpoints, and use the overlay api-proxy or run a proxy of yours",
        ));
    }
    // Pods may share the machines' network; services never do.
    let services = &inventory.cluster.network.service_cidrs;
    let at_url = std::iter::once((host.as_str(), &api.url.location));
    let at_endpoints = api
        .endpoints
        .iter()
        .map(|at| (host_of(&at.value), &at.location));
    for (host, location) in at_url.chain(at_endpoints) {
        let Ok(address) = host.parse::<IpAddr>() else {
            continue;
        };
        if let Some(cidr) = services.iter().find(|cidr| cidr.value.contains(&address)) {
            let rule = format!(
                "must not be in the service network {}, which a node reaches only after it has joined; got {address}",
                cidr.value
            );
            let finding = location.finding(Id::ApiServerUrlInCluster, rule);
            let repair = "write the address of a control-plane node or of its load balancer";
            report.add(finding.help(repair));
        }
    }
    // Where nothing is said the API server is as new as the newest kubelet: it may be no older.
    let versions = inventory.specs.iter().map(|spec| &spec.kubernetes.value);
    let Some(server) = api.version.as_ref().map(|at| &at.value).or(versions.max()) else {
        return;
    };
    for spec in &inventory.specs {
        if let Some((rule, repair)) = skew(&spec.kubernetes.value, server) {
            report.add(
                spec.kubernetes
                    .location
                    .finding(Id::VersionSkew, rule)
                    .help(repair),
            );
        }
    }
}

fn tokens(cluster: &Cluster, report: &mut Report) {
    let tokens = &cluster.tokens;
    let is_broken = ["tokens.ttl", "tokens.bootWithin"]
        .iter()
        .any(|field| report.has_error_at(field));
    if tokens.boot_within > tokens.ttl.value && !is_broken {
        let rule = "tokens end before the nodes' time to boot is over";
        report.add(
            tokens
                .ttl
                .location
                .finding(Id::TokenTtlShort, rule)
                .help("make tokens.ttl longer than tokens.bootWithin"),
        );
    }
    if !tokens.node_group.value.contains("{node}") {
        let rule = "must hold {node}, or all nodes would share one group";
        report.add(
            tokens
                .node_group
                .location
                .finding(Id::BootstrapGroupInvalid, rule),
        );
    }
}

/// A metadata service gives the user-data to every pod of the node: the token in it, which is enough where approval is
/// automatic, and secrets that do not end by themselves.
fn readable_user_data(inventory: &Inventory, report: &mut Report) {
    let approval = &inventory.cluster.tokens.approval;
    for spec in &inventory.specs {
        for (format, target, field) in user_data_targets(spec) {
            if !(spec.output.formats.contains(&format) && target.is_open_on_the_node()) {
                continue;
            }
            let settings = spec.merged.get("output");
            let settings = settings.and_then(|at| at.get(format.name()));
            let location =
                settings.map_or_else(|| approval.location.at.clone(), |at| at.location.clone());
            let location = FieldLocation::new(location, field);
            let name = target.name();
            // What is sealed to a machine is of no use to a pod.
            if spec.output.secrets == Secrets::Sealed {
                continue;
            }
            if approval.value == Approval::Auto
                && spec.identity.client.value == ClientIdentity::BootstrapToken
            {
                let rule = format!(
                    "every pod of a node can read its user-data on {name}, and with tokens.approval auto become any node"
                );
                let repair = "set tokens.approval to review, or give the nodes certificates";
                report.add(location.finding(Id::MetadataReadable, rule).help(repair));
            }
            if !spec.output.secrets.apart(format) && has_lasting_secrets(spec) {
                let rule = format!(
                    "every pod of a node can read its user-data on {name}, and private keys and secret files are in it"
                );
                let repair =
                    "set output.secrets to separate, and bring the secret payload another way";
                report.add(location.finding(Id::MetadataReadable, rule).help(repair));
            }
        }
    }
}

/// A machine that boots over the network is known by its MAC addresses. Members of a range share a location, and are said once.
fn boots_by_mac(inventory: &Inventory, report: &mut Report) {
    let mut without: BTreeMap<&Location, (&Node, usize)> = BTreeMap::new();
    for (node, spec) in inventory.nodes.iter().zip(&inventory.spec_of) {
        let spec = spec.and_then(|index| inventory.specs.get(index));
        if node.macs.is_empty() && spec.is_some_and(|spec| spec.output.pxe.is_some()) {
            without.entry(&node.name.location.at).or_insert((node, 0)).1 += 1;
        }
    }
    for (node, count) in without.into_values() {
        let name = &node.name;
        let rule = match count {
            1 => format!(
                "{} boots over the network (output.pxe) and has no MAC address",
                name.value
            ),
            _ => format!(
                "{}, like {}, boot over the network (output.pxe) and have no MAC address",
                counted(count, "node"),
                name.value
            ),
        };
        let repair = "list them in macs, or set output.pxe to null for the node";
        report.add(name.location.finding(Id::MacMissing, rule).help(repair));
    }
}

/// The platforms that a node's user-data goes to, and the fields that say so.
fn user_data_targets(spec: &Spec) -> Vec<(Format, Target, &'static str)> {
    let cloud_init = spec.output.cloud_init.target;
    let mut targets = vec![(Format::CloudInit, cloud_init, "output.cloudInit.target")];
    if let Some(IgnitionTarget::Platform(platform)) = spec.output.ignition.target {
        targets.push((Format::Ignition, platform, "output.ignition.target"));
    }
    targets
}

/// Whether a payload holds more secrets than a bootstrap token, which ends soon.
fn has_lasting_secrets(spec: &Spec) -> bool {
    let with_key = |config: &KubeconfigSpec| matches!(config.auth, KubeconfigAuth::Certificate(_));
    let serving = spec.identity.serving.as_ref();
    spec.identity.client.value == ClientIdentity::ClientCertificate
        || serving.is_some_and(|serving| serving.value == ServingIdentity::PreIssued)
        || spec.files.iter().any(|file| file.secret)
        || spec.kubeconfigs.iter().any(with_key)
        || spec.registries.iter().any(Registry::has_secrets)
}
