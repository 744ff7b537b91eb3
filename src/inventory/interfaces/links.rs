//! What carries an interface: a port, a bond of ports, a VLAN inside another interface's network.

use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::values::InterfaceName;
use crate::inventory::keys::{Shaped, keys, words};
use crate::inventory::shape::Shape;
use crate::model::{Bond, Link};
use crate::report::Id;

keys! {
    for Bond: "bond" {
        /// its ports, which are interfaces beside it
        "members" => members: Vec<InterfaceName>,
        /// how frames are divided
        "mode" => mode: BondMode = "active-backup",
        // The kernel's documentation calls it a good start; its own default is never.
        /// how often links are looked at, in milliseconds
        "miimon" => miimon: u32 = 100,
        /// how often LACP speaks, in mode 802.3ad
        "lacpRate" => lacp_rate: Option<LacpRate>,
        /// what chooses a frame's port
        "hashPolicy" => hash_policy: Option<HashPolicy>,
        /// the port that is used while it works, in modes active-backup, balance-tlb and balance-alb
        "primary" => primary: Option<InterfaceName>,
    }

    pub struct VlanKeys: "vlan" {
        /// its number
        "id" => id: VlanId,
        /// the interface that carries it
        "link" => link: InterfaceName,
    }
}

words! {
    /// The modes of the kernel's bonding driver.
    BondMode: ["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"];
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

impl From<VlanKeys> for Link {
    fn from(keys: VlanKeys) -> Self {
        Self::Vlan {
            id: keys.id,
            parent: keys.link,
        }
    }
}
