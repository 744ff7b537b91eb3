//! A node's interfaces as systemd-networkd's files (systemd.network(5)).

use std::fmt::Write;

use crate::model::{Interface, Link, Network};

/// Where networkd's files go, below the interface's own ones.
const FOLDER: &str = "/etc/systemd/network";

/// Path and text of each interface's files.
pub fn files(network: &Network) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for interface in &network.interfaces {
        // A bond and a VLAN bear the MAC address of a port, and the first file that matches wins: theirs come first.
        let number = match interface.link {
            Link::Port => 10,
            Link::Bond(_) | Link::Vlan { .. } => 5,
        };
        let path = format!("{FOLDER}/{number:02}-nodebake-{}", interface.name);
        if let Some(text) = device(interface) {
            files.push((format!("{path}.netdev"), text));
        }
        files.push((format!("{path}.network"), text(interface, network)));
    }
    files
}

/// The file that makes the device (systemd.netdev(5)); a port is there by itself.
fn device(interface: &Interface) -> Option<String> {
    let mut text = format!("[NetDev]\nName={}\n", interface.name);
    let mut line = |key: &str, value: &dyn std::fmt::Display| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key}={value}");
    };
    match &interface.link {
        Link::Port => return None,
        Link::Vlan { id, .. } => {
            line("Kind", &"vlan");
            line("\n[VLAN]\nId", id);
        }
        Link::Bond(bond) => {
            line("Kind", &"bond");
            line("\n[Bond]\nMode", &bond.mode);
            line("MIIMonitorSec", &format!("{}ms", bond.miimon));
            if let Some(rate) = &bond.lacp_rate {
                line("LACPTransmitRate", rate);
            }
            if let Some(policy) = &bond.hash_policy {
                line("TransmitHashPolicy", policy);
            }
        }
    }
    Some(text)
}

fn text(interface: &Interface, network: &Network) -> String {
    let mut text = String::from("[Match]\n");
    let mut line = |key: &str, value: &dyn std::fmt::Display| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key}={value}");
    };
    match &interface.mac {
        Some(mac) => line("MACAddress", mac),
        None => line("Name", &interface.name),
    }
    if let Some(mtu) = interface.mtu {
        line("\n[Link]\nMTUBytes", &mtu);
    }
    let dhcp = match (interface.dhcp4, interface.dhcp6) {
        (true, true) => "yes",
        (true, false) => "ipv4",
        (false, true) => "ipv6",
        (false, false) => "no",
    };
    line("\n[Network]\nDHCP", &dhcp);
    if let Some((name, bond)) = network.bond_of(&interface.name) {
        line("Bond", &name);
        if bond.primary.as_ref() == Some(&interface.name) {
            line("PrimarySlave", &"yes");
        }
    }
    for vlan in network.vlans_in(&interface.name) {
        line("VLAN", &vlan.name);
    }
    for address in &interface.addresses {
        line("Address", address);
    }
    for gateway in &interface.gateways {
        line("Gateway", &gateway.via);
    }
    for server in &interface.nameservers {
        line("DNS", server);
    }
    if !interface.search.is_empty() {
        line("Domains", &interface.search.join(" "));
    }
    for route in &interface.routes {
        line("\n[Route]\nDestination", &route.to);
        line("Gateway", &route.via);
        if let Some(metric) = route.metric {
            line("Metric", &metric);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::network::sample;

    #[test]
    fn everything_that_the_inventory_says_is_there() {
        let interface = sample("eth0");
        assert_eq!(
            text(&interface, &Network::default()),
            "[Match]\nMACAddress=52:54:00:12:34:56\n\n[Link]\nMTUBytes=9000\n\n[Network]\nDHCP=no\n\
             Address=10.20.4.11/23\nGateway=10.20.4.1\nDNS=10.20.4.2\nDomains=example.com\n\n[Route]\n\
             Destination=10.9.0.0/16\nGateway=10.20.4.3\nMetric=5\n"
        );
    }
}
