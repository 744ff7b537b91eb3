//! Numbers, modes, spans of time, signals and sets of processors.

use crate::tree::unit::keys::Key;
use crate::tree::unit::value::{Taken, ValueFault, calendar, each, is_open, whole};

/// Units of time (systemd.time(7)); months are `M`.
const SPANS: [&str; 32] = [
    "usec", "us", "μs", "µs", "msec", "ms", "seconds", "second", "sec", "s", "minutes", "minute",
    "min", "m", "hours", "hour", "hr", "h", "days", "day", "d", "weeks", "week", "w", "months",
    "month", "M", "years", "year", "y", "nsec", "ns",
];
/// signal(7), on all machines.
const SIGNALS: [&str; 35] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS", "IOT", "POLL", "CLD", "INFO",
];
/// Names of exit codes (src/shared/exit-status.c).
const EXITS: &str = "SUCCESS FAILURE CHDIR NICE FDS EXEC MEMORY LIMITS OOM_ADJUST SIGNAL_MASK STDIN STDOUT CHROOT IOPRIO \
    TIMERSLACK SECUREBITS SETSCHEDULER CPUAFFINITY GROUP USER CAPABILITIES CGROUP SETSID CONFIRM STDERR PAM NETWORK \
    NAMESPACE NO_NEW_PRIVILEGES SECCOMP SELINUX_CONTEXT PERSONALITY APPARMOR ADDRESS_FAMILIES RUNTIME_DIRECTORY CHOWN \
    SMACK_PROCESS_LABEL KEYRING STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY CONFIGURATION_DIRECTORY NUMA_POLICY \
    CREDENTIALS BPF KSM MEMORY_THP EXCEPTION INVALIDARGUMENT NOTIMPLEMENTED NOPERMISSION NOTINSTALLED NOTCONFIGURED \
    NOTRUNNING USAGE DATAERR NOINPUT NOUSER NOHOST UNAVAILABLE SOFTWARE OSERR OSFILE CANTCREAT IOERR TEMPFAIL PROTOCOL \
    NOPERM CONFIG";

/// Checks the values of parsers that read such; None for another parser.
pub fn check(key: &Key, value: &str) -> Option<Vec<ValueFault>> {
    let taken = match key.parser {
        "unsigned" | "tty_size" => between(value, 0, u32::MAX.into()),
        "concurrency_max" if value == "infinity" => Ok(()),
        "concurrency_max" => between(value, 0, u32::MAX.into()),
        "int" => between(value, i32::MIN.into(), i32::MAX.into()),
        "long" => between(value, i64::MIN.into(), i64::MAX.into()),
        "exec_nice" => between(value, -20, 19),
        "exec_oom_score_adjust" => between(value, -1000, 1000),
        "exec_io_priority" => between(value, 0, 7),
        "exec_cpu_sched_prio" => between(value, 0, 99),
        "swap_priority" => between(value, -1, 32767),
        "exit_status" => between(value, 0, 255),
        "mode" => mode(value),
        "sec"
        | "sec_fix_0"
        | "sec_def_infinity"
        | "nsec"
        | "job_timeout_sec"
        | "job_running_timeout_sec"
        | "service_timeout"
        | "service_timeout_abort"
        | "managed_oom_mem_pressure_duration_sec" => span(value),
        "timer" if is_open(value) => Ok(()),
        "timer" if key.more == "TIMER_CALENDAR" => calendar::check(value),
        "timer" => span(value),
        "signal" => signal(value),
        "set_status" => return Some(each(value, status)),
        "exec_cpu_affinity" | "unit_cpu_set" | "numa_mask" => {
            let is_word = ["numa", "all"].contains(&value) && key.parser != "unit_cpu_set";
            if is_word || is_open(value) {
                Ok(())
            } else {
                processors(value)
            }
        }
        "exec_coredump_filter" => return Some(each(value, coredump)),
        _ => return None,
    };
    Some(whole(value, taken))
}

/// A whole number as `safe_atoi` reads it: with a sign, hexadecimal, octal or binary.
pub fn number(text: &str) -> Option<i128> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b', ..] => (2, &digits[2..]),
        [b'0', b'o', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    let is_plain = digits.chars().all(|digit| digit.is_digit(radix));
    let number = i128::from_str_radix(digits, radix)
        .ok()
        .filter(|_| is_plain)?;
    Some(if is_negative { -number } else { number })
}

