//! Words of which a value must be one. Most come from systemd's own tables (tests/oracle/systemd-keys); the others are read by
//! functions of their own there.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::tree::unit::value::path::absolute;
use crate::tree::unit::value::{Taken, ValueFault, whole};

const TABLE: &str = include_str!("../choices.txt");

/// src/basic/parse-util.c, parse_boolean.
const TRUTHS: [&str; 12] = [
    "1", "yes", "y", "true", "t", "on", "0", "no", "n", "false", "f", "off",
];
/// Words of parsers that read them in a function of their own, and whether there are numbers too: the function in
/// src/core/load-fragment.c, then the table that it looks into.
const MORE: [(&str, &[&str], bool); 14] = [
    (
        "kill_mode",
        &["control-group", "mixed", "process", "none"],
        false,
    ),
    (
        "emergency_action",
        &[
            "none",
            "reboot",
            "reboot-force",
            "reboot-immediate",
            "poweroff",
            "poweroff-force",
            "poweroff-immediate",
            "exit",
            "exit-force",
            "soft-reboot",
            "soft-reboot-force",
            "kexec",
            "kexec-force",
            "halt",
            "halt-force",
            "halt-immediate",
        ],
        false,
    ),
    (
        "exec_io_class",
        &["none", "realtime", "best-effort", "idle"],
        true,
    ),
    (
        "exec_cpu_sched_policy",
        &["other", "batch", "idle", "fifo", "ext", "rr"],
        true,
    ),
    (
        "log_level",
        &[
            "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "null",
        ],
        true,
    ),
    (
        "log_facility",
        &[
            "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
            "authpriv", "ftp", "local0", "local1", "local2", "local3", "local4", "local5",
            "local6", "local7",
        ],
        true,
    ),
    (
        "exec_mount_propagation_flag",
        &["shared", "slave", "private"],
        false,
    ),
    ("socket_protocol", &["udplite", "sctp", "mptcp"], false),
    ("managed_oom_mode", &["auto", "kill"], false),
    (
        "ip_tos",
        &["low-delay", "throughput", "reliability", "low-cost"],
        true,
    ),
    ("job_mode_isolate", &TRUTHS, false),
    (
        "personality",
        &[
            "x86",
            "x86-64",
            "arm",
            "arm-be",
            "arm64",
            "arm64-be",
            "ppc",
            "ppc-le",
            "ppc64",
            "ppc64-le",
            "s390",
            "s390x",
            "riscv64",
            "loongarch64",
            "mips",
            "mips-le",
            "mips64",
            "mips64-le",
            "alpha",
            "ia64",
            "parisc",
            "parisc64",
            "sparc",
            "sparc64",
        ],
        false,
    ),
    (
        "numa_policy",
        &[
            "default",
            "preferred",
            "bind",
            "interleave",
            "local",
            "preferred-many",
            "weighted-interleave",
        ],
        true,
    ),
    (
        "socket_timestamping",
        &["off", "us", "usec", "µs", "μs", "ns", "nsec"],
        false,
    ),
];
const INPUTS: [&str; 7] = [
    "null",
    "tty",
    "tty-force",
    "tty-fail",
    "socket",
    "fd",
    "data",
];
const OUTPUTS: [&str; 12] = [
    "inherit",
    "null",
    "tty",
    "syslog",
    "syslog+console",
    "kmsg",
    "kmsg+console",
    "journal",
    "journal+console",
    "socket",
    "fd",
    "file",
];

/// Checks the values of parsers that read one word; None for another parser.
pub fn check(parser: &str, value: &str) -> Option<Vec<ValueFault>> {
    let taken = match parser {
        "tristate" => boolean(value),
        "protect_hostname" => {
            let word = value.split(':').next().unwrap_or_default();
            if word == "private" {
                Ok(())
            } else {
                boolean(word)
            }
        }
        "exec_input" => stream(value, &INPUTS, &["file"]),
        "exec_output" => stream(value, &OUTPUTS[..11], &["file", "append", "truncate"]),
        _ => {
            let (words, has_numbers) = words(parser)?;
            if words.contains(&value) {
                return Some(Vec::new());
            }
            let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let is_small = is_number && value.len() < 4;
            match parser {
                _ if words.contains(&"boolean") && boolean(value).is_ok() => Ok(()),
                // So many levels and facilities there are.
                "log_level" if is_small && value.len() == 1 && value < "8" => Ok(()),
                "log_facility"
                    if is_small && value.parse::<u8>().is_ok_and(|number| number < 24) =>
                {
                    Ok(())
                }
                "log_level" | "log_facility" => Err(one_of(words)),
                _ if has_numbers && is_small => Ok(()),
                _ => Err(one_of(words)),
            }
        }
    };
    Some(whole(value, taken))
}

/// `yes`, `no` and their likes.
pub fn boolean(value: &str) -> Taken {
    if TRUTHS.contains(&&*value.to_ascii_lowercase()) {
        Ok(())
    } else {
        Err("must be yes or no".to_owned())
    }
}

/// The rule that a word must be one of several.
pub fn one_of(words: &[&str]) -> String {
    let mut shown: Vec<&str> = words.to_vec();
    if shown.contains(&"boolean") {
        shown.retain(|word| *word != "boolean");
        for truth in ["yes", "no"] {
            if !shown.contains(&truth) {
                shown.push(truth);
            }
        }
    }
    format!("must be one of {}", shown.join(", "))
}

/// What standard input and output may be: a word, or a word with a name or a path behind it.
fn stream(value: &str, words: &[&str], files: &[&str]) -> Taken {
    match value.split_once(':') {
        Some((word, path)) if files.contains(&word) => absolute(path),
        Some(("fd", _)) => Ok(()),
        _ if words.contains(&value) => Ok(()),
        _ => Err(format!(
            "{}, or one of {} with a path, like file:/var/log/x",
            one_of(words),
            files.join(", ")
        )),
    }
}

/// The words of a parser, and whether numbers do as well.
fn words(parser: &str) -> Option<(&'static [&'static str], bool)> {
    static WORDS: OnceLock<HashMap<&'static str, Vec<&'static str>>> = OnceLock::new();
    let more = MORE.iter().find(|(name, ..)| *name == parser);
    if let Some((_, words, numbers)) = more {
        return Some((words, *numbers));
    }
    let all = WORDS.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        let lines = lines.filter_map(|line| line.split_once('\t'));
        lines
            .map(|(parser, words)| (parser, words.split(' ').collect()))
            .collect()
    });
    all.get(parser).map(|words| (words.as_slice(), false))
}
