//! Texts that Kubernetes reads as durations and quantities. Both functions return the rule that a text breaks.

use std::time::Duration;

/// Nanoseconds of each unit, longest name first so that `ms` is not read as minutes.
/// Source: Go's `time.ParseDuration`.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// Suffixes of k8s.io/apimachinery `pkg/api/resource/suffix.go`.
const SUFFIXES: [&str; 16] = [
    "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
];

/// Reads a duration as Go does: `45s`, `1h30m`, `1.5h`, `0`. A sign is read, and a negative one comes back as zero:
/// every duration of a kubelet configuration that may be negative means "off" by it.
pub fn duration(text: &str) -> Result<Duration, String> {
    let length = nanoseconds(text)?;
    Ok(Duration::from_nanos(u64::try_from(length).unwrap_or(0)))
}

/// Reads a duration as Go does, in nanoseconds: negative ones are what they are.
pub fn nanoseconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("must be a duration (for example 45s, 5m or 1h30m); got {text:?}");
    let (sign, mut rest) = split_sign(text);
    if rest == "0" {
        return Ok(0);
    }
    let mut nanoseconds = 0.0;
    loop {
        let (number, tail) = split_number(rest).ok_or_else(wrong)?;
        let unit = UNITS.iter().find(|(name, _)| tail.starts_with(name));
        let (name, size) = unit.ok_or_else(wrong)?;
        nanoseconds += number * size;
        rest = &tail[name.len()..];
        if rest.is_empty() {
            break;
        }
    }
    // Go counts nanoseconds in 64 bits: about 292 years.
    if nanoseconds > i64::MAX as f64 {
        return Err(wrong());
    }
    let length = nanoseconds.round() as i64;
    Ok(if sign == "-" { -length } else { length })
}

/// Checks a quantity: `100Mi`, `500m`, `1.5Gi`, `1e3`. Percentages are not quantities.
/// Source: k8s.io/apimachinery `pkg/api/resource/quantity.go`.
pub fn quantity(text: &str) -> Result<(), String> {
    let (_, rest) = split_sign(text);
    let fits = split_number(rest)
        .is_some_and(|(_, suffix)| SUFFIXES.contains(&suffix) || is_exponent(suffix));
    fits.then_some(())
        .ok_or_else(|| format!("must be a quantity (for example 500m, 100Mi or 2Gi); got {text:?}"))
}

/// How much a quantity is, where it is one.
pub fn amount(text: &str) -> Option<f64> {
    let (sign, rest) = split_sign(text);
    let (number, suffix) = split_number(rest)?;
    let size = match suffix {
        "" => 1.0,
        exponent if is_exponent(exponent) => 10_f64.powi(exponent[1..].parse().ok()?),
        suffix => {
            let binary = suffix.ends_with('i');
            let power = match suffix.trim_end_matches('i') {
                "n" => -3,
                "u" => -2,
                "m" => -1,
                letter => 1 + i32::try_from("KMGTPE".find(&letter.to_uppercase())?).ok()?,
            };
            let step: f64 = if binary { 1024.0 } else { 1000.0 };
            SUFFIXES.contains(&suffix).then(|| step.powi(power))?
        }
    };
    Some(if sign == "-" {
        -number * size
    } else {
        number * size
    })
}

/// How much a quantity is, in billionths, where it is one; a part of a billionth counts as a whole one, as upstream rounds.
/// None also beyond 2^63 or so: nothing on a node is that large.
pub fn exact(text: &str) -> Option<i128> {
    const BILLION: i128 = 1_000_000_000;
    quantity(text).ok()?;
    let (sign, rest) = split_sign(text);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, suffix) = rest.split_at(end.unwrap_or(rest.len()));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let part = part.trim_end_matches('0');
    let whole = whole.trim_start_matches('0');
    if whole.len() + part.len() > 20 {
        return None;
    }
    let digits = format!("0{whole}{part}").parse::<i128>().ok()?;
    let step = |base: i128, power: u32| base.checked_pow(power);
    let size = match suffix {
        "" => BILLION,
        "n" => 1,
        "u" => 1_000,
        "m" => 1_000_000,
        exponent if is_exponent(exponent) => {
            let power: i32 = exponent[1..].parse().ok()?;
            step(10, u32::try_from(power + 9).ok()?)?
        }
        suffix => {
            let letter = suffix.trim_end_matches('i').to_uppercase();
            let power = u32::try_from("KMGTPE".find(&letter)?).ok()? + 1;
            BILLION * step(if suffix.ends_with('i') { 1024 } else { 1000 }, power)?
        }
    };
    let divisor = step(10, u32::try_from(part.len()).ok()?)?;
    let product = digits.checked_mul(size)?;
    let amount = product / divisor + i128::from(product % divisor != 0);
    Some(if sign == "-" { -amount } else { amount })
}

