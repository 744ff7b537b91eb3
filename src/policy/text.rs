//! The report for people: a line for each rule, and below it what was found.

use std::fmt::Write;

use crate::policy::{PolicyReport, PolicyRow, RuleResult};
use crate::terminal::shown;
use crate::wording::counted;

/// Where the text of a row begins.
const INDENT: usize = 26;

/// The report as text.
pub fn text(report: &PolicyReport) -> String {
    let nodes = counted(report.nodes, "node");
    let mut text = format!("{}: {nodes}\n", report.title);
    if let (Some(first), Some(last)) = (report.other_minors.first(), report.other_minors.last()) {
        let minors = if first == last {
            format!("1.{first}")
        } else {
            format!("1.{first} to 1.{last}")
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "It is not written for all of them: they have Kubernetes {minors}."
        );
    }
    text.push('\n');
    for row in &report.rules {
        write_row(&mut text, row, report.nodes);
    }
    let counted = report.summary.iter();
    let counted = counted.map(|(verdict, rules)| format!("{rules} {}", verdict.name()));
    let _ = writeln!(text, "\n{}", counted.collect::<Vec<_>>().join(", "));
    text
}

fn write_row(text: &mut String, row: &PolicyRow, nodes: usize) {
    let verdict = row.verdict.name();
    let _ = writeln!(text, "{verdict:15} {:9} {}", row.number, row.title);
    for result in &row.results {
        let mut line = |line: &str| {
            let _ = writeln!(text, "{:INDENT$}{}", "", shown(line));
        };
        line(&value(result, row, nodes));
        if !result.note.is_empty() {
            line(&result.note);
        }
        if let Some(decision) = &result.decision {
            line(&format!("{}: {}", decision.by, decision.reason));
        }
        if let Some(other) = &result.kube_bench {
            line(&format!(
                "kube-bench: {}, because {}",
                other.verdict, other.because
            ));
        }
    }
}

/// `readOnlyPort: 10255 (cluster.yaml:12:5): fail in 3 nodes, like n1`; the verdict and the nodes where they are not all.
fn value(result: &RuleResult, row: &PolicyRow, nodes: usize) -> String {
    let mut line = result.value.clone();
    if !result.location.is_empty() {
        let _ = write!(line, " ({})", result.location);
    }
    if row.results.len() > 1 {
        let _ = write!(line, ": {}", result.verdict.name());
    }
    match result.nodes.as_slice() {
        all if all.len() == nodes => {}
        [one] => drop(write!(line, " in {one}")),
        [first, ..] => drop(write!(
            line,
            " in {}, like {first}",
            counted(result.nodes.len(), "node")
        )),
        [] => {}
    }
    line
}
