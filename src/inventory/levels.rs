//! What a project accepts of its findings, or takes more seriously: `findings` of cluster.yaml, each with its reason.

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{choices, keys, texts};
use crate::model::Spanned;
use crate::report::{Id, Severity};

keys! {
    pub struct FindingLevel: "findingLevel", by id: Spanned<FindingId>, as FindingLevel = unguarded {
        /// what it is from now on
        "level" => level: LevelWord,
        /// why; who reads the project later wants to know
        "reason" => _reason: Reason,
    }
}

texts! {
    /// The id of a finding, as it is printed in brackets.
    FindingId or FindingUnknown: Id = str::parse, r"^[a-z0-9-]+$", ["dns-outside-services"];
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

/// What guards secrets or signatures stays an error.
fn unguarded(level: FindingLevel, at: &Cursor<'_>) -> Option<FindingLevel> {
    if level.id.value.entry().guards && level.level != Some(Severity::Error) {
        let id = level.id.value;
        let rule = format!("{id} guards secrets or signatures, and stays an error");
        at.report_key(Id::FindingGuarded, rule);
        return None;
    }
    Some(level)
}
