//! Keys that netplan knows, by table: made from its source (tests/oracle/netplan-keys), for all releases together, since nodes run
//! several.

use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("keys.txt");

/// What a key's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, a number or a boolean.
    Scalar,
    /// A list.
    List,
    /// A map.
    Map,
    /// Its reader decides.
    Any,
}

/// One key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Type of the value.
    pub kind: Kind,
    /// Which function of netplan reads the value: `handle_` without that (src/parse.c), or the table of a map's keys.
    pub reader: &'static str,
}

type Keys = HashMap<&'static str, Key>;

/// Tables by name, what they share already in them.
fn tables() -> &'static HashMap<&'static str, Keys> {
    static TABLES: OnceLock<HashMap<&'static str, Keys>> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables: HashMap<&'static str, Keys> = HashMap::new();
        let mut shared = Vec::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut parts = line.split('\t');
            let mut part = || parts.next().unwrap_or_default();
            let (table, name, kind, reader) = (part(), part(), part(), part());
            if let Some(other) = name.strip_prefix('@') {
                shared.push((table, other));
                continue;
            }
            let kind = match kind {
                "scalar" => Kind::Scalar,
                "sequence" => Kind::List,
                "mapping" => Kind::Map,
                _ => Kind::Any,
            };
            let keys = tables.entry(table).or_default();
            keys.insert(name, Key { kind, reader });
        }
        for (table, other) in shared {
            let more = tables.get(other).cloned().unwrap_or_default();
            let keys = tables.entry(table).or_default();
            for (name, key) in more {
                keys.entry(name).or_insert(key);
            }
        }
        tables
    })
}

/// One key.
pub fn key(table: &str, name: &str) -> Option<Key> {
    tables().get(table)?.get(name).copied()
}

/// The keys of a table.
pub fn known(table: &str) -> Vec<&'static str> {
    let keys = tables().get(table).into_iter();
    let mut names: Vec<&'static str> = keys.flat_map(|keys| keys.keys().copied()).collect();
    names.sort_unstable();
    names
}

/// Whether there is a table of this name.
pub fn is_table(name: &str) -> bool {
    tables().contains_key(name)
}

/// The table of the keys of a map that this function reads, where its name is not the table's.
pub fn table_of(reader: &'static str) -> Option<&'static str> {
    match reader {
        "bridge" => Some("bridge_params"),
        "bonding" => Some("bond_params"),
        "access_point_auth" => Some("auth"),
        "wireguard_peer_key_mapping" => Some("wireguard_peer_keys"),
        "ovs_backend" => Some("ovs_backend_settings"),
        other => is_table(other).then_some(other),
    }
}

/// The kinds of interfaces and the table of each one's keys.
pub const KINDS: [(&str, &str); 11] = [
    ("bonds", "bond_def"),
    ("bridges", "bridge_def"),
    ("dummy-devices", "dummy_def"),
    ("ethernets", "ethernet_def"),
    ("modems", "modem_def"),
    ("nm-devices", "ethernet_def"),
    ("tunnels", "tunnel_def"),
    ("virtual-ethernets", "veth_def"),
    ("vlans", "vlan_def"),
    ("vrfs", "vrf_def"),
    ("wifis", "wifi_def"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_table_and_shares_what_all_have() {
        for (kind, table) in KINDS {
            assert_eq!(key("network", kind).expect(kind).reader, "network_type");
            let addresses = key(table, "addresses").expect(kind);
            assert_eq!(
                (addresses.kind, addresses.reader),
                (Kind::List, "addresses")
            );
        }
        assert!(key("dhcp4_overrides", "use-dns").is_some());
        assert!(key("vlan_def", "match").is_none());
        assert!(is_table(table_of("ovs_global_ssl").expect("a table")));
    }
}
