//! Findings as SARIF 2.1.0, the format of static analysis that code hosts and editors read.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value as Json, json};

use crate::model::Location;
use crate::report::{Finding, Id, Report, Severity};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What a path of a URI may not have as it is (RFC 3986, 3.3), and the colon, which would end a scheme.
const OUTSIDE_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// One log with one run; `file_of` names a file as the repository does, or None if it is not in it.
pub fn document(report: &Report, file_of: impl Fn(&str) -> Option<String>) -> Json {
    let mut findings = report.sorted();
    let visible = findings.len();
    findings.append(&mut report.accepted());
    let ids: BTreeSet<Id> = findings.iter().map(|finding| finding.id).collect();
    let rules: Vec<Json> = ids.iter().map(|id| rule(*id)).collect();
    let results: Vec<Json> = findings
        .iter()
        .enumerate()
        .map(|(at, finding)| {
            let index = ids.iter().position(|id| *id == finding.id);
            let mut result = result(finding, index.unwrap_or_default(), &file_of);
            if at >= visible {
                // Not inSource: it is not beside the line that it is about (3.35.2).
                result["suppressions"] = json!([{
                    "kind": "external",
                    "status": "accepted",
                    "justification": finding.reason().map_or("", |reason| reason.as_str()),
                }]);
            }
            result
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "nodebake",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            // Our columns count characters, as do those of SARIF then.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    severity.name()
}

fn rule(id: Id) -> Json {
    let entry = id.entry();
    let page = entry.page().unwrap_or(entry.summary);
    json!({
        "id": id.as_str(),
        "shortDescription": {"text": entry.summary},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": level(entry.severity)},
    })
}

fn result(finding: &Finding, index: usize, file_of: impl Fn(&str) -> Option<String>) -> Json {
    let at = &finding.location;
    let mut location = json!({"physicalLocation": physical(at, file_of(&at.file))});
    if !finding.path.is_empty() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": finding.path}]);
    }
    let mut result = json!({
        "ruleId": finding.id.as_str(),
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": {"text": finding.sentence()},
        "locations": [location],
    });
    if !finding.nodes.is_empty() {
        result["properties"] = json!({"nodes": finding.nodes});
    }
    result
}

fn physical(at: &Location, file: Option<String>) -> Json {
    let encoded = |path: &str| utf8_percent_encode(path, OUTSIDE_PATHS).to_string();
    let uri = match file {
        Some(file) if file.starts_with('/') => format!("file://{}", encoded(&file)),
        Some(file) => encoded(&file),
        // A scheme of our own for what is inside the program.
        None => match at.file.split_once(':') {
            Some((scheme, path)) => format!("{scheme}:{}", encoded(path)),
            None => encoded(&at.file),
        },
    };
    let mut physical = json!({"artifactLocation": {"uri": uri}});
    if at.line > 0 {
        physical["region"] = match at.end {
            Some(end) => json!({
                "startLine": at.line,
                "startColumn": at.column,
                "endLine": end.line.get(),
                "endColumn": end.column,
            }),
            None => json!({"startLine": at.line, "startColumn": at.column}),
        };
    }
    physical
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_uris() {
        let uri = |file: &str, named: Option<&str>| {
            let at = Location::new(file, 2, 3);
            let physical = physical(&at, named.map(str::to_owned));
            physical["artifactLocation"]["uri"].clone()
        };
        assert_eq!(uri("a b.yaml", Some("p/a b.yaml")), "p/a%20b.yaml");
        assert_eq!(uri("/etc/ü:", Some("/etc/ü:")), "file:///etc/%C3%BC%3A");
        assert_eq!(
            uri("built-in:profiles/a.yaml", None),
            "built-in:profiles/a.yaml"
        );
    }
}
