//! What Prometheus scrapes (text format 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write;

use nodebake::review::Extract;

/// Counters, and what they count.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Decision, rule → requests.
    pub verdicts: BTreeMap<(String, String), u64>,
    /// Call, HTTP status → failures.
    pub failures: BTreeMap<(&'static str, u16), u64>,
    /// Signer → requests that wait.
    pub pending: BTreeMap<String, usize>,
}

/// What is measured when it is asked.
pub struct Gauges<'a> {
    /// What was read, good or not.
    pub extract: Option<&'a Extract>,
    /// Whether requests may be decided by it.
    pub is_usable: bool,
    /// Whether this replica acts.
    pub is_leader: bool,
    /// Unix seconds.
    pub now: i64,
}

impl Metrics {
    /// One more verdict.
    pub fn verdict(&mut self, decision: &str, rule: &str) {
        *self
            .verdicts
            .entry((decision.to_owned(), rule.to_owned()))
            .or_default() += 1;
    }

    /// One more failure.
    pub fn failure(&mut self, call: &'static str, code: u16) {
        *self.failures.entry((call, code)).or_default() += 1;
    }

    /// The text of `/metrics`. Labels are names of our own, which need no escapes.
    pub fn text(&self, gauges: &Gauges<'_>) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, lines: Vec<(String, i64)>| {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "# HELP nodebake_approver_{name} {help}\n# TYPE nodebake_approver_{name} {kind}"
            );
            for (labels, value) in lines {
                let _ = writeln!(text, "nodebake_approver_{name}{labels} {value}");
            }
        };
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let verdicts = self.verdicts.iter();
        let verdicts = verdicts.map(|((decision, rule), number)| {
            (
                format!("{{decision=\"{decision}\",rule=\"{rule}\"}}"),
                count(*number),
            )
        });
        family(
            "verdicts_total",
            "counter",
            "Verdicts by decision and rule.",
            verdicts.collect(),
        );
        let failures = self.failures.iter();
        let failures = failures.map(|((call, code), number)| {
            (
                format!("{{call=\"{call}\",code=\"{code}\"}}"),
                count(*number),
            )
        });
        family(
            "api_failures_total",
            "counter",
            "Calls of the API server that failed.",
            failures.collect(),
        );
        let pending = self.pending.iter();
        let pending = pending.map(|(signer, number)| {
            (
                format!("{{signer=\"{signer}\"}}"),
                i64::try_from(*number).unwrap_or(i64::MAX),
            )
        });
        family(
            "pending_requests",
            "gauge",
            "Requests that wait.",
            pending.collect(),
        );
        let one = |value: i64| vec![(String::new(), value)];
        family(
            "leader",
            "gauge",
            "Whether this replica acts.",
            one(gauges.is_leader.into()),
        );
        family(
            "extract_usable",
            "gauge",
            "Whether requests are decided by the extract.",
            one(gauges.is_usable.into()),
        );
        if let Some(extract) = gauges.extract {
            let generation = count(extract.generation);
            family(
                "extract_generation",
                "gauge",
                "The generation of the extract.",
                one(generation),
            );
            if let Some(changed) = extract.tokens_changed {
                let changed = changed.unix_timestamp();
                let age = (gauges.now - changed).max(0);
                family(
                    "extract_age_seconds",
                    "gauge",
                    "Since the last change of the tokens in the extract.",
                    one(age),
                );
            }
            if let Some(end) = extract.valid_until {
                let help = "The end of the extract, in Unix seconds.";
                family(
                    "extract_valid_until_seconds",
                    "gauge",
                    help,
                    one(end.unix_timestamp()),
                );
            }
        }
        text
    }
}
