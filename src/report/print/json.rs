//! Findings as one JSON document: each part a field of its own. The schema is `nodebake schema findings`.

use std::sync::Arc;

use serde::Serialize;

use crate::report::{Finding, Id, Report, Severity, Summary};

/// All findings of a run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingsDocument {
    api_version: &'static str,
    kind: &'static str,
    findings: Vec<FindingRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<FindingRecord>,
    summary: Summary,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingRecord {
    id: Id,
    severity: Severity,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: Box<str>,
    message: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Box<str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Arc<String>>,
}

/// What `check --format json` prints.
pub fn document(report: &Report) -> FindingsDocument {
    FindingsDocument {
        api_version: "nodebake/v1",
        kind: "Findings",
        findings: report.sorted().into_iter().map(record).collect(),
        accepted: report.accepted().into_iter().map(record).collect(),
        summary: report.summary(),
    }
}

fn record(finding: Finding) -> FindingRecord {
    let at = &finding.location;
    let placed = |number: u32| (number > 0).then_some(number);
    FindingRecord {
        reason: finding.reason().cloned(),
        id: finding.id,
        severity: finding.severity,
        line: placed(at.line),
        column: placed(at.column),
        end_line: at.end.map(|end| end.line.get()),
        end_column: at.end.map(|end| end.column),
        file: at.file.to_string(),
        path: finding.path,
        message: finding.message,
        help: finding.help,
        nodes: finding.nodes,
    }
}
