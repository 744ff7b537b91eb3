//! What a node's interfaces need: addresses and routers around it; and in its image the programs and kernel modules that make
//! them, of a version that can.

use std::collections::BTreeMap;

use crate::host_files::netplan;
use crate::inventory::{NetworkManager, Spec};
use crate::model::output::Format;
use crate::model::{ImageCloudInit, Interface, Link, Network};
use crate::preflight::{NeedKind, Needs};
use crate::render::containerd_files::text_of;
use crate::tree::NodeTree;
use crate::tree::network::cloud_init::features;

pub(super) fn needs(network: Option<&Network>, spec: &Spec, tree: &NodeTree, needs: &mut Needs) {
    open_vswitch(tree, needs);
    let Some(network) = network else {
        let why = "the inventory has no interfaces";
        needs.add(NeedKind::Network, "addresses, by the image or by DHCP", why);
        return;
    };
    for interface in &network.interfaces {
        around(interface, needs);
        let module = match interface.link {
            Link::Port => continue,
            Link::Bond(_) => "the kernel module bonding",
            Link::Vlan { .. } => "the kernel module 8021q",
            Link::Bridge(_) => "the kernel module bridge",
        };
        needs.add(NeedKind::System, module, of(interface));
    }
    resolver(network, spec, tree, needs);
    if spec.output.formats.contains(&Format::CloudInit) {
        let image = spec.os.cloud_init.as_ref().and_then(|at| at.value);
        cloud_init(network, image.unwrap_or_default(), needs);
    }
}

/// What netplan asks for before it writes anything, where a file of the user's own has an interface of Open vSwitch (netplan,
/// src/validation.c, `validate_netdef_grammar`).
fn open_vswitch(tree: &NodeTree, needs: &mut Needs) {
    const TOOL: &str = "/usr/bin/ovs-vsctl";
    let mut files: BTreeMap<&str, (usize, Vec<u8>)> = BTreeMap::new();
    for (path, entry) in tree.entries() {
        let Some((name, text)) = netplan::name(path.as_str()).zip(text_of(&entry.kind)) else {
            continue;
        };
        let rank = netplan::rank(path.as_str());
        if files.get(name).is_none_or(|(known, _)| *known > rank) {
            files.insert(name, (rank, text.into_bytes()));
        }
    }
    let texts: Vec<Vec<u8>> = files.into_values().map(|(_, text)| text).collect();
    if netplan::uses_open_vswitch(&texts)
        && let Some(missing) = tree.missing(TOOL)
    {
        let why = "netplan makes no interface without it where one is of Open vSwitch (the package openvswitch-switch)";
        needs.add(NeedKind::System, missing, why);
    }
}

fn of(interface: &Interface) -> String {
    format!("interface {}", interface.name)
}

fn around(interface: &Interface, needs: &mut Needs) {
    if interface.dhcp4 || interface.dhcp6 {
        needs.add(NeedKind::Network, "DHCP", of(interface));
    }
    if interface.accepts_ra() {
        needs.add(NeedKind::Network, "router advertisements", of(interface));
    }
    for route in interface.all_routes() {
        needs.add(NeedKind::Gateway, route.via.to_string(), of(interface));
    }
    for server in &interface.nameservers {
        needs.add(NeedKind::Resolver, server.to_string(), of(interface));
    }
}

/// systemd-networkd hands its DNS servers to systemd-resolved and writes no file (systemd.network(5), `DNS=`). Without that
/// one nobody asks them.
fn resolver(network: &Network, spec: &Spec, tree: &NodeTree, needs: &mut Needs) {
    let by_networkd = matches!(
        spec.os.network,
        NetworkManager::Networkd | NetworkManager::Netplan
    );
    let has_servers = |interface: &Interface| {
        let dynamic = interface.is_dynamic(true) || interface.is_dynamic(false);
        dynamic || !interface.nameservers.is_empty()
    };
    let is_ours = |path: &crate::model::NodePath| path.as_str() == RESOLV_CONF;
    if !by_networkd
        || !network.interfaces.iter().any(has_servers)
        || tree.entries().keys().any(is_ours)
    {
        return;
    }
    needs.add(
        NeedKind::System,
        "systemd-resolved.service, enabled",
        "systemd-networkd hands it the DNS servers of the interfaces and writes no resolv.conf itself",
    );
    let link = format!("{RESOLV_CONF}, a link to {STUB}");
    needs.add(
        NeedKind::System,
        link,
        "programs find systemd-resolved by it",
    );
}

const RESOLV_CONF: &str = "/etc/resolv.conf";
const STUB: &str = "/run/systemd/resolve/stub-resolv.conf";

/// The cloud-init that writes all of its network-config, where that may not be the image's. What the image's leaves out for sure
/// is a finding.
fn cloud_init(network: &Network, image: ImageCloudInit, needs: &mut Needs) {
    for interface in &network.interfaces {
        for feature in features(interface, network) {
            if let Some(need) = feature.need(image) {
                let why = format!("network-config: {} of {}", feature.what, interface.name);
                needs.add(NeedKind::System, need, why);
            }
        }
    }
}
