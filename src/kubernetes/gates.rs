//! Feature gates: which of them a kubelet of a minor version knows, at which stage, and what is on for it in the end.
//! Source: upstream's registered gates (`pkg/features` and those of its libraries), by the table.

use std::collections::BTreeMap;

use crate::kubernetes::BrokenRule;
use crate::kubernetes::kubelet_config::Schema;
use crate::kubernetes::table::Span;
use crate::report::{Id, Severity};

/// From this minor on the kubelet refuses a gate without the gates that it needs.
const NEEDS: u32 = 35;

/// How far a feature has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not to be set at all.
    PreAlpha,
    /// Off unless asked for.
    Alpha,
    /// On or off, with a way back.
    Beta,
    /// The gate is about to go, the feature stays.
    Ga,
    /// Gate and feature are about to go.
    Deprecated,
}

/// A gate of one minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// How far it has come.
    pub stage: Stage,
    /// What it is when nobody says anything.
    pub default: bool,
    /// Whether it can be anything else.
    pub locked: bool,
}

impl Gate {
    /// The gate of that name in a minor, if its kubelet knows it.
    pub fn find(name: &str, minor: u32) -> Option<Self> {
        let spans = Schema::load().gates.get(name)?;
        let span = spans.iter().find(|span| span.holds(minor))?;
        Some(Self::from_table(span))
    }

    /// `beta+`, `ga+!`: stage, default, lock.
    fn from_table(span: &Span) -> Self {
        let locked = span.kind.ends_with('!');
        let word = span.kind.trim_end_matches('!');
        let default = word.ends_with('+');
        let stage = match word.trim_end_matches(['+', '-']) {
            "prealpha" => Stage::PreAlpha,
            "alpha" => Stage::Alpha,
            "beta" => Stage::Beta,
            "deprecated" => Stage::Deprecated,
            _ => Stage::Ga,
        };
        Self {
            stage,
            default,
            locked,
        }
    }
}

/// The gates that a kubelet of a minor knows, sorted.
pub fn names(minor: u32) -> impl Iterator<Item = &'static str> {
    let gates = Schema::load().gates.iter();
    let gates = gates.filter(move |(_, spans)| spans.iter().any(|span| span.holds(minor)));
    gates.map(|(name, _)| name.as_str())
}

/// The gates that any kubelet knows or knew, sorted.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    Schema::load().gates.keys().map(String::as_str)
}

/// The gates that one configuration sets, for one minor.
#[derive(Debug)]
pub struct Gates {
    set: BTreeMap<String, bool>,
    minor: u32,
}

/// Fields that a kubelet refuses while their feature is off, whatever they say. Source: pkg/kubelet/apis/config/validation,
/// and for seccompDefault cmd/kubelet/app/server.go.
const GATED: [(&str, &str); 9] = [
    ("shutdownGracePeriod", "GracefulNodeShutdown"),
    ("shutdownGracePeriodCriticalPods", "GracefulNodeShutdown"),
    (
        "shutdownGracePeriodByPodPriority",
        "GracefulNodeShutdownBasedOnPodPriority",
    ),
    ("memorySwap.swapBehavior", "NodeSwap"),
    ("seccompDefault", "SeccompDefault"),
    ("imageMaximumGCAge", "ImageMaximumGCAge"),
    (
        "crashLoopBackOff.maxContainerRestartPeriod",
        "KubeletCrashLoopBackOffMax",
    ),
    ("defaultPodSysctls", "DefaultPodSysctls"),
    ("enableSystemLogQuery", "NodeLogQuery"),
];

/// The feature gate that a field of the configuration needs in a minor. Where the gate is gone, its feature stayed.
pub fn of_field(path: &str, minor: u32) -> Option<&'static str> {
    let (_, gate) = GATED.iter().find(|(field, _)| *field == path)?;
    Gate::find(gate, minor).map(|_| *gate)
}

