//! What the project decided about a rule that a node does not meet: by the rule's own number, or by the finding that says the
//! same.

use std::sync::Arc;

use serde::Serialize;

use crate::kubernetes::security::{CIPHERS, open};
use crate::model::Location;
use crate::policy::judged::{Judged, Verdict};
use crate::policy::{Rule, Subject};
use crate::report::{BenchmarkRule, Finding, Id, LevelRule, Levels, Severity};

/// A decision of the project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Decision {
    /// The key of `findings`: a rule's number or the id of a finding.
    pub by: String,
    /// Why, in the project's words.
    pub reason: Arc<String>,
}

/// What a project says of the rules at one node.
pub struct Decisions<'a> {
    levels: &'a Levels,
    /// The node's name.
    node: &'a str,
    /// The findings of its kubelet about the same as a rule, where the project gives them a level.
    findings: Vec<(Id, &'a LevelRule)>,
}

impl<'a> Decisions<'a> {
    /// Those about a node.
    pub fn of(levels: &'a Levels, node: &'a str, subject: &Subject<'_>) -> Self {
        let found = open(&subject.settings, subject.asks());
        // A suite without forward secrecy breaks the rule about ciphers; an old TLS alone breaks no rule.
        let is_a_rules = |id: Id, flag: &str| id != Id::KubeletTlsWeak || flag == CIPHERS.flag;
        let found = found
            .into_iter()
            .filter(|one| is_a_rules(one.id, one.setting.flag));
        let findings = found.filter_map(|one| {
            let finding = Finding::new(one.id, &Location::file(""), "", "").of_node(node);
            Some((one.id, levels.rule(&finding)?))
        });
        Self {
            findings: findings.collect(),
            levels,
            node,
        }
    }

    /// Applies them to the verdict of a rule.
    pub fn apply(&self, rule: &Rule, judged: &mut Judged) -> Option<Decision> {
        if !matches!(judged.verdict, Verdict::Fail | Verdict::Manual) {
            return None;
        }
        let own = BenchmarkRule::of_number(rule.number).and_then(|number| {
            let level = self.levels.rule_of(number, self.node)?;
            Some((number.to_string(), level))
        });
        let (by, level) = own.or_else(|| {
            let same = finding_of(rule.number)?;
            let (id, level) = self.findings.iter().find(|(id, _)| *id == same)?;
            Some((id.to_string(), *level))
        })?;
        judged.verdict = match level.severity {
            None => Verdict::Accepted,
            Some(Severity::Warning) => Verdict::Manual,
            Some(Severity::Error) => Verdict::Fail,
        };
        Some(Decision {
            by,
            reason: level.reason.clone(),
        })
    }
}

/// The finding that says of a kubelet what a rule says.
fn finding_of(number: &str) -> Option<Id> {
    Some(match number {
        "4.2.1" | "V-242391" => Id::KubeletAnonymous,
        "4.2.2" | "V-242392" => Id::KubeletAuthorizationOpen,
        // Where there is no CA, nobody can look at its file either.
        "4.1.7" | "4.1.8" | "4.2.3" | "V-242420" | "V-242449" | "V-242450" => {
            Id::KubeletClientCaMissing
        }
        "4.2.4" | "V-242387" => Id::KubeletReadOnlyPort,
        "4.2.10" => Id::KubeletRotationOff,
        "4.2.12" => Id::KubeletTlsWeak,
        _ => return None,
    })
}
