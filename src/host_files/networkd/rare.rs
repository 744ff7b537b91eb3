//! Values of settings that few files have: policy rules, VLANs of bridges, rings of cards, limits of addresses (systemd, src/network and
//! src/udev/net). What is not here is taken.

use std::net::Ipv4Addr;

use crate::host_files::networkd::basic::{
    Taken, check_value, each, hardware_address, interface, network, one_of, truth, unsigned,
};

/// Parsers that take one of some words, or a whole number up to a bound: the words, the least and the most number. Without words the
/// number is all; without numbers (a most below the least) the words are.
const NUMBERS: [(&str, &str, u32, u32); 38] = [
    ("address_scope", "global link host", 0, 255),
    ("lifetime", "forever infinity", 0, 0),
    ("link_group", "", 0, 2_147_483_647),
    ("txqueuelen", "", 0, 4_294_967_294),
    ("rx_tx_queues", "", 1, 4096),
    ("nic_buffer_size", "max", 1, u32::MAX),
    ("channel", "max", 1, u32::MAX),
    ("coalesce_u32", "", 0, u32::MAX),
    ("bridge_port_priority", "", 0, 63),
    ("bridge_igmp_version", "", 0, 255),
    ("default_port_vlanid", "none", 1, 4094),
    ("ad_actor_sys_prio", "", 1, 65535),
    ("ad_user_port_key", "", 0, 1023),
    ("wireguard_keepalive", "off", 0, 65535),
    ("wireguard_listen_port", "auto", 1, 65535),
    ("dhcp_max_attempts", "infinity", 1, u32::MAX),
    ("tcp_window", "", 1, 1_073_741_823),
    ("tcp_advmss", "", 1, u32::MAX),
    ("encap_limit", "none", 0, 255),
    ("ipv6_flowlabel", "inherit", 0, 1_048_575),
    ("flow_label", "", 0, 1_048_575),
    ("geneve_vni", "", 0, 16_777_215),
    ("geneve_flow_label", "", 0, 1_048_575),
    ("geneve_ttl", "inherit", 0, 255),
    ("vxlan_ttl", "inherit", 0, 255),
    ("iaid", "", 0, u32::MAX),
    ("nexthop_id", "", 1, u32::MAX),
    ("l2tp_tunnel_id", "", 1, u32::MAX),
    ("l2tp_session_id", "", 1, u32::MAX),
    ("macsec_port", "", 1, 65535),
    ("vrf_table", "default main local", 1, u32::MAX),
    ("fdb_vxlan_vni", "", 0, 16_777_215),
    ("fdb_vlan_id", "", 0, 4094),
    ("mdb_vlan_id", "", 0, 4094),
    ("routing_policy_rule_priority", "", 0, u32::MAX),
    ("routing_policy_rule_tos", "", 0, 255),
    ("routing_policy_rule_suppress_ifgroup", "", 0, 2_147_483_647),
    ("routing_policy_rule_suppress_prefixlen", "", 0, 128),
];

/// Parsers that take one of some words: the words.
const WORDS: [(&str, &str); 9] = [
    ("routing_policy_rule_family", "ipv4 ipv6 both"),
    (
        "routing_policy_rule_type",
        "blackhole unreachable prohibit unicast throw table goto nop",
    ),
    ("nexthop_family", "ipv4 ipv6"),
    ("mdi", "straight mdi crossover mdi-x mdix auto"),
    ("sr_iov_link_state", "auto"),
    ("fdb_ntf_flags", "use self master router"),
    ("erspan_direction", "ingress egress"),
    (
        "address_generation_type",
        "eui64 none stable-privacy random",
    ),
    (
        "wlan_iftype",
        "ad-hoc station ap ap-vlan wds monitor mesh-point p2p-client p2p-go p2p-device ocb nan",
    ),
];

