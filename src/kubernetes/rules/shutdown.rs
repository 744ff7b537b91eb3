//! The end of pods: graceful shutdown, swap, crash loops.

use crate::kubernetes::BrokenRule;
use crate::kubernetes::rules::images::needs;
use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::report::Id;

const SECOND: i64 = 1_000_000_000;
const PERIOD: &str = "shutdownGracePeriod";
const CRITICAL: &str = "shutdownGracePeriodCriticalPods";
const GATE: &str = "GracefulNodeShutdown";

/// The grace period and the part of it that critical pods get.
pub fn periods(reading: &ConfigReader<'_>) -> Known<()> {
    let period = reading.duration(PERIOD)?.unwrap_or(0);
    let critical = reading.duration(CRITICAL)?.unwrap_or(0);
    for (path, length) in [(PERIOD, period), (CRITICAL, critical)] {
        if length > 0 {
            needs(reading, path, GATE);
        }
    }
    if !reading.enabled(GATE) {
        return Ok(());
    }
    for (path, length) in [(PERIOD, period), (CRITICAL, critical)] {
        if length < 0 || (1..SECOND).contains(&length) {
            reading.say(
                Id::KubeletShutdownInvalid,
                path,
                "must be 0s, or 1s or longer",
            );
        }
    }
    if critical > period {
        let rule = format!("must not be longer than {PERIOD}, of which it is a part");
        reading.say(Id::KubeletShutdownInvalid, CRITICAL, rule);
    }
    Ok(())
}

/// Periods by the pods' priority exclude the others.
pub fn by_priority(reading: &ConfigReader<'_>) -> Known<()> {
    const BY: &str = "shutdownGracePeriodByPodPriority";
    const GATE_BY: &str = "GracefulNodeShutdownBasedOnPodPriority";
    if reading.list(BY)?.is_none_or(<[_]>::is_empty) {
        return Ok(());
    }
    needs(reading, BY, GATE_BY);
    let others = [reading.duration(PERIOD)?, reading.duration(CRITICAL)?];
    if reading.enabled(GATE_BY) && others.iter().flatten().any(|length| *length > 0) {
        reading.say(
            Id::KubeletShutdownInvalid,
            BY,
            format!("excludes {PERIOD} and {CRITICAL}"),
        );
    }
    Ok(())
}

/// How pods may use swap.
pub fn swap(reading: &ConfigReader<'_>) -> Known<()> {
    const BEHAVIOR: &str = "memorySwap.swapBehavior";
    let behavior = reading.text(BEHAVIOR)?;
    if behavior.is_empty() {
        return Ok(());
    }
    if !reading.enabled("NodeSwap") {
        needs(reading, BEHAVIOR, "NodeSwap");
        return Ok(());
    }
    let words = match reading.minor {
        ..30 => ["LimitedSwap", "UnlimitedSwap"],
        _ => ["LimitedSwap", "NoSwap"],
    };
    reading.one_of(Id::KubeletManagerInvalid, BEHAVIOR, behavior, &words);
    if behavior != "NoSwap" && reading.bool_or("failSwapOn", true)? {
        reading.push(BrokenRule {
            id: Id::KubeletSwapConflict,
            path: vec!["memorySwap".to_owned(), "swapBehavior".to_owned()],
            flag: None,
            message: "a kubelet with failSwapOn does not start where there is swap".to_owned(),
            help: Some("set failSwapOn to false".to_owned()),
            at_start: true,
        });
    }
    Ok(())
}

/// The longest pause between two starts of a container.
pub fn crash_loops(reading: &ConfigReader<'_>) -> Known<()> {
    const MOST: &str = "crashLoopBackOff.maxContainerRestartPeriod";
    if let Some(most) = reading.duration(MOST)? {
        if !reading.enabled("KubeletCrashLoopBackOffMax") {
            needs(reading, MOST, "KubeletCrashLoopBackOffMax");
        } else if !(1000..=300_000).contains(&(most / 1_000_000)) {
            reading.say(Id::KubeletFieldRange, MOST, "must be between 1s and 300s");
        }
    }
    Ok(())
}

/// A kubelet that runs its static pods once ends then, and its node never joins. Source: cmd/kubelet/app/server.go,
/// RunKubelet; since 1.32 the validation refuses it, see [`super::various::memory_qos`].
pub fn run_once(reading: &ConfigReader<'_>) -> Known<()> {
    if reading.minor < 32 && reading.bool_or("runOnce", false)? {
        let rule = "must be false: the kubelet would run the static pods once, end, and never join";
        reading.refuse(Id::KubeletFieldsConflict, &["runOnce"], rule, "remove it");
    }
    Ok(())
}
