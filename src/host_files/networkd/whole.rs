//! What a file of networkd or udev must have to do anything (systemd, `network_verify`, `netdev_load_one`, `link_load_one`, and the
//! `config_verify` of each kind of interface).

use crate::host_files::fault::Fault;
use crate::host_files::networkd::Kind;
use crate::report::Id;
use crate::tree::{Position, UnitText};

/// Kinds of interfaces and the key without which no release of networkd makes one. Either of two where there is a bar.
const NEEDS: [(&str, &str, &str); 10] = [
    ("vlan", "VLAN", "Id"),
    ("vxlan", "VXLAN", "VNI|Id"),
    ("geneve", "GENEVE", "Id"),
    ("veth", "Peer", "Name"),
    ("vxcan", "VXCAN", "Peer"),
    ("bareudp", "BareUDP", "DestinationPort"),
    ("bareudp", "BareUDP", "EtherType"),
    ("l2tp", "L2TP", "Remote"),
    ("l2tp", "L2TP", "TunnelId"),
    ("vrf", "VRF", "Table|TableId"),
];

/// Checks a file.
pub fn check(kind: Kind, unit: &UnitText, text: &str) -> Vec<Fault> {
    // An empty file hides another one of its name.
    if text.is_empty() {
        return Vec::new();
    }
    match kind {
        Kind::Network => {
            let mut faults: Vec<Fault> = matches_nothing(unit, "Name=*").into_iter().collect();
            faults.extend(routes(unit));
            faults
        }
        Kind::Link => matches_nothing(unit, "OriginalName=*")
            .into_iter()
            .collect(),
        Kind::Netdev => netdev(unit).into_iter().collect(),
        Kind::Dropin(_) | Kind::Settings(_) | Kind::Unread => Vec::new(),
    }
}

fn unused(position: Option<Position>, rule: impl Into<String>) -> Fault {
    Fault {
        position,
        ..Fault::whole(Id::NetworkFileUnused, rule)
    }
}

/// Whether a key has a value.
fn has(unit: &UnitText, section: &str, keys: &str) -> bool {
    unit.assignments.iter().any(|a| {
        a.section == section && !a.value.is_empty() && keys.split('|').any(|key| key == a.key)
    })
}

fn matches_nothing(unit: &UnitText, all: &str) -> Option<Fault> {
    let is_one = unit
        .assignments
        .iter()
        .any(|a| a.section == "Match" && !a.value.is_empty());
    if is_one {
        return None;
    }
    let at = unit
        .sections
        .iter()
        .find(|(name, _)| name == "Match")
        .map(|(_, at)| *at);
    let rule = "the file matches no interface without a setting in [Match], so systemd ignores it";
    Some(unused(at, rule).help(format!("write {all} below [Match] for all interfaces")))
}

/// A route without a network and a gateway is none.
fn routes(unit: &UnitText) -> Vec<Fault> {
    const ONE_OF: [&str; 6] = [
        "Gateway",
        "Destination",
        "Source",
        "PreferredSource",
        "NextHop",
        "MultiPathRoute",
    ];
    let mut faults = Vec::new();
    for (index, (name, at)) in unit.sections.iter().enumerate() {
        if name != "Route" {
            continue;
        }
        let end = unit
            .sections
            .get(index + 1)
            .map_or(usize::MAX, |(_, next)| next.line);
        let mut own = unit
            .assignments
            .iter()
            .filter(|a| (at.line..end).contains(&a.key_position().line))
            .peekable();
        // A table or a type alone is a default route to newer releases.
        if own.peek().is_some() && !own.any(|a| ONE_OF.contains(&a.key.as_str()) || a.key == "Type")
        {
            let rule = "a [Route] must have Gateway=, Destination=, Source= or PreferredSource=, or systemd ignores it";
            faults.push(Fault::at(Id::NetworkFileInvalid, *at, rule));
        }
    }
    faults
}

fn netdev(unit: &UnitText) -> Option<Fault> {
    let at = unit
        .sections
        .iter()
        .find(|(name, _)| name == "NetDev")
        .map(|(_, at)| *at);
    for key in ["Name", "Kind"] {
        if !has(unit, "NetDev", key) {
            let rule =
                format!("a .netdev file must have {key}= in [NetDev], or systemd ignores it");
            return Some(unused(at, rule));
        }
    }
    let kind = unit
        .assignments
        .iter()
        .rev()
        .find(|a| a.section == "NetDev" && a.key == "Kind")?;
    for (_, section, keys) in NEEDS
        .iter()
        .filter(|(of, _, keys)| *of == kind.value && !keys.is_empty())
    {
        if !has(unit, section, keys) && !has(unit, section, "External") {
            let keys = keys.replace('|', "= or ");
            let rule = format!(
                "an interface of the kind {} must have {keys}= in [{section}], or systemd does not make it",
                kind.value
            );
            return Some(unused(Some(kind.key_position()), rule));
        }
    }
    None
}
