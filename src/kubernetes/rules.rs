//! What a kubelet refuses although every field is there and of the right type: ranges, words, and settings that do not
//! go together. Source, minor by minor: upstream's `pkg/kubelet/apis/config/validation`, with its defaults
//! (`pkg/kubelet/apis/config/v1beta1/defaults.go`), and what the kubelet reads only when it starts, marked so.
//!
//! Comes in: a configuration as JSON, in which strings may be templates. Goes out: every rule that is broken, with the
//! path of the value. A rule that would need a template's text is left open and said to be.

mod addresses;
mod cpu;
mod eviction;
mod images;
mod logging;
mod managers;
mod memory;
mod options;
mod ranges;
mod reading;
mod reserved;
mod shutdown;
mod start;
mod sysctls;
mod various;
mod words;

use serde_json::Value as Json;

use crate::kubernetes::BrokenRule;
pub use crate::kubernetes::rules::addresses::unusable;
use crate::kubernetes::rules::reading::{ConfigReader, Known};

/// What a kubelet is told: its effective configuration, and the flags that set no field.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'c> {
    /// Flags, file and drop-ins as one configuration, see [`crate::kubernetes::effective`].
    pub config: &'c Json,
    /// All flags by name, in order; `true` for one without a value.
    pub flags: &'c [(&'c str, &'c str)],
    /// The minor version of the kubelet.
    pub minor: u32,
}

/// What the rules say of a configuration.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The rules that are broken.
    pub broken: Vec<BrokenRule>,
    /// The rules that are open, because what they read is a template: for [`check_open`].
    pub open: Vec<usize>,
}

/// One subject's rules; those that must stay open end it early.
type Rule = fn(&ConfigReader<'_>) -> Known<()>;

const RULES: [Rule; 53] = [
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
    reserved::qos,
    managers::topology,
    managers::cpu_and_memory,
    options::cpu,
    options::topology,
    cpu::reservation,
    memory::sums,
    shutdown::periods,
    shutdown::by_priority,
    shutdown::swap,
    shutdown::crash_loops,
    shutdown::run_once,
    eviction::thresholds,
    logging::format,
    logging::vmodule,
    logging::tracing,
    logging::container_logs,
    various::quota_period,
    various::certificates,
    various::memory_qos,
    various::taints,
    various::user_namespaces,
    sysctls::of_pods,
    sysctls::unsafe_ones,
    words::ciphers,
    words::ciphers_of_http2,
    words::tls_version,
    words::cloud_provider,
    words::runtime,
    words::endpoints,
    addresses::of_node,
    addresses::listening,
    addresses::ports,
    addresses::dns,
    start::folders,
    start::host_name,
    start::credential_providers,
    start::key_pair,
    start::authentication,
    start::labels,
    start::frequencies,
    start::packet_marks,
];

/// Checks a configuration; `is_template` says of a string that its text is not known yet.
pub fn check(settings: &Settings<'_>, is_template: fn(&str) -> bool) -> Verdict {
    let reading = ConfigReader::new(settings, is_template);
    let mut open = Vec::new();
    for (index, rule) in RULES.iter().enumerate() {
        // What is open was noted where it was read.
        let _ = rule(&reading);
        if reading.take_open() {
            open.push(index);
        }
    }
    Verdict {
        broken: reading.into_broken(),
        open,
    }
}

/// All rules, for [`check_open`] of a configuration that was not checked at all.
pub fn all() -> Vec<usize> {
    (0..RULES.len()).collect()
}

/// Checks again what was open, now that every text is known.
pub fn check_open(settings: &Settings<'_>, open: &[usize]) -> Vec<BrokenRule> {
    let reading = ConfigReader::new(settings, |_| false);
    for rule in open.iter().filter_map(|index| RULES.get(*index)) {
        let _ = rule(&reading);
    }
    reading.into_broken()
}

#[cfg(test)]
mod at_start;
#[cfg(test)]
mod tests;
