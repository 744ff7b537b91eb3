//! A node's interfaces as NetworkManager's key files (nm-settings-keyfile(5)).

use std::fmt::{Display, Write};
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::model::{Bond, Interface, Link, Network, Sha256Digest, hex};

/// Where NetworkManager keeps them; it refuses files that others may read.
const FOLDER: &str = "/etc/NetworkManager/system-connections";
/// The mode that NetworkManager insists on.
pub const MODE: u32 = 0o600;

/// Path and text of each interface's file.
pub fn files(network: &Network) -> Vec<(String, String)> {
    let file = |interface: &Interface| {
        let path = format!("{FOLDER}/nodebake-{}.nmconnection", interface.name);
        (path, text(interface, network))
    };
    network.interfaces.iter().map(file).collect()
}

/// Lines of a key file; writing to a String cannot fail.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn section(&mut self, name: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.0, "{gap}[{name}]");
    }

    fn set(&mut self, key: &str, value: &dyn Display) {
        let _ = writeln!(self.0, "{key}={value}");
    }

    /// Lists end with a semicolon.
    fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            self.set(key, &format!("{};", values.join(";")));
        }
    }
}

fn text(interface: &Interface, network: &Network) -> String {
    let mut lines = Lines::default();
    lines.section("connection");
    lines.set("id", &format!("nodebake-{}", interface.name));
    if network.vlans_in(&interface.name).next().is_some() {
        lines.set("uuid", &uuid(&interface.name));
    }
    let kind = match interface.link {
        Link::Port => "ethernet",
        Link::Bond(_) => "bond",
        Link::Vlan { .. } => "vlan",
    };
    lines.set("type", &kind);
    if interface.mac.is_none() {
        lines.set("interface-name", &interface.name);
    }
    let bond = network.bond_of(&interface.name);
    if let Some((name, _)) = bond {
        lines.set("master", &name);
        lines.set("slave-type", &"bond");
    }
    match &interface.link {
        Link::Port => {}
        Link::Bond(bond) => bond_section(&mut lines, bond, network),
        Link::Vlan { id, parent } => {
            lines.section("vlan");
            lines.set("id", id);
            lines.set("parent", &uuid(parent));
        }
    }
    lines.section("ethernet");
    if let Some(mac) = &interface.mac {
        lines.set("mac-address", mac);
    }
    if let Some(mtu) = interface.mtu {
        lines.set("mtu", &mtu);
    }
    // A member has no addresses; NetworkManager refuses a member that says so.
    if bond.is_none() {
        lines.section("ipv4");
        family(&mut lines, interface, IpAddr::is_ipv4, interface.dhcp4);
        lines.section("ipv6");
        family(&mut lines, interface, IpAddr::is_ipv6, interface.dhcp6);
    }
    lines.0
}

fn bond_section(lines: &mut Lines, bond: &Bond, network: &Network) {
    lines.section("bond");
    lines.set("mode", &bond.mode);
    lines.set("miimon", &bond.miimon);
    for (key, value) in [
        ("lacp_rate", &bond.lacp_rate),
        ("xmit_hash_policy", &bond.hash_policy),
    ] {
        if let Some(value) = value {
            lines.set(key, value);
        }
    }
    // By name only, and a port that is found by its MAC address keeps the kernel's.
    let by_name = |name: &&String| {
        let mut ports = network.interfaces.iter();
        ports.any(|port| port.name == **name && port.mac.is_none())
    };
    if let Some(primary) = bond.primary.as_ref().filter(by_name) {
        lines.set("primary", primary);
    }
}

/// What a VLAN names its parent by: the kernel's name of a port that is found by its MAC address is not known. The same
/// on every node, since it is only looked up there.
fn uuid(name: &str) -> String {
    let digest: Sha256Digest = Sha256::digest(format!("nodebake connection {name}")).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // RFC 9562: version 8, of one's own making.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

/// What concerns IPv4, or IPv6.
fn family(lines: &mut Lines, interface: &Interface, is: fn(&IpAddr) -> bool, dhcp: bool) {
    let addresses = interface.addresses.iter().filter(|net| is(&net.addr()));
    let addresses: Vec<String> = addresses.map(ToString::to_string).collect();
    let method = match (dhcp, addresses.is_empty()) {
        (true, _) => "auto",
        (false, false) => "manual",
        (false, true) => "disabled",
    };
    lines.set("method", &method);
    for (index, address) in addresses.iter().enumerate() {
        lines.set(&format!("address{}", index + 1), address);
    }
    if method == "disabled" {
        return;
    }
    if let Some(gateway) = interface.gateways.iter().find(|gateway| is(&gateway.via)) {
        lines.set("gateway", &gateway.via);
    }
    let servers = interface.nameservers.iter().filter(|server| is(server));
    let servers: Vec<String> = servers.map(ToString::to_string).collect();
    lines.list("dns", &servers);
    lines.list("dns-search", &interface.search);
    let routes = interface.routes.iter().filter(|route| is(&route.via));
    for (index, route) in routes.enumerate() {
        let metric = route.metric.map(|metric| format!(",{metric}"));
        let metric = metric.unwrap_or_default();
        let route = format!("{},{}{metric}", route.to, route.via);
        lines.set(&format!("route{}", index + 1), &route);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::network::sample;

    #[test]
    fn each_family_has_what_is_its_own() {
        let interface = sample("lan0");
        assert_eq!(
            text(&interface, &Network::default()),
            "[connection]\nid=nodebake-lan0\ntype=ethernet\n\n[ethernet]\nmac-address=52:54:00:12:34:56\nmtu=9000\n\n\
             [ipv4]\nmethod=manual\naddress1=10.20.4.11/23\ngateway=10.20.4.1\ndns=10.20.4.2;\ndns-search=example.com;\n\
             route1=10.9.0.0/16,10.20.4.3,5\n\n[ipv6]\nmethod=disabled\n"
        );
    }
}
