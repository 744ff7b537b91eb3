//! How `sigs.k8s.io/yaml` spells a string of one line: plain where it can, in double quotes where a plain one would be
//! read as something else, in single quotes where its characters would mislead the parser. kubectl writes kubeconfigs
//! with it. In obscure cases, like a date that the calendar lacks, ours quotes where Go's does not: the value is the
//! same.

use std::borrow::Cow;

use crate::yaml::quoted;

/// Words that YAML 1.1 reads as null, as a boolean or as a number.
const WORDS: [&str; 38] = [
    "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "y", "Y",
    "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", ".nan",
    ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf",
];

/// A string as a scalar of block YAML.
pub fn scalar(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) || looks_like_no_string(text) {
        return Cow::Owned(quoted(text));
    }
    match misleads_a_parser(text) {
        true => Cow::Owned(format!("'{}'", text.replace('\'', "''"))),
        false => Cow::Borrowed(text),
    }
}

fn looks_like_no_string(text: &str) -> bool {
    if WORDS.contains(&text) || text == "-.INF" {
        return true;
    }
    // Go's resolver looks closer only at what begins like a number.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return false;
    }
    let bare = text.replace('_', "");
    is_integer(&bare) || is_float(&bare) || is_base_60(text) || is_timestamp(text)
}

/// Go's `ParseInt` and `ParseUint` of base 0, in 64 bits: a prefix, or a leading zero, gives the base.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_signed = digits.len() < text.len();
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return false;
    }
    match u64::from_str_radix(digits, base) {
        Ok(value) if is_signed => value <= i64::MIN.unsigned_abs(),
        Ok(_) => true,
        Err(_) => false,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, and not beyond what 64 bits hold: Go then keeps the string.
fn is_float(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_mantissa = mantissa.len() > mantissa.matches('.').count()
        && only_digits(whole)
        && only_digits(fraction);
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && only_digits(digits)
    });
    is_mantissa && is_exponent && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn only_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `12:30:45` is a number to the base of 60 in YAML 1.1.
fn is_base_60(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some((first, rest)) = digits.split_once(':') else {
        return false;
    };
    let (rest, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let is_group = |group: &str| match group.as_bytes() {
        [ones] => ones.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|c: char| c.is_ascii_digit())
        && only_digits(&first.replace('_', ""))
        && rest.split(':').all(is_group)
        && only_digits(&fraction.replace('_', ""))
}

/// `2020-1-31`, alone or before a time of day.
fn is_timestamp(text: &str) -> bool {
    let date = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else {
        return false;
    };
    let within = |text: &str, most: u8| {
        text.len() <= 2
            && only_digits(text)
            && text.parse().is_ok_and(|n: u8| (1..=most).contains(&n))
    };
    year.len() == 4 && only_digits(year) && within(month, 12) && within(day, 31)
}

fn misleads_a_parser(text: &str) -> bool {
    const FIRST: [char; 16] = [
        '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`',
    ];
    let before_space = |c: char| {
        text.strip_prefix(c)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    text.starts_with(FIRST)
        || ['-', '?', ':'].into_iter().any(before_space)
        || text.starts_with("---")
        || text.starts_with("...")
        || text.starts_with(' ')
        || text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn the_value_stays_the_same() {
        for text in [
            "kubernetes",
            "123",
            "yes",
            "a: b",
            "it's",
            "'x",
            "é",
            "x: ",
            " x",
            "a\nb",
            "1e400",
            "-",
        ] {
            let back: String = yaml::read(&format!("- {}", scalar(text)))
                .map(|list: Vec<String>| list[0].clone())
                .unwrap();
            assert_eq!(back, text);
        }
    }

    #[test]
    fn a_token_that_reads_as_a_number_is_quoted() {
        for (token, is_quoted) in [
            ("abcdef.0123456789abcdef", false),
            ("123456.0123456789012345", true),
            ("123456.1234567890123e01", true),
            ("123456.12345678e1234567", false), // beyond a float
            ("1e3456.0123456789012345", false),
            ("0x1234.0123456789abcdef", false),
        ] {
            assert_eq!(scalar(token).starts_with('"'), is_quoted, "{token}");
        }
    }
}
