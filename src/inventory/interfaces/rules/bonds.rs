//! Bonds as the kernel's driver has them (Documentation/networking/bonding.rst, drivers/net/bonding/bond_options.c).

use crate::inventory::interfaces::written::{Seen, View};
use crate::model::{Bond, Interface, Link};
use crate::report::Id;

/// Modes that have one active port, which `primary` chooses (bond_options.c: BOND_OPT_PRIMARY).
const WITH_PRIMARY: [&str; 3] = ["active-backup", "balance-tlb", "balance-alb"];
/// Modes that choose a frame's port by a hash (bonding.rst, xmit_hash_policy).
const WITH_HASH: [&str; 3] = ["balance-xor", "802.3ad", "balance-tlb"];

pub(super) fn check(view: &View<'_>) {
    for seen in &view.list {
        if seen.interface.link == Link::Port {
            port(seen, view);
        }
        if let Link::Bond(bond) = &seen.interface.link {
            options(seen, bond);
            members(seen, bond, view);
        }
    }
}

/// What belongs to a bond has nothing of its own.
fn port(seen: &Seen<'_>, view: &View<'_>) {
    let interface = seen.interface;
    let is_member = |other: &&Interface| matches!(&other.link, Link::Bond(bond) if bond.members.contains(&interface.name));
    let bonds = view.network.interfaces.iter().filter(is_member).count();
    if bonds > 1 {
        seen.report(Id::InterfaceInvalid, "belongs to more than one bond");
    } else if bonds == 1 && interface.is_used() {
        seen.report(
            Id::InterfaceInvalid,
            "belongs to a bond, which has the addresses",
        );
    } else if bonds == 1 && has_dns(interface) {
        seen.report(Id::InterfaceInvalid, "belongs to a bond, which has the DNS");
    }
}

/// Gateways and routes of a port are found as what has no address near them.
fn has_dns(interface: &Interface) -> bool {
    !interface.nameservers.is_empty() || !interface.search.is_empty()
}

fn options(seen: &Seen<'_>, bond: &Bond) {
    let mode = bond.mode.as_str();
    if bond.lacp_rate.is_some() && mode != "802.3ad" {
        let at = seen.location(&["bond"]);
        seen.add(at.finding(Id::InterfaceInvalid, "lacpRate is for mode 802.3ad only"));
    }
    if bond.hash_policy.is_some() && !WITH_HASH.contains(&mode) {
        let at = seen.location(&["bond", "hashPolicy"]);
        let rule = format!(
            "has an effect in {} only; the mode is {mode}",
            WITH_HASH.join(", ")
        );
        let finding = at.finding(Id::BondOptionUnused, rule);
        seen.add(finding.help("remove it, or set another mode"));
    }
    if i32::try_from(bond.miimon).is_err() {
        let at = seen.location(&["bond", "miimon"]);
        let rule = format!(
            "must be from 0 to {} milliseconds; got {}",
            i32::MAX,
            bond.miimon
        );
        seen.add(at.finding(Id::ValueOutOfRange, rule));
    }
    if bond.miimon == 0 {
        let at = seen.location(&["bond", "miimon"]);
        let rule = "with 0 the bond never sees that a port has lost its link";
        let finding = at.finding(Id::BondUnwatched, rule);
        seen.add(finding.help("write miimon: 100"));
    }
}

fn members(seen: &Seen<'_>, bond: &Bond, view: &View<'_>) {
    let members = &bond.members;
    let path = ["bond", "members"];
    // One that could not be read has its finding.
    let list = seen.at.find(&path);
    if list.is_none_or(|list| list.is_empty_list()) {
        seen.report(Id::InterfaceInvalid, "a bond has at least one of members");
    }
    for (index, member) in members.iter().enumerate() {
        let at = || seen.item(&path, index, members.len());
        match view.get(member) {
            Some(port) if port.link == Link::Port => {
                let mtu = seen.interface.mtu;
                if let (Some(own), true) = (port.mtu, port.mtu != mtu) {
                    let bond_mtu = mtu.map_or_else(|| "none".to_owned(), |mtu| mtu.to_string());
                    let rule = format!(
                        "the bond sets the MTU of its ports: {member} has {own}, the bond {bond_mtu}"
                    );
                    let finding = at().finding(Id::BondPortMtu, rule);
                    seen.add(finding.help("set mtu on the bond only"));
                }
            }
            _ => {
                let rule = format!("must be a port of the node's interfaces; got {member}");
                seen.add(at().finding(Id::InterfaceUnknown, rule));
            }
        }
        if members[..index].contains(member) {
            let rule = format!("must name each port once; got {member} again");
            seen.add(at().finding(Id::InterfaceInvalid, rule).help("remove it"));
        }
    }
    let Some(primary) = &bond.primary else { return };
    let at = seen.location(&["bond", "primary"]);
    if !WITH_PRIMARY.contains(&bond.mode.as_str()) {
        let rule = format!(
            "primary is for {} only; the mode is {}",
            WITH_PRIMARY.join(", "),
            bond.mode
        );
        seen.add(at.finding(Id::InterfaceInvalid, rule).help("remove it"));
    } else if !members.contains(primary) {
        let rule = format!("primary must be one of the members; got {primary}");
        seen.add(at.finding(Id::InterfaceInvalid, rule));
    }
}
