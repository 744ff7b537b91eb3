//! Ranges of names and addresses: `edge-[001-250]` with `start: 10.20.0.10` counts both.

use std::net::IpAddr;

use ipnet::IpNet;

/// How many nodes a range may name: a typing mistake must not fill the memory.
const MOST_NAMES: u64 = 100_000;

/// `prefix[first-last]suffix`, zero-padded as the first number is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRange {
    prefix: String,
    suffix: String,
    first: u64,
    last: u64,
    width: usize,
}

impl NameRange {
    /// Reads a pattern; the error is the rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shape = || "must be a name with one range in brackets, like edge-[001-250]".to_owned();
        let (prefix, rest) = text.split_once('[').ok_or_else(shape)?;
        let (range, suffix) = rest.split_once(']').ok_or_else(shape)?;
        let (first, last) = range.split_once('-').ok_or_else(shape)?;
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if suffix.contains(['[', ']']) || !digits(first) || !digits(last) {
            return Err(shape());
        }
        let number = |text: &str| text.parse::<u64>().map_err(|_| shape());
        let (from, to) = (number(first)?, number(last)?);
        if from > to {
            return Err(format!("counts backwards: {first} is greater than {last}"));
        }
        if to - from >= MOST_NAMES {
            return Err(format!("names more than {MOST_NAMES} nodes"));
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
            first: from,
            last: to,
            // "1-10" counts without padding, "01-10" with it.
            width: if first.starts_with('0') {
                first.len()
            } else {
                0
            },
        })
    }

    /// How many names there are.
    pub fn len(&self) -> u64 {
        self.last - self.first + 1
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let width = self.width;
        (self.first..=self.last)
            .map(move |number| format!("{}{number:0width$}{}", self.prefix, self.suffix))
    }
}

/// The address that is `offset` after `start`; None past the end of the family.
pub fn nth_address(start: IpAddr, offset: u64) -> Option<IpAddr> {
    match start {
        IpAddr::V4(start) => {
            let number = u32::from(start).checked_add(u32::try_from(offset).ok()?)?;
            Some(IpAddr::V4(number.into()))
        }
        IpAddr::V6(start) => Some(IpAddr::V6(
            u128::from(start).checked_add(offset.into())?.into(),
        )),
    }
}

/// Whether a host may have this address in this network: IPv4's network and broadcast addresses are nobody's,
/// except in /31 and /32 (RFC 3021).
pub fn is_host_in(network: IpNet, address: IpAddr) -> bool {
    let reserved = match network {
        IpNet::V4(net) if net.prefix_len() < 31 => {
            address == IpAddr::V4(net.network()) || address == IpAddr::V4(net.broadcast())
        }
        _ => false,
    };
    network.contains(&address) && !reserved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_with_the_padding_that_is_written() {
        let names = |text| {
            NameRange::parse(text)
                .expect(text)
                .names()
                .collect::<Vec<_>>()
        };
        assert_eq!(names("e-[008-010].x"), ["e-008.x", "e-009.x", "e-010.x"]);
        assert_eq!(names("e[9-11]"), ["e9", "e10", "e11"]);
        for bad in [
            "e",
            "e-[1]",
            "e-[2-1]",
            "e-[a-b]",
            "e-[1-2]-[1-2]",
            "e-[0-100000]",
            "e-[1-2",
        ] {
            assert!(NameRange::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_count_and_end() {
        let at = |start: &str, offset| {
            nth_address(start.parse().expect(start), offset).map(|a| a.to_string())
        };
        assert_eq!(at("10.20.0.250", 10).as_deref(), Some("10.20.1.4"));
        assert_eq!(at("fd00::ff", 1).as_deref(), Some("fd00::100"));
        assert_eq!(at("255.255.255.255", 1), None);
        let net: IpNet = "10.0.0.0/24".parse().expect("a CIDR");
        assert!(!is_host_in(net, "10.0.0.255".parse().expect("an address")));
        assert!(is_host_in(net, "10.0.0.254".parse().expect("an address")));
    }
}
