//! Eviction thresholds: the kubelet parses them when it starts and ends with the first that is wrong. Source:
//! pkg/kubelet/eviction/helpers.go, ParseThresholdConfig.

use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::kubernetes::value;
use crate::report::Id;

/// The signals; those of the containers' own file system came with 1.29.
fn signals(minor: u32) -> impl Iterator<Item = &'static str> {
    [
        ("memory.available", 16),
        ("allocatableMemory.available", 16),
        ("nodefs.available", 16),
        ("nodefs.inodesFree", 16),
        ("imagefs.available", 16),
        ("imagefs.inodesFree", 16),
        ("containerfs.available", 29),
        ("containerfs.inodesFree", 29),
        ("pid.available", 16),
    ]
    .into_iter()
    .filter(move |(_, since)| *since <= minor)
    .map(|(signal, _)| signal)
}

/// All four maps by signal.
pub fn thresholds(reading: &ConfigReader<'_>) -> Known<()> {
    each(reading, "evictionHard", &|text, minor| {
        threshold(text, minor)
    })?;
    // What is kept free is taken from what pods may have, and that must not be less than nothing (pkg/kubelet/cm/
    // node_container_manager_linux.go, validateNodeAllocatable).
    for (signal, text) in reading.pairs("evictionHard")? {
        let most = text.strip_suffix('%').and_then(percent);
        if signal == "memory.available"
            && reading.minor < 21
            && most.is_some_and(|most| most > 100.0)
        {
            let at = vec!["evictionHard".to_owned(), signal.to_owned()];
            let rule = format!("must be between 0% and 100%; got {text}");
            reading.say_at_start(Id::KubeletEvictionInvalid, at, rule);
        }
    }
    each(reading, "evictionSoft", &|text, minor| {
        threshold(text, minor)
    })?;
    each(
        reading,
        "evictionSoftGracePeriod",
        &|text, _| match value::nanoseconds(text)? {
            ..0 => Err(format!("must not be negative; got {text}")),
            _ => Ok(()),
        },
    )?;
    each(reading, "evictionMinimumReclaim", &|text, _| reclaim(text))?;
    let periods = reading.pairs("evictionSoftGracePeriod")?;
    for (signal, text) in reading.pairs("evictionSoft")? {
        let off = matches!(text, "0%" | "100%");
        if !off && !periods.iter().any(|(known, _)| *known == signal) {
            let at = vec!["evictionSoft".to_owned(), signal.to_owned()];
            let rule =
                format!("a soft threshold needs a period in evictionSoftGracePeriod for {signal}");
            reading.say_at_start(Id::KubeletEvictionInvalid, at, rule);
        }
    }
    Ok(())
}

fn each(
    reading: &ConfigReader<'_>,
    path: &str,
    check: &dyn Fn(&str, u32) -> Result<(), String>,
) -> Known<()> {
    let minor = reading.minor;
    for (signal, text) in reading.pairs(path)? {
        let at = vec![path.to_owned(), signal.to_owned()];
        if !signals(minor).any(|known| known == signal) {
            let known: Vec<&str> = signals(minor).collect();
            let rule = format!(
                "must be a signal of 1.{minor} ({}); got {signal:?}",
                known.join(", ")
            );
            reading.say_at_start(Id::KubeletEvictionInvalid, at, rule);
        } else if let Err(rule) = check(text, minor) {
            reading.say_at_start(Id::KubeletEvictionInvalid, at, rule);
        }
    }
    Ok(())
}

fn threshold(text: &str, minor: u32) -> Result<(), String> {
    let Some(number) = text.strip_suffix('%') else {
        value::quantity(text)?;
        return if text.starts_with('-') || value::is_zero(text) {
            Err(format!(
                "must be more than zero; 0% switches a signal off; got {text}"
            ))
        } else {
            Ok(())
        };
    };
    let percent = percent(number)
        .ok_or_else(|| format!("must be a percentage (for example 10%); got {text:?}"))?;
    // Up to 1.20 upstream compared with 100 times as much.
    let most = if minor < 21 { 10_000.0 } else { 100.0 };
    if (0.0..=most).contains(&percent) {
        Ok(())
    } else {
        Err(format!("must be between 0% and 100%; got {text}"))
    }
}

fn reclaim(text: &str) -> Result<(), String> {
    let Some(number) = text.strip_suffix('%') else {
        value::quantity(text)?;
        return if text.starts_with('-') && !value::is_zero(text) {
            Err(format!("must not be negative; got {text}"))
        } else {
            Ok(())
        };
    };
    match percent(number) {
        Some(percent) if percent > 0.0 => Ok(()),
        _ => Err(format!(
            "must be a percentage (for example 10%); got {text:?}"
        )),
    }
}

fn percent(number: &str) -> Option<f32> {
    let digits = number.bytes().any(|b| b.is_ascii_digit());
    number.parse().ok().filter(|_| digits)
}
