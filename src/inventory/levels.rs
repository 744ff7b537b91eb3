//! What a project accepts of its findings and of the rules of security benchmarks, or takes more seriously: `findings` of cluster.yaml and of profiles, each with its
//! reason.

use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{choices, keys, texts};
use crate::model::Spanned;
use crate::redact::redacted;
use crate::report::{Id, LevelRule, Leveled, Severity};

keys! {
    pub struct FindingLevel: "findingLevel", by id: Spanned<FindingId>, as FindingLevel = acceptable {
        /// what it is from now on
        "level" => level: LevelWord,
        /// why; who reads the project later wants to know
        "reason" => reason: Reason,
    }
}

texts! {
    /// The id of a finding, as it is printed in brackets, or a rule of a security benchmark.
    FindingId or FindingUnknown: Leveled = str::parse, r"^([a-z0-9-]+|cis-[0-9.]+|V-[0-9]+)$", ["dns-outside-services", "cis-4.2.7"];
    /// Why a level is another one.
    Reason or FindingReasonMissing: String = reason, r"\S", ["DNS runs on the hosts"];
}

choices! {
    /// Nothing at all, or how bad it is.
    LevelWord: Option<Severity> = [("off", None), ("warning", Some(Severity::Warning)), ("error", Some(Severity::Error))];
}

fn reason(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("must say why the finding is accepted"),
        text => Ok(text.to_owned()),
    }
}

/// What guards secrets, and what leaves a node incomplete, stays an error.
fn acceptable(level: FindingLevel, at: &Cursor<'_>) -> Option<FindingLevel> {
    let Leveled::Finding(id) = level.id.value else {
        return Some(level);
    };
    match id.entry().firm {
        Some(firm) if level.level != Some(Severity::Error) => {
            let rule = format!("{id} {}, and stays an error", firm.why());
            at.report_key(Id::FindingGuarded, rule);
            None
        }
        _ => Some(level),
    }
}

impl FindingLevel {
    /// The rule for reports. A reason is printed, so what looks like a secret in it is hidden.
    pub fn rule(&self) -> (Leveled, LevelRule) {
        let rule = LevelRule {
            severity: self.level,
            reason: Arc::new(redacted(&self.reason).into_owned()),
        };
        (self.id.value, rule)
    }
}
