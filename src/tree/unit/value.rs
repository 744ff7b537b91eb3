//! Whether systemd takes a value for a key of its type. In: an assignment. Out: faults with their locations in the value.

use crate::tree::unit::keys::ValueType;
use crate::tree::unit::words::{Word, split, unknown_specifier};
use crate::tree::unit_name;

/// What is wrong with a value, and at which of its bytes.
pub struct ValueFault {
    /// Byte of the value.
    pub at: usize,
    /// The rule and how it is broken.
    pub message: String,
    /// What to do about it.
    pub help: Option<&'static str>,
}

impl ValueFault {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            help: None,
        }
    }

    fn help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}

const TRUTHS: [&str; 12] = [
    "1", "yes", "y", "true", "t", "on", "0", "no", "n", "false", "f", "off",
];
const SERVICE_TYPES: [&str; 9] = [
    "simple",
    "exec",
    "forking",
    "oneshot",
    "dbus",
    "notify",
    "notify-reload",
    "idle",
    "",
];
const RESTARTS: [&str; 8] = [
    "no",
    "always",
    "on-success",
    "on-failure",
    "on-abnormal",
    "on-abort",
    "on-watchdog",
    "",
];
const KILL_MODES: [&str; 5] = ["control-group", "mixed", "process", "none", ""];
/// Units of time (systemd.time(7)); months are `M`.
const SPANS: [&str; 32] = [
    "usec", "us", "μs", "µs", "msec", "ms", "seconds", "second", "sec", "s", "minutes", "minute",
    "min", "m", "hours", "hour", "hr", "h", "days", "day", "d", "weeks", "week", "w", "months",
    "month", "M", "years", "year", "y", "nsec", "ns",
];

/// Checks a value.
pub fn check(kind: ValueType, value: &str) -> Vec<ValueFault> {
    let mut faults = match kind {
        ValueType::Exec => exec(value),
        ValueType::Boolean if !TRUTHS.contains(&&*value.to_ascii_lowercase()) => {
            vec![ValueFault::new(
                0,
                format!("{value:?} is neither yes nor no"),
            )]
        }
        ValueType::Seconds if !is_span(value) => {
            let rule =
                format!("must be a span of time (for example 90s or 1min 30s); got {value:?}");
            vec![ValueFault::new(0, rule)]
        }
        ValueType::Units => units(value),
        ValueType::Environment => environment(value),
        ValueType::Unsigned if !value.bytes().all(|digit| digit.is_ascii_digit()) => {
            vec![ValueFault::new(
                0,
                format!("must be a whole number; got {value:?}"),
            )]
        }
        ValueType::ServiceType => word(value, &SERVICE_TYPES),
        ValueType::Restart => word(value, &RESTARTS),
        ValueType::KillMode => word(value, &KILL_MODES),
        _ => Vec::new(),
    };
    let expands = matches!(
        kind,
        ValueType::Exec | ValueType::Units | ValueType::Environment | ValueType::Text
    );
    if let Some((at, letter)) = unknown_specifier(value).filter(|_| expands) {
        let fault = ValueFault::new(at, format!("%{letter} is not a specifier of systemd"));
        faults.push(fault.help("write %% for a percent sign"));
    }
    faults
}

fn word(value: &str, known: &[&str]) -> Vec<ValueFault> {
    if known.contains(&value) {
        Vec::new()
    } else {
        let known: Vec<&str> = known.iter().copied().filter(|w| !w.is_empty()).collect();
        let rule = format!("{value:?} is none of {}", known.join(", "));
        vec![ValueFault::new(0, rule)]
    }
}

/// `1min 30s`, `500ms`, `90`, `infinity`; nothing at all resets it.
fn is_span(value: &str) -> bool {
    if value.is_empty() || value == "infinity" {
        return true;
    }
    let mut rest = value;
    while !rest.is_empty() {
        let number = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                .len();
        if number == 0 {
            return false;
        }
        rest = rest[number..].trim_start();
        let unit = rest.len() - rest.trim_start_matches(char::is_alphabetic).len();
        if unit > 0 && !SPANS.contains(&&rest[..unit]) {
            return false;
        }
        rest = rest[unit..].trim_start();
    }
    true
}

/// Names are split at blanks alone: a backslash is a part of them (`dev-disk-by\\x2duuid`).
fn units(value: &str) -> Vec<ValueFault> {
    let at = |word: &str| word.as_ptr() as usize - value.as_ptr() as usize;
    let words = value.split_ascii_whitespace();
    // What a specifier stands for is not known here.
    words
        .filter(|word| !word.contains('%'))
        .filter_map(|word| {
            let rule = unit_name(word.trim_matches(['"', '\''])).err()?;
            Some(ValueFault::new(at(word), rule).help("write the whole name of a unit"))
        })
        .collect()
}

