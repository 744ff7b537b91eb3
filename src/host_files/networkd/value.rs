//! Whether networkd or udev takes a value, by the function of systemd that reads it (`config_parse_` without that). What one
//! release takes is taken. Functions that are not here take any text, or are for rare settings.

use std::net::{IpAddr, Ipv4Addr};

use crate::host_files::networkd::keys::words;
use crate::tree;
use crate::wording::counted;

/// What a parser says to a value: the rule that it breaks.
pub type Taken = Result<(), String>;

/// Kinds of virtual interfaces (src/network/netdev/netdev.c, `netdev_kind_table`).
const KINDS: &str = "bareudp batadv bond bridge dummy erspan fou geneve gre gretap hsr ifb ip6gre ip6gretap ip6tnl ipip ipoib ipvlan ipvtap l2tp \
    macsec macvlan macvtap netdevsim nlmon sit tap tun vcan veth vlan vrf vti vti6 vxcan vxlan wireguard wlan xfrm";
/// Parsers of words that are in no table: the words.
const MORE: [(&str, &str); 8] = [
    ("netdev_kind", KINDS),
    (
        "bond_xmit_hash_policy",
        "layer2 layer3+4 layer2+3 encap2+3 encap3+4 vlan+srcmac",
    ),
    ("mac_address_policy", "persistent random none"),
    ("route_scope", "*global site link host nowhere"),
    (
        "route_type",
        "unicast local broadcast anycast multicast blackhole unreachable prohibit throw nat xresolve",
    ),
    ("ipv6_route_preference", "low medium high"),
    ("vlanprotocol", "802.1q 802.1ad 802.1Q"),
    ("router_preference", "high medium normal default low"),
];
/// Operational states of an interface (networkctl(1)).
const STATES: &str =
    "missing off no-carrier dormant degraded-carrier carrier degraded enslaved routable";

/// Checks a value.
pub fn check(section: &str, parser: &'static str, value: &str) -> Taken {
    // Nothing takes back what was there, or is as if the line were not there.
    if value.is_empty() {
        return Ok(());
    }
    if let Some((_, known)) = MORE.iter().find(|(name, _)| *name == parser) {
        return match known.strip_prefix('*') {
            Some(known) => {
                one_of(known, value).or_else(|rule| unsigned(value, 255).map_err(|_| rule))
            }
            None => one_of(known, value),
        };
    }
    if let Some(taken) = number(parser, value).or_else(|| address(section, parser, value)) {
        return taken;
    }
    match parser {
        "ifname" | "stacked_netdev" => interface(value, 15),
        "ifnames" => each(value, |word| interface(word, 127)),
        "hwaddr" | "netdev_hw_addr" => hardware_address(value),
        "hwaddrs" => each(value, hardware_address),
        "dhcp" => one_of("yes no ipv4 ipv6 both v4 v6 none", value)
            .or_else(|rule| truth(value).map_err(|_| rule)),
        "ip_masquerade" => {
            one_of("ipv4 ipv6 both no", value).or_else(|rule| truth(value).map_err(|_| rule))
        }
        "keep_configuration" => one_of("dynamic dynamic-on-stop static dhcp dhcp-on-stop", value)
            .or_else(|rule| truth(value).map_err(|_| rule)),
        "required_for_online" => online(value),
        "ipv6_privacy_extensions" | "ipv4ll" | "lldp_emit" | "router_prefix_delegation" => {
            let more = "no yes prefer-public kernel nearest-bridge non-tpmr-bridge customer-bridge dhcpv6 static both";
            one_of(more, value).or_else(|_| {
                truth(value).map_err(|_| "is no word that systemd takes here".to_owned())
            })
        }
        "ip_reverse_path_filter"
        | "ipv4_force_igmp_version"
        | "wol"
        | "name_policy"
        | "alternative_names_policy" => {
            let (known, _) = words(parser).unwrap_or_default();
            let known = known.join(" ");
            each(value, |word| {
                one_of(&known, word).or_else(|rule| truth(word).map_err(|_| rule))
            })
        }
        _ => match words(parser) {
            Some((known, is_truth)) => {
                let taken = one_of(&known.join(" "), value);
                taken.or_else(|rule| {
                    if is_truth {
                        truth(value).map_err(|_| rule)
                    } else {
                        Err(rule)
                    }
                })
            }
            None => Ok(()),
        },
    }
}

