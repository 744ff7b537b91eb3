//! What carries an interface: VLANs and their parents, packets' sizes, interfaces without a use.

use std::collections::{HashMap, HashSet};

use crate::inventory::interfaces::written::{Seen, View};
use crate::model::{Interface, Link};
use crate::report::Id;

/// The MTU of Ethernet where nobody sets another one.
pub(super) const ETHERNET_MTU: u16 = 1500;
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
        if seen.interface.wake_on_lan && seen.interface.link != Link::Port {
            let at = seen.location(&["wakeOnLan"]);
            let rule = "only a port wakes the machine";
            let finding = at.finding(Id::InterfaceInvalid, rule);
            seen.add(finding.help("write it at the port below"));
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
    // What it was meant to have may be what is wrong with it.
    if !interface.is_used() && !view.network.only_carries(interface) && !seen.is_broken {
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
    if leads_to(parent, &seen.interface.name, view) {
        let rule = format!("must not lead back to {}; got {name}", seen.interface.name);
        let finding = at().finding(Id::InterfaceInvalid, rule);
        seen.add(finding.help("name the port or bond below all of them"));
        return;
    }
    let master = view.network.master_of(name);
    // A bridge leaves the frames of a VLAN to it.
    let is_bond = |master: &&Interface| matches!(master.link, Link::Bond(_));
    if let Some(Interface { name: bond, .. }) = master.filter(is_bond) {
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

/// Whether an interface is another one, or is carried by it.
pub(super) fn leads_to(of: &Interface, target: &str, view: &View<'_>) -> bool {
    let mut passed: HashSet<&str> = HashSet::new();
    let mut open = vec![of.name.as_str()];
    while let Some(name) = open.pop() {
        if name == target {
            return true;
        }
        if passed.insert(name)
            && let Some(interface) = view.network.get(name)
        {
            open.extend(interface.link.below().iter().map(String::as_str));
        }
    }
    false
}
