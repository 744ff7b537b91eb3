//! Verdicts as a table for people and as lines for a shell.

use crate::columns::table;
use crate::review::rules::shown;
use crate::review::{Decision, Verdict};

/// Names on one command line; the kernel takes some 2 MiB, people less.
const NAMES_A_LINE: usize = 50;
/// Between columns.
const PADDING: usize = 3;

/// The table for people. It ends with a line break.
pub fn to_text(verdicts: &[Verdict]) -> String {
    const COLUMNS: [&str; 6] = ["DECISION", "NAME", "REQUESTOR", "SIGNER", "NODE", "REASON"];
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(verdicts.iter().map(|verdict| {
        [
            verdict.decision.name().to_owned(),
            shown(&verdict.name),
            shown(&verdict.requestor),
            shown(&verdict.signer),
            shown(verdict.node.as_deref().unwrap_or("<none>")),
            reason(verdict),
        ]
    }));
    table(&rows, PADDING, 0)
}

/// The reason, and after a semicolon the repair.
fn reason(verdict: &Verdict) -> String {
    match &verdict.repair {
        Some(repair) => format!("{}; {repair}", verdict.reason),
        None => verdict.reason.clone(),
    }
}

/// The arguments of `kubectl` that carry the verdicts out, approvals first.
pub fn commands(verdicts: &[Verdict]) -> Vec<Vec<&str>> {
    let mut commands = Vec::new();
    for decision in [Decision::Approve, Decision::Deny] {
        let names: Vec<&str> = verdicts
            .iter()
            .filter(|verdict| verdict.decision == decision)
            .map(|verdict| verdict.name.as_str())
            .collect();
        commands.extend(
            names
                .chunks(NAMES_A_LINE)
                .map(|names| [&["certificate", decision.name()][..], names].concat()),
        );
    }
    commands
}
