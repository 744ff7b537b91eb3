//! What a connection must have as a whole, or NetworkManager refuses it (`nm_connection_normalize`, `verify` of each setting).

use crate::host_files::fault::Fault;
use crate::host_files::keyfile::keys::setting_of;
use crate::host_files::keyfile::text::KeyfileText;
use crate::host_files::keyfile::value;
use crate::report::Id;
use crate::tree::Position;

/// Types that NetworkManager refuses without a key of their setting.
const NEEDS: [(&str, &str); 13] = [
    ("vlan", "parent"),
    ("vrf", "table"),
    ("veth", "peer"),
    ("macvlan", "parent"),
    ("macsec", "parent"),
    ("ip-tunnel", "mode"),
    ("infiniband", "transport-mode"),
    ("pppoe", "username"),
    ("802-11-wireless", "ssid"),
    ("6lowpan", "parent"),
    ("bluetooth", "type"),
    ("vpn", "service-type"),
    ("adsl", "username"),
];
/// Types that NetworkManager makes, so that they must have a name.
const NAMED: [&str; 6] = ["bond", "bridge", "team", "dummy", "wireguard", "ovs-bridge"];
/// Options of bonds and the modes that have them.
const OPTIONS: [(&str, &[&str]); 2] = [
    ("lacp_rate", &["802.3ad", "4"]),
    (
        "primary",
        &["active-backup", "balance-tlb", "balance-alb", "1", "5", "6"],
    ),
];
const FIRST: Position = Position { line: 1, column: 1 };

/// Checks a file.
pub fn check(text: &KeyfileText) -> Vec<Fault> {
    let mut faults: Vec<Fault> = connection(text).into_iter().collect();
    faults.extend(
        ["ipv4", "ipv6"]
            .iter()
            .filter_map(|family| addresses(text, family)),
    );
    faults.extend(master(text));
    faults.extend(peers(text));
    faults
}

fn fault(position: Position, rule: impl Into<String>) -> Fault {
    Fault::at(Id::KeyfileInvalid, position, rule)
}

fn connection(text: &KeyfileText) -> Option<Fault> {
    let Some(kind) = text.get("connection", "type") else {
        // Without a type, a setting of a type's own says which one it is.
        let is_type = |(group, _): &(String, Position)| value::is_type(group);
        if text.groups.iter().any(is_type) {
            return None;
        }
        let at = text.group("connection").unwrap_or(FIRST);
        return Some(fault(
            at,
            "a connection must have type= in [connection], or NetworkManager refuses it",
        ));
    };
    let name = setting_of(kind.value.trim_end()).unwrap_or_default();
    let has = |setting: &str, key: &str| {
        text.get(setting, key)
            .is_some_and(|entry| !entry.value.trim().is_empty())
    };
    for (_, key) in NEEDS.iter().filter(|(of, _)| *of == name) {
        let is_found_by_mac = *key == "parent"
            && has("802-3-ethernet", "mac-address")
            && (name == "vlan" || text.group(name).is_some());
        if !(has(name, key) || is_found_by_mac) {
            let rule = format!(
                "a connection of this type must have {key}= in [{name}], or NetworkManager refuses it"
            );
            return Some(fault(kind.key_at, rule));
        }
    }
    if NAMED.contains(&name) && !has("connection", "interface-name") && !has(name, "interface-name")
    {
        let rule = "a connection of this type must have interface-name= in [connection], or NetworkManager refuses it";
        return Some(fault(kind.key_at, rule));
    }
    bond(text)
}

/// What options of a bond want of one another.
fn bond(text: &KeyfileText) -> Option<Fault> {
    let mode = text
        .get("bond", "mode")
        .map_or("balance-rr", |mode| mode.value.trim_end());
    for (option, modes) in OPTIONS {
        if let Some(entry) = text.get("bond", option)
            && !modes.contains(&mode)
        {
            let rule = format!(
                "{option}: is for the modes {} only, and NetworkManager refuses the connection",
                modes.join(", ")
            );
            return Some(fault(entry.key_at, rule));
        }
    }
    match (
        text.get("bond", "arp_interval"),
        text.get("bond", "arp_ip_target"),
    ) {
        (Some(interval), None) if interval.value.trim_end() != "0" => {
            let rule = "arp_interval: needs arp_ip_target= beside it, or NetworkManager refuses the connection";
            Some(fault(interval.key_at, rule))
        }
        _ => None,
    }
}

/// Addresses where they must be, and none where they must not.
fn addresses(text: &KeyfileText, family: &'static str) -> Option<Fault> {
    let group = text.group(family)?;
    let first = text.entries.iter().find(|entry| {
        let rest = entry
            .key
            .strip_prefix("address")
            .map(|rest| rest.strip_prefix("es").unwrap_or(rest));
        setting_of(&entry.group) == Some(family)
            && !entry.value.trim().is_empty()
            && rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
    });
    let Some(method) = text.get(family, "method") else {
        return first.map(|_| {
            fault(
                group,
                "addresses need method= beside them, or NetworkManager refuses the connection",
            )
        });
    };
    match (method.value.trim_end(), first) {
        ("manual", None) => {
            let rule = "method: manual must have an address1= beside it, or NetworkManager refuses the connection";
            Some(fault(method.value_at, rule))
        }
        ("disabled" | "link-local" | "ignore", Some(address)) => {
            let rule = format!(
                "the method {} takes no addresses, and NetworkManager refuses the connection",
                method.value.trim_end()
            );
            Some(fault(address.key_at, rule))
        }
        (_, None) => {
            let gateway = text
                .get(family, "gateway")
                .filter(|entry| !entry.value.trim().is_empty())?;
            Some(fault(
                gateway.key_at,
                "gateway: needs an address1= beside it, or NetworkManager refuses the connection",
            ))
        }
        _ => None,
    }
}

/// A port has a controller and the kind of it.
fn master(text: &KeyfileText) -> Option<Fault> {
    let get = |keys: [&str; 2]| keys.iter().find_map(|key| text.get("connection", key));
    let (master, kind) = (
        get(["master", "controller"]),
        get(["slave-type", "port-type"]),
    );
    // A setting of the port's says which kind it is.
    let is_port = text
        .groups
        .iter()
        .any(|(group, _)| group.ends_with("-port"));
    match (master, kind) {
        (Some(master), None) if !is_port => Some(fault(
            master.key_at,
            format!(
                "{}: needs slave-type= beside it, or NetworkManager refuses the connection",
                master.key
            ),
        )),
        (None, Some(kind)) => Some(fault(
            kind.key_at,
            format!(
                "{}: needs master= beside it, or NetworkManager refuses the connection",
                kind.key
            ),
        )),
        _ => None,
    }
}

/// A peer of WireGuard is called by its public key: 32 bytes in base64.
fn peers(text: &KeyfileText) -> Vec<Fault> {
    let is_key = |key: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
        key.len() == 44
            && key
                .strip_suffix('=')
                .is_some_and(|key| key.chars().all(fits))
    };
    let peers = text.groups.iter().filter(|(group, _)| {
        group
            .strip_prefix("wireguard-peer.")
            .is_some_and(|key| !is_key(key))
    });
    peers
        .map(|(_, at)| {
            fault(
                *at,
                "the group must be called by the peer's public key, which is 32 bytes in base64",
            )
        })
        .collect()
}
