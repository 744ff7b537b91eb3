//! A node's interfaces as systemd-networkd's files (systemd.network(5), systemd.netdev(5), systemd.link(5)).

use std::fmt::{Display, Write};

use crate::model::{Bond, Bridge, Interface, Link, Network};

/// Where networkd's files go, below the interface's own ones. Of all folders the first name that matches a device wins, so
/// they come before cloud-init's (10-cloud-init-*), netplan's (10-netplan-*) and the image's (zz-default).
const FOLDER: &str = "/etc/systemd/network";

/// Where networkd's own settings go.
pub const SETTINGS_PATH: &str = "/etc/systemd/networkd.conf.d/10-nodebake.conf";

/// networkd's own settings. What no file of its names it would remove when it starts and when a link comes back: the routes
/// and rules of the pod network. Older versions only log a key that they do not know (the last one is of 256).
pub const SETTINGS: &str = "# The pod network's routes and rules are its own.\n[Network]\nManageForeignRoutes=no\n\
     ManageForeignRoutingPolicyRules=no\nManageForeignNextHops=no\n";

/// Path and text of each interface's files.
pub fn files(network: &Network) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for interface in &network.interfaces {
        let path = path(interface);
        if let Some(text) = device(interface, network) {
            files.push((format!("{path}.netdev"), text));
        }
        files.push((format!("{path}.network"), text(interface, network)));
    }
    files.extend(names(network));
    files
}

/// Path and text of the files by which udev gives ports their names, whichever program configures them then: a port that is
/// found by its MAC address has the kernel's.
pub fn names(network: &Network) -> impl Iterator<Item = (String, String)> {
    network.interfaces.iter().filter_map(|interface| {
        let mac = interface.mac.as_ref()?;
        let name = &interface.name;
        // It is said, since netplan says it too: else it is as the driver has it.
        let wake = if interface.wake_on_lan {
            "magic"
        } else {
            "off"
        };
        let text = format!(
            "[Match]\nPermanentMACAddress={mac}\n\n[Link]\nName={name}\nWakeOnLan={wake}\n"
        );
        Some((format!("{}.link", path(interface)), text))
    })
}

fn path(interface: &Interface) -> String {
    // Bonds, bridges and VLANs bear the MAC address of a port: theirs come first.
    let number = match interface.link {
        Link::Port => 6,
        Link::Bond(_) | Link::Bridge(_) | Link::Vlan { .. } => 5,
    };
    format!("{FOLDER}/{number:02}-nodebake-{}", interface.name)
}

/// Lines of a file; writing to a String cannot fail.
struct Lines {
    text: String,
    section: &'static str,
}

impl Lines {
    fn set(&mut self, section: &'static str, key: &str, value: &dyn Display) {
        if self.section != section {
            self.begin(section);
        }
        let _ = writeln!(self.text, "{key}={value}");
    }

    /// A section, of which there may be several.
    fn begin(&mut self, section: &'static str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.text, "{gap}[{section}]");
        self.section = section;
    }
}

/// The file that makes the device; a port is there by itself.
fn device(interface: &Interface, network: &Network) -> Option<String> {
    let mut lines = Lines {
        text: String::new(),
        section: "",
    };
    lines.set("NetDev", "Name", &interface.name);
    let kind = match &interface.link {
        Link::Port => return None,
        Link::Vlan { .. } => "vlan",
        Link::Bond(_) => "bond",
        Link::Bridge(_) => "bridge",
    };
    lines.set("NetDev", "Kind", &kind);
    // networkd would make one of the name and the machine's id. A VLAN has that of the interface below.
    let is_vlan = matches!(interface.link, Link::Vlan { .. });
    if let Some(mac) = network.mac_of(interface).filter(|_| !is_vlan) {
        lines.set("NetDev", "MACAddress", &mac);
    }
    match &interface.link {
        Link::Port => {}
        Link::Vlan { id, .. } => lines.set("VLAN", "Id", id),
        Link::Bond(bond) => bond_options(&mut lines, bond),
        Link::Bridge(bridge) => bridge_options(&mut lines, bridge),
    }
    Some(lines.text)
}

fn bond_options(lines: &mut Lines, bond: &Bond) {
    let mut set = |key, value: &dyn Display| lines.set("Bond", key, value);
    set("Mode", &bond.mode);
    set("MIIMonitorSec", &format!("{}ms", bond.miimon()));
    if let Some(rate) = &bond.lacp_rate {
        set("LACPTransmitRate", rate);
    }
    if let Some(policy) = &bond.hash_policy {
        set("TransmitHashPolicy", policy);
    }
    if let Some(interval) = bond.arp_interval {
        set("ARPIntervalSec", &format!("{interval}ms"));
        let targets = bond.arp_targets.iter().map(ToString::to_string);
        set("ARPIPTargets", &targets.collect::<Vec<_>>().join(" "));
    }
    if let Some(validate) = &bond.arp_validate {
        set("ARPValidate", validate);
    }
}

fn bridge_options(lines: &mut Lines, bridge: &Bridge) {
    // Network managers have different defaults.
    lines.set("Bridge", "STP", &yes(bridge.stp));
    if let Some(delay) = bridge.forward_delay.filter(|_| bridge.stp) {
        lines.set("Bridge", "ForwardDelaySec", &delay);
    }
}

