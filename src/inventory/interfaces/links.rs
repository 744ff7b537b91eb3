//! What carries an interface: a port, a bond of ports, a VLAN inside another interface's network.

use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::InterfaceName;
use crate::inventory::keys::{Shaped, keys, words};
use crate::inventory::shape::Shape;
use crate::model::{Bond, Interface, Link, Network};
use crate::report::Id;

keys! {
    for Bond: "bond", as Bond = bond {
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
        /// the port that is used while it works, in mode active-backup
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

fn bond(bond: Bond, at: &Cursor<'_>) -> Option<Bond> {
    if bond.lacp_rate.is_some() && bond.mode != "802.3ad" {
        at.report(Id::InterfaceInvalid, "lacpRate is for mode 802.3ad only");
    }
    if let Some(primary) = &bond.primary
        && (bond.mode != "active-backup" || !bond.members.contains(primary))
    {
        at.report(
            Id::InterfaceInvalid,
            "primary is one of the members, in mode active-backup only",
        );
    }
    Some(bond)
}

/// What must hold between the interfaces of a node.
pub fn check(interface: &Interface, network: &Network, at: &Cursor<'_>) {
    let name = &interface.name;
    let find = |name: &str| network.interfaces.iter().find(|other| other.name == name);
    let speaks = !interface.addresses.is_empty() || interface.dhcp4 || interface.dhcp6;
    let bonds = network
        .interfaces
        .iter()
        .filter(|other| matches!(&other.link, Link::Bond(bond) if bond.members.contains(name)));
    match (bonds.count(), speaks) {
        // What it was meant to have may be what is wrong with it.
        (0, false) if at.is_broken() => {}
        (0, false) if network.vlans_in(name).next().is_none() => {
            at.report(Id::InterfaceInvalid, "has neither addresses nor dhcp");
        }
        (0, _) | (1, false) => {}
        (1, true) => at.report(
            Id::InterfaceInvalid,
            "belongs to a bond, which has the addresses",
        ),
        _ => at.report(Id::InterfaceInvalid, "belongs to more than one bond"),
    }
    if interface.link != Link::Port && interface.mac.is_some() {
        at.report(
            Id::InterfaceInvalid,
            "only a port is found by its MAC address",
        );
    }
    match &interface.link {
        Link::Port => {}
        Link::Bond(bond) => {
            if bond.members.is_empty() {
                at.report(Id::InterfaceInvalid, "a bond has at least one of members");
            }
            for member in &bond.members {
                if find(member).is_none_or(|found| found.link != Link::Port) {
                    at.report(
                        Id::InterfaceUnknown,
                        format!("must be a port of the node's interfaces; got {member}"),
                    );
                }
            }
        }
        Link::Vlan { parent, .. } => {
            if find(parent).is_none_or(|found| matches!(found.link, Link::Vlan { .. })) {
                at.report(
                    Id::InterfaceUnknown,
                    format!("must be a port or bond of the node's interfaces; got {parent}"),
                );
            }
        }
    }
}
