//! A node's interfaces as NetworkManager's key files (nm-settings-keyfile(5)).

use std::fmt::{Display, Write};

use sha2::{Digest, Sha256};

use crate::model::{Bond, Bridge, Interface, Link, Network, RoutingRule, Sha256Digest, hex};

/// Where NetworkManager keeps them; it refuses files that others may read.
const FOLDER: &str = "/etc/NetworkManager/system-connections";
/// Above cloud-init's profiles (120 since 23.2): for one port the highest one is used (nm-settings(5)).
const PRIORITY: u32 = 500;
/// The kernel's metric of IPv6 routes (IP6_RT_PRIO_USER), which routes by router advertisements have elsewhere.
const KERNEL_METRIC: u32 = 1024;
/// NetworkManager's number for a magic packet (NM_SETTING_WIRED_WAKE_ON_LAN_MAGIC).
const MAGIC: u32 = 64;
/// How long a server that leases addresses is waited for: without an end, as the other network managers do (nm-settings(5)).
const FOREVER: u32 = i32::MAX as u32;
/// The mode that NetworkManager insists on.
pub const MODE: u32 = 0o600;

/// Where NetworkManager's own settings go.
pub const SETTINGS_PATH: &str = "/etc/NetworkManager/conf.d/10-nodebake.conf";

/// NetworkManager's own settings: the devices of pod networks are theirs (Calico's and Cilium's guides name them). Else it
/// takes addresses and routes from them when it starts again.
pub const SETTINGS: &str = "# The pod network's devices are its own.\n[keyfile]\nunmanaged-devices+=\
interface-name:cali*;interface-name:tunl*;interface-name:vxlan.calico;interface-name:vxlan-v6.calico;\
interface-name:wireguard.cali;interface-name:wg-v6.cali;interface-name:cilium*;interface-name:lxc*;\
interface-name:flannel*;interface-name:cni*;interface-name:veth*;interface-name:kube-*;interface-name:nodelocaldns\n";

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
        Link::Bridge(_) => "bridge",
    };
    lines.set("type", &kind);
    lines.set("autoconnect-priority", &PRIORITY);
    if interface.mac.is_none() {
        lines.set("interface-name", &interface.name);
    }
    let master = network.master_of(&interface.name);
    if let Some(master) = master {
        lines.set("master", &master.name);
        let kind = match master.link {
            Link::Bridge(_) => "bridge",
            _ => "bond",
        };
        lines.set("slave-type", &kind);
    }
    match &interface.link {
        Link::Port => {}
        Link::Bond(bond) => bond_section(&mut lines, bond),
        Link::Bridge(bridge) => bridge_section(&mut lines, bridge),
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
    if matches!(interface.link, Link::Bond(_) | Link::Bridge(_))
        && let Some(mac) = network.mac_of(interface)
    {
        lines.set("cloned-mac-address", &mac);
    }
    if interface.wake_on_lan {
        lines.set("wake-on-lan", &MAGIC);
    }
    if let Some(mtu) = interface.mtu {
        lines.set("mtu", &mtu);
    }
    // A member has no addresses; NetworkManager refuses a member that says so.
    if master.is_none() {
        for ipv4 in [true, false] {
            lines.section(if ipv4 { "ipv4" } else { "ipv6" });
            family(&mut lines, interface, network, ipv4);
        }
    }
    lines.0
}

fn bond_section(lines: &mut Lines, bond: &Bond) {
    lines.section("bond");
    lines.set("mode", &bond.mode);
    lines.set("miimon", &bond.miimon());
    if let Some(interval) = bond.arp_interval {
        lines.set("arp_interval", &interval);
        let targets = bond.arp_targets.iter().map(ToString::to_string);
        lines.set("arp_ip_target", &targets.collect::<Vec<_>>().join(","));
    }
    for (key, value) in [
        ("arp_validate", &bond.arp_validate),
        ("lacp_rate", &bond.lacp_rate),
        ("xmit_hash_policy", &bond.hash_policy),
    ] {
        if let Some(value) = value {
            lines.set(key, value);
        }
    }
    // By name only: a port that is found by its MAC address gets its name from udev.
    if let Some(primary) = &bond.primary {
        lines.set("primary", primary);
    }
}

