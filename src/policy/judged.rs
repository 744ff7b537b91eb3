//! What came of one rule at one node.

use serde::Serialize;

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The node does not meet the rule.
    Fail,
    /// A person must decide.
    Manual,
    /// The node does not meet the rule, or a person had to decide, and the project accepts it with a reason.
    Accepted,
    /// The node meets the rule.
    Pass,
    /// The rule is not about this node, or not about its payload.
    NotApplicable,
}

impl Verdict {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Manual => "manual",
            Self::Accepted => "accepted",
            Self::Pass => "pass",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// kube-bench's own verdict, where it is another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KubeBench {
    /// PASS, FAIL or WARN.
    pub verdict: &'static str,
    /// Why.
    pub because: String,
}

/// A verdict and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// What was looked at, and its value.
    pub value: String,
    /// Where that was written.
    pub location: String,
    /// What else there is to know.
    pub note: String,
}

impl Judged {
    /// A verdict about a value.
    pub fn new(verdict: Verdict, value: impl Into<String>, location: impl Into<String>) -> Self {
        Self {
            verdict,
            value: value.into(),
            location: location.into(),
            note: String::new(),
        }
    }

    /// A rule that is not about this payload.
    pub fn not_applicable(why: impl Into<String>) -> Self {
        Self::new(Verdict::NotApplicable, why, "")
    }

    /// The same with a remark.
    pub fn note(self, note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }
}

/// Pass where the rule is met, else the other verdict.
pub fn met(is_met: bool, otherwise: Verdict) -> Verdict {
    if is_met { Verdict::Pass } else { otherwise }
}
