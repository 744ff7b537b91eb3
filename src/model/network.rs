//! A node's network interfaces, resolved: what networkd files and cloud-init's network-config are made from.

mod cloud_init;
mod links;

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

pub use cloud_init::{CloudInitRelease, ImageCloudInit, Renderer};
pub use links::{Bond, Bridge, Link};

/// The metric of routes by DHCP in netplan, and in NetworkManager for Ethernet.
pub const FIRST_DYNAMIC_METRIC: u32 = 100;

/// The routing table that packets are looked up in where no rule names another one (RT_TABLE_MAIN).
pub const MAIN_TABLE: u32 = 254;

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
    /// Rules that choose a routing table.
    pub rules: Vec<RoutingRule>,
    /// Bytes.
    pub mtu: Option<u16>,
    /// Whether the machine starts without waiting for it.
    pub optional: bool,
    /// Whether a packet for its MAC address wakes the machine.
    pub wake_on_lan: bool,
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
    /// Its routing table; None for the main one.
    pub table: Option<u32>,
}

/// Packets that another routing table than the main one is asked about (ip-rule(8)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingRule {
    /// From where they come.
    pub from: Option<IpNet>,
    /// Where they go to.
    pub to: Option<IpNet>,
    /// The table that is asked.
    pub table: u32,
    /// Its place among all rules; the lower one is asked first.
    pub priority: u32,
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

impl RoutingRule {
    /// Whether it is about IPv4; a rule has one network at least, and both are of one family.
    pub fn is_ipv4(&self) -> bool {
        let net = self.from.or(self.to);
        net.is_none_or(|net| net.addr().is_ipv4())
    }
}

impl Route {
    /// Its routing table by number.
    pub fn table_in_kernel(&self) -> u32 {
        self.table.unwrap_or(MAIN_TABLE)
    }

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
            table: None,
        };
        let gateways = self.gateways.iter().map(everything);
        gateways.chain(self.routes.iter().cloned())
    }
}

impl Network {
    /// The interface of a name.
    pub fn get(&self, name: &str) -> Option<&Interface> {
        let mut all = self.interfaces.iter();
        all.find(|interface| interface.name == name)
    }

    /// The bond or bridge that an interface belongs to.
    pub fn master_of(&self, name: &str) -> Option<&Interface> {
        let has = |interface: &&Interface| {
            let mut members = interface.link.members().iter();
            members.any(|member| member == name)
        };
        self.interfaces.iter().find(has)
    }

    /// The MAC address that a bond or bridge has in all network managers: that of its first port of which it is known. The
    /// kernel takes one of its ports; networkd would make one. A VLAN has that of the interface which carries it.
    pub fn mac_of<'a>(&'a self, interface: &'a Interface) -> Option<&'a str> {
        self.mac_within(interface, self.interfaces.len())
    }

    /// The same down to a depth: interfaces that carry one another in a circle are a finding.
    fn mac_within<'a>(&'a self, interface: &'a Interface, depth: usize) -> Option<&'a str> {
        let depth = depth.checked_sub(1)?;
        let below = |name: &String| self.mac_within(self.get(name)?, depth);
        match &interface.link {
            Link::Port => interface.mac.as_deref(),
            Link::Vlan { parent, .. } => below(parent),
            Link::Bond(_) | Link::Bridge(_) => interface.link.members().iter().find_map(below),
        }
    }

    /// Whether an interface has no address, but only carries others: a port of a bond or bridge, one with VLANs, a bridge of
    /// other machines.
    pub fn only_carries(&self, interface: &Interface) -> bool {
        let carries = || {
            let is_bridge = matches!(interface.link, Link::Bridge(_));
            is_bridge || self.vlans_in(&interface.name).next().is_some()
        };
        self.master_of(&interface.name).is_some() || (!interface.is_used() && carries())
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
