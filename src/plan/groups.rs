//! Groups of bootstrap tokens. One bad group makes the API server drop the whole token, so they are checked here.

use crate::cluster::{Groups, group_fault};
use crate::inventory::Inventory;
use crate::report::{Id, Report};

/// The groups that the inventory asks for, checked for every node.
pub fn of(inventory: &Inventory, report: &mut Report) -> Groups {
    let tokens = &inventory.cluster.tokens;
    let groups = Groups {
        shared: tokens.group.value.clone(),
        node: tokens.node_group.value.clone(),
    };
    if let Some(rule) = group_fault(&groups.shared) {
        report.add(
            tokens
                .group
                .location
                .finding(Id::BootstrapGroupInvalid, rule),
        );
    }
    let faults = inventory.nodes.iter().filter_map(|node| {
        let name = &node.name.value;
        group_fault(&groups.of_node(name)).map(|rule| (rule, name.clone()))
    });
    // The pattern is what is wrong, and one node shows it.
    if let Some((rule, node)) = faults.into_iter().next() {
        report.add(
            tokens
                .node_group
                .location
                .finding(Id::BootstrapGroupInvalid, rule)
                .of_node(node),
        );
    }
    groups
}
