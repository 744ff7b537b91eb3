//! What carries an interface: a port, a bond of ports, a VLAN inside another interface's network.

use crate::inventory::cursor::{Cursor, Fields};
use crate::model::{Bond, Interface, Link, Network};

/// The modes of the kernel's bonding driver.
pub const MODES: [&str; 7] = [
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
];
/// Ways to choose a frame's port.
pub const HASH_POLICIES: [&str; 6] = [
    "layer2",
    "layer2+3",
    "layer3+4",
    "encap2+3",
    "encap3+4",
    "vlan+srcmac",
];
/// How often links are looked at where nobody says: the value that the kernel's documentation calls a good start, since
/// its own default is never.
const MIIMON: u32 = 100;

/// Reads `bond` or `vlan`.
pub fn read(fields: &Fields<'_>) -> Link {
    let bond = fields.optional("bond");
    let vlan = fields.optional("vlan");
    if let (Some(_), Some(vlan)) = (&bond, &vlan) {
        vlan.error("an interface is a bond or a VLAN, not both; give the VLAN an entry of its own");
    }
    let link = bond.and_then(|at| read_bond(&at).map(Link::Bond));
    link.or_else(|| vlan.and_then(|at| read_vlan(&at)))
        .unwrap_or_default()
}

fn read_bond(at: &Cursor<'_>) -> Option<Bond> {
    let fields = at.fields()?;
    let word = |key, words: &[&'static str]| {
        let words: Vec<(&str, &str)> = words.iter().map(|word| (*word, *word)).collect();
        let word = fields.optional(key).and_then(|at| at.choice(&words));
        word.map(str::to_owned)
    };
    let members = fields.list("members");
    let bond = Bond {
        members: members
            .iter()
            .filter_map(|at| at.string().map(str::to_owned))
            .collect(),
        mode: word("mode", &MODES).unwrap_or_else(|| "active-backup".to_owned()),
        miimon: fields
            .optional("miimon")
            .and_then(|at| at.integer())
            .unwrap_or(MIIMON),
        lacp_rate: word("lacpRate", &["slow", "fast"]),
        hash_policy: word("hashPolicy", &HASH_POLICIES),
        primary: fields
            .optional("primary")
            .and_then(|at| at.string().map(str::to_owned)),
    };
    if bond.lacp_rate.is_some() && bond.mode != "802.3ad" {
        at.error("lacpRate is for mode 802.3ad only");
    }
    if let Some(primary) = &bond.primary
        && (bond.mode != "active-backup" || !bond.members.contains(primary))
    {
        at.error("primary is one of the members, in mode active-backup only");
    }
    fields.finish();
    Some(bond)
}

fn read_vlan(at: &Cursor<'_>) -> Option<Link> {
    let fields = at.fields()?;
    let id = fields.required("id").and_then(|at| {
        let id: u16 = at.integer()?;
        let is_tag = (1..=4094).contains(&id);
        if !is_tag {
            at.error(format!("{id} is no VLAN: they are 1 to 4094"));
        }
        is_tag.then_some(id)
    });
    let parent = fields.required("link").and_then(|at| at.string());
    fields.finish();
    Some(Link::Vlan {
        id: id?,
        parent: parent?.to_owned(),
    })
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
        (0, false) if network.vlans_in(name).next().is_none() => {
            at.error("has neither addresses nor dhcp");
        }
        (0, _) | (1, false) => {}
        (1, true) => at.error("belongs to a bond, which has the addresses"),
        _ => at.error("belongs to more than one bond"),
    }
    if interface.link != Link::Port && interface.mac.is_some() {
        at.error("only a port is found by its MAC address");
    }
    match &interface.link {
        Link::Port => {}
        Link::Bond(bond) => {
            if bond.members.is_empty() {
                at.error("a bond has at least one of members");
            }
            for member in &bond.members {
                if find(member).is_none_or(|found| found.link != Link::Port) {
                    at.error(format!("{member} is no port of the node's interfaces"));
                }
            }
        }
        Link::Vlan { parent, .. } => {
            if find(parent).is_none_or(|found| matches!(found.link, Link::Vlan { .. })) {
                at.error(format!(
                    "{parent} is no port or bond of the node's interfaces"
                ));
            }
        }
    }
}
