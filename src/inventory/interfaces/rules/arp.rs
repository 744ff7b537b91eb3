//! Bonds that watch their ports by ARP (bonding.rst; drivers/net/bonding/bond_options.c and bond_main.c).

use std::net::IpAddr;

use crate::inventory::interfaces::rules::{edge_of, no_host};
use crate::inventory::interfaces::written::{Seen, View};
use crate::model::{Bond, Interface};
use crate::report::{Finding, Id};

/// Modes in which the driver watches links only (bond_options.c: BOND_OPT_ARP_INTERVAL).
const WITHOUT_ARP: [&str; 3] = ["802.3ad", "balance-tlb", "balance-alb"];
/// The most machines that are asked (BOND_MAX_ARP_TARGETS in include/net/bonding.h).
const MOST_TARGETS: usize = 16;

pub(super) fn check(seen: &Seen<'_>, bond: &Bond, view: &View<'_>) {
    let asks = bond.arp_interval.is_some();
    let invalid = |key: &str, rule: String, help: &str| {
        let at = seen.location(&["bond", key]);
        seen.add(at.finding(Id::InterfaceInvalid, rule).help(help));
    };
    if asks && WITHOUT_ARP.contains(&bond.mode.as_str()) {
        let rule = format!("has no effect in mode {}, which watches links", bond.mode);
        invalid("arpInterval", rule, "write miimon, or set another mode");
    }
    // Netlink's request with both is refused (bond_changelink in bond_netlink.c).
    if asks && bond.miimon() > 0 {
        let rule = "the driver watches ports by ARP or by their links, not by both (miimon)";
        invalid("arpInterval", rule.to_owned(), "remove one of the two");
    }
    if asks && bond.arp_targets.is_empty() && !seen.is_broken {
        let rule = "asks nobody without arpIpTargets";
        invalid(
            "arpInterval",
            rule.to_owned(),
            "add arpIpTargets: [ADDRESS]",
        );
    }
    if !asks && !seen.is_broken {
        let rule = || "has an effect with arpInterval only".to_owned();
        if !bond.arp_targets.is_empty() {
            invalid("arpIpTargets", rule(), "add arpInterval: 1000");
        }
        // NetworkManager refuses it (nm-setting-bond.c).
        if bond
            .arp_validate
            .as_ref()
            .is_some_and(|ports| ports != "none")
        {
            invalid("arpValidate", rule(), "add arpInterval: 1000");
        }
    }
    targets(seen, bond, view);
}

fn targets(seen: &Seen<'_>, bond: &Bond, view: &View<'_>) {
    let path = ["bond", "arpIpTargets"];
    let all = &bond.arp_targets;
    if all.len() > MOST_TARGETS {
        let rule = format!("must be at most {MOST_TARGETS} machines; got {}", all.len());
        let finding = seen.location(&path).finding(Id::BondTargetUnusable, rule);
        seen.add(finding.help("keep the routers"));
    }
    // The addresses of the bond, and of what it carries.
    let mut above = Vec::new();
    collect_above(seen.interface, view, &mut above);
    let is_open = above.iter().any(|interface| interface.is_dynamic(true)) || view.is_broken();
    let nets = || above.iter().flat_map(|interface| &interface.addresses);
    for (index, target) in all.iter().enumerate() {
        let address = IpAddr::V4(*target);
        let finding = |rule: String| -> Finding {
            let at = seen.item(&path, index, all.len());
            at.finding(Id::BondTargetUnusable, rule)
        };
        let edge = || {
            let edge = |net| {
                Some(format!(
                    "the {} address of a network",
                    edge_of(net, &address)?
                ))
            };
            nets().find_map(edge)
        };
        let own = || {
            let mut all = view
                .network
                .interfaces
                .iter()
                .flat_map(|one| &one.addresses);
            all.any(|net| net.addr() == address)
                .then(|| "the node itself".to_owned())
        };
        let what = no_host(&address)
            .map(str::to_owned)
            .or_else(own)
            .or_else(edge);
        if let Some(what) = what {
            let rule = format!("must be the address of another machine, not {what}; got {target}");
            seen.add(finding(rule));
        } else if all[..index].contains(target) {
            let rule = format!("must name each machine once; got {target} again");
            seen.add(finding(rule).help("remove it"));
        } else if !is_open && !nets().any(|net| net.contains(&address)) {
            let rule = format!(
                "{target} is in no network of {} or of an interface above it, and ARP does not pass routers",
                seen.interface.name
            );
            seen.add(finding(rule).help("write the router's address in that network"));
        }
    }
}

/// An interface and all that it carries.
fn collect_above<'a>(interface: &'a Interface, view: &View<'a>, found: &mut Vec<&'a Interface>) {
    if found.iter().any(|known| known.name == interface.name) {
        return;
    }
    found.push(interface);
    for other in &view.network.interfaces {
        if other.link.below().contains(&interface.name) {
            collect_above(other, view, found);
        }
    }
}
