//! A node's interfaces as NetworkManager's key files (nm-settings-keyfile(5)).

use std::fmt::{Display, Write};
use std::net::IpAddr;

use crate::node::{Interface, Network};

/// Where NetworkManager keeps them; it refuses files that others may read.
const FOLDER: &str = "/etc/NetworkManager/system-connections";
/// The mode that NetworkManager insists on.
pub const MODE: u32 = 0o600;

/// Path and text of each interface's file.
pub fn files(network: &Network) -> Vec<(String, String)> {
    let file = |interface: &Interface| {
        let path = format!("{FOLDER}/nodebake-{}.nmconnection", interface.name);
        (path, text(interface))
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

fn text(interface: &Interface) -> String {
    let mut lines = Lines::default();
    lines.section("connection");
    lines.set("id", &format!("nodebake-{}", interface.name));
    lines.set("type", &"ethernet");
    if interface.mac.is_none() {
        lines.set("interface-name", &interface.name);
    }
    lines.section("ethernet");
    if let Some(mac) = &interface.mac {
        lines.set("mac-address", mac);
    }
    if let Some(mtu) = interface.mtu {
        lines.set("mtu", &mtu);
    }
    lines.section("ipv4");
    family(&mut lines, interface, IpAddr::is_ipv4, interface.dhcp4);
    lines.section("ipv6");
    family(&mut lines, interface, IpAddr::is_ipv6, interface.dhcp6);
    lines.0
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
    if let Some(gateway) = interface.gateways.iter().find(|gateway| is(gateway)) {
        lines.set("gateway", gateway);
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
    use crate::node::Route;

    #[test]
    fn each_family_has_what_is_its_own() {
        let interface = Interface {
            name: "lan0".into(),
            mac: Some("52:54:00:12:34:56".into()),
            addresses: vec!["10.20.4.11/23".parse().expect("an address")],
            gateways: vec!["10.20.4.1".parse().expect("an address")],
            nameservers: vec!["10.20.4.2".parse().expect("an address")],
            search: vec!["example.com".into()],
            routes: vec![Route {
                to: "10.9.0.0/16".parse().expect("a network"),
                via: "10.20.4.3".parse().expect("an address"),
                metric: Some(5),
            }],
            mtu: Some(9000),
            ..Interface::default()
        };
        assert_eq!(
            text(&interface),
            "[connection]\nid=nodebake-lan0\ntype=ethernet\n\n[ethernet]\nmac-address=52:54:00:12:34:56\nmtu=9000\n\n\
             [ipv4]\nmethod=manual\naddress1=10.20.4.11/23\ngateway=10.20.4.1\ndns=10.20.4.2;\ndns-search=example.com;\n\
             route1=10.9.0.0/16,10.20.4.3,5\n\n[ipv6]\nmethod=disabled\n"
        );
    }
}
