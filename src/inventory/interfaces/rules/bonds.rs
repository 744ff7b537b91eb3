//! Bonds as the kernel's driver has them (Documentation/networking/bonding.rst, drivers/net/bonding/bond_options.c).

use crate::inventory::interfaces::rules::arp;
use crate::inventory::interfaces::written::{Seen, View};
use crate::model::{Bond, Link};
use crate::report::Id;
use crate::wording::counted;

/// Modes that have one active port, which `primary` chooses (bond_options.c: BOND_OPT_PRIMARY).
const WITH_PRIMARY: [&str; 3] = ["active-backup", "balance-tlb", "balance-alb"];
/// Modes that choose a frame's port by a hash (bonding.rst, xmit_hash_policy).
const WITH_HASH: [&str; 3] = ["balance-xor", "802.3ad", "balance-tlb"];

pub(super) fn check(view: &View<'_>) {
    for seen in &view.list {
        if let Link::Bond(bond) = &seen.interface.link {
            options(seen, bond);
            arp::check(seen, bond, view);
            primary(seen, bond);
        }
    }
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
    let miimon = bond.miimon();
    if i32::try_from(miimon).is_err() {
        let at = seen.location(&["bond", "miimon"]);
        let rule = format!(
            "must be from 0 to {}; got {miimon}",
            counted(i32::MAX, "millisecond")
        );
        seen.add(at.finding(Id::ValueOutOfRange, rule));
    }
    if miimon == 0 && bond.arp_interval.is_none() {
        let at = seen.location(&["bond", "miimon"]);
        let rule = "with 0 the bond never sees that a port has lost its link";
        let finding = at.finding(Id::BondUnwatched, rule);
        seen.add(finding.help("write miimon: 100"));
    }
}

fn primary(seen: &Seen<'_>, bond: &Bond) {
    let Some(primary) = &bond.primary else { return };
    let at = seen.location(&["bond", "primary"]);
    if !WITH_PRIMARY.contains(&bond.mode.as_str()) {
        let rule = format!(
            "primary is for {} only; the mode is {}",
            WITH_PRIMARY.join(", "),
            bond.mode
        );
        seen.add(at.finding(Id::InterfaceInvalid, rule).help("remove it"));
    } else if !bond.members.contains(primary) {
        let rule = format!("primary must be one of the members; got {primary}");
        seen.add(at.finding(Id::InterfaceInvalid, rule));
    }
}
