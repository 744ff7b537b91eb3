//! What interfaces ask cloud-init for, and since when each renderer writes it. The releases are those of its history
//! (canonical/cloud-init); what the renderers of 20.4, 22.4, 25.1 and 26.2 make of our documents is tried in the tests.

use super::feature::Since::{self, Ever, From, Never};
use super::feature::{Feature, THERE, WHOLE};
use crate::model::{FIRST_DYNAMIC_METRIC, Interface, Link, Network, Route};

/// What an interface asks for, beyond what every renderer always wrote.
pub fn features(interface: &Interface, network: &Network) -> Vec<Feature> {
    let grave = |what, since| (what, true, since);
    let mild = |what, since| (what, false, since);
    let routes: Vec<Route> = interface.all_routes().collect();
    let any = |wanted: &dyn Fn(&Route) -> bool| routes.iter().any(wanted);
    let is_port = interface.link == Link::Port;
    // All of its routes are added with its first address, which is one of IPv4.
    let is_dual = interface.speaks(true);
    let speaks = interface.is_used();
    let mut all = vec![(true, grave(WHOLE, THERE))];
    all.extend(links(interface, network).map(|(wanted, what, since)| (wanted, grave(what, since))));
    all.extend([
        (
            any(&|route| route.is_default() && route.via.is_ipv6()),
            grave(
                "the IPv6 default route",
                [
                    Ever,
                    From(23, 1),
                    From(24, 1),
                    From(23, 1),
                    if is_dual { From(25, 2) } else { From(23, 1) },
                ],
            ),
        ),
        // Before, they were routes of IPv4, or added before the interface had IPv6.
        (
            any(&|route| !route.is_default() && route.via.is_ipv6()),
            grave(
                "IPv6 routes",
                [
                    Ever,
                    Ever,
                    From(24, 1),
                    From(22, 2),
                    if is_dual { From(25, 2) } else { Ever },
                ],
            ),
        ),
        (
            routes.len() > 1,
            grave("several routes", [Ever, From(23, 1), Ever, Ever, Ever]),
        ),
        (
            any(&|route| route.metric.is_some()),
            grave(
                "metrics of routes",
                [Ever, From(23, 1), From(24, 4), From(23, 3), From(23, 3)],
            ),
        ),
        // It raises an exception: its section for IPv6 is not there yet (KeyError in _add_route of network_manager.py).
        (
            any(&|route| route.is_default() && route.via.is_ipv6() && route.metric.is_some()),
            grave(
                "the metric of the IPv6 default route",
                [Ever, Ever, Never, Ever, Ever],
            ),
        ),
        (
            any(&|route| route.on_link),
            grave(
                "a gateway that is in none of the networks",
                [Ever, Never, Ever, Never, Never],
            ),
        ),
        (
            any(&|route| route.table.is_some()),
            grave("routing tables", [Ever, From(25, 3), Never, Never, Never]),
        ),
        (
            !interface.rules.is_empty(),
            grave("routing rules", [Ever, From(25, 3), Never, Never, Never]),
        ),
        (
            speaks && !interface.accepts_ra() && is_port,
            grave(
                "that router advertisements are not obeyed",
                [
                    Ever,
                    From(24, 2),
                    // A family without addresses is left to NetworkManager, which obeys them.
                    if interface.speaks(false) { Ever } else { Never },
                    Ever,
                    if interface.dhcp4 || !interface.speaks(true) {
                        Ever
                    } else {
                        Never
                    },
                ],
            ),
        ),
        (
            speaks && !interface.accepts_ra() && !is_port,
            grave(
                "that router advertisements are not obeyed",
                [
                    Ever,
                    Never,
                    if interface.speaks(false) { Ever } else { Never },
                    Ever,
                    Never,
                ],
            ),
        ),
        // Without addresses and DHCP it writes no section, or no interface that comes up by itself.
        (
            interface.addresses.is_empty()
                && !interface.dhcp4
                && !interface.dhcp6
                && interface.accepts_ra(),
            grave(
                "router advertisements alone",
                [Ever, Ever, Never, Never, Never],
            ),
        ),
        (
            network.dynamic_metric(interface) != FIRST_DYNAMIC_METRIC
                && (interface.dhcp4 || interface.dhcp6),
            mild(
                "the metric of routes by DHCP",
                [Ever, From(22, 4), From(26, 2), Ever, Ever],
            ),
        ),
        // Those have the MAC address by default.
        (
            interface.dhcp4,
            mild(
                "the MAC address as the DHCP client's id",
                [Ever, Never, Ever, Ever, Ever],
            ),
        ),
        (
            interface.optional && speaks,
            mild(
                "that the boot does not wait for it",
                [
                    Ever,
                    if is_port { From(24, 4) } else { Never },
                    Never,
                    Never,
                    Never,
                ],
            ),
        ),
        (
            interface.wake_on_lan,
            mild("wakeOnLan", [Ever, Never, Ever, Ever, Ever]),
        ),
    ]);
    let wanted = all.into_iter().filter(|(wanted, _)| *wanted);
    wanted
        .map(|(_, (what, is_grave, since))| Feature {
            what,
            is_grave,
            since,
        })
        .collect()
}

