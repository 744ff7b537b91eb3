//! What a kubelet refuses although every field is there and of the right type: ranges, words, and settings that do not
//! go together. Source, minor by minor: upstream's `pkg/kubelet/apis/config/validation`, with its defaults
//! (`pkg/kubelet/apis/config/v1beta1/defaults.go`), and what the kubelet reads only when it starts, marked so.
//!
//! Comes in: a configuration as JSON, in which strings may be templates. Goes out: every rule that is broken, with the
//! path of the value. A rule that would need a template's text is left open and said to be.

mod eviction;
mod images;
mod logging;
mod managers;
mod ranges;
mod reading;
mod reserved;
mod shutdown;
mod various;

use serde_json::Value as Json;

use crate::kubernetes::BrokenRule;
use crate::kubernetes::rules::reading::{ConfigReader, Known};

/// What the rules say of a configuration.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The rules that are broken.
    pub broken: Vec<BrokenRule>,
    /// Whether a rule is open, because what it checks is a template.
    pub open: bool,
}

/// One subject's rules; those that must stay open end it early.
type Rule = fn(&ConfigReader<'_>) -> Known<()>;

const RULES: [Rule; 26] = [
    various::gates,
    ranges::fields,
    images::thresholds,
    images::ages,
    images::pulls,
    images::credentials,
    reserved::cgroups,
    reserved::enforcement,
    reserved::cpus,
    reserved::memory,
    reserved::resources,
    managers::topology,
    managers::cpu_and_memory,
    shutdown::periods,
    shutdown::by_priority,
    shutdown::swap,
    shutdown::crash_loops,
    eviction::thresholds,
    logging::format,
    logging::vmodule,
    logging::tracing,
    logging::container_logs,
    various::quota_period,
    various::certificates,
    various::memory_qos,
    various::lists_and_paths,
];

/// Checks a configuration for a minor version; `is_template` says of a string that its text is not known yet.
pub fn check(config: &Json, minor: u32, is_template: fn(&str) -> bool) -> Verdict {
    let reading = ConfigReader::new(config, minor, is_template);
    for rule in RULES {
        // What is open was noted where it was read.
        let _ = rule(&reading);
    }
    reading.verdict()
}

#[cfg(test)]
mod tests;
