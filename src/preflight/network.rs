//! What a node's interfaces need: addresses and routers around it; and in its image the programs and kernel modules that make
//! them, of a version that can.

use crate::inventory::{NetworkManager, Spec};
use crate::model::output::Format;
use crate::model::{Interface, Link, Network};
use crate::preflight::{NeedKind, Needs};
use crate::tree::NodeTree;

pub(super) fn needs(network: Option<&Network>, spec: &Spec, tree: &NodeTree, needs: &mut Needs) {
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
        cloud_init(network, needs);
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

/// What cloud-init must be to render its network-config. Where it renders for netplan it passes all of it through (since
/// 22.3.1); each of its other renderers came to know things in a release of its own, as its history has them.
fn cloud_init(network: &Network, needs: &mut Needs) {
    for interface in &network.interfaces {
        for (wanted, version, why) in features(interface) {
            if wanted {
                let why = format!("network-config: {why} of {}", interface.name);
                needs.add(NeedKind::System, version, why);
            }
        }
    }
}

/// Whether an interface asks for something, the cloud-init that can do it, and what it is.
fn features(interface: &Interface) -> [(bool, &'static str, &'static str); 11] {
    let routes: Vec<_> = interface.all_routes().collect();
    let default6 = |route: &crate::model::Route| route.is_default() && route.via.is_ipv6();
    let bond = match &interface.link {
        Link::Bond(bond) => Some(bond),
        Link::Port | Link::Vlan { .. } | Link::Bridge(_) => None,
    };
    let metric6 = |route: &crate::model::Route| default6(route) && route.metric.is_some();
    let is_vlan = matches!(interface.link, Link::Vlan { .. });
    [
        (
            bond.is_some() || is_vlan,
            "cloud-init 25.2 or newer, where it renders for systemd-networkd",
            "the bond or VLAN",
        ),
        (
            bond.is_some_and(|bond| bond.lacp_rate.is_some() || bond.hash_policy.is_some()),
            "cloud-init newer than 26.2, where it renders for NetworkManager",
            "bond options",
        ),
        (
            bond.is_some_and(|bond| bond.primary.is_some()),
            "cloud-init that does not render for systemd-networkd",
            "the primary port",
        ),
        (
            is_vlan && interface.mtu.is_some(),
            "cloud-init that does not render for NetworkManager",
            "the MTU",
        ),
        (
            routes.iter().any(default6),
            "cloud-init 23.1 or newer, or one that renders for netplan",
            "the IPv6 default route",
        ),
        (
            routes.len() > 1,
            "cloud-init 23.1 or newer, or one that renders for netplan",
            "the routes",
        ),
        (
            routes.iter().any(|route| route.metric.is_some()),
            "cloud-init 24.4 or newer, or one that renders for netplan",
            "the metrics",
        ),
        // It raises an exception: its section for IPv6 is not there yet (KeyError in _add_route of network_manager.py).
        (
            routes.iter().any(metric6),
            "cloud-init that does not render for NetworkManager",
            "the metric of the IPv6 default route",
        ),
        (
            interface.is_used() && !interface.accepts_ra(),
            "cloud-init 24.2 or newer, where it renders for systemd-networkd",
            "no router advertisements",
        ),
        (
            interface.is_used() && !interface.speaks(false),
            "cloud-init that does not render for NetworkManager",
            "no router advertisements",
        ),
        (
            routes.iter().any(|route| route.on_link),
            "cloud-init that renders for netplan",
            "the gateway that is in none of the networks",
        ),
    ]
}
