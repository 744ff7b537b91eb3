//! A node's network interfaces, resolved: what networkd files and cloud-init's network-config are made from.

use std::net::IpAddr;

use ipnet::IpNet;

/// All interfaces of a node, in the order of the inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The interfaces.
    pub interfaces: Vec<Interface>,
}

/// One Ethernet interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name, as the inventory gives it; with `mac` a name of our own, else the kernel's.
    pub name: String,
    /// Lower-case, colon-separated; the interface is found by it when given.
    pub mac: Option<String>,
    /// Whether IPv4 comes by DHCP.
    pub dhcp4: bool,
    /// Whether IPv6 comes by DHCP.
    pub dhcp6: bool,
    /// Static addresses with their prefix.
    pub addresses: Vec<IpNet>,
    /// Default gateways, at most one per family.
    pub gateways: Vec<IpAddr>,
    /// DNS servers.
    pub nameservers: Vec<IpAddr>,
    /// DNS search domains.
    pub search: Vec<String>,
    /// Further routes.
    pub routes: Vec<Route>,
    /// Bytes.
    pub mtu: Option<u16>,
}

/// One static route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Destination.
    pub to: IpNet,
    /// Next hop.
    pub via: IpAddr,
    /// Priority.
    pub metric: Option<u32>,
}
