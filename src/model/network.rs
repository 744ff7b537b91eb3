//! A node's network interfaces, resolved: what networkd files and cloud-init's network-config are made from.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The metric of routes by DHCP in netplan, and in NetworkManager for Ethernet.
pub const FIRST_DYNAMIC_METRIC: u32 = 100;

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
    /// Whether router advertisements are obeyed: addresses, routes and the flags that start DHCPv6. None where the inventory
    /// does not say: then they are obeyed where IPv6 comes by DHCP, which begins with them.
    pub accept_ra: Option<bool>,
    /// Static addresses with their prefix.
    pub addresses: Vec<IpNet>,
    /// Default gateways.
    pub gateways: Vec<Gateway>,
    /// DNS servers.
    pub nameservers: Vec<IpAddr>,
    /// DNS search domains.
    pub search: Vec<String>,
    /// Further routes.
    pub routes: Vec<Route>,
    /// Bytes.
    pub mtu: Option<u16>,
}

/// A router that leads everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its address.
    pub via: IpAddr,
    /// Whether it is a neighbour although no network of the interface holds it.
    pub on_link: bool,
    /// Priority of its route; the lower one wins.
    pub metric: Option<u32>,
}

/// One static route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Destination.
    pub to: IpNet,
    /// Next hop.
    pub via: IpAddr,
    /// Whether the next hop is a neighbour although no network of the interface holds it.
    pub on_link: bool,
    /// Priority; the lower one wins.
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

impl From<IpAddr> for Gateway {
    /// A router in one of the interface's networks, without a metric.
    fn from(via: IpAddr) -> Self {
        Self {
            via,
            on_link: false,
            metric: None,
        }
    }
}

impl Route {
    /// Whether it leads everywhere.
    pub fn is_default(&self) -> bool {
        self.to.prefix_len() == 0
    }

    /// The metric that the kernel gives a route without one: 0 in IPv4, IP6_RT_PRIO_USER in IPv6, which stands for 0 too
    /// (include/net/ip6_route.h).
    pub fn metric_in_kernel(&self) -> u32 {
        match (self.to.addr().is_ipv4(), self.metric.unwrap_or_default()) {
            (false, 0) => 1024,
            (_, metric) => metric,
        }
    }
}

impl Interface {
    /// Whether router advertisements are obeyed.
    pub fn accepts_ra(&self) -> bool {
        self.accept_ra.unwrap_or(self.dhcp6)
    }

    /// Whether it gets or has an address of IPv4, or of IPv6.
    pub fn speaks(&self, ipv4: bool) -> bool {
        let has = |net: &IpNet| net.addr().is_ipv4() == ipv4;
        self.addresses.iter().any(has) || self.is_dynamic(ipv4)
    }

    /// Whether addresses of IPv4, or of IPv6, come from the network.
    pub fn is_dynamic(&self, ipv4: bool) -> bool {
        if ipv4 {
            self.dhcp4
        } else {
            self.dhcp6 || self.accepts_ra()
        }
    }

    /// Whether it has an address at all.
    pub fn is_used(&self) -> bool {
        self.speaks(true) || self.speaks(false)
    }

    /// Gateways and further routes, in this order: a gateway is a route to everything.
    pub fn all_routes(&self) -> impl Iterator<Item = Route> {
        let everything = |gateway: &Gateway| Route {
            to: match gateway.via {
                IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
                IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
            },
            via: gateway.via,
            on_link: gateway.on_link,
            metric: gateway.metric,
        };
        let gateways = self.gateways.iter().map(everything);
        gateways.chain(self.routes.iter().cloned())
    }
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

    /// The MAC address that a bond has in all network managers: that of its first port of which it is known. The kernel
    /// takes it from the port that is first added; networkd would make one.
    pub fn mac_of_bond(&self, bond: &Bond) -> Option<&str> {
        let mac_of = |name: &String| {
            let mut all = self.interfaces.iter();
            all.find(|interface| interface.name == *name)?
                .mac
                .as_deref()
        };
        bond.members.iter().find_map(mac_of)
    }

    /// Whether an interface has no address, but only carries others: a port of a bond, a port or bond with VLANs.
    pub fn only_carries(&self, interface: &Interface) -> bool {
        let is_port = self.bond_of(&interface.name).is_some();
        is_port || (!interface.is_used() && self.vlans_in(&interface.name).next().is_some())
    }

    /// The metric of routes that come by DHCP: 100 for the first interface with DHCP, as netplan and NetworkManager have it,
    /// and one more for each further one, so that the first one wins.
    pub fn dynamic_metric(&self, interface: &Interface) -> u32 {
        let has_dhcp = |other: &&Interface| other.dhcp4 || other.dhcp6;
        let all = self.interfaces.iter().filter(has_dhcp);
        let above = all.take_while(|other| other.name != interface.name);
        FIRST_DYNAMIC_METRIC + u32::try_from(above.count()).unwrap_or_default()
    }

    /// The metric of routes that come by router advertisements: that of DHCP where there is DHCP too, as netplan has it; else
    /// None, for the kernel's own.
    pub fn ra_metric(&self, interface: &Interface) -> Option<u32> {
        let has_dhcp = interface.dhcp4 || interface.dhcp6;
        (interface.accepts_ra() && has_dhcp).then(|| self.dynamic_metric(interface))
    }

    /// The networks of the static addresses.
    pub fn static_networks(&self) -> impl Iterator<Item = IpNet> {
        let interfaces = self.interfaces.iter();
        interfaces.flat_map(|interface| interface.addresses.iter().map(IpNet::trunc))
    }

    /// The VLANs inside an interface's network.
    pub fn vlans_in(&self, name: &str) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter().filter(
            move |interface| matches!(&interface.link, Link::Vlan { parent, .. } if parent == name),
        )
    }
}
