//! Whether NetworkManager takes a value, by the type of its property, or by its name where a key file has an own way to write it.

use std::net::IpAddr;

/// What is said to a value: the rule that it breaks.
type Taken = Result<(), String>;

/// Types of connections (src/libnm-core-impl/nm-setting.c, base types).
const TYPES: &str = "ethernet wifi 802-3-ethernet 802-11-wireless 6lowpan 802-11-olpc-mesh adsl bluetooth bond bridge cdma dummy generic gsm hsr \
    infiniband ip-tunnel ipvlan loopback macsec macvlan ovs-bridge ovs-dpdk ovs-interface ovs-patch ovs-port pppoe team tun veth vlan vpn vrf \
    vxlan wifi-p2p wimax wireguard wpan geneve";
/// Keys that take one of several words: the setting, the key, the words.
const WORDS: [(&str, &str, &str); 17] = [
    ("connection", "type", TYPES),
    (
        "connection",
        "slave-type",
        "bond bridge team ovs-bridge ovs-port vrf ovs-interface",
    ),
    (
        "connection",
        "port-type",
        "bond bridge team ovs-bridge ovs-port vrf ovs-interface",
    ),
    ("ipv4", "method", "auto manual link-local shared disabled"),
    (
        "ipv6",
        "method",
        "ignore auto dhcp link-local manual shared disabled",
    ),
    (
        "ipv6",
        "addr-gen-mode",
        "eui64 stable-privacy default default-or-eui64 0 1 2 3",
    ),
    ("ipv6", "ip6-privacy", "-1 0 1 2"),
    ("802-11-wireless", "mode", "infrastructure mesh adhoc ap"),
    ("802-11-wireless", "band", "a bg 6GHz"),
    (
        "bond",
        "mode",
        "balance-rr active-backup balance-xor broadcast 802.3ad balance-tlb balance-alb 0 1 2 3 4 5 6",
    ),
    ("bond", "lacp_rate", "slow fast 0 1"),
    ("bond", "ad_select", "stable bandwidth count 0 1 2"),
    ("bond", "fail_over_mac", "none active follow 0 1 2"),
    ("bond", "primary_reselect", "always better failure 0 1 2"),
    ("bond", "arp_all_targets", "any all 0 1"),
    (
        "bond",
        "xmit_hash_policy",
        "layer2 layer3+4 layer2+3 encap2+3 encap3+4 vlan+srcmac 0 1 2 3 4 5",
    ),
    ("bond", "lacp_active", "off on 0 1"),
];
/// Bounds of numbers that have narrower ones than their type (the properties' own, in src/libnm-core-impl/nm-setting-*.c).
const BOUNDS: [(&str, &str, i64, i64); 16] = [
    ("vlan", "id", 0, 4094),
    ("bridge", "forward-delay", 0, 30),
    ("bridge", "hello-time", 0, 10),
    ("bridge", "max-age", 0, 42),
    ("bridge", "priority", 0, 65535),
    ("bridge", "ageing-time", 0, 1_000_000),
    ("bridge", "group-forward-mask", 0, 65535),
    ("bridge-port", "priority", 0, 63),
    ("bridge-port", "path-cost", 0, 65535),
    ("connection", "autoconnect-priority", -999, 999),
    ("connection", "gateway-ping-timeout", 0, 600),
    ("vxlan", "id", 0, 16_777_215),
    ("ipv4", "route-metric", -1, 4_294_967_295),
    ("ipv6", "route-metric", -1, 4_294_967_295),
    ("bond", "miimon", 0, 2_147_483_647),
    ("bond", "min_links", 0, 2_147_483_647),
];

/// Whether a setting's name is a type of connections.
pub fn is_type(name: &str) -> bool {
    one_of(TYPES, name).is_ok()
}

/// Checks a value.
pub fn check(setting: &str, key: &str, kind: &str, value: &str) -> Taken {
    let value = value.trim_end();
    if let Some((_, _, words)) = WORDS
        .iter()
        .find(|(of, name, _)| (*of, *name) == (setting, key))
    {
        return one_of(words, value);
    }
    if let Some((_, _, least, most)) = BOUNDS
        .iter()
        .find(|(of, name, _, _)| (*of, *name) == (setting, key))
    {
        return between(value, *least, *most);
    }
    let is_6 = setting == "ipv6";
    match (key, kind) {
        ("mac-address" | "bssid" | "bdaddr", _) => mac(value),
        ("cloned-mac-address", _) => {
            one_of("preserve permanent random stable stable-ssid", value).or_else(|_| mac(value))
        }
        ("interface-name", _) => interface(value),
        ("uuid", _) => uuid(value),
        ("gateway", _) if setting.starts_with("ipv") => ip(value, is_6),
        ("dns", _) => list(value).try_for_each(|server| dns(server, is_6)),
        // Options of a route are words of their own.
        (key, "routes") if key.ends_with("_options") => Ok(()),
        (_, "routes") => route(value, is_6),
        (_, "addresses") => address(value, is_6),
        (_, "gboolean") => {
            one_of("true false 1 0", value).map_err(|_| "must be true or false".to_owned())
        }
        (_, "gint" | "NMTernary" | "NMMetered") => between(value, i32::MIN.into(), i32::MAX.into()),
        (_, "guint" | "NMVlanFlags" | "NMSettingSecretFlags") => between(value, 0, u32::MAX.into()),
        (_, "gint64" | "guint64") => between(value, i64::MIN, i64::MAX),
        _ => Ok(()),
    }
}

