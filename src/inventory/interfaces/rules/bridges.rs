//! Options of bridges as the kernel's driver has them (net/bridge/br_stp.c).

use crate::inventory::interfaces::written::View;
use crate::model::Link;
use crate::report::Id;

pub(super) fn check(view: &View<'_>) {
    for seen in &view.list {
        let Link::Bridge(bridge) = &seen.interface.link else {
            continue;
        };
        // br_make_forwarding() waits for nothing without the protocol.
        if bridge.forward_delay.is_some() && !bridge.stp {
            let at = seen.location(&["bridge", "forwardDelay"]);
            let rule = "has an effect with stp: true only";
            let finding = at.finding(Id::BridgeOptionUnused, rule);
            seen.add(finding.help("remove it, or write stp: true"));
        }
    }
}
