//! Whether netplan takes a scalar, by the function that reads it (netplan, src/parse.c). Words of several readers are in a table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a reader says to a value: the rule that it breaks.
pub type Taken = Result<(), String>;

/// Readers of one of several words. A `~` in front means that case does not matter.
const WORDS: [(&str, &str); 21] = [
    ("activation_mode", "manual off"),
    ("access_point_band", "5GHz 5G 2.4GHz 2.4G"),
    ("access_point_mode", "infrastructure adhoc ap"),
    ("address_option_lifetime", "~0 forever"),
    (
        "auth_key_management",
        "none psk psk-sha256 eap eap-sha256 eap-suite-b-192 sae 802.1x",
    ),
    ("auth_method", "tls peap ttls leap pwd"),
    ("bond_lacp_rate", "slow fast"),
    (
        "bond_mode",
        "balance-rr active-backup balance-xor broadcast 802.3ad balance-tlb balance-alb balance-tcp balance-slb",
    ),
    ("dhcp_identifier", "~duid mac"),
    ("embedded_switch_mode", "switchdev legacy"),
    ("ib_mode", "datagram connected"),
    ("link_local", "~ipv4 ipv6"),
    ("netdef_addrgen", "eui64 stable-privacy"),
    ("optional_addresses", "~ipv4-ll ipv6-ra dhcp4 dhcp6 static"),
    ("ovs_bond_lacp", "active passive off"),
    (
        "ovs_bridge_controller_connection_mode",
        "in-band out-of-band",
    ),
    ("ovs_bridge_fail_mode", "standalone secure"),
    ("routes_scope", "~global link host"),
    (
        "routes_type",
        "~unicast anycast blackhole broadcast local multicast nat prohibit throw unreachable xresolve",
    ),
    (
        "tunnel_mode",
        "ipip gre sit isatap vti ip6ip6 ipip6 ip6gre vti6 gretap ip6gretap vxlan wireguard",
    ),
    (
        "wowlan",
        "~default any disconnect magic_pkt gtk_rekey_failure eap_identity_req four_way_handshake rfkill_release tcp",
    ),
];
/// The same for the items of lists, by key or reader.
const ITEM_WORDS: [(&str, &str); 6] = [
    (
        "checksums",
        "~udp zero-udp6-tx zero-udp6-rx remote-tx remote-rx",
    ),
    ("extensions", "~group-policy generic-protocol"),
    ("notifications", "~l2-miss l3-miss"),
    ("network_ovs_settings_global_protocol", OPENFLOW),
    ("ovs_bridge_protocol", OPENFLOW),
    ("tunnel_key_flags", "~agent-owned not-saved not-required"),
];
const OPENFLOW: &str =
    "OpenFlow10 OpenFlow11 OpenFlow12 OpenFlow13 OpenFlow14 OpenFlow15 OpenFlow16";

/// Checks a scalar that a function reads.
pub fn scalar(reader: &str, text: &str) -> Taken {
    if let Some(words) = words_of(&WORDS, reader) {
        return one_of(words, text);
    }
    match reader {
        "accept_ra" => boolean(text),
        "network_version" => version(text),
        "network_renderer" => one_of("networkd NetworkManager", text),
        "gateway4" | "arp_ip_targets" => is_ip4(text)
            .then_some(())
            .ok_or_else(|| "must be an IPv4 address".to_owned()),
        "gateway6" | "netdef_addrtok" => is_ip6(text)
            .then_some(())
            .ok_or_else(|| "must be an IPv6 address".to_owned()),
        "nameservers_addresses" | "tunnel_addr" => {
            let is_address = is_ip4(text) || is_ip6(text);
            is_address
                .then_some(())
                .ok_or_else(|| "must be an IP address without a prefix length".to_owned())
        }
        "netdef_id" => {
            let is_id = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
            is_id
                .then_some(())
                .ok_or_else(|| "must be letters, digits and punctuation".to_owned())
        }
        "netdef_match_mac" | "access_point_mac" => mac(text),
        "netdef_use_domains" if text.eq_ignore_ascii_case("route") => Ok(()),
        "netdef_use_domains" => {
            boolean(text).map_err(|_| "must be true, false or route".to_owned())
        }
        "ip_rule_tos" => match unsigned(text) {
            Some(0..=255) => Ok(()),
            _ => Err("must be between 0 and 255".to_owned()),
        },
        "routes_destination" if text == "default" => Ok(()),
        "routes_ip" | "routes_destination" | "ip_rule_ip" => network(text).map(|_| ()),
        "wireguard_endpoint" => endpoint(text),
        _ if reader.ends_with("_bool") || reader.ends_with("_tristate") => boolean(text),
        _ if reader.ends_with("_guint") => match unsigned(text) {
            Some(_) => Ok(()),
            None => Err("must be a whole number from 0 to 4294967295".to_owned()),
        },
        _ => Ok(()),
    }
}

/// Checks an item of a list that a function reads, or that is the value of a key.
pub fn item(reader: &str, key: &str, text: &str) -> Taken {
    match words_of(
        &ITEM_WORDS,
        if reader == "vxlan_flags" { key } else { reader },
    ) {
        Some(words) => one_of(words, text),
        None if reader == "vxlan_source_port" => scalar("vxlan_guint", text),
        None => scalar(reader, text),
    }
}