/// The same of what carries it.
fn links<'a>(
    interface: &'a Interface,
    network: &'a Network,
) -> impl Iterator<Item = (bool, &'static str, [Since; 5])> {
    let bond = match &interface.link {
        Link::Bond(bond) => Some(bond),
        _ => None,
    };
    let bridge = match &interface.link {
        Link::Bridge(bridge) => Some(bridge),
        _ => None,
    };
    let vlan = match &interface.link {
        Link::Vlan { id, .. } => Some(*id),
        _ => None,
    };
    let name = interface.name.as_str();
    // The network scripts take a VLAN's id from its name (ifup of initscripts).
    let says_id = |id: u16| {
        let after = name.rsplit_once('.').map(|(_, after)| after);
        after.or(name.strip_prefix("vlan")) == Some(id.to_string().as_str())
    };
    let has_own = bond.is_some() || bridge.is_some();
    let watched = bond.is_some_and(|bond| bond.arp_interval.is_none() && bond.miimon() != 100);
    let options = bond.is_some_and(|bond| bond.lacp_rate.is_some() || bond.hash_policy.is_some());
    let is_trunk = network.only_carries(interface) && network.master_of(name).is_none();
    let master = network.master_of(name).map(|master| &master.link);
    [
        (
            bond.is_some() || vlan.is_some(),
            "the bond or VLAN",
            [Ever, From(25, 2), Ever, Ever, Ever],
        ),
        (
            bridge.is_some(),
            "the bridge",
            [Ever, From(25, 3), Ever, Ever, Ever],
        ),
        (
            vlan.is_some_and(|id| !says_id(id)),
            "a VLAN whose name does not end in its id",
            [Ever, Ever, Ever, Never, Ever],
        ),
        // Only an interface with addresses comes up by itself.
        (
            vlan.is_some() && matches!(master, Some(Link::Bridge(_))),
            "a VLAN as the port of a bridge",
            [Ever, Ever, Ever, Ever, Never],
        ),
        (
            bond.is_some_and(|bond| bond.arp_interval.is_some()),
            "a bond that asks by ARP",
            // It ends with an exception over the key, for the whole network (KeyError in network_state.py).
            [From(22, 3), Never, Never, Never, Never],
        ),
        (
            options,
            "lacpRate and hashPolicy of the bond",
            [Ever, Ever, Never, Ever, Ever],
        ),
        (
            watched,
            "the bond's miimon",
            [Ever, Ever, From(24, 3), Ever, Ever],
        ),
        (
            bond.is_some_and(|bond| bond.primary.is_some()),
            "the bond's primary port",
            [Ever, Never, Ever, Ever, Ever],
        ),
        (
            bridge.is_some_and(|bridge| bridge.stp && bridge.forward_delay.is_some()),
            "the bridge's forwardDelay",
            [Ever, Ever, Never, Never, Ever],
        ),
        // The others leave it to the kernel, which takes the first port's.
        (
            has_own && network.mac_of(interface).is_some(),
            "the MAC address of the bond or bridge",
            [Ever, From(25, 3), Ever, Ever, Ever],
        ),
        (
            interface.mtu.is_some() && (vlan.is_some() || bridge.is_some()),
            "the MTU",
            [Ever, Ever, Never, Ever, Ever],
        ),
        (
            interface.mtu.is_some() && bond.is_some(),
            "the MTU",
            [Ever, Ever, From(24, 3), Ever, Ever],
        ),
        // A profile without a family gets all of it from the network.
        (
            is_trunk && bond.is_none(),
            "that an interface which only carries others has no addresses",
            [Ever, Ever, Never, Ever, Ever],
        ),
    ]
    .into_iter()
}
