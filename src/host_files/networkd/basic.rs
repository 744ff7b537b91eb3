//! What values of systemd's network programs are made of: words, numbers, addresses, names of interfaces.

use std::net::IpAddr;

use crate::tree;
use crate::wording::counted;

/// What a parser says to a value: the rule that it breaks.
pub type Taken = Result<(), String>;

/// What systemd's other parsers of the same name say, without the value.
pub fn check_value(parser: &'static str, value: &str) -> Taken {
    let taken = tree::check_value(parser, value);
    taken.map_err(|rule| rule.split("; got ").next().unwrap_or_default().to_owned())
}

/// One of some words.
pub fn one_of(words: &str, value: &str) -> Taken {
    if words.split_whitespace().any(|word| word == value) {
        return Ok(());
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    Err(format!("must be one of {}", words.join(", ")))
}

/// Each word of a list.
pub fn each(value: &str, taken: impl Fn(&str) -> Taken) -> Taken {
    value.split_whitespace().try_for_each(taken)
}

/// Yes or no, in all spellings.
pub fn truth(value: &str) -> Taken {
    check_value("bool", value).map_err(|_| "must be yes or no".to_owned())
}

/// A whole number up to a bound.
pub fn unsigned(value: &str, most: u32) -> Taken {
    let rule = format!("must be a whole number from 0 to {most}");
    check_value("unsigned", value).map_err(|_| rule.clone())?;
    let is_too_large = value
        .parse::<u64>()
        .is_ok_and(|number| number > most.into());
    if is_too_large { Err(rule) } else { Ok(()) }
}

/// Bytes, with K, M and so on.
pub fn size(value: &str) -> Taken {
    let digits = value.trim_end_matches(['B', 'K', 'M', 'G', 'i']).trim_end();
    let is_number = digits
        .parse::<f64>()
        .is_ok_and(|number| (0.0..=4_294_967_295.0).contains(&number));
    if is_number && digits.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    Err("must be a number of bytes (for example 1500 or 9K)".to_owned())
}

/// An address.
pub fn ip(value: &str) -> Taken {
    match value.parse::<IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err("must be an IP address without a prefix length".to_owned()),
    }
}

/// An address, and perhaps a prefix.
pub fn network(value: &str) -> Taken {
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
pub fn server(value: &str) -> Taken {
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
pub fn interface(value: &str, longest: usize) -> Taken {
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
pub fn hardware_address(value: &str) -> Taken {
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
