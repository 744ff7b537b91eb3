//! What carries an interface: VLANs and their parents, packets' sizes, interfaces without a use.

use std::collections::{HashMap, HashSet};

use crate::inventory::interfaces::written::{Seen, View};
use crate::model::{Interface, Link};
use crate::report::Id;

/// The MTU of Ethernet where nobody sets another one.
const ETHERNET_MTU: u16 = 1500;
/// The smallest MTU of IPv6 (RFC 8200, section 5): the kernel takes IPv6 away from an interface with a smaller one.
const SMALLEST_IPV6_MTU: u16 = 1280;

pub(super) fn check(view: &View<'_>) {
    let mut vlans: HashMap<(&str, u16), &str> = HashMap::new();
    for seen in &view.list {
        if seen.interface.link != Link::Port && seen.interface.mac.is_some() {
            let at = seen.location(&["mac"]);
            let rule = "only a port is found by its MAC address";
            seen.add(at.finding(Id::InterfaceInvalid, rule).help("remove mac"));
        }
        used(seen, view);
        mtu(seen);
        if let Link::Vlan { id, parent } = &seen.interface.link {
            vlan(seen, (*id, parent), view);
            if let Some(other) = vlans.insert((parent, *id), &seen.interface.name) {
                let at = seen.location(&["vlan", "id"]);
                let rule = format!("the VLAN {id} of {parent} is {other} already");
                let help = "give each VLAN of an interface an id of its own";
                seen.add(at.finding(Id::VlanRepeated, rule).help(help));
            }
        }
    }
}

/// An interface has addresses, or carries something that has.
fn used(seen: &Seen<'_>, view: &View<'_>) {
    let interface = seen.interface;
    if view.network.bond_of(&interface.name).is_some() {
        return;
    }
    // What it was meant to have may be what is wrong with it.
    let carries = view.network.vlans_in(&interface.name).next().is_some();
    if !interface.is_used() && !carries && !seen.is_broken {
        seen.report(Id::InterfaceInvalid, "has neither addresses nor dhcp");
    }
}

fn mtu(seen: &Seen<'_>) {
    let Some(mtu) = seen.interface.mtu else {
        return;
    };
    if mtu < SMALLEST_IPV6_MTU && seen.interface.speaks(false) {
        let rule =
            format!("must be at least {SMALLEST_IPV6_MTU} on an interface with IPv6; got {mtu}");
        let finding = seen.location(&["mtu"]).finding(Id::MtuInvalid, rule);
        seen.add(finding.help("raise it, or take IPv6 from the interface"));
    }
}

fn vlan(seen: &Seen<'_>, (id, name): (u16, &str), view: &View<'_>) {
    let at = || seen.location(&["vlan", "link"]);
    let Some(parent) = view.get(name) else {
        let rule = format!("must be one of the node's interfaces; got {name}");
        seen.add(at().finding(Id::InterfaceUnknown, rule));
        return;
    };
    if is_circle(seen.interface, view) {
        let rule = format!("must not lead back to {}; got {name}", seen.interface.name);
        let finding = at().finding(Id::InterfaceInvalid, rule);
        seen.add(finding.help("name the port or bond below all of them"));
        return;
    }
    if let Some((bond, _)) = view.network.bond_of(name) {
        let rule = format!("must not be a port of a bond; got {name}, which belongs to {bond}");
        let finding = at().finding(Id::InterfaceInvalid, rule);
        seen.add(finding.help(format!("write {bond}")));
    }
    // The kernel refuses it with ERANGE (vlan_dev_change_mtu in net/8021q/vlan_dev.c).
    let room = parent.mtu.unwrap_or(ETHERNET_MTU);
    if let Some(mtu) = seen.interface.mtu.filter(|mtu| *mtu > room) {
        let whose = match parent.mtu {
            Some(_) => format!("the MTU {room} of {name}"),
            None => format!("the MTU {room} that {name} has where none is set"),
        };
        let rule = format!("must not be above {whose}; got {mtu}");
        let finding = seen
            .location(&["mtu"])
            .finding(Id::VlanMtuAboveParent, rule);
        seen.add(finding.help(format!(
            "set mtu: {mtu} on {name}, or lower that of VLAN {id}"
        )));
    }
}

/// Whether a VLAN is inside itself.
fn is_circle(of: &Interface, view: &View<'_>) -> bool {
    let mut passed: HashSet<&str> = HashSet::new();
    let mut link = &of.link;
    while let Link::Vlan { parent, .. } = link {
        if parent == &of.name {
            return true;
        }
        let Some(next) = view.get(parent).filter(|_| passed.insert(parent)) else {
            return false;
        };
        link = &next.link;
    }
    false
}