fn text(interface: &Interface, network: &Network) -> String {
    let mut lines = Lines {
        text: String::new(),
        section: "",
    };
    match &interface.mac {
        // Bonds, VLANs and devices of the pod network bear a port's address too; the one that is burnt in only the port.
        Some(mac) => lines.set("Match", "PermanentMACAddress", mac),
        None => lines.set("Match", "Name", &interface.name),
    }
    if let Some(mtu) = interface.mtu {
        lines.set("Link", "MTUBytes", &mtu);
    }
    let only_carries = network.only_carries(interface);
    if only_carries || interface.optional {
        // One that only carries others never gets an address, for which systemd-networkd-wait-online would wait.
        lines.set("Link", "RequiredForOnline", &"no");
    } else if matches!(interface.link, Link::Bond(_)) {
        // Before 254 a bond with a dead port would never be online.
        lines.set("Link", "RequiredForOnline", &"degraded-carrier:routable");
    }
    let dhcp = match (interface.dhcp4, interface.dhcp6) {
        (true, true) => "yes",
        (true, false) => "ipv4",
        (false, true) => "ipv6",
        (false, false) => "no",
    };
    lines.set("Network", "DHCP", &dhcp);
    if only_carries {
        lines.set("Network", "LinkLocalAddressing", &"no");
    }
    // networkd obeys router advertisements unless it is told not to.
    lines.set("Network", "IPv6AcceptRA", &yes(interface.accepts_ra()));
    if let Some(master) = network.master_of(&interface.name) {
        match &master.link {
            Link::Bond(bond) => {
                lines.set("Network", "Bond", &master.name);
                if bond.primary.as_ref() == Some(&interface.name) {
                    lines.set("Network", "PrimarySlave", &"yes");
                }
            }
            _ => lines.set("Network", "Bridge", &master.name),
        }
    }
    for vlan in network.vlans_in(&interface.name) {
        lines.set("Network", "VLAN", &vlan.name);
    }
    for address in &interface.addresses {
        lines.set("Network", "Address", address);
    }
    for server in &interface.nameservers {
        lines.set("Network", "DNS", server);
    }
    if !interface.search.is_empty() {
        lines.set("Network", "Domains", &interface.search.join(" "));
    }
    dynamic(&mut lines, interface, network);
    for route in interface.all_routes() {
        lines.begin("Route");
        lines.set("Route", "Destination", &route.to);
        lines.set("Route", "Gateway", &route.via);
        if route.on_link {
            lines.set("Route", "GatewayOnLink", &"yes");
        }
        if let Some(metric) = route.metric {
            lines.set("Route", "Metric", &metric);
        }
        if let Some(table) = route.table {
            lines.set("Route", "Table", &table);
        }
    }
    for rule in &interface.rules {
        lines.begin("RoutingPolicyRule");
        for (key, net) in [("From", &rule.from), ("To", &rule.to)] {
            if let Some(net) = net {
                lines.set("RoutingPolicyRule", key, net);
            }
        }
        lines.set("RoutingPolicyRule", "Table", &rule.table);
        lines.set("RoutingPolicyRule", "Priority", &rule.priority);
    }
    lines.text
}

/// DHCP as the other network managers have it by default: the MAC address as the client's id, the server's MTU, and routes
/// that leave static ones the way.
fn dynamic(lines: &mut Lines, interface: &Interface, network: &Network) {
    let metric = network.dynamic_metric(interface);
    if interface.dhcp4 {
        lines.set("DHCPv4", "ClientIdentifier", &"mac");
        lines.set("DHCPv4", "RouteMetric", &metric);
        if interface.mtu.is_none() {
            lines.set("DHCPv4", "UseMTU", &"yes");
        }
    }
    if interface.dhcp6 && !interface.accepts_ra() {
        lines.set("DHCPv6", "WithoutRA", &"solicit");
    }
    if let Some(metric) = network.ra_metric(interface) {
        lines.set("IPv6AcceptRA", "RouteMetric", &metric);
    }
}

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::network::sample;

    #[test]
    fn everything_that_the_inventory_says_is_there() {
        let network = Network {
            interfaces: vec![sample("eth0")],
        };
        let made: Vec<(String, String)> = files(&network);
        assert_eq!(
            made[0].1,
            "[Match]\nPermanentMACAddress=52:54:00:12:34:56\n\n[Link]\nMTUBytes=9000\n\n[Network]\nDHCP=no\n\
             IPv6AcceptRA=no\nAddress=10.20.4.11/23\nDNS=10.20.4.2\nDomains=example.com\n\n[Route]\n\
             Destination=0.0.0.0/0\nGateway=10.20.4.1\n\n[Route]\n\
             Destination=10.9.0.0/16\nGateway=10.20.4.3\nMetric=5\n"
        );
        assert_eq!(made[1].0, "/etc/systemd/network/06-nodebake-eth0.link");
        assert_eq!(
            made[1].1,
            "[Match]\nPermanentMACAddress=52:54:00:12:34:56\n\n[Link]\nName=eth0\nWakeOnLan=off\n"
        );
    }
}
