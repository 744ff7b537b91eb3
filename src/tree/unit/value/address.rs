//! Addresses: where sockets listen, which networks a unit may reach (src/shared/socket-netlink.c, src/core/load-fragment.c).

use std::net::{IpAddr, SocketAddr};

use crate::tree::unit::keys::Key;
use crate::tree::unit::value::path::absolute;
use crate::tree::unit::value::{Taken, ValueFault, each, is_open, whole};

/// Families of netlink (src/basic/socket-util.c).
const NETLINK: [&str; 16] = [
    "route",
    "firewall",
    "inet-diag",
    "nflog",
    "xfrm",
    "selinux",
    "iscsi",
    "audit",
    "fib-lookup",
    "connector",
    "netfilter",
    "ip6-fw",
    "dnrtmsg",
    "kobject-uevent",
    "scsitransport",
    "rdma",
];

/// Checks the values of parsers that read addresses; None for another parser.
pub fn check(key: &Key, name: &str, value: &str) -> Option<Vec<ValueFault>> {
    let faults = match key.parser {
        "socket_listen" if is_open(value) => Vec::new(),
        "socket_listen" if name == "ListenNetlink" => whole(value, netlink(value)),
        "socket_listen" => whole(value, listens(key.more, value)),
        "in_addr_prefixes" => each(value, prefix),
        "cgroup_socket_bind" => whole(value, port_rule(value)),
        "restrict_network_interfaces" => each(value.strip_prefix('~').unwrap_or(value), interface),
        "socket_bindtodevice" | "bind_network_interface" => whole(value, interface(value)),
        _ => return None,
    };
    Some(faults)
}

/// Where a socket of a kind (SOCKET_FIFO and so on) listens.
fn listens(kind: &str, value: &str) -> Taken {
    match kind {
        "SOCKET_FIFO" | "SOCKET_SPECIAL" | "SOCKET_USB_FUNCTION" | "SOCKET_MQUEUE" => {
            absolute(value)
        }
        _ => socket(value),
    }
}

/// A family, and a group of it.
fn netlink(value: &str) -> Taken {
    let mut words = value.split_whitespace();
    let family = words.next().unwrap_or_default();
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    if (NETLINK.contains(&family) || is_number(family)) && words.next().is_none_or(is_number) {
        Ok(())
    } else {
        Err("must be a family of netlink and a group (for example kobject-uevent 1)".to_owned())
    }
}

fn socket(value: &str) -> Taken {
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    let is_vsock = || {
        let rest = value.strip_prefix("vsock")?;
        let rest = rest
            .trim_start_matches("-stream")
            .trim_start_matches("-dgram")
            .trim_start_matches("-seqpacket");
        let (cid, port) = rest.strip_prefix(':')?.split_once(':')?;
        let is_number = |text: &str| text.is_empty() || text.parse::<u32>().is_ok();
        Some(is_number(cid) && is_number(port) && !port.is_empty())
    };
    let is_one = value.starts_with('/')
        || (value.starts_with('@') && value.len() > 1)
        || is_port(value)
        || value
            .parse::<SocketAddr>()
            .is_ok_and(|address| address.port() > 0)
        || is_vsock() == Some(true);
    if is_one {
        return if value.starts_with('/') {
            path_of_socket(value)
        } else {
            Ok(())
        };
    }
    Err("must be a path, @NAME, a port, or ADDRESS:PORT with an address in numbers (for example 127.0.0.1:80 or [::1]:80)".to_owned())
}

/// A socket's path fits into `sockaddr_un`.
fn path_of_socket(value: &str) -> Taken {
    if value.len() < 108 {
        Ok(())
    } else {
        Err("must be shorter than 108 bytes, which is what a socket's path may have".to_owned())
    }
}

fn prefix(word: &str) -> Taken {
    if ["any", "localhost", "link-local", "multicast"].contains(&word) || is_open(word) {
        return Ok(());
    }
    let (address, bits) = word
        .split_once('/')
        .map_or((word, None), |(address, bits)| (address, Some(bits)));
    let is_one = address.parse::<IpAddr>().is_ok_and(|address| {
        let most = if address.is_ipv4() { 32 } else { 128 };
        bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
    });
    if is_one {
        Ok(())
    } else {
        Err("must be an address, a network in CIDR notation, or any, localhost, link-local, multicast".to_owned())
    }
}

/// `[ipv4:|ipv6:][tcp:|udp:]PORTS`, `any`.
fn port_rule(value: &str) -> Taken {
    if value == "any" {
        return Ok(());
    }
    let parts: Vec<&str> = value.split(':').collect();
    let is_ports = |text: &str| {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        port(from)
            .zip(port(to))
            .is_some_and(|(from, to)| from <= to)
    };
    let known = |part: &str| ["ipv4", "ipv6", "tcp", "udp"].contains(&part);
    let (last, before) = parts.split_last().unwrap_or((&"", &[]));
    if before.iter().all(|part| known(part)) && before.len() < 3 && (known(last) || is_ports(last))
    {
        Ok(())
    } else {
        Err("must be FAMILY:PROTOCOL:PORTS, each as needed (for example tcp:80 or ipv6:udp:5000-5010), or any".to_owned())
    }
}

/// A network interface (src/basic/socket-util.c, ifname_valid_full); alternative names are longer.
fn interface(word: &str) -> Taken {
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, ':' | '/' | '%');
    let is_name = !word.is_empty()
        && word.len() < 16
        && word.chars().all(fits)
        && ![".", "..", "all", "default"].contains(&word);
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    if (is_name && !is_number) || is_open(word) {
        Ok(())
    } else {
        Err("must be the name of a network interface".to_owned())
    }
}
