//! `Limit…=` (src/basic/rlimit-util.c): one value, or a soft and a hard one.

use crate::tree::unit::keys::Key;
use crate::tree::unit::value::number::{number, span};
use crate::tree::unit::value::resource::bytes;
use crate::tree::unit::value::{ValueFault, whole};

/// Limits that are amounts of bytes.
const BYTES: [&str; 8] = [
    "RLIMIT_FSIZE",
    "RLIMIT_DATA",
    "RLIMIT_STACK",
    "RLIMIT_CORE",
    "RLIMIT_RSS",
    "RLIMIT_AS",
    "RLIMIT_MEMLOCK",
    "RLIMIT_MSGQUEUE",
];

/// Checks a limit; None for another parser.
pub fn check(key: &Key, value: &str) -> Option<Vec<ValueFault>> {
    if key.parser != "rlimit" {
        return None;
    }
    let one = |text: &str| amount(key.more, text);
    let taken = match value.split_once(':') {
        None => one(value).map(|_| ()),
        Some((soft, hard)) => one(soft).and_then(|soft| {
            let hard = one(hard)?;
            if soft <= hard {
                Ok(())
            } else {
                Err("must be SOFT:HARD with a soft limit that is not above the hard one".to_owned())
            }
        }),
    };
    Some(whole(value, taken))
}

/// A limit as a number that can be compared; infinity is the largest. Spans of time are not compared.
fn amount(limit: &str, text: &str) -> Result<u128, String> {
    if text == "infinity" {
        return Ok(u128::MAX);
    }
    if BYTES.contains(&limit) {
        return bytes(text)
            .ok_or_else(|| "must be an amount of bytes (for example 64M) or infinity".to_owned());
    }
    match limit {
        "RLIMIT_CPU" | "RLIMIT_RTTIME" => {
            span(text)?;
            Ok(text.parse().unwrap_or(0))
        }
        "RLIMIT_NICE" => {
            let least_and_most = if text.starts_with(['+', '-']) {
                -20..=19
            } else {
                0..=40
            };
            let is_one = number(text).is_some_and(|number| least_and_most.contains(&number));
            is_one.then_some(0).ok_or_else(|| {
                "must be +N or -N for a nice level from -20 to 19, or a number up to 40".to_owned()
            })
        }
        _ => {
            let number = number(text).and_then(|number| u128::try_from(number).ok());
            number.ok_or_else(|| "must be a whole number or infinity, or SOFT:HARD".to_owned())
        }
    }
}
