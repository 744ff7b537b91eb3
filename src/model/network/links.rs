//! What carries an interface: a port, a bond of ports, a VLAN inside another interface's network, a bridge.

use std::net::Ipv4Addr;

/// How often links are looked at where the inventory does not say, in milliseconds: the kernel's documentation calls it a good
/// start; the driver's own default is never.
const MIIMON: u32 = 100;

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
    /// A switch of the machine's own.
    Bridge(Bridge),
}

/// Ports that act as one (the kernel's bonding.rst).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bond {
    /// The ports by name.
    pub members: Vec<String>,
    /// `active-backup`, `802.3ad` and so on.
    pub mode: String,
    /// How often the links are looked at, in milliseconds; None where the inventory does not say.
    pub miimon: Option<u32>,
    /// How often `arp_targets` are asked whether they are there, in milliseconds.
    pub arp_interval: Option<u32>,
    /// Machines whose answers show that a port works.
    pub arp_targets: Vec<Ipv4Addr>,
    /// Of which ports the answers are checked: `none`, `active`, `backup` or `all`.
    pub arp_validate: Option<String>,
    /// `fast` or `slow`, for 802.3ad.
    pub lacp_rate: Option<String>,
    /// How a frame's port is chosen, like `layer3+4`.
    pub hash_policy: Option<String>,
    /// The port that is used while it is up, for active-backup.
    pub primary: Option<String>,
}

/// A switch of the machine's own (the kernel's bridge.rst).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bridge {
    /// Its ports by name.
    pub members: Vec<String>,
    /// Whether it speaks the spanning tree protocol, so that a circle of switches does no harm.
    pub stp: bool,
    /// How long a port listens before it forwards frames, in seconds, where the spanning tree protocol is spoken.
    pub forward_delay: Option<u32>,
}

impl Link {
    /// The interfaces that are ports of this one; none where it is no bond and no bridge.
    pub fn members(&self) -> &[String] {
        match self {
            Self::Bond(bond) => &bond.members,
            Self::Bridge(bridge) => &bridge.members,
            Self::Port | Self::Vlan { .. } => &[],
        }
    }

    /// The interfaces that carry this one.
    pub fn below(&self) -> &[String] {
        match self {
            Self::Vlan { parent, .. } => std::slice::from_ref(parent),
            Self::Port | Self::Bond(_) | Self::Bridge(_) => self.members(),
        }
    }
}

impl Bond {
    /// How often the links are looked at, in milliseconds. The driver has one way to watch its ports: 0 where that is ARP.
    pub fn miimon(&self) -> u32 {
        let unsaid = if self.arp_interval.is_some() {
            0
        } else {
            MIIMON
        };
        self.miimon.unwrap_or(unsaid)
    }
}
