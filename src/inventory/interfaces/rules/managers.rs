//! What the network manager of a node cannot do of what its interfaces ask for. It would be left out in silence.

use crate::inventory::interfaces::rules::family;
use crate::inventory::interfaces::written::{Seen, View};
use crate::inventory::{NetworkManager, Spec};
use crate::model::output::Format;
use crate::model::{FieldLocation, Interface, Link};
use crate::report::Id;

/// Who would have to do it.
struct Manager {
    name: &'static str,
    is_network_manager: bool,
    /// Whether its files say whether DHCPv6 waits for a router advertisement.
    starts_dhcp6: bool,
}

pub(super) fn check(view: &View<'_>, spec: &Spec) {
    let by_cloud_init = spec.output.formats.contains(&Format::CloudInit);
    let manager = match spec.os.network {
        NetworkManager::Networkd => Manager {
            name: "systemd-networkd",
            is_network_manager: false,
            starts_dhcp6: true,
        },
        NetworkManager::NetworkManager => Manager {
            name: "NetworkManager",
            is_network_manager: true,
            starts_dhcp6: true,
        },
        NetworkManager::Netplan => Manager {
            name: "netplan",
            is_network_manager: false,
            starts_dhcp6: false,
        },
        NetworkManager::None if by_cloud_init => Manager {
            name: "cloud-init's network-config",
            is_network_manager: false,
            starts_dhcp6: false,
        },
        NetworkManager::None => {
            unread(view);
            return;
        }
    };
    for seen in &view.list {
        if let Link::Bond(_) = &seen.interface.link {
            bond(seen, view, &manager);
        }
        mac(seen, view);
        wake_on_lan(seen, &manager);
        if seen.interface.dhcp6 && !seen.interface.accepts_ra() && !manager.starts_dhcp6 {
            let rule = format!(
                "{} starts DHCPv6 by router advertisements only; got acceptRA: false with it",
                manager.name
            );
            unsupported(seen, seen.location(&["acceptRA"]), rule, "remove acceptRA");
        }
        if manager.is_network_manager {
            resolvers(seen);
        }
    }
}

fn unread(view: &View<'_>) {
    let Some(seen) = view.list.first() else {
        return;
    };
    let rule =
        "os.network is none and there is no cloudInit payload, so nobody reads the interfaces";
    let finding = seen.at.location().finding(Id::InterfacesUnused, rule);
    seen.add(
        finding.help("set os.network to the image's network manager, or remove the interfaces"),
    );
}

fn unsupported(seen: &Seen<'_>, at: FieldLocation, rule: String, help: &str) {
    let finding = at.finding(Id::NetworkSettingUnsupported, rule);
    seen.add(finding.help(help));
}

fn bond(seen: &Seen<'_>, view: &View<'_>, manager: &Manager) {
    let Link::Bond(bond) = &seen.interface.link else {
        return;
    };
    // networkd's table of TransmitHashPolicy= has no such word; netplan passes it on to networkd as it is.
    if bond.hash_policy.as_deref() == Some("vlan+srcmac") && !manager.is_network_manager {
        let at = seen.location(&["bond", "hashPolicy"]);
        let rule = format!("{} has no hashPolicy vlan+srcmac", manager.name);
        unsupported(seen, at, rule, "write another one, like layer2+3");
    }
    let by_mac = |name: &&String| view.get(name).is_some_and(|port| port.mac.is_some());
    if let Some(primary) = bond.primary.as_ref().filter(by_mac)
        && manager.is_network_manager
    {
        let at = seen.location(&["bond", "primary"]);
        let rule = format!(
            "NetworkManager knows the primary port by the kernel's name only, and {primary} is found by its MAC address"
        );
        let finding = at.finding(Id::BondPrimaryByMac, rule);
        seen.add(finding.help("name the port as the kernel does, without mac"));
    }
}

/// A bond or bridge that is known by its MAC address has one that is known.
fn mac(seen: &Seen<'_>, view: &View<'_>) {
    let (id, kind) = match seen.interface.link {
        Link::Bond(_) => (Id::BondMacOpen, "bond"),
        Link::Bridge(_) => (Id::BridgeMacOpen, "bridge"),
        Link::Port | Link::Vlan { .. } => return,
    };
    let has_dhcp = seen.interface.is_dynamic(true) || seen.interface.is_dynamic(false);
    if has_dhcp && view.network.mac_of(seen.interface).is_none() {
        let at = seen.at.location();
        let rule = format!(
            "network managers choose the MAC address of a {kind} differently, and DHCP goes by it"
        );
        let finding = at.finding(id, rule);
        let help = format!("give the first port its mac, which the {kind} has then");
        seen.add(finding.help(help));
    }
}

/// udev's file for a port says it, which finds a port by its MAC address: by name it would take the place of the image's own
/// file, and with it of the port's name.
fn wake_on_lan(seen: &Seen<'_>, manager: &Manager) {
    let Interface {
        wake_on_lan,
        mac,
        link,
        ..
    } = seen.interface;
    if *wake_on_lan && mac.is_none() && *link == Link::Port && !manager.is_network_manager {
        let rule = format!(
            "{} sets wakeOnLan on ports that are found by their MAC address only",
            manager.name
        );
        let at = seen.location(&["wakeOnLan"]);
        unsupported(seen, at, rule, "add the port's mac");
    }
}

/// NetworkManager takes servers only in the family that has addresses (nm-setting-ip-config.c).
fn resolvers(seen: &Seen<'_>) {
    let servers = &seen.interface.nameservers;
    for (index, server) in servers.iter().enumerate() {
        let ipv4 = server.is_ipv4();
        if seen.interface.is_used() && !seen.interface.speaks(ipv4) {
            let kind = family(ipv4);
            let name = &seen.interface.name;
            let rule = format!(
                "NetworkManager takes {kind} servers on interfaces with {kind} addresses only, and {name} has none; got {server}"
            );
            let at = seen.item(&["dns", "servers"], index, servers.len());
            let help = "move it to an interface of that family, or write a server of the other one";
            unsupported(seen, at, rule, help);
        }
    }
}