/// Parsers of numbers, sizes, times and booleans.
fn number(parser: &'static str, value: &str) -> Option<Taken> {
    Some(match parser {
        "bool" | "tristate" | "route_boolean" | "sr_iov_boolean" | "address_flags"
        | "dhcp_use_dns" | "dhcp_use_ntp" | "prefix_flags" | "prefix_boolean" | "cake_tristate"
        | "nexthop_onlink" | "nexthop_blackhole" => truth(value),
        "uint8" => unsigned(value, u8::MAX.into()),
        "uint16" => unsigned(value, u16::MAX.into()),
        "uint32" | "unsigned" | "route_priority" | "dhcp_route_metric" | "sr_iov_uint32" => {
            unsigned(value, u32::MAX)
        }
        "int" => check_value("int", value),
        "sec" | "coalesce_sec" => check_value("sec", value),
        "iec_size" | "si_uint64" => check_value(parser, value),
        "mtu" | "route_mtu" => size(value),
        "vlanid" => {
            unsigned(value, 4094).map_err(|_| "must be a whole number from 0 to 4094".to_owned())
        }
        "ip_port" => match unsigned(value, u16::MAX.into()) {
            Ok(()) if value.trim_start_matches('0').is_empty() => {
                Err("must be a port from 1 to 65535".to_owned())
            }
            taken => taken,
        },
        _ => return None,
    })
}

/// Parsers of addresses.
fn address(section: &str, parser: &str, value: &str) -> Option<Taken> {
    Some(match parser {
        "address" | "destination" | "routing_policy_rule_prefix" => network(value),
        // Words for what the network tells; [Network] has none.
        "gateway" if section == "Route" && one_of("_dhcp _dhcp4 _dhcp6 _ipv6ra", value).is_ok() => {
            Ok(())
        }
        "gateway" | "in_addr_non_null" | "neighbor_address" | "nexthop_gateway" => ip(value),
        "preferred_src" => ip(value).or_else(|rule| truth(value).map_err(|_| rule)),
        "in_addr_prefixes" | "ndisc_deny_listed_prefix" => each(value, network),
        "arp_ip_target_address" => each(value, |word| {
            word.parse::<Ipv4Addr>()
                .map(|_| ())
                .map_err(|_| "must be IPv4 addresses".to_owned())
        }),
        "dns" => each(value, server),
        "tunnel_address"
            if one_of(
                "any ipv4_link_local ipv6_link_local dhcp4 dhcp6 slaac dhcp_pd",
                value,
            )
            .is_ok() =>
        {
            Ok(())
        }
        "vxlan_address"
            if one_of(
                "ipv4_link_local ipv6_link_local dhcp4 dhcp6 slaac dhcp_pd",
                value,
            )
            .is_ok() =>
        {
            Ok(())
        }
        "tunnel_address" | "vxlan_address" | "geneve_address" => ip(value),
        "wireguard_allowed_ips" => value
            .split([',', ' ', '\t'])
            .filter(|word| !word.is_empty())
            .try_for_each(network),
        // The name of a credential.
        "wireguard_endpoint" if value.starts_with('@') => Ok(()),
        "wireguard_endpoint" => match value.rsplit_once(':') {
            Some((host, port))
                if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) =>
            {
                Ok(())
            }
            _ => Err("must be HOST:PORT, with an IPv6 address in brackets".to_owned()),
        },
        _ => return None,
    })
}

/// What systemd's other parsers of the same name say, without the value.
fn check_value(parser: &'static str, value: &str) -> Taken {
    let taken = tree::check_value(parser, value);
    taken.map_err(|rule| rule.split("; got ").next().unwrap_or_default().to_owned())
}