fn environment(value: &str) -> Vec<ValueFault> {
    let words = match split(value) {
        Ok(words) => words,
        Err((at, rule)) => return vec![ValueFault::new(at, rule)],
    };
    let is_name = |name: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    words
        .iter()
        .filter(|word| {
            let name = word.text.split_once('=').map(|(name, _)| name);
            !name.is_some_and(|name| !name.is_empty() && is_name(name)) && !word.text.contains('%')
        })
        .map(|word| {
            // Without the word: it may be a part of a password.
            ValueFault::new(
                word.at,
                "each word must be an assignment (for example NAME=value)",
            )
            .help("quote the whole of it: \"NAME=a b\"")
        })
        .collect()
}

/// The programs of a command line that are named by absolute paths.
pub fn programs(value: &str) -> Vec<String> {
    let words = split(value).unwrap_or_default();
    let commands = words.split(|word| is_separator(word, value));
    let programs = commands.filter_map(<[Word]>::first);
    // What stands before a path says how it is started (systemd.service(5), "Command lines").
    let programs =
        programs.map(|word| word.text.trim_start_matches(['@', '-', ':', '+', '!', '|']));
    let programs = programs.filter(|program| program.starts_with('/'));
    programs.map(str::to_owned).collect()
}

/// Whether a word ends a command.
fn is_separator(word: &Word, value: &str) -> bool {
    word.text == ";" && value[word.at..].starts_with(';')
}

/// A command line (systemd.service(5)): several commands are separated by a lone `;`.
fn exec(value: &str) -> Vec<ValueFault> {
    let words = match split(value) {
        Ok(words) => words,
        Err((at, rule)) => return vec![ValueFault::new(at, rule)],
    };
    let commands = words.split(|word| is_separator(word, value));
    let commands = commands.filter_map(<[Word]>::first);
    commands.filter_map(program).collect()
}

fn program(word: &Word) -> Option<ValueFault> {
    let path = word.text.trim_start_matches(['@', '-', ':', '+', '!', '|']);
    if path.is_empty() {
        return Some(ValueFault::new(word.at, "the command has no program"));
    }
    if path.starts_with('%') {
        return None;
    }
    if !path.starts_with('/') {
        let rule = format!(
            "the program must be an absolute path, since systemd searches fixed folders only; got {path:?}"
        );
        return Some(ValueFault::new(word.at, rule).help("write the program's whole path"));
    }
    if path.ends_with('/') {
        Some(ValueFault::new(
            word.at,
            format!("the program {path:?} is a folder"),
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(kind: ValueType, value: &str) -> Vec<String> {
        let faults = check(kind, value).into_iter();
        faults
            .map(|fault| format!("{}: {}", fault.at, fault.message))
            .collect()
    }

    #[test]
    fn good_values_are_taken() {
        for (kind, value) in [
            (ValueType::Exec, "-/bin/sh -c 'exit 1' ; /bin/true"),
            (ValueType::Exec, ""),
            (ValueType::Exec, "!!/usr/bin/x \\; --50% ${A}"),
            (ValueType::Boolean, "Yes"),
            (ValueType::Seconds, "1min 30s"),
            (ValueType::Seconds, "2.5h"),
            (ValueType::Seconds, "infinity"),
            (ValueType::Units, "a.service b@%i.timer dev-a\\x2db.device"),
            (ValueType::Environment, "\"A=b c\" D=e"),
            (ValueType::Unsigned, "3"),
            (ValueType::ServiceType, "notify-reload"),
            (ValueType::Restart, ""),
        ] {
            assert_eq!(rules(kind, value), [""; 0], "{value}");
        }
    }

    #[test]
    fn bad_values_are_named() {
        for (kind, value, at, part) in [
            (ValueType::Exec, "kubelet --x", 0, "an absolute path"),
            (ValueType::Exec, "/x ; bin/y", 5, "an absolute path"),
            (ValueType::Exec, "/x 'y", 3, "not closed"),
            (ValueType::Exec, "/x/", 0, "a folder"),
            (ValueType::Exec, "- /x", 0, "no program"),
            (
                ValueType::Exec,
                "/bin/date +%F",
                11,
                "%F is not a specifier",
            ),
            (ValueType::Boolean, "maybe", 0, "neither yes nor no"),
            (ValueType::Seconds, "5 parsecs", 0, "a span"),
            (ValueType::Seconds, "s", 0, "a span"),
            (
                ValueType::Units,
                "a.service network",
                10,
                "the name of a unit",
            ),
            (ValueType::Environment, "A=b c", 4, "an assignment"),
            (ValueType::Environment, "1A=b", 0, "an assignment"),
            (ValueType::Unsigned, "-1", 0, "a whole number"),
            (ValueType::ServiceType, "forked", 0, "none of simple"),
            (ValueType::Restart, "allways", 0, "none of no"),
            (ValueType::KillMode, "all", 0, "none of control-group"),
            (ValueType::Text, "100%x", 3, "not a specifier"),
        ] {
            let found = rules(kind, value);
            assert_eq!(found.len(), 1, "{value}: {found:?}");
            let start = format!("{at}: ");
            assert!(
                found[0].starts_with(&start) && found[0].contains(part),
                "{value}: {found:?}"
            );
        }
    }
}
