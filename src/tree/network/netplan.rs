//! A node's interfaces as netplan writes them, version 2, in words that cloud-init's own renderers (since 20.x)
//! understand as well: cloud-init's `network-config` is the same document.

use std::fmt::{Display, Write};

use crate::model::{
    Bond, Bridge, FIRST_DYNAMIC_METRIC, Interface, Link, Network, Route, RoutingRule,
};
use crate::yaml::push_quoted;

/// Where netplan's file goes: after what installers and cloud-init write (50-cloud-init.yaml).
pub const PATH: &str = "/etc/netplan/60-nodebake.yaml";
/// netplan warns of files that others may read.
pub const MODE: u32 = 0o600;

/// netplan's file: the document with `network:` around it.
pub fn file(network: &Network) -> String {
    let inner = network_config(network);
    let lines = inner.lines().map(|line| format!("  {line}\n"));
    format!("network:\n{}", lines.collect::<String>())
}

/// The document. There is no `network:` around it: NoCloud adds that itself.
pub fn network_config(network: &Network) -> String {
    let mut out = "version: 2\n".to_owned();
    let is_port = |link: &Link| matches!(link, Link::Port);
    let is_bond = |link: &Link| matches!(link, Link::Bond(_));
    let is_vlan = |link: &Link| matches!(link, Link::Vlan { .. });
    let is_bridge = |link: &Link| matches!(link, Link::Bridge(_));
    push_kind(&mut out, "ethernets", network, is_port);
    push_kind(&mut out, "bonds", network, is_bond);
    push_kind(&mut out, "vlans", network, is_vlan);
    push_kind(&mut out, "bridges", network, is_bridge);
    out
}

fn push_kind(out: &mut String, kind: &str, network: &Network, is: fn(&Link) -> bool) {
    let mut interfaces = network
        .interfaces
        .iter()
        .filter(|interface| is(&interface.link))
        .peekable();
    if interfaces.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "{kind}:");
    for interface in interfaces {
        out.push_str("  ");
        push_quoted(out, &interface.name);
        out.push_str(":\n");
        push_interface(out, interface, network);
    }
}

fn push_interface(out: &mut String, interface: &Interface, network: &Network) {
    if let Some(mac) = &interface.mac {
        // Quoted: digits and colons are a base-60 number to YAML 1.1.
        out.push_str("    match:\n      macaddress: ");
        push_quoted(out, mac);
        out.push_str("\n    set-name: ");
        push_quoted(out, &interface.name);
        out.push('\n');
    }
    match &interface.link {
        Link::Port => {}
        Link::Bond(bond) => {
            push_members(out, interface, network);
            push_bond(out, bond);
        }
        Link::Bridge(bridge) => {
            push_members(out, interface, network);
            push_bridge(out, bridge);
        }
        Link::Vlan { id, parent } => {
            let _ = write!(out, "    id: {id}\n    link: ");
            push_quoted(out, parent);
            out.push('\n');
        }
    }
    let _ = writeln!(
        out,
        "    dhcp4: {}\n    dhcp6: {}\n    accept-ra: {}",
        interface.dhcp4,
        interface.dhcp6,
        interface.accepts_ra()
    );
    push_dynamic(out, interface, network);
    if interface.wake_on_lan {
        out.push_str("    wakeonlan: true\n");
    }
    let only_carries = network.only_carries(interface);
    if only_carries || interface.optional {
        out.push_str("    optional: true\n");
    }
    if only_carries {
        // Nobody waits for its address, and a network without a tag gives it none.
        out.push_str("    link-local: []\n");
    }
    if let Some(mtu) = interface.mtu {
        let _ = writeln!(out, "    mtu: {mtu}");
    }
    push_list(out, "    ", "addresses", &interface.addresses);
    if !interface.nameservers.is_empty() || !interface.search.is_empty() {
        out.push_str("    nameservers:\n");
        push_list(out, "      ", "addresses", &interface.nameservers);
        push_list(out, "      ", "search", &interface.search);
    }
    push_routes(out, interface);
    push_rules(out, &interface.rules);
}