fn one_of(words: &str, value: &str) -> Taken {
    if words.split_whitespace().any(|word| word == value) {
        return Ok(());
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    Err(format!("must be one of {}", words.join(", ")))
}

fn each(value: &str, taken: impl Fn(&str) -> Taken) -> Taken {
    value.split_whitespace().try_for_each(taken)
}

fn truth(value: &str) -> Taken {
    check_value("bool", value).map_err(|_| "must be yes or no".to_owned())
}

fn unsigned(value: &str, most: u32) -> Taken {
    let rule = format!("must be a whole number from 0 to {most}");
    check_value("unsigned", value).map_err(|_| rule.clone())?;
    let is_too_large = value
        .parse::<u64>()
        .is_ok_and(|number| number > most.into());
    if is_too_large { Err(rule) } else { Ok(()) }
}

/// Bytes, with K, M and so on.
fn size(value: &str) -> Taken {
    let digits = value.trim_end_matches(['B', 'K', 'M', 'G', 'i']).trim_end();
    let is_number = digits
        .parse::<f64>()
        .is_ok_and(|number| (0.0..=4_294_967_295.0).contains(&number));
    if is_number && digits.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    Err("must be a number of bytes (for example 1500 or 9K)".to_owned())
}

fn ip(value: &str) -> Taken {
    match value.parse::<IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err("must be an IP address without a prefix length".to_owned()),
    }
}

fn network(value: &str) -> Taken {
    let rule = || "must be an IP address with a prefix length (for example 10.0.0.5/24)".to_owned();
    let (address, prefix) = match value.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (value, None),
    };
    let address: IpAddr = address.parse().map_err(|_| rule())?;
    let longest: u8 = if address.is_ipv4() { 32 } else { 128 };
    let fits = |prefix: &str| {
        prefix.starts_with(|c: char| c.is_ascii_digit())
            && prefix.parse::<u8>().is_ok_and(|prefix| prefix <= longest)
    };
    if prefix.is_none_or(fits) {
        Ok(())
    } else {
        Err(rule())
    }
}

/// A DNS server: an address, and perhaps a port, an interface and a name.
fn server(value: &str) -> Taken {
    let rest = value.split('#').next().unwrap_or_default();
    let rest = rest.split('%').next().unwrap_or_default();
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_server = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']').is_some_and(|(address, port)| {
            ip(address).is_ok() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        }),
        None => {
            ip(rest).is_ok()
                || rest
                    .split_once(':')
                    .is_some_and(|(address, port)| ip(address).is_ok() && is_port(port))
        }
    };
    if is_server {
        Ok(())
    } else {
        Err("must be addresses of DNS servers".to_owned())
    }
}

/// src/basic/socket-util.c, `ifname_valid_full`.
fn interface(value: &str, longest: usize) -> Taken {
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '%');
    let is_number = value.chars().all(|c| c.is_ascii_digit());
    let is_name = value.len() <= longest
        && !is_number
        && !matches!(value, "." | ".." | "all" | "default")
        && value.chars().all(fits);
    // Names of interfaces may have specifiers in newer releases.
    if is_name || value.contains('%') {
        return Ok(());
    }
    Err(format!(
        "must be the name of an interface, of at most {}",
        counted(longest, "character")
    ))
}

/// src/basic/ether-addr-util.c, `parse_hw_addr_full`.
fn hardware_address(value: &str) -> Taken {
    let is_hex = |field: &str, longest: usize| {
        (1..=longest).contains(&field.len()) && field.chars().all(|c| c.is_ascii_hexdigit())
    };
    let of = |separator: char, bytes: usize| {
        let fields: Vec<&str> = value.split(separator).collect();
        let is_length = [4, 6, 16, 20].contains(&(fields.len() * bytes));
        is_length && fields.iter().all(|field| is_hex(field, bytes * 2))
    };
    if value.parse::<IpAddr>().is_ok() || of(':', 1) || of('-', 1) || of('.', 2) || value == "none"
    {
        return Ok(());
    }
    Err("must be a MAC address (for example 52:54:00:12:34:56)".to_owned())
}

/// yes, no, or the least and the most state that counts.
fn online(value: &str) -> Taken {
    if truth(value).is_ok() {
        return Ok(());
    }
    let is_state = |state: &str| state.is_empty() || one_of(STATES, state).is_ok();
    let (least, most) = value.split_once(':').unwrap_or((value, ""));
    if is_state(least) && is_state(most) {
        return Ok(());
    }
    Err(format!(
        "must be yes, no or one of {}",
        STATES.replace(' ', ", ")
    ))
}
