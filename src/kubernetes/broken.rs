//! A rule that a kubelet's configuration breaks. It becomes a finding where the configuration's locations are known.

use crate::report::Id;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// Which rule.
    pub id: Id,
    /// The keys down to the value: `["evictionHard", "memory.available"]`.
    pub path: Vec<String>,
    /// The flag that the rule is about, where it sets no field; `path` is empty then.
    pub flag: Option<&'static str>,
    /// The rule and how it is broken.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether the kubelet finds out only after its validation, when it starts what the value is for.
    pub at_start: bool,
}
