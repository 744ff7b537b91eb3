//! Values that only settings of systemd's programs have (src/shared/conf-parser.c, src/network/networkd-util.c and networkd-dhcp-common.c,
//! src/resolve/resolved-conf.c, src/journal/journald-server.c).

use crate::host_files::networkd::basic::{
    Taken, check_value, each, one_of, server, truth, unsigned,
};

/// Names of syslog's levels (src/basic/syslog-util.c); journald takes `null` too.
const LEVELS: &str = "emerg alert crit err warning notice info debug";

/// Checks a value by the function that reads it.
pub fn check(parser: &'static str, value: &str) -> Taken {
    match parser {
        "path" if value.starts_with('/') => Ok(()),
        "path" => Err("must be an absolute path".to_owned()),
        "log_level" => one_of(LEVELS, value).or_else(|rule| unsigned(value, 7).map_err(|_| rule)),
        // Yes and no, or the size from which on there is anything to gain.
        "compress" => truth(value).or_else(|_| size(value)),
        "line_max" => size(value),
        "tmpfs_size" => {
            size(value).or_else(|rule| check_value("permyriad", value).map_err(|_| rule))
        }
        "duid_type" => duid_type(value),
        "duid_rawdata" => raw(value),
        "route_table_names" => each(value, route_table),
        "dns_servers" => each(value, server),
        _ => {
            let address = value.strip_prefix("udp:").or(value.strip_prefix("tcp:"));
            server(address.unwrap_or(value))
                .map_err(|_| "must be an address, and perhaps a port".to_owned())
        }
    }
}

fn size(value: &str) -> Taken {
    check_value("iec_size", value)
}

fn duid_type(value: &str) -> Taken {
    let (kind, time) = value
        .split_once(':')
        .map_or((value, None), |(kind, time)| (kind, Some(time)));
    one_of("vendor uuid link-layer link-layer-time", kind)
        .or_else(|rule| unsigned(kind, 65535).map_err(|_| rule))?;
    match time {
        Some(_) if kind != "link-layer-time" => {
            Err("must have a time after link-layer-time only".to_owned())
        }
        _ => Ok(()),
    }
}

/// Bytes in hexadecimal with colons, of at most 128 with the type before them.
fn raw(value: &str) -> Taken {
    let is_byte =
        |byte: &str| (1..=2).contains(&byte.len()) && byte.chars().all(|c| c.is_ascii_hexdigit());
    if value.split(':').count() <= 128 && value.split(':').all(is_byte) {
        return Ok(());
    }
    Err("must be bytes in hexadecimal with colons, 128 at most (for example 00:ab:0c)".to_owned())
}

/// NAME:NUMBER, where neither is one that has a meaning already.
fn route_table(word: &str) -> Taken {
    const RULE: &str = "must be NAME:NUMBER, with a name and a number that no table has yet";
    let Some((name, number)) = word.split_once(':') else {
        return Err(RULE.to_owned());
    };
    let is_taken = matches!(name, "default" | "main" | "local" | "unspec");
    let is_number = number
        .parse::<u32>()
        .is_ok_and(|number| number > 0 && !(253..=255).contains(&number));
    let is_name = name.chars().any(|c| !c.is_ascii_digit());
    if is_number && is_name && !is_taken {
        return Ok(());
    }
    Err(RULE.to_owned())
}