/// netplan takes the metric 100 for all DHCP routes, and refuses overrides of one family only where there are two.
fn push_dynamic(out: &mut String, interface: &Interface, network: &Network) {
    if interface.dhcp4 {
        out.push_str("    dhcp-identifier: mac\n");
    }
    let metric = network.dynamic_metric(interface);
    for (family, wanted) in [("dhcp4", interface.dhcp4), ("dhcp6", interface.dhcp6)] {
        if wanted && metric != FIRST_DYNAMIC_METRIC {
            let _ = writeln!(out, "    {family}-overrides:\n      route-metric: {metric}");
        }
    }
}

fn push_members(out: &mut String, interface: &Interface, network: &Network) {
    push_list(out, "    ", "interfaces", interface.link.members());
    if let Some(mac) = network.mac_of(interface) {
        out.push_str("    macaddress: ");
        push_quoted(out, mac);
        out.push('\n');
    }
}

fn push_bridge(out: &mut String, bridge: &Bridge) {
    // netplan's own default is true.
    let _ = writeln!(out, "    parameters:\n      stp: {}", bridge.stp);
    if let Some(delay) = bridge.forward_delay.filter(|_| bridge.stp) {
        let _ = writeln!(out, "      forward-delay: {delay}");
    }
}

fn push_bond(out: &mut String, bond: &Bond) {
    let _ = writeln!(
        out,
        "    parameters:\n      mode: \"{}\"\n      mii-monitor-interval: {}",
        bond.mode,
        bond.miimon()
    );
    if let Some(interval) = bond.arp_interval {
        let _ = writeln!(out, "      arp-interval: {interval}");
        push_list(out, "      ", "arp-ip-targets", &bond.arp_targets);
    }
    for (key, value) in [
        ("lacp-rate", &bond.lacp_rate),
        ("transmit-hash-policy", &bond.hash_policy),
        ("arp-validate", &bond.arp_validate),
        ("primary", &bond.primary),
    ] {
        if let Some(value) = value {
            let _ = write!(out, "      {key}: ");
            push_quoted(out, value);
            out.push('\n');
        }
    }
}

/// A default gateway is a route to everything: netplan calls `gateway4` deprecated, older cloud-init does not know
/// `to: default`, and all of them read the zero prefix, of IPv6 since cloud-init 23.1.
fn push_routes(out: &mut String, interface: &Interface) {
    for (index, route) in interface.all_routes().enumerate() {
        if index == 0 {
            out.push_str("    routes:\n");
        }
        let Route { to, via, .. } = &route;
        let _ = writeln!(out, "    - to: \"{to}\"\n      via: \"{via}\"");
        if route.on_link {
            out.push_str("      on-link: true\n");
        }
        if let Some(metric) = route.metric {
            let _ = writeln!(out, "      metric: {metric}");
        }
        if let Some(table) = route.table {
            let _ = writeln!(out, "      table: {table}");
        }
    }
}

fn push_rules(out: &mut String, rules: &[RoutingRule]) {
    for (index, rule) in rules.iter().enumerate() {
        if index == 0 {
            out.push_str("    routing-policy:\n");
        }
        let RoutingRule {
            table, priority, ..
        } = rule;
        let _ = writeln!(out, "    - table: {table}\n      priority: {priority}");
        for (key, net) in [("from", rule.from), ("to", rule.to)] {
            if let Some(net) = net {
                let _ = writeln!(out, "      {key}: \"{net}\"");
            }
        }
    }
}

fn push_list<T: Display>(out: &mut String, indent: &str, key: &str, values: &[T]) {
    if values.is_empty() {
        return;
    }
    let _ = writeln!(out, "{indent}{key}:");
    for value in values {
        let _ = write!(out, "{indent}- ");
        push_quoted(out, &value.to_string());
        out.push('\n');
    }
}
