//! Rules that choose a routing table, and the tables that routes are in.

use std::collections::HashMap;

use crate::inventory::interfaces::rules::family;
use crate::inventory::interfaces::written::{Seen, View};
use crate::model::MAIN_TABLE;
use crate::report::Id;

/// The table after the main one, which the kernel's own rules ask too (RT_TABLE_DEFAULT).
const DEFAULT_TABLE: u32 = 253;

pub(super) fn check(view: &View<'_>) {
    let interfaces = || view.list.iter().map(|seen| seen.interface);
    let asked = |table: u32| {
        let mut rules = interfaces().flat_map(|interface| &interface.rules);
        rules.any(|rule| rule.table == table)
    };
    let filled = |table: u32| {
        let mut routes = interfaces().flat_map(|interface| &interface.routes);
        routes.any(|route| route.table == Some(table))
    };
    let is_kernels = |table: u32| [MAIN_TABLE, DEFAULT_TABLE].contains(&table);
    let mut known: HashMap<(bool, u32), &str> = HashMap::new();
    for seen in &view.list {
        let routes = &seen.interface.routes;
        for (index, route) in routes.iter().enumerate() {
            let table = route.table_in_kernel();
            if !is_kernels(table) && !asked(table) && !view.is_broken() {
                let at = seen.item(&["routes"], index, routes.len());
                let rule = format!("no rule of the node leads to the routing table {table}");
                let finding = at.finding(Id::RoutingTableUnconnected, rule);
                let help = format!("add rules: [{{from: NETWORK, table: {table}, priority: 100}}]");
                seen.add(finding.help(help));
            }
        }
        let rules = &seen.interface.rules;
        for (index, rule) in rules.iter().enumerate() {
            let at = || seen.item(&["rules"], index, rules.len());
            if !is_kernels(rule.table) && !filled(rule.table) && !view.is_broken() {
                let text = format!("the routing table {} has no routes of the node", rule.table);
                let finding = at().finding(Id::RoutingTableUnconnected, text);
                let help = format!("add a route with table: {}", rule.table);
                seen.add(finding.help(help));
            }
            let ipv4 = rule.is_ipv4();
            if let Some(other) = known.insert((ipv4, rule.priority), &seen.interface.name) {
                let text = format!(
                    "a rule of {other} has the priority {} already",
                    rule.priority
                );
                seen.add(at().finding(Id::RoutingRuleRepeated, text));
            }
            without_address(seen, ipv4, index);
        }
    }
}

/// NetworkManager takes rules in a family that has addresses only (nm-setting-ip-config.c).
fn without_address(seen: &Seen<'_>, ipv4: bool, index: usize) {
    let interface = seen.interface;
    if interface.speaks(ipv4) || seen.is_broken {
        return;
    }
    let kind = family(ipv4);
    let at = seen.item(&["rules"], index, interface.rules.len());
    let rule = format!(
        "must be on an interface with an {kind} address; {} has none",
        interface.name
    );
    let finding = at.finding(Id::InterfaceInvalid, rule);
    seen.add(finding.help("move it to the interface that has the address"));
}