/// Checks a value, if this knows its parser.
pub fn check(parser: &str, value: &str) -> Option<Taken> {
    if let Some((_, words, least, most)) = NUMBERS.iter().find(|(name, ..)| *name == parser) {
        return Some(number(words, (*least, *most), value));
    }
    if let Some((_, words)) = WORDS.iter().find(|(name, _)| *name == parser) {
        let is_truth = parser == "sr_iov_link_state";
        return Some(one_of(words, value).or_else(|rule| {
            if is_truth {
                truth(value).map_err(|_| rule)
            } else {
                Err(rule)
            }
        }));
    }
    Some(match parser {
        "neighbor_lladdr"
        | "neighbor_hwaddr"
        | "fdb_hwaddr"
        | "sr_iov_mac"
        | "ad_actor_system"
        | "dhcp_static_lease_hwaddr"
        | "macsec_hw_address" => hardware_address(value),
        "routing_policy_rule_invert" => truth(value),
        "route_table"
        | "section_route_table"
        | "dhcp_or_ra_route_table"
        | "routing_policy_rule_table" => table(value),
        "routing_policy_rule_fwmark_mask" => value
            .splitn(2, '/')
            .try_for_each(|part| unsigned(part, u32::MAX)),
        "routing_policy_rule_port_range" => range(value, 65535),
        "routing_policy_rule_uid_range" => range(value, u32::MAX - 1),
        "routing_policy_rule_ip_protocol" | "ip_protocol" => protocol(value),
        "duplicate_address_detection" => {
            one_of("ipv4 ipv6 both none", value).or_else(|rule| truth(value).map_err(|_| rule))
        }
        "label" | "dhcp_label" if value.len() > 15 => {
            Err("must have 15 characters at most".to_owned())
        }
        "brvlan_pvid" => number("none no", (1, 4094), value),
        "brvlan_vlan" | "brvlan_untagged" => range(value, 4094),
        "tunnel_key" if value.parse::<Ipv4Addr>().is_ok() => Ok(()),
        "tunnel_key" => unsigned(value, u32::MAX),
        "ipv4ll_address" => match value.parse::<Ipv4Addr>() {
            Ok(address) if address.is_link_local() => Ok(()),
            _ => Err("must be an address of 169.254.0.0/16".to_owned()),
        },
        "prefix" | "route_prefix" | "pref64_prefix" if value.contains('.') => {
            Err("must be a network of IPv6 (for example fd00::/64)".to_owned())
        }
        "prefix" | "route_prefix" | "pref64_prefix" | "address_label_prefix" => network(value),
        "router_lifetime" | "prefix_lifetime" | "route_prefix_lifetime" => {
            check_value("sec", value)
        }
        "match_ifnames" => Ok(()),
        "fdb_interface" => interface(value, 15),
        "ntp" => each(value, host),
        "uint64" => value
            .parse::<u64>()
            .map(|_| ())
            .map_err(|_| "must be a whole number".to_owned()),
        "iec_uint64" => check_value("iec_size", value),
        _ => return None,
    })
}

/// One of some words, or a number.
fn number(words: &str, (least, most): (u32, u32), value: &str) -> Taken {
    if words
        .split(' ')
        .any(|word| !word.is_empty() && word == value)
    {
        return Ok(());
    }
    let of_words = match words {
        "" => String::new(),
        words => format!("{}, or ", words.replace(' ', ", ")),
    };
    let rule = format!("must be {of_words}a whole number from {least} to {most}");
    unsigned(value, most).map_err(|_| rule.clone())?;
    let is_less = value.parse::<u32>().is_ok_and(|number| number < least);
    if is_less { Err(rule) } else { Ok(()) }
}

/// A number or two of them with a dash, the smaller one first.
fn range(value: &str, most: u32) -> Taken {
    let rule = || format!("must be a number up to {most}, or two of them as 10-20");
    let (first, last) = value.split_once('-').unwrap_or((value, value));
    let parse = |text: &str| {
        text.trim()
            .parse::<u32>()
            .ok()
            .filter(|number| *number <= most)
    };
    match (parse(first), parse(last)) {
        (Some(first), Some(last)) if first <= last => Ok(()),
        _ => Err(rule()),
    }
}

/// A table's number, one of the kernel's names, or a name of `RouteTable=` in networkd.conf.
fn table(value: &str) -> Taken {
    let is_name = value.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_name || value.parse::<u32>().is_ok_and(|number| number > 0) {
        return Ok(());
    }
    Err("must be a table's name, or a whole number from 1 to 4294967295".to_owned())
}

/// A name of /etc/protocols, or a number.
fn protocol(value: &str) -> Taken {
    let is_name = value.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_name || value.parse::<u16>().is_ok_and(|number| number <= 255) {
        return Ok(());
    }
    Err("must be a protocol of IP, by name or number".to_owned())
}

/// A DNS name or an address.
fn host(word: &str) -> Taken {
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.chars().all(|c| !c.is_control() && c != ' ')
    };
    let name = word.strip_suffix('.').unwrap_or(word);
    if name.len() <= 253 && (name.contains(':') || name.split('.').all(is_label)) {
        return Ok(());
    }
    Err("must be names or addresses of servers".to_owned())
}
