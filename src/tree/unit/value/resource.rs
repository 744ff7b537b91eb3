//! Amounts that control groups limit: bytes, shares, weights, percentages, devices.

use crate::tree::unit::value::number::{between, span};
use crate::tree::unit::value::path::absolute;
use crate::tree::unit::value::{Taken, ValueFault, is_open, whole};

/// Limits of memory that may be 0.
const MAY_BE_NOTHING: [&str; 7] = [
    "MemorySwapMax",
    "StartupMemorySwapMax",
    "MemoryZSwapMax",
    "StartupMemoryZSwapMax",
    "MemoryLow",
    "StartupMemoryLow",
    "MemoryMin",
];
/// Controllers of control groups (src/basic/cgroup-util.c).
const CONTROLLERS: [&str; 14] = [
    "cpu",
    "cpuacct",
    "cpuset",
    "io",
    "blkio",
    "memory",
    "devices",
    "pids",
    "bpf-firewall",
    "bpf-devices",
    "bpf-foreign",
    "bpf-socket-bind",
    "bpf-restrict-network-interfaces",
    "bpf-bind-network-interface",
];

/// Checks the values of parsers that read such; None for another parser. `name` is the key.
pub fn check(parser: &str, name: &str, value: &str) -> Option<Vec<ValueFault>> {
    let taken = match parser {
        "iec_size" | "iec_size_long" => size(value),
        "memory_limit" => memory(name, value),
        "tasks_max" => tasks(value),
        "cpu_quota" => match permyriad(value) {
            Some(1..) => Ok(()),
            _ => Err("must be a percentage above 0 (for example 50%)".to_owned()),
        },
        "cg_cpu_weight" if value == "idle" => Ok(()),
        "cg_weight" | "cg_cpu_weight" | "io_weight" => between(value, 1, 10_000),
        "cpu_shares" => between(value, 2, 262_144),
        "blockio_weight" => between(value, 10, 1000),
        "percent" | "permyriad" | "managed_oom_mem_pressure_limit" => percent(value),
        "io_device_weight" | "blockio_device_weight" => {
            of_device(value, |weight| between(weight, 1, 10_000))
        }
        "io_limit" | "blockio_bandwidth" => of_device(value, |limit| match limit {
            "infinity" => Ok(()),
            _ => bytes_of(limit, 1000).map(|_| ()).ok_or_else(|| {
                "must be DEVICE and an amount (for example /dev/sda 10M)".to_owned()
            }),
        }),
        "io_device_latency" => of_device(value, span),
        "device_allow" => device(value),
        "disable_controllers" => controllers(value),
        "delegate" if super::choice::boolean(value).is_ok() => Ok(()),
        "delegate" => controllers(value),
        _ => return None,
    };
    Some(whole(value, taken))
}

/// An amount of bytes: `1.5G`, `1G 500M`; a larger unit is in front of a smaller one (src/basic/parse-util.c, parse_size).
pub fn bytes(text: &str) -> Option<u128> {
    bytes_of(text, 1024)
}

fn bytes_of(text: &str, base: u128) -> Option<u128> {
    const UNITS: [&str; 8] = ["E", "P", "T", "G", "M", "K", "B", ""];
    let mut rest = text.trim_start();
    let (mut sum, mut first) = (0u128, 0);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let whole: u128 = rest.get(..digits)?.parse().ok()?;
        rest = &rest[digits..];
        if let Some(fraction) = rest.strip_prefix('.') {
            rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        rest = rest.trim_start();
        let found = UNITS
            .iter()
            .enumerate()
            .skip(first)
            .find(|(_, unit)| rest.starts_with(**unit));
        let (index, unit) = found?;
        let power = u32::try_from(6usize.saturating_sub(index)).ok()?;
        sum = sum.checked_add(whole.checked_mul(base.pow(power))?)?;
        rest = rest[unit.len()..].trim_start();
        first = index + 1;
    }
    (sum <= u64::MAX.into()).then_some(sum)
}

fn size(value: &str) -> Taken {
    bytes(value)
        .map(|_| ())
        .ok_or_else(|| "must be an amount of bytes (for example 64M)".to_owned())
}

/// Hundredths of a percent: `50%`, `50.5%`, `5‰`, `5‱`.
fn permyriad(text: &str) -> Option<u64> {
    let scaled = |suffix: char, decimals: usize| {
        let number = text.strip_suffix(suffix)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || part.len() > decimals
            || !is_plain(whole)
            || !is_plain(part)
            || number.ends_with('.')
        {
            return None;
        }
        format!("{whole}{part:0<decimals$}").parse().ok()
    };
    scaled('%', 2)
        .or_else(|| scaled('‰', 1))
        .or_else(|| scaled('‱', 0))
}

fn percent(value: &str) -> Taken {
    match permyriad(value) {
        Some(0..=10_000) => Ok(()),
        _ => Err("must be a percentage up to 100%".to_owned()),
    }
}

fn memory(name: &str, value: &str) -> Taken {
    let wrong = || {
        "must be an amount of bytes with K, M, G or T (for example 512M), a percentage, or infinity"
            .to_owned()
    };
    if value == "infinity" {
        return Ok(());
    }
    let amount = permyriad(value)
        .filter(|part| *part <= 10_000)
        .map(u128::from);
    match amount.or_else(|| bytes(value)) {
        Some(0) if !MAY_BE_NOTHING.contains(&name) => Err("must be more than nothing".to_owned()),
        Some(_) => Ok(()),
        None => Err(wrong()),
    }
}

fn tasks(value: &str) -> Taken {
    let is_part = permyriad(value).is_some_and(|part| (1..=10_000).contains(&part));
    if value == "infinity" || is_part {
        return Ok(());
    }
    match between(value, 1, u64::MAX.into()) {
        Ok(()) => Ok(()),
        Err(_) => Err("must be a number above 0, a percentage, or infinity".to_owned()),
    }
}

/// A device and what it may do.
fn of_device(value: &str, taken: impl Fn(&str) -> Taken) -> Taken {
    let Some((_, amount)) = value.split_once(char::is_whitespace) else {
        return Err("must be a device and its value (for example /dev/sda 100)".to_owned());
    };
    taken(amount.trim())
}

/// `/dev/null rw`, `char-pts r`.
fn device(value: &str) -> Taken {
    let (node, rights) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    let is_group = node.starts_with("block-") || node.starts_with("char-");
    if !is_group && !is_open(node) {
        absolute(node)?;
        if !node.starts_with("/dev/") && !node.starts_with("/run/systemd/inaccessible/") {
            return Err(
                "must be a device below /dev, or a group of devices (for example char-pts)"
                    .to_owned(),
            );
        }
    }
    if rights.trim().chars().all(|right| "rwm".contains(right)) {
        Ok(())
    } else {
        Err("must end in what is allowed: r, w, m or several of them".to_owned())
    }
}

fn controllers(value: &str) -> Taken {
    let mut words = value.split_whitespace();
    if words.all(|word| CONTROLLERS.contains(&word)) {
        Ok(())
    } else {
        Err(format!(
            "must be controllers of control groups: {}",
            CONTROLLERS.join(", ")
        ))
    }
}
