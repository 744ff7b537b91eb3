//! Kinds of values that only interfaces have: names, addresses with a prefix, search domains, metrics, tables, MTUs, gateways.

use ipnet::IpNet;

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Shaped, texts};
use crate::inventory::shape::Shape;
use crate::inventory::text::{Address, checked};
use crate::model::Gateway;
use crate::report::Id;
use crate::yaml::Value;

/// The longest interface name that Linux takes (IFNAMSIZ less its NUL).
const LONGEST_NAME: usize = 15;
/// The most bytes of a domain name with its dots (RFC 1035, section 2.3.4).
const LONGEST_DOMAIN: usize = 253;
/// The most bytes of one label.
const LONGEST_LABEL: usize = 63;
/// The smallest MTU of IPv4 (RFC 791); the kernel's ETH_MIN_MTU.
const SMALLEST_MTU: u16 = 68;

texts! {
    /// A network interface.
    InterfaceName or NameInvalid: String = interface_name, r"^[A-Za-z0-9._@+-]{1,15}$", ["lan0"];
    /// An address with the prefix of its network.
    HostCidr or CidrInvalid: IpNet = host_with_prefix,
        r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$", ["10.20.4.11/23"];
    /// A domain that short names are looked up in.
    SearchDomain or DnsSearchInvalid: String = search_domain, r"^~?[A-Za-z0-9._-]*$", ["example.com"];
}

/// The priority of a route.
pub enum Metric {}

impl Shaped for Metric {
    type Value = u32;
    // The last number is netplan's for "not set" (NETPLAN_METRIC_UNSPEC), and NetworkManager's -1.
    const SHAPE: Shape = Shape::Integer(0, u32::MAX as i64 - 1);

    fn read(at: &Cursor<'_>) -> Option<u32> {
        let metric = at.integer()?;
        if metric == u32::MAX {
            let rule = format!("must be a metric from 0 to {}; got {metric}", u32::MAX - 1);
            at.report(Id::ValueOutOfRange, rule);
            return None;
        }
        Some(metric)
    }
}

/// A whole number within bounds.
pub enum Number<const LEAST: u32, const MOST: u32> {}

impl<const LEAST: u32, const MOST: u32> Shaped for Number<LEAST, MOST> {
    type Value = u32;
    const SHAPE: Shape = Shape::Integer(LEAST as i64, MOST as i64);

    fn read(at: &Cursor<'_>) -> Option<u32> {
        let number: u32 = at.integer()?;
        let fits = (LEAST..=MOST).contains(&number);
        if !fits {
            let rule = format!("must be from {LEAST} to {MOST}; got {number}");
            at.report(Id::ValueOutOfRange, rule);
        }
        fits.then_some(number)
    }
}

/// A routing table by its number. The last number is netplan's for "not set" (NETPLAN_ROUTE_TABLE_UNSPEC), 0 the kernel's
/// (RT_TABLE_UNSPEC).
pub enum Table {}

/// The table of the machine's own addresses (RT_TABLE_LOCAL), which the kernel fills.
const LOCAL_TABLE: u32 = 255;

impl Shaped for Table {
    type Value = u32;
    const SHAPE: Shape = Number::<1, { u32::MAX - 1 }>::SHAPE;

    fn read(at: &Cursor<'_>) -> Option<u32> {
        let table = Number::<1, { u32::MAX - 1 }>::read(at)?;
        if table == LOCAL_TABLE {
            let rule = format!("must not be the kernel's table of its own addresses; got {table}");
            at.report(Id::ValueOutOfRange, rule);
        }
        (table != LOCAL_TABLE).then_some(table)
    }
}

/// The largest packet of an interface.
pub enum Mtu {}

impl Shaped for Mtu {
    type Value = u16;
    const SHAPE: Shape = Shape::Integer(SMALLEST_MTU as i64, u16::MAX as i64);

    fn read(at: &Cursor<'_>) -> Option<u16> {
        let mtu: i64 = at.integer()?;
        // ETH_MAX_MTU is what a length of 16 bits can hold.
        let fits = u16::try_from(mtu).ok().filter(|mtu| *mtu >= SMALLEST_MTU);
        if fits.is_none() {
            let rule = format!(
                "must be an MTU from {SMALLEST_MTU} to {}, as the kernel has it; got {mtu}",
                u16::MAX
            );
            at.report(Id::MtuInvalid, rule);
        }
        fits
    }
}

/// A gateway: its address alone, or a map that says more.
pub enum ViaOrGateway {}

impl Shaped for ViaOrGateway {
    type Value = Gateway;
    const SHAPE: Shape = Shape::Either(&[Address::SHAPE, Gateway::SHAPE]);

    fn read(at: &Cursor<'_>) -> Option<Gateway> {
        match &at.located().value {
            Value::Map(_) => Gateway::read(at),
            _ => Address::read(at).map(Gateway::from),
        }
    }
}

/// What the kernel (dev_valid_name) and systemd (ifname_valid) both take, less what is syntax in a file of one of the
/// network managers: `!` and `*` in systemd's `Name=`, `%` for the kernel, `;`, `#`, `=`, `\` and quotes in key files.
fn interface_name(name: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
    let good = (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(fits);
    checked(name, good, || {
        format!(
            "must be an interface name: 1 to {LONGEST_NAME} letters, digits and . _ @ + -; got {name:?}"
        )
    })
}

fn host_with_prefix(text: &str) -> Result<IpNet, String> {
    if text.contains('/') {
        text.parse()
            .map_err(|_| format!("must be an address with a prefix; got {text:?}"))
    } else {
        Err(format!(
            "must have a prefix, like 10.20.0.10/23; got {text:?}"
        ))
    }
}

/// `example.com`, or `~example.com` and `~.`, by which systemd-resolved and NetworkManager only choose the server.
fn search_domain(text: &str) -> Result<String, String> {
    let name = text.strip_prefix('~').unwrap_or(text);
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        let ends = label.starts_with('-') || label.ends_with('-');
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=LONGEST_LABEL).contains(&label.len()) && label.chars().all(fits) && !ends
    };
    let is_root = name.is_empty() && text.starts_with('~') && text.ends_with('.');
    let good = is_root || (name.len() <= LONGEST_DOMAIN && name.split('.').all(label));
    checked(text, good, || {
        format!(
            "must be a domain like example.com, with labels of at most {LONGEST_LABEL} letters, digits and hyphens; got {text:?}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_kernel_and_the_managers_take() {
        for good in [
            "lan0",
            "bond0.100",
            "enp3s0f1np1",
            "a",
            "abcdefghijklmno",
            "lan-0_x",
        ] {
            assert!(interface_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "abcdefghijklmnop",
            "a/b",
            "a:1",
            "a b",
            "a%d",
            "!eth0",
            "en*",
            "a;b",
            "a#b",
            "a\\b",
            "a\"b",
            "ä0",
        ] {
            assert!(interface_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn search_domains_are_domains() {
        let long = "a".repeat(63);
        for good in [
            "example.com",
            "local",
            "a.b.",
            "~corp.example",
            "~.",
            "_tcp.example",
            long.as_str(),
        ] {
            assert!(search_domain(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            ".",
            "a..b",
            "a b",
            "-a.b",
            "a,b",
            "*.example.com",
            "example.com/x",
            long.as_str(),
        ] {
            assert!(search_domain(bad).is_err(), "{bad}");
        }
    }
}