fn bridge_section(lines: &mut Lines, bridge: &Bridge) {
    lines.section("bridge");
    // NetworkManager's own default is true.
    lines.set("stp", &bridge.stp);
    if let Some(delay) = bridge.forward_delay.filter(|_| bridge.stp) {
        lines.set("forward-delay", &delay);
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
fn family(lines: &mut Lines, interface: &Interface, network: &Network, ipv4: bool) {
    let addresses = interface.addresses.iter();
    let addresses = addresses.filter(|net| net.addr().is_ipv4() == ipv4);
    let addresses: Vec<String> = addresses.map(ToString::to_string).collect();
    let method = method(interface, network, ipv4, addresses.is_empty());
    lines.set("method", &method);
    if method == "disabled" {
        return;
    }
    for (index, address) in addresses.iter().enumerate() {
        lines.set(&format!("address{}", index + 1), address);
    }
    if ipv4 && interface.dhcp4 {
        // A lease is known by it, as in the other network managers.
        lines.set("dhcp-client-id", &"mac");
        if !interface.optional {
            // Else NetworkManager says that the network is there once IPv6 has its link-local address.
            lines.set("may-fail", &false);
            lines.set("dhcp-timeout", &FOREVER);
        }
        lines.set("route-metric", &network.dynamic_metric(interface));
    }
    if !ipv4 {
        // Else the version and the kernel decide, and a node's source address changes.
        lines.set("addr-gen-mode", &"eui64");
        lines.set("ip6-privacy", &0);
        if interface.is_dynamic(false) {
            let metric = network.ra_metric(interface);
            lines.set("route-metric", &metric.unwrap_or(KERNEL_METRIC));
        }
    }
    // NetworkManager refuses a profile with a server in a family without addresses.
    if method == "link-local" {
        return;
    }
    let servers = interface.nameservers.iter();
    let servers = servers.filter(|server| server.is_ipv4() == ipv4);
    let servers: Vec<String> = servers.map(ToString::to_string).collect();
    lines.list("dns", &servers);
    lines.list("dns-search", &interface.search);
    let routes = interface.all_routes();
    for (index, route) in routes
        .filter(|route| route.via.is_ipv4() == ipv4)
        .enumerate()
    {
        // Without one NetworkManager takes the device's, which is not the kernel's.
        let metric = route.metric_in_kernel();
        let key = format!("route{}", index + 1);
        lines.set(&key, &format!("{},{},{metric}", route.to, route.via));
        let on_link = route.on_link.then(|| "onlink=true".to_owned());
        let table = route.table.map(|table| format!("table={table}"));
        let options: Vec<String> = on_link.into_iter().chain(table).collect();
        if !options.is_empty() {
            lines.set(&format!("{key}_options"), &options.join(","));
        }
    }
    let rules = interface.rules.iter();
    for (index, rule) in rules.filter(|rule| rule.is_ipv4() == ipv4).enumerate() {
        lines.set(&format!("routing-rule{}", index + 1), &rule_words(rule));
    }
}

/// A rule as ip-rule(8) writes it.
fn rule_words(rule: &RoutingRule) -> String {
    let mut words = format!("priority {}", rule.priority);
    for (key, net) in [("from", rule.from), ("to", rule.to)] {
        if let Some(net) = net {
            let _ = write!(words, " {key} {net}");
        }
    }
    let _ = write!(words, " table {}", rule.table);
    words
}

/// How a family gets its addresses. An interface without IPv6 keeps its link-local address, as in the other network managers;
/// one that only carries others has none.
fn method(interface: &Interface, network: &Network, ipv4: bool, is_empty: bool) -> &'static str {
    let is_dynamic = interface.is_dynamic(ipv4);
    if !ipv4 && interface.dhcp6 && !interface.accepts_ra() {
        "dhcp"
    } else if is_dynamic {
        "auto"
    } else if !is_empty {
        "manual"
    } else if ipv4 || network.only_carries(interface) {
        "disabled"
    } else {
        "link-local"
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
            "[connection]\nid=nodebake-lan0\ntype=ethernet\nautoconnect-priority=500\n\n[ethernet]\n\
             mac-address=52:54:00:12:34:56\nmtu=9000\n\n\
             [ipv4]\nmethod=manual\naddress1=10.20.4.11/23\ndns=10.20.4.2;\ndns-search=example.com;\n\
             route1=0.0.0.0/0,10.20.4.1,0\nroute2=10.9.0.0/16,10.20.4.3,5\n\n\
             [ipv6]\nmethod=link-local\naddr-gen-mode=eui64\nip6-privacy=0\n"
        );
    }
}
