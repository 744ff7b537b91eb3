//! What must hold for one route, rule, peer or access point of netplan.

use std::collections::BTreeMap;

use crate::host_files::netplan::{Written, value};

type Values = BTreeMap<String, Written>;

fn text<'v>(values: &'v Values, key: &str) -> Option<&'v str> {
    values.get(key).map(|written| written.text.as_str())
}

/// One family, if the addresses are any.
fn one_family(values: &Values, keys: &[&str]) -> bool {
    let families = keys
        .iter()
        .filter_map(|key| value::network(text(values, key)?).ok());
    let families: Vec<bool> = families.collect();
    families.windows(2).all(|pair| pair[0] == pair[1])
}

/// `handle_routes`.
pub(super) fn route(values: &Values) -> Result<(), String> {
    if !one_family(values, &["to", "via", "from"]) {
        return Err("a route's addresses must be of one family".to_owned());
    }
    let kind = text(values, "type")
        .unwrap_or("unicast")
        .to_ascii_lowercase();
    let has_via = values.contains_key("via");
    let scope = text(values, "scope")
        .map(str::to_ascii_lowercase)
        .unwrap_or_else(|| {
            let scope = match kind.as_str() {
                "local" | "nat" => "host",
                "unicast" if !has_via => "link",
                "broadcast" | "multicast" | "anycast" => "link",
                _ => "global",
            };
            scope.to_owned()
        });
    if !values.contains_key("to") {
        return Err("a route must have `to:`".to_owned());
    }
    if kind == "unicast" && scope == "global" && !has_via {
        return Err("a route must have `via:`, or the scope link".to_owned());
    }
    Ok(())
}

/// `handle_ip_rules`.
pub(super) fn policy(values: &Values) -> Result<(), String> {
    if !one_family(values, &["to", "from"]) {
        return Err("a rule's addresses must be of one family".to_owned());
    }
    if values.contains_key("to") || values.contains_key("from") {
        return Ok(());
    }
    Err("a rule must have `from:` or `to:`".to_owned())
}

/// `validate_tunnel_grammar`, of a peer.
pub(super) fn peer(values: &Values) -> Result<(), String> {
    let keepalive = text(values, "keepalive").and_then(value::unsigned);
    if keepalive.is_some_and(|seconds| seconds > 65535) {
        return Err("keepalive must be from 0 to 65535".to_owned());
    }
    match text(values, "keys.public") {
        None => return Err("a peer must have a public key in `keys:`".to_owned()),
        Some(key) if !value::is_wireguard_key(key) => {
            return Err("the public key must be 32 bytes in base64".to_owned());
        }
        Some(_) => {}
    }
    match text(values, "keys.shared") {
        Some(key) if !key.starts_with('/') && !value::is_wireguard_key(key) => {
            Err("the shared key must be 32 bytes in base64, or a path".to_owned())
        }
        _ => Ok(()),
    }
}

/// Channels of 5 GHz (netplan, src/util.c).
const CHANNELS: [u32; 57] = [
    7, 8, 9, 11, 12, 16, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62, 64, 68,
    96, 100, 102, 104, 106, 108, 110, 112, 114, 116, 118, 120, 122, 124, 126, 128, 132, 134, 136,
    138, 140, 142, 144, 149, 151, 153, 155, 157, 159, 161, 165, 169, 173,
];

/// A channel is one of its band.
pub(super) fn access_point(values: &Values) -> Result<(), String> {
    let Some(channel) = text(values, "channel").and_then(value::unsigned) else {
        return Ok(());
    };
    let (is_one, band) = match text(values, "band") {
        Some("5GHz" | "5G") => (CHANNELS.contains(&channel), "5 GHz"),
        Some(_) => ((1..=14).contains(&channel), "2.4 GHz"),
        None => return Ok(()),
    };
    if is_one || channel == 0 {
        return Ok(());
    }
    Err(format!("channel: must be one of {band}; got {channel}"))
}
