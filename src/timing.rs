//! Times and durations as text: Go's durations plus days (`24h`, `90d`, `1h30m`), RFC 3339 in UTC, and the short
//! spans that `kubectl get` and `kubeadm token list` print. Nothing here reads a clock.

use std::time::Duration;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// The units of a duration in nanoseconds: Go's, and `d` for 24 hours, which Go leaves out.
const UNITS: [(&str, u128); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000), // U+00B5, the micro sign
    ("μs", 1_000), // U+03BC, the Greek letter
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
    ("d", 86_400 * 1_000_000_000),
];

/// What a duration looks like, for findings and usage errors.
pub const DURATION_RULE: &str =
    "a duration is a sum of numbers with units (ns, us, ms, s, m, h, d), like 24h or 1h30m";

/// Reads a duration as Go's `time.ParseDuration` does, without a sign and with `d` for days. `None` if it is none, or
/// longer than some 292 years, which Go cannot hold either.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (amount, unit, after) = split_term(rest)?;
        total = total.checked_add(nanoseconds(amount, unit)?)?;
        rest = after;
    }
    let total = i64::try_from(total).ok().filter(|_| !text.is_empty())?;
    Some(Duration::from_nanos(total.unsigned_abs()))
}

/// Splits `1.5h30m` into `1.5`, the unit of `h` and `30m`.
fn split_term(text: &str) -> Option<(&str, u128, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (amount, rest) = text.split_at(digits);
    let letters = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (name, after) = rest.split_at(letters);
    let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == name)?;
    Some((amount, *unit, after))
}

/// `1.5` of a unit, cut to whole nanoseconds.
fn nanoseconds(amount: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let mut total = match whole {
        "" => 0,
        whole => whole.parse::<u128>().ok()?.checked_mul(unit)?,
    };
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        total = total.checked_add(u128::from(digit - b'0') * place)?;
    }
    Some(total)
}

/// How `kubeadm token list` prints a time to live (k8s.io/apimachinery `duration.ShortHumanDuration`): one unit, cut,
/// never rounded; two seconds of grace for clocks that differ.
pub fn short_human(seconds: i64) -> String {
    match seconds {
        i64::MIN..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..31_536_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// RFC 3339 in UTC and whole seconds, like `2026-11-24T15:00:00Z`: what Kubernetes writes and compares. Years beyond
/// 9999 have no such form.
pub fn rfc3339(at: OffsetDateTime) -> Option<String> {
    whole_seconds(at).format(&Rfc3339).ok()
}

/// Reads an RFC 3339 time in any offset, as UTC. Fractions of a second are refused: they would be lost on writing.
pub fn parse_rfc3339(text: &str) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let utc = at.checked_to_offset(UtcOffset::UTC)?;
    (utc.nanosecond() == 0).then_some(utc)
}

/// The same time in UTC, cut to the second.
pub fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    let utc = at.to_offset(UtcOffset::UTC);
    utc.replace_nanosecond(0).unwrap_or(utc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn durations_are_gos_and_days() {
        for (text, seconds) in [
            ("24h", 86_400.0),
            ("90d", 7_776_000.0),
            ("1h30m", 5_400.0),
            ("1d12h", 129_600.0),
            ("1.5h", 5_400.0),
            (".5s", 0.5),
            ("1.s", 1.0),
            ("100ms", 0.1),
            ("1µs", 0.000_001),
            ("1μs", 0.000_001),
            ("0", 0.0),
            ("0h", 0.0),
        ] {
            assert_eq!(
                parse_duration(text).map(|d| d.as_secs_f64()),
                Some(seconds),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "24",
            "h",
            "-1h",
            "+1h",
            "1 h",
            "1hour",
            "1.2.3h",
            ".h",
            "1w",
            "1h30",
            "300y",
            "110000d",
            "99999999999999999999999999999999999999999h",
            "24H",
            "１h",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn short_spans_are_kubernetes_own() {
        for (seconds, text) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (86_399, "23h"),
            (86_400, "1d"),
            (31_535_999, "364d"),
            (31_536_000, "1y"),
        ] {
            assert_eq!(short_human(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn times_are_utc_in_whole_seconds() {
        let at = parse_rfc3339("2020-02-08T15:36:30+08:00").unwrap();
        assert_eq!(at, datetime!(2020-02-08 07:36:30 UTC));
        assert_eq!(rfc3339(at).unwrap(), "2020-02-08T07:36:30Z");
        let late = datetime!(2026-11-24 16:00:00.9 +01:00);
        assert_eq!(rfc3339(late).unwrap(), "2026-11-24T15:00:00Z");
        for text in [
            "2026-11-24",
            "2026-11-24T15:00:00.5Z",
            "2026-13-01T00:00:00Z",
            "2026-11-24T15:00:00",
            "",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }
}
