//! Findings: the user's files are wrong. They are collected, sorted and printed all at once, each with its location,
//! field path, rule and repair; none of them ever holds a secret's value.

use std::borrow::Cow;
use std::fmt;
use std::io;

use serde::Serialize;

use crate::input::{self, Flaw};
use crate::model::location::{FieldLocation, Location};
use crate::redact::redacted;
use crate::terminal::shown;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is built.
    Error,
    /// Built all the same, unless `--strict`.
    Warning,
}

/// One thing that is wrong in what the user wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// File, line and column.
    pub location: Location,
    /// The field, like `nodes[2].labels`; empty for a file as a whole.
    pub path: String,
    /// What the rule is and how it was broken.
    pub rule: String,
    /// What to do about it, in the imperative.
    pub repair: Option<String>,
    /// What it measures, if it does: of several nodes' findings about the same thing only that of the most is said.
    #[serde(skip)]
    pub amount: Option<Box<Amount>>,
}

/// How much there is of something that each node has a different amount of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// What is measured, like `user-data`.
    pub of: String,
    /// In bytes.
    pub bytes: u64,
}

impl Finding {
    /// An error at a location.
    pub fn error(location: &Location, path: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            location: location.clone(),
            path: path.into(),
            rule: rule.into(),
            repair: None,
            amount: None,
        }
    }

    /// A warning at a location.
    pub fn warning(location: &Location, path: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(location, path, rule)
        }
    }

    /// An error about a file that cannot be read; `file` is what the rule calls it.
    pub fn of_flaw(location: &Location, path: impl Into<String>, file: &str, flaw: &Flaw) -> Self {
        let rule = format!("{file} {flaw}");
        Self {
            repair: flaw.repair.map(str::to_owned),
            ..Self::error(location, path, rule.trim_start())
        }
    }

    /// The same finding with what to do about it.
    pub fn repair(mut self, repair: impl Into<String>) -> Self {
        self.repair = Some(repair.into());
        self
    }
}

impl FieldLocation {
    /// An error about the value.
    pub fn error(&self, rule: impl Into<String>) -> Finding {
        Finding::error(&self.at, &*self.path, rule)
    }

    /// A warning about the value.
    pub fn warning(&self, rule: impl Into<String>) -> Finding {
        Finding::warning(&self.at, &*self.path, rule)
    }

    /// An error about a file that the value names.
    pub fn no_file(&self, name: &str, flaw: &Flaw) -> Finding {
        let finding = Finding::of_flaw(&self.at, &*self.path, &format!("the file {name}"), flaw);
        match finding.repair {
            Some(_) => finding,
            None => finding.repair("paths are relative to the project"),
        }
    }

    /// An error about a file that the value leads to and that cannot be read.
    pub fn unreadable(&self, name: &str, error: &io::Error) -> Finding {
        match input::flaw_of(error) {
            Some(flaw) => Finding::of_flaw(&self.at, &*self.path, name, flaw),
            None => self.error(format!("{name} cannot be read: {error}")),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut line = format!("{severity}: {}", self.location);
        if !self.path.is_empty() {
            line.push_str(": ");
            line.push_str(&self.path);
        }
        line.push_str(": ");
        line.push_str(&self.rule);
        if let Some(repair) = &self.repair {
            line.push_str("; ");
            line.push_str(repair);
        }
        // File names, keys and values are the user's, or of those who sent the user a change.
        f.write_str(&shown(&line))
    }
}

/// All findings of one run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Adds one finding. A secret that was written in the wrong place is hidden in it.
    pub fn add(&mut self, mut finding: Finding) {
        hide(&mut finding.path);
        hide(&mut finding.rule);
        finding.repair.iter_mut().for_each(hide);
        self.findings.push(finding);
    }

    /// The findings themselves.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// What was read of a file, or a finding that says why it is none that can be read. What the machine would not read stays
    /// an error, and so does a file that is not there: whoever asks for it knows what to do then.
    pub fn take<T>(&mut self, read: io::Result<T>, shown: &str) -> io::Result<Option<T>> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) => match input::flaw_of(&error) {
                Some(flaw) => {
                    self.add(Finding::of_flaw(&Location::file(shown), "", "", flaw));
                    Ok(None)
                }
                None => Err(error),
            },
        }
    }

    /// Takes over another report's findings.
    pub fn merge(&mut self, other: Report) {
        self.findings.extend(other.findings);
    }

    /// Puts a name of the location in front of the field's path, where there is one that is not said already.
    pub fn name_places(&mut self, name: impl Fn(&Location) -> Option<String>) {
        for finding in &mut self.findings {
            match name(&finding.location) {
                Some(prefix) if !finding.path.starts_with(&prefix) => {
                    let dot = if finding.path.is_empty() || finding.path.starts_with('[') {
                        ""
                    } else {
                        "."
                    };
                    finding.path = format!("{prefix}{dot}{}", finding.path);
                }
                _ => {}
            }
        }
    }

    /// Whether anything forbids to go on.
    pub fn has_errors(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Turns warnings into errors (`--strict`).
    pub fn make_strict(&mut self) {
        for finding in &mut self.findings {
            finding.severity = Severity::Error;
        }
    }

    /// The findings by file and position, each once: many nodes share the line that is wrong.
    pub fn sorted(&self) -> Vec<&Finding> {
        let mut sorted: Vec<&Finding> = self.findings.iter().collect();
        sorted.sort_by_key(|finding| {
            (
                &finding.location,
                finding.severity,
                &finding.rule,
                &finding.path,
            )
        });
        sorted.dedup_by(|a, b| {
            let same = a.location == b.location && a.severity == b.severity && a.rule == b.rule;
            // About a file as a whole, only the path says which of its parts is meant.
            same && (a.location.line != 0 || a.path == b.path)
        });
        sorted
    }
}

fn hide(text: &mut String) {
    if let Cow::Owned(shown) = redacted(text) {
        *text = shown;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.sorted() {
            writeln!(f, "{finding}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_place_path_rule_repair() {
        let location = Location::new("cluster.yaml", 14, 9);
        let finding = Finding::error(&location, "nodes[2].taints", "effect must be NoSchedule")
            .repair("write NoSchedule");
        assert_eq!(
            finding.to_string(),
            "error: cluster.yaml:14:9: nodes[2].taints: effect must be NoSchedule; write NoSchedule"
        );
    }

    #[test]
    fn findings_are_sorted_and_said_once() {
        let mut report = Report::default();
        report.add(Finding::error(&Location::new("b", 1, 1), "x", "r"));
        report.add(Finding::warning(&Location::new("a", 2, 1), "x", "r"));
        report.add(Finding::error(&Location::new("b", 1, 1), "y", "r"));
        assert_eq!(
            report.to_string(),
            "warning: a:2:1: x: r\nerror: b:1:1: x: r\n"
        );
    }
}