fn one_of(words: &str, value: &str) -> Taken {
    if words.split_whitespace().any(|word| word == value) {
        return Ok(());
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    Err(format!("must be one of {}", words.join(", ")))
}

/// A number, hexadecimal too.
fn between(value: &str, least: i64, most: i64) -> Taken {
    let number = match value.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => value.trim_start().parse().ok(),
    };
    match number {
        Some(number) if (least..=most).contains(&number) => Ok(()),
        _ if (least, most) == (i64::MIN, i64::MAX) => Err("must be a whole number".to_owned()),
        _ => Err(format!("must be a whole number from {least} to {most}")),
    }
}

/// Items of a list; commas and blanks end them too.
fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split([';', ',', ' ']).filter(|item| !item.is_empty())
}

fn ip(text: &str, is_6: bool) -> Taken {
    let family = if is_6 { "IPv6" } else { "IPv4" };
    match text.parse::<IpAddr>() {
        Ok(address) if address.is_ipv6() == is_6 => Ok(()),
        _ => Err(format!("must be an {family} address")),
    }
}

/// A DNS server; newer releases take a name behind the address, and URIs.
fn dns(text: &str, is_6: bool) -> Taken {
    if text.contains("://") {
        return Ok(());
    }
    let address = text.split('#').next().unwrap_or_default();
    ip(address.split('%').next().unwrap_or_default(), is_6)
}

/// An address with its prefix length, then perhaps a gateway; older files have semicolons.
fn address(value: &str, is_6: bool) -> Taken {
    let mut parts = value
        .split([',', ';'])
        .filter(|part| !part.is_empty())
        .peekable();
    let Some(first) = parts.next() else {
        return Ok(());
    };
    network(first, is_6, parts.next_if(|part| is_number(part)))?;
    match parts.next() {
        Some(gateway) => ip(gateway.trim(), is_6),
        None => Ok(()),
    }
}

/// A network, then perhaps a gateway and a metric.
fn route(value: &str, is_6: bool) -> Taken {
    let mut parts = value.split([',', ';']).peekable();
    let first = parts.next().unwrap_or_default();
    network(first, is_6, parts.next_if(|part| is_number(part)))?;
    match parts.next() {
        Some(gateway) if !gateway.is_empty() => ip(gateway.trim(), is_6)?,
        _ => {}
    }
    match parts.next() {
        Some(metric) if !metric.is_empty() => between(metric.trim(), 0, u32::MAX.into()),
        _ => Ok(()),
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.chars().all(|c| c.is_ascii_digit())
}

/// `ADDRESS/PREFIX`, or the two apart.
fn network(text: &str, is_6: bool, apart: Option<&str>) -> Taken {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, apart),
    };
    ip(address.trim(), is_6)?;
    let longest = if is_6 { 128 } else { 32 };
    match prefix {
        None => Err("must have a prefix length, or NetworkManager takes a default".to_owned()),
        Some(prefix)
            if is_number(prefix) && prefix.parse::<u8>().is_ok_and(|prefix| prefix <= longest) =>
        {
            Ok(())
        }
        Some(_) => Err(format!("must have a prefix length from 0 to {longest}")),
    }
}

fn mac(value: &str) -> Taken {
    let of = |separator: char| {
        let pairs: Vec<&str> = value.split(separator).collect();
        let is_pair = |pair: &&str| {
            (1..=2).contains(&pair.len()) && pair.chars().all(|c| c.is_ascii_hexdigit())
        };
        matches!(pairs.len(), 6 | 20) && pairs.iter().all(is_pair)
    };
    // Bytes in decimal, as old files have them.
    let bytes = value.split(';').filter(|byte| !byte.is_empty());
    let is_list = value.contains(';')
        && matches!(bytes.clone().count(), 6 | 20)
        && bytes.clone().all(|byte| byte.parse::<u8>().is_ok());
    if of(':') || of('-') || is_list {
        return Ok(());
    }
    Err("must be a MAC address (for example 52:54:00:12:34:56)".to_owned())
}

/// src/libnm-base, `nm_utils_ifname_valid_kernel`.
fn interface(value: &str) -> Taken {
    let fits = |c: char| !c.is_whitespace() && !matches!(c, '/' | ':');
    let is_name =
        (1..=15).contains(&value.len()) && !matches!(value, "." | "..") && value.chars().all(fits);
    if is_name {
        Ok(())
    } else {
        Err("must be the name of an interface, of at most 15 characters".to_owned())
    }
}

fn uuid(value: &str) -> Taken {
    let groups: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_hex = value.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    // Forty digits without dashes are one of NetworkManager's own.
    if is_hex && (lengths == [8, 4, 4, 4, 12] || lengths == [40]) {
        return Ok(());
    }
    Err("must be a UUID".to_owned())
}