fn words_of(table: &[(&str, &'static str)], reader: &str) -> Option<&'static str> {
    let found = table.iter().find(|(name, _)| *name == reader);
    found.map(|(_, words)| *words)
}

fn one_of(words: &str, text: &str) -> Taken {
    let (words, is_any_case) = match words.strip_prefix('~') {
        Some(words) => (words, true),
        None => (words, false),
    };
    let mut known = words.split(' ');
    let is_known =
        known.any(|word| word == text || (is_any_case && word.eq_ignore_ascii_case(text)));
    if is_known {
        return Ok(());
    }
    Err(format!("must be one of {}", words.replace(' ', ", ")))
}

/// `handle_generic_bool`.
pub fn boolean(text: &str) -> Taken {
    truth(text)
        .map(|_| ())
        .ok_or_else(|| "must be true or false".to_owned())
}

/// Whether a boolean says yes.
pub fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "y" => Some(true),
        "false" | "off" | "no" | "n" => Some(false),
        _ => None,
    }
}

/// `handle_generic_guint`: nothing at all is 0 to `strtoull`.
pub fn unsigned(text: &str) -> Option<u32> {
    let number = text.trim_start_matches([' ', '\t', '\n', '\r']);
    if text.is_empty() {
        return Some(0);
    }
    number
        .strip_prefix('+')
        .unwrap_or(number)
        .parse()
        .ok()
        .filter(|_| !number.starts_with("++"))
}

/// `strtol` reads digits and passes over what follows.
fn version(text: &str) -> Taken {
    let digits = text.trim_start();
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    if digits[..end].parse() == Ok(2) {
        return Ok(());
    }
    Err("must be 2, the only version that there is".to_owned())
}

/// Whether `inet_pton` reads an IPv4 address.
pub fn is_ip4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

/// Whether `inet_pton` reads an IPv6 address.
pub fn is_ip6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// An address with or without a prefix length; whether it is one of IPv6. netplan itself does not look at the length, but
/// the network manager that gets it does.
pub fn network(text: &str) -> Result<bool, String> {
    let (address, prefix) = match text.rsplit_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = match address.parse() {
        Ok(address) => address,
        Err(_) => return Err("must be an IP address or a network".to_owned()),
    };
    let longest = if address.is_ipv6() { 128 } else { 32 };
    let fits = |prefix: &str| {
        is_digits(prefix) && prefix.parse::<u16>().is_ok_and(|prefix| prefix <= longest)
    };
    if prefix.is_none_or(fits) {
        return Ok(address.is_ipv6());
    }
    Err(format!("must have a prefix length from 0 to {longest}"))
}

/// An address of an interface: with a prefix length, which is 0 for peers of WireGuard only.
pub fn interface_address(text: &str, may_be_zero: bool) -> Taken {
    let Some((address, prefix)) = text.rsplit_once('/') else {
        return Err(
            "must be an IP address with a prefix length (for example 10.0.0.5/24)".to_owned(),
        );
    };
    let is_address = is_ip4(address) || is_ip6(address);
    if !is_address {
        return Err(
            "must be an IP address with a prefix length (for example 10.0.0.5/24)".to_owned(),
        );
    }
    let longest = if is_ip4(address) { 32 } else { 128 };
    let least = u16::from(!may_be_zero);
    let fits = is_digits(prefix)
        && prefix
            .parse::<u16>()
            .is_ok_and(|prefix| (least..=longest).contains(&prefix));
    if fits {
        return Ok(());
    }
    Err(format!(
        "must have a prefix length from {least} to {longest}"
    ))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// An Ethernet address, or one of InfiniBand.
pub fn mac(text: &str) -> Taken {
    let pairs: Vec<&str> = text.split(':').collect();
    let is_pair = |pair: &&str| pair.len() == 2 && pair.chars().all(|c| c.is_ascii_hexdigit());
    if matches!(pairs.len(), 6 | 20) && pairs.iter().all(is_pair) {
        return Ok(());
    }
    Err("must be a MAC address (for example 52:54:00:12:34:56)".to_owned())
}

/// Host and port of a peer.
fn endpoint(text: &str) -> Taken {
    if text.is_empty() {
        return Ok(());
    }
    let rule = || "must be HOST:PORT, with an IPv6 address in brackets".to_owned();
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.rsplit_once(']').ok_or_else(rule)?;
            (host, rest.rsplit_once(':').ok_or_else(rule)?.1)
        }
        None => text.rsplit_once(':').ok_or_else(rule)?,
    };
    let is_port = is_digits(port) && port.parse::<u16>().is_ok();
    if is_port && (is_ip4(host) || is_ip6(host) || is_host_name(host)) {
        return Ok(());
    }
    Err(rule())
}

fn is_host_name(text: &str) -> bool {
    text.split('.').all(|label| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty()
            && label.chars().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

/// A key of WireGuard: 32 bytes in base64, as far as netplan looks.
pub fn is_wireguard_key(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    text.len() == 44
        && text
            .strip_suffix('=')
            .is_some_and(|text| text.chars().all(fits))
}

/// The passphrase of a wireless network, or its key.
pub fn is_passphrase(text: &str) -> bool {
    match text.len() {
        64 => text.chars().all(|c| c.is_ascii_hexdigit()),
        length => (8..=63).contains(&length),
    }
}