/// A whole number within bounds.
pub fn between(value: &str, least: i128, most: i128) -> Taken {
    match number(value) {
        Some(number) if (least..=most).contains(&number) => Ok(()),
        _ if most >= u32::MAX.into() && least == 0 => Err("must be a whole number".to_owned()),
        _ if least < -40_000 => Err("must be a whole number".to_owned()),
        _ => Err(format!("must be a whole number from {least} to {most}")),
    }
}

fn mode(value: &str) -> Taken {
    let is_octal = !value.is_empty() && value.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    if is_octal && u32::from_str_radix(value, 8).is_ok_and(|mode| mode <= 0o7777) {
        Ok(())
    } else {
        Err("must be an octal mode (for example 0755)".to_owned())
    }
}

/// `1min 30s`, `500ms`, `90`, `infinity`.
pub fn span(value: &str) -> Taken {
    if value == "infinity" {
        return Ok(());
    }
    let wrong = || Err("must be a span of time (for example 90s or 1min 30s)".to_owned());
    let mut rest = value.trim_start();
    if rest.is_empty() {
        return wrong();
    }
    while !rest.is_empty() {
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let number = rest.len() - rest.trim_start_matches(is_digit).len();
        let digits = &rest[..number];
        if !digits.contains(|c: char| c.is_ascii_digit()) || digits.matches('.').count() > 1 {
            return wrong();
        }
        rest = rest[number..].trim_start();
        let unit = rest.len() - rest.trim_start_matches(char::is_alphabetic).len();
        if unit > 0 && !SPANS.contains(&&rest[..unit]) {
            return wrong();
        }
        rest = rest[unit..].trim_start();
    }
    Ok(())
}

/// A signal: its name with or without SIG, or its number (src/basic/signal-util.c).
pub fn signal(value: &str) -> Taken {
    let name = value.strip_prefix("SIG").unwrap_or(value);
    let real_time = |prefix: &str, sign: char| {
        let rest = name.strip_prefix(prefix)?;
        match rest.strip_prefix(sign) {
            Some(offset) => Some(offset.parse::<u8>().is_ok_and(|offset| offset <= 30)),
            None => Some(rest.is_empty()),
        }
    };
    let is_one = SIGNALS.contains(&name)
        || value
            .parse::<u8>()
            .is_ok_and(|number| (1..=64).contains(&number))
        || real_time("RTMIN", '+').or_else(|| real_time("RTMAX", '-')) == Some(true);
    if is_one {
        Ok(())
    } else {
        Err("must be a signal (for example SIGTERM)".to_owned())
    }
}

/// An exit code, its name, or a signal.
fn status(word: &str) -> Taken {
    let is_code = word.parse::<u8>().is_ok();
    if is_code
        || EXITS.split_whitespace().any(|name| name == word)
        || (signal(word).is_ok() && !word.starts_with(|c: char| c.is_ascii_digit()))
    {
        Ok(())
    } else {
        Err("must be an exit code up to 255, its name, or a signal".to_owned())
    }
}

/// `0-3,5 7` (src/shared/cpu-set-util.c).
fn processors(value: &str) -> Taken {
    let is_set = |range: &str| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let both = from.parse::<u16>().ok().zip(to.parse::<u16>().ok());
        both.is_some_and(|(from, to)| from <= to && from.max(to) < 8192)
    };
    let mut ranges = value
        .split([' ', '\t', ','])
        .filter(|range| !range.is_empty());
    if ranges.all(is_set) {
        Ok(())
    } else {
        Err("must be numbers of processors (for example 0-3,5)".to_owned())
    }
}

/// What of a process goes into its dump (src/shared/coredump-util.c).
fn coredump(word: &str) -> Taken {
    const WORDS: [&str; 12] = [
        "private-anonymous",
        "shared-anonymous",
        "private-file-backed",
        "shared-file-backed",
        "elf-headers",
        "private-huge",
        "shared-huge",
        "private-dax",
        "shared-dax",
        "default",
        "all",
        "none",
    ];
    let hex = word.strip_prefix("0x").unwrap_or(word);
    if WORDS.contains(&word) || u64::from_str_radix(hex, 16).is_ok() {
        Ok(())
    } else {
        Err(format!(
            "must be one of {}, or a mask",
            WORDS[..11].join(", ")
        ))
    }
}
