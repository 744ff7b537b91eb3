//! A node's network interfaces, resolved: what networkd files and cloud-init's network-config are made from.

use std::net::IpAddr;

use ipnet::IpNet;

/// All interfaces of a node, in the order of the inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The interfaces.
    pub interfaces: Vec<Interface>,
}

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name, as the inventory gives it; with `mac` a name of our own, else the kernel's.
    pub name: String,
    /// What carries it.
    pub link: Link,
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

/// What carries an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// A port of its own.
    #[default]
    Port,
    /// Ports that act as one.
    Bond(Bond),
    /// A network inside another interface's.
    Vlan {
        /// The tag, 1 to 4094.
        id: u16,
        /// The interface whose frames are tagged.
        parent: String,
    },
}

/// Ports that act as one (the kernel's bonding.rst).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bond {
    /// The ports by name.
    pub members: Vec<String>,
    /// `active-backup`, `802.3ad` and so on.
    pub mode: String,
    /// How often the links are looked at, in milliseconds.
    pub miimon: u32,
    /// `fast` or `slow`, for 802.3ad.
    pub lacp_rate: Option<String>,
    /// How a frame's port is chosen, like `layer3+4`.
    pub hash_policy: Option<String>,
    /// The port that is used while it is up, for active-backup.
    pub primary: Option<String>,
}

impl Network {
    /// The bond that a port belongs to.
    pub fn bond_of(&self, port: &str) -> Option<(&str, &Bond)> {
        let bonds = self
            .interfaces
            .iter()
            .filter_map(|interface| match &interface.link {
                Link::Bond(bond) => Some((interface.name.as_str(), bond)),
                Link::Port | Link::Vlan { .. } => None,
            });
        let mut of = bonds.filter(|(_, bond)| bond.members.iter().any(|member| member == port));
        of.next()
    }

    /// The VLANs inside an interface's network.
    pub fn vlans_in(&self, name: &str) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter().filter(
            move |interface| matches!(&interface.link, Link::Vlan { parent, .. } if parent == name),
        )
    }
}
