//! What carries an interface: a port, a bond of ports, a VLAN inside another interface's network, a bridge.

use std::net::Ipv4Addr;

use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::values::{InterfaceName, Number};
use crate::inventory::keys::{Shaped, keys, texts, words};
use crate::inventory::shape::Shape;
use crate::model::{Bond, Bridge, Link};
use crate::report::Id;

keys! {
    for Bond: "bond" {
        /// its ports, which are interfaces beside it
        "members" => members: Vec<InterfaceName>,
        /// how frames are divided
        "mode" => mode: BondMode = "active-backup",
        /// how often links are looked at, in milliseconds; where it is absent, 100, and 0 with arpInterval
        "miimon" => miimon: Option<u32>,
        /// how often arpIpTargets are asked whether they are there, in milliseconds; takes the place of miimon
        "arpInterval" => arp_interval: Option<Number<1, { i32::MAX as u32 }>>,
        /// IPv4 addresses of machines in the bond's network whose answers show that a port works
        "arpIpTargets" => arp_targets: Vec<ArpTarget>,
        /// of which ports the answers are checked
        "arpValidate" => arp_validate: Option<ArpValidate>,
        /// how often LACP speaks, in mode 802.3ad
        "lacpRate" => lacp_rate: Option<LacpRate>,
        /// what chooses a frame's port
        "hashPolicy" => hash_policy: Option<HashPolicy>,
        /// the port that is used while it works, in modes active-backup, balance-tlb and balance-alb
        "primary" => primary: Option<InterfaceName>,
    }

    for Bridge: "bridge" {
        /// its ports, which are interfaces beside it: ports of the machine, bonds, VLANs
        "members" => members: Vec<InterfaceName>,
        /// whether it speaks the spanning tree protocol
        "stp" => stp: bool = false,
        // The kernel's bounds where the protocol is spoken (BR_MIN_FORWARD_DELAY, BR_MAX_FORWARD_DELAY).
        /// how many seconds a port listens before it forwards frames, with stp; where it is absent, 15
        "forwardDelay" => forward_delay: Option<Number<2, 30>>,
    }

    pub struct VlanKeys: "vlan" {
        /// its number
        "id" => id: VlanId,
        /// the interface that carries it
        "link" => link: InterfaceName,
    }
}

texts! {
    /// A machine that answers ARP.
    ArpTarget or AddressInvalid: Ipv4Addr = arp_target, r"^[0-9.]+$", ["10.20.4.1"];
}

words! {
    /// The modes of the kernel's bonding driver.
    BondMode: ["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"];
    // The driver has three words more, which systemd-networkd does not know.
    /// Of which ports the answers to ARP are checked.
    ArpValidate: ["none", "active", "backup", "all"];
    /// How often LACP speaks.
    LacpRate: ["slow", "fast"];
    /// Ways to choose a frame's port.
    HashPolicy: ["layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4", "vlan+srcmac"];
}

/// The number of a VLAN.
pub enum VlanId {}

impl Shaped for VlanId {
    type Value = u16;
    const SHAPE: Shape = Shape::Integer(1, 4094);

    fn read(at: &Cursor<'_>) -> Option<u16> {
        let id = at.integer()?;
        let is_tag = (1..=4094).contains(&id);
        if !is_tag {
            at.report(
                Id::InterfaceInvalid,
                format!("must be a VLAN id from 1 to 4094; got {id}"),
            );
        }
        is_tag.then_some(id)
    }
}

fn arp_target(text: &str) -> Result<Ipv4Addr, String> {
    text.parse()
        .map_err(|_| format!("must be an IPv4 address, since IPv6 has no ARP; got {text:?}"))
}

impl From<VlanKeys> for Link {
    fn from(keys: VlanKeys) -> Self {
        Self::Vlan {
            id: keys.id,
            parent: keys.link,
        }
    }
}