impl Gates {
    /// The gates that a configuration sets.
    pub fn new(set: BTreeMap<String, bool>, minor: u32) -> Self {
        Self { set, minor }
    }

    /// Whether a feature is on in the end.
    pub fn enabled(&self, name: &str) -> bool {
        let Some(gate) = Gate::find(name, self.minor) else {
            return false;
        };
        if let Some(value) = self.set.get(name) {
            return *value;
        }
        let all = match gate.stage {
            Stage::Alpha => "AllAlpha",
            Stage::Beta => "AllBeta",
            _ => return gate.default,
        };
        self.set.get(all).copied().unwrap_or(gate.default)
    }

    /// What the kubelet refuses or warns about.
    pub fn check(&self) -> Vec<BrokenRule> {
        let mut wrong: Vec<BrokenRule> = self
            .set
            .iter()
            .filter_map(|(name, value)| self.check_one(name, *value))
            .collect();
        if self.minor >= NEEDS
            && wrong
                .iter()
                .all(|wrong| wrong.id.entry().severity == Severity::Warning)
        {
            wrong.extend(self.missing());
        }
        wrong
    }

    fn check_one(&self, name: &str, value: bool) -> Option<BrokenRule> {
        let minor = self.minor;
        let wrong = |id, message: String, help: &str| Some(broken(id, name, message, help));
        let Some(gate) = Gate::find(name, minor) else {
            let (message, help) = unknown(name, minor);
            return wrong(Id::KubeletGateUnknown, message, &help);
        };
        let said = |what: &str| format!("the feature gate {name} {what} in Kubernetes 1.{minor}");
        match gate.stage {
            _ if gate.locked && gate.default != value => wrong(
                Id::KubeletGateLocked,
                said(&format!("is locked to {}", gate.default)),
                "remove it",
            ),
            Stage::PreAlpha => wrong(
                Id::KubeletGateLocked,
                said("may not be set yet"),
                "remove it",
            ),
            // Upstream warns of both, whatever they are set to.
            Stage::Ga | Stage::Deprecated if gate.default == value => wrong(
                Id::KubeletGateDropped,
                said("is that by itself, and will be dropped"),
                "remove it",
            ),
            Stage::Ga | Stage::Deprecated => wrong(
                Id::KubeletGateDropped,
                said("will be dropped"),
                "find a way without it",
            ),
            _ => None,
        }
    }

    /// Features that are on without those that they need. Source: component-base `featuregate`, `Validate`.
    fn missing(&self) -> Vec<BrokenRule> {
        let needs = Schema::load().gate_needs.iter();
        let needs = needs.filter_map(|(name, spans)| {
            let span = spans.iter().find(|span| span.holds(self.minor))?;
            self.enabled(name).then_some((name, &span.kind))
        });
        let pairs = needs.flat_map(|(name, needed)| needed.split(' ').map(move |one| (name, one)));
        pairs
            .filter(|(_, needed)| !self.enabled(needed))
            .map(|(name, needed)| {
                let set = [needed, name.as_str()]
                    .into_iter()
                    .find(|gate| self.set.contains_key(*gate));
                let message =
                    format!("the feature gate {name} is on and needs {needed}, which is off");
                let help = format!("set {needed} to true, or {name} to false");
                broken(
                    Id::KubeletGateConflict,
                    set.unwrap_or("AllAlpha"),
                    message,
                    &help,
                )
            })
            .collect()
    }
}

fn broken(id: Id, gate: &str, message: String, help: &str) -> BrokenRule {
    BrokenRule {
        id,
        path: vec!["featureGates".to_owned(), gate.to_owned()],
        flag: None,
        message,
        help: Some(help.to_owned()),
        at_start: false,
    }
}

