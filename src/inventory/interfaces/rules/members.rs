//! Interfaces that belong to a bond or a bridge: they have nothing of their own, and belong to one.

use crate::inventory::interfaces::rules::links::{ETHERNET_MTU, leads_to};
use crate::inventory::interfaces::written::{Seen, View};
use crate::model::{FieldLocation, Interface, Link};
use crate::report::Id;

pub(super) fn check(view: &View<'_>) {
    for seen in &view.list {
        member(seen, view);
        let key = match &seen.interface.link {
            Link::Bond(_) => "bond",
            Link::Bridge(_) => "bridge",
            Link::Port | Link::Vlan { .. } => continue,
        };
        members(seen, key, view);
    }
}

/// What belongs to a bond or bridge has nothing of its own.
fn member(seen: &Seen<'_>, view: &View<'_>) {
    let interface = seen.interface;
    // One that is its own port has another finding.
    let is_master = |other: &&Interface| {
        other.name != interface.name && other.link.members().contains(&interface.name)
    };
    let mut masters = view.network.interfaces.iter().filter(is_master);
    let Some(master) = masters.next() else { return };
    let kind = kind(master);
    if let Some(second) = masters.next() {
        let other = self::kind(second);
        let more = if kind == other { "" } else { " or bridge" };
        let kind = if kind == other { kind } else { "bond" };
        let rule = format!("belongs to more than one {kind}{more}");
        seen.report(Id::InterfaceInvalid, rule);
    } else if interface.is_used() {
        let rule = format!("belongs to a {kind}, which has the addresses");
        seen.report(Id::InterfaceInvalid, rule);
    } else if !interface.nameservers.is_empty() || !interface.search.is_empty() {
        // Gateways, routes and rules of a port are found as what has no address near them.
        let rule = format!("belongs to a {kind}, which has the DNS");
        seen.report(Id::InterfaceInvalid, rule);
    }
}

fn kind(master: &Interface) -> &'static str {
    match master.link {
        Link::Bridge(_) => "bridge",
        _ => "bond",
    }
}

fn members(seen: &Seen<'_>, key: &str, view: &View<'_>) {
    let members = seen.interface.link.members();
    let path = [key, "members"];
    // One that could not be read has its finding.
    let list = seen.at.find(&path);
    if list.is_none_or(|list| list.is_empty_list()) {
        let rule = format!("a {key} has at least one of members");
        seen.report(Id::InterfaceInvalid, rule);
    }
    for (index, member) in members.iter().enumerate() {
        let at = || seen.item(&path, index, members.len());
        match (&seen.interface.link, view.get(member)) {
            (Link::Bond(_), Some(port)) if port.link == Link::Port => {
                mtu_of_bond(seen, port, &at);
            }
            (Link::Bridge(_), Some(port)) if !matches!(port.link, Link::Bridge(_)) => {
                if leads_to(port, &seen.interface.name, view) {
                    let rule = format!(
                        "must not lead back to {}; got {member}",
                        seen.interface.name
                    );
                    let finding = at().finding(Id::InterfaceInvalid, rule);
                    seen.add(finding.help("name the port or bond below all of them"));
                } else {
                    mtu_of_bridge(seen, port, view, &at);
                }
            }
            (link, _) => {
                let what = match link {
                    // The kernel refuses a bridge in a bridge with ELOOP (br_add_if in net/bridge/br_if.c).
                    Link::Bridge(_) => "port, bond or VLAN",
                    _ => "port",
                };
                let rule = format!("must be a {what} of the node's interfaces; got {member}");
                seen.add(at().finding(Id::InterfaceUnknown, rule));
            }
        }
        if members[..index].contains(member) {
            let rule = format!("must name each port once; got {member} again");
            seen.add(at().finding(Id::InterfaceInvalid, rule).help("remove it"));
        }
    }
}

fn mtu_of_bond(seen: &Seen<'_>, port: &Interface, at: &dyn Fn() -> FieldLocation) {
    let mtu = seen.interface.mtu;
    let Some(own) = port.mtu.filter(|_| port.mtu != mtu) else {
        return;
    };
    let bond = mtu.map_or_else(|| "none".to_owned(), |mtu| mtu.to_string());
    let rule = format!(
        "the bond sets the MTU of its ports: {} has {own}, the bond {bond}",
        port.name
    );
    let finding = at().finding(Id::BondPortMtu, rule);
    seen.add(finding.help("set mtu on the bond only"));
}

/// A bridge does not divide packets: what is too large for a port is dropped (br_dev_queue_push_xmit in net/bridge/br_forward.c).
fn mtu_of_bridge(
    seen: &Seen<'_>,
    port: &Interface,
    view: &View<'_>,
    at: &dyn Fn() -> FieldLocation,
) {
    let of_parent = match &port.link {
        Link::Vlan { parent, .. } => view.get(parent).and_then(|parent| parent.mtu),
        _ => None,
    };
    let room = port.mtu.or(of_parent).unwrap_or(ETHERNET_MTU);
    if let Some(mtu) = seen.interface.mtu.filter(|mtu| *mtu > room) {
        let rule = format!(
            "{} has the MTU {room}, and drops the bridge's packets of {mtu}",
            port.name
        );
        let finding = at().finding(Id::BridgePortMtu, rule);
        seen.add(finding.help(format!("set mtu: {mtu} on {} too", port.name)));
    }
}
