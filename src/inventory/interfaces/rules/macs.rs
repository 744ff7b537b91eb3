//! MAC addresses that no port has.

use std::cell::RefCell;

use crate::inventory::Node;
use crate::inventory::interfaces::written::View;
use crate::model::FieldLocation;
use crate::report::{Finding, Id, Report};

/// Checks those by which machines are known that boot over the network.
pub(super) fn check_nodes(nodes: &[Node], report: &RefCell<Report>) {
    for mac in nodes.iter().flat_map(|node| &node.macs) {
        if let Some(finding) = finding(&mac.value, || mac.location.clone()) {
            report.borrow_mut().add(finding);
        }
    }
}

pub(super) fn check(view: &View<'_>, node: &Node) {
    for seen in &view.list {
        let Some(mac) = seen.interface.mac.as_deref() else {
            continue;
        };
        let at = || seen.location(&["mac"]);
        let found = finding(mac, at).or_else(|| unknown(mac, node, at));
        found.into_iter().for_each(|finding| seen.add(finding));
    }
}

/// Where the node's MAC addresses are known, its interfaces have no others: with another one an interface would stay down.
fn unknown(mac: &str, node: &Node, at: impl FnOnce() -> FieldLocation) -> Option<Finding> {
    if node.macs.is_empty() || node.macs.iter().any(|known| known.value == mac) {
        return None;
    }
    let rule = format!("{mac} is none of the node's macs");
    let finding = at().finding(Id::MacUnknown, rule);
    Some(finding.help("add it to macs, or correct it"))
}

fn finding(mac: &str, at: impl FnOnce() -> FieldLocation) -> Option<Finding> {
    let what = unusable(mac)?;
    let rule = format!("must be the address of one port, not {what}; got {mac}");
    let help = "take the one that `ip link` or the label on the machine shows";
    Some(at().finding(Id::MacUnusable, rule).help(help))
}

/// What a MAC address is instead of one port's (IEEE 802: the lowest bit of the first byte is set for groups).
fn unusable(mac: &str) -> Option<&'static str> {
    let first = u8::from_str_radix(mac.get(..2)?, 16).ok()?;
    match mac {
        "00:00:00:00:00:00" => Some("the empty one"),
        "ff:ff:ff:ff:ff:ff" => Some("the broadcast address"),
        _ if first & 1 == 1 => Some("a multicast address"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_an_address_of_its_own() {
        for good in [
            "52:54:00:12:34:56",
            "02:00:00:00:00:01",
            "00:00:00:00:00:01",
            "fe:ff:ff:ff:ff:ff",
        ] {
            assert_eq!(unusable(good), None, "{good}");
        }
        for bad in [
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "01:00:5e:00:00:01",
            "33:33:00:00:00:01",
            "53:54:00:12:34:56",
        ] {
            assert!(unusable(bad).is_some(), "{bad}");
        }
    }
}