/// Message and help for a gate that the minor does not have.
fn unknown(name: &str, minor: u32) -> (String, String) {
    let schema = Schema::load();
    let spans = schema
        .gates
        .get(name)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let last = spans.last().and_then(|span| span.last);
    match (spans.first(), last) {
        (Some(first), _) if first.first > minor => (
            format!(
                "the feature gate {name} came with Kubernetes 1.{}, and this kubelet is 1.{minor}",
                first.first
            ),
            "remove it or set a newer kubernetes version".to_owned(),
        ),
        (Some(_), Some(last)) => (
            format!(
                "the feature gate {name} was dropped after Kubernetes 1.{last}, and this kubelet is 1.{minor}"
            ),
            "remove it".to_owned(),
        ),
        _ => {
            let near = |known: &&String| strsim::jaro_winkler(name, known);
            let known = schema.gates.iter();
            let known = known.filter(|(_, spans)| spans.iter().any(|span| span.holds(minor)));
            let nearest = known
                .map(|(known, _)| known)
                .max_by(|a, b| near(a).total_cmp(&near(b)))
                .filter(|known| near(known) >= 0.9);
            (
                format!("the feature gate {name} is known to no kubelet of 1.{minor}"),
                nearest.map_or("remove it".to_owned(), |near| {
                    format!("did you mean {near}?")
                }),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gates(set: &[(&str, bool)], minor: u32) -> Gates {
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), *value));
        Gates::new(set.collect(), minor)
    }

    #[test]
    fn stages_are_those_of_the_minor() {
        let swap = |minor| Gate::find("NodeSwap", minor);
        assert_eq!(swap(21), None);
        for (minor, stage, default, locked) in [
            (22, Stage::Alpha, false, false),
            (28, Stage::Beta, false, false),
            (30, Stage::Beta, true, false),
            (34, Stage::Ga, true, true),
        ] {
            let expected = Gate {
                stage,
                default,
                locked,
            };
            assert_eq!(swap(minor), Some(expected), "1.{minor}");
        }
    }

    #[test]
    fn what_is_set_wins_over_all_of_a_stage_and_that_over_the_default() {
        assert!(!gates(&[], 22).enabled("NodeSwap"));
        assert!(gates(&[("AllAlpha", true)], 22).enabled("NodeSwap"));
        assert!(!gates(&[("AllAlpha", true), ("NodeSwap", false)], 22).enabled("NodeSwap"));
        assert!(!gates(&[("AllBeta", false)], 30).enabled("NodeSwap"));
        assert!(gates(&[("AllBeta", false)], 34).enabled("NodeSwap"));
        assert!(!gates(&[], 34).enabled("NoSuchGate"));
    }

    #[test]
    fn gates_that_a_kubelet_refuses_are_named_with_their_minors() {
        for (set, minor, rule, warning) in [
            (
                ("NodeSwap", true),
                21,
                Some("came with Kubernetes 1.22"),
                false,
            ),
            (("NodeSwap", true), 30, None, false),
            (("NodeSwap", false), 34, Some("is locked to true in"), false),
            (("NodeSwap", true), 34, Some("is that by itself"), true),
            (
                ("TopologyManager", true),
                29,
                Some("dropped after Kubernetes 1.28"),
                false,
            ),
            (
                ("NodeSwop", true),
                30,
                Some("known to no kubelet of 1.30"),
                false,
            ),
        ] {
            let found = gates(&[set], minor).check();
            assert_eq!(found.len(), usize::from(rule.is_some()), "{found:?}");
            if let (Some(rule), [found]) = (rule, found.as_slice()) {
                assert!(found.message.contains(rule), "{found:?}");
                let is_warning = found.id.entry().severity == Severity::Warning;
                assert_eq!(is_warning, warning, "{found:?}");
            }
        }
    }

    #[test]
    fn a_gate_needs_others_since_1_35() {
        let set = [("GracefulNodeShutdown", false)];
        assert_eq!(gates(&set, 34).check(), []);
        let found = gates(&set, 35).check();
        assert!(
            found
                .iter()
                .any(|wrong| wrong.path[1] == "GracefulNodeShutdown"
                    && wrong
                        .message
                        .contains("GracefulNodeShutdownBasedOnPodPriority is on and needs")),
            "{found:?}"
        );
    }
}
