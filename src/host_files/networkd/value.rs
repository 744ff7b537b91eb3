//! Whether networkd or udev takes a value, by the function of systemd that reads it (`config_parse_` without that). What one
//! release takes is taken. Functions that are not here take any text, or are for rare settings.

use std::net::Ipv4Addr;

use crate::host_files::networkd::basic::{
    Taken, check_value, each, hardware_address, interface, ip, network, one_of, server, size,
    truth, unsigned,
};
use crate::host_files::networkd::keys::words;
use crate::host_files::networkd::{rare, setting};

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
    let taken = number(parser, value).or_else(|| address(section, parser, value));
    if let Some(taken) = taken.or_else(|| rare::check(parser, value)) {
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
        "path"
        | "log_level"
        | "compress"
        | "line_max"
        | "tmpfs_size"
        | "duid_type"
        | "duid_rawdata"
        | "route_table_names"
        | "dns_servers"
        | "dns_stub_listener_extra" => setting::check(parser, value),
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
        "dns_cache_max" => unsigned(value, u32::MAX),
        "n_autovts" => unsigned(value, 15),
        "uint16" => unsigned(value, u16::MAX.into()),
        "uint32" | "unsigned" | "route_priority" | "dhcp_route_metric" | "sr_iov_uint32" => {
            unsigned(value, u32::MAX)
        }
        "int" => check_value("int", value),
        "sec" | "sec_fix_0" | "coalesce_sec" => check_value("sec", value),
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