/// Whether a quantity is one that upstream hands on as a whole number (Quantity.AsInt64): with a fraction it is not, even where the
/// suffix makes up for it (`1.5Gi`), but for those in steps of 1000 (`1.5G`).
pub fn is_whole(text: &str) -> bool {
    let (_, rest) = split_sign(text);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, suffix) = rest.split_at(end.unwrap_or(rest.len()));
    let decimals = number
        .split_once('.')
        .map_or(0, |(_, part)| i32::try_from(part.len()).unwrap_or(i32::MAX));
    let power = match suffix {
        "" => 0,
        exponent if is_exponent(exponent) => exponent[1..].parse().unwrap_or(i32::MIN),
        suffix if suffix.ends_with('i') => return decimals == 0,
        suffix => match "kMGTPE".find(suffix) {
            Some(index) => (i32::try_from(index).unwrap_or(0) + 1) * 3,
            None => return false,
        },
    };
    power >= decimals
}

/// A boolean as Go's `strconv.ParseBool` reads it.
pub fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Whether a quantity says nothing but zero.
pub fn is_zero(text: &str) -> bool {
    let (_, rest) = split_sign(text);
    split_number(rest).is_some_and(|(number, _)| number == 0.0)
}

fn is_exponent(suffix: &str) -> bool {
    let digits = suffix.strip_prefix(['e', 'E']).map(split_sign);
    digits
        .is_some_and(|(_, digits)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn split_sign(text: &str) -> (&str, &str) {
    text.split_at(usize::from(text.starts_with(['+', '-'])))
}

/// A decimal number with at least one digit, and what follows it.
fn split_number(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    // `parse` takes "5." and ".5" as Go does, and refuses ".", "" and a second dot.
    number.parse().ok().map(|number| (number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, milliseconds) in [
            ("45s", 45_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("5.s", 5_000),
            ("100ms", 100),
            ("1m1ms", 60_001),
            ("+2m0s", 120_000),
            ("0", 0),
            ("0s", 0),
            ("0h0m0s", 0),
            ("-1s", 0),
            ("1000us", 1),
            ("1000µs", 1),
        ] {
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
        for text in [
            "", "45", "s", "4 5s", "45sec", "1d", "1.2.3s", ".s", "1h30", "-", "9999999h", "1e3s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_counted_in_steps_of_1000_and_of_1024() {
        for (text, bytes) in [
            ("1Gi", 1_073_741_824.0),
            ("1.5Ki", 1536.0),
            ("2k", 2000.0),
            ("1E", 1e18),
            ("1e3", 1000.0),
            ("500m", 0.5),
            ("-1M", -1e6),
            ("7", 7.0),
        ] {
            assert_eq!(amount(text), Some(bytes), "{text}");
        }
        for text in ["", "1K", "ten", "10%"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn exact_amounts_lose_nothing() {
        for (text, billionths) in [
            ("1Gi", 1_073_741_824_000_000_000),
            ("100m", 100_000_000),
            ("0.1", 100_000_000),
            ("1.5Ki", 1_536_000_000_000),
            ("0.1n", 1),
            ("-1k", -1_000_000_000_000),
            ("1e3", 1_000_000_000_000),
            ("1E-3", 1_000_000),
            ("612Mi", 612 * (1_000_000_000 << 20)),
            (".5", 500_000_000),
            ("000", 0),
        ] {
            assert_eq!(exact(text), Some(billionths), "{text}");
        }
        for text in ["", "10%", "1K", "123456789012345678901"] {
            assert_eq!(exact(text), None, "{text}");
        }
    }

    #[test]
    fn whole_quantities_have_no_fraction_that_counts() {
        for text in ["10Mi", "100", "1.5G", "1.5k", "1e3", "-1Mi", "1.25e2", "0"] {
            assert!(is_whole(text), "{text}");
        }
        for text in ["1.5Gi", "500m", "0.5", "1.5e0", "1.2345k", "100n", "1e-3"] {
            assert!(!is_whole(text), "{text}");
        }
    }

    #[test]
    fn quantities_are_numbers_with_a_suffix() {
        for text in [
            "100Mi", "500m", "1.5Gi", "1e3", "1E-3", "0", "-5", "2k", ".5", "1E",
        ] {
            assert_eq!(quantity(text), Ok(()), "{text}");
        }
        for text in ["", "5%", "1K", "1mi", "Mi", "1 Gi", "1e", "1.2.3", "ten"] {
            assert!(quantity(text).is_err(), "{text}");
        }
    }
}
