//! All findings of one run, each once and in order.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::input;
use crate::model::location::Location;
use crate::redact::redacted;
use crate::report::sources::Sources;
use crate::report::{Finding, Levels, Severity, SourceEntry, Summary};

/// All findings of one run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
    /// How many nodes were looked at, if the project could be read that far.
    nodes: Option<usize>,
    /// The texts that findings may be quoted from.
    sources: Sources,
    /// What the project says of findings.
    levels: Levels,
    /// Those that the project accepts.
    accepted: Vec<Finding>,
}

impl Report {
    /// Adds one finding. A secret that was written in the wrong place is hidden in it.
    pub fn add(&mut self, mut finding: Finding) {
        hide(&mut finding.path);
        hide(&mut finding.message);
        finding.help.iter_mut().for_each(hide);
        self.push(finding);
    }

    /// Adds what a project says of findings, whenever they are found.
    pub fn add_levels(&mut self, levels: Levels) {
        self.levels.merge(levels);
        self.settle();
    }

    /// What the project says of findings.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// An empty report of the same project.
    pub fn beside(&self) -> Self {
        Self {
            levels: self.levels.clone(),
            ..Self::default()
        }
    }

    /// Gives all findings their levels once more: a path that was named tells whose it is.
    fn settle(&mut self) {
        let findings = std::mem::take(&mut self.findings);
        findings.into_iter().for_each(|finding| self.push(finding));
    }

    fn push(&mut self, mut finding: Finding) {
        let Some(rule) = self.levels.rule(&finding) else {
            return self.findings.push(finding);
        };
        finding.set_reason(rule.reason.clone());
        match rule.severity {
            None => self.accepted.push(finding),
            Some(severity) => {
                finding.severity = severity;
                self.findings.push(finding);
            }
        }
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

    /// Remembers the text of a file that findings may be quoted from: one that everybody reads who works on the project.
    /// `entries` may be secret.
    pub fn remember(&mut self, file: &Arc<str>, text: &str, entries: Vec<SourceEntry>) {
        self.sources.add(file.clone(), text, entries);
    }

    /// The texts that findings may be quoted from.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Sets how many nodes were looked at.
    pub fn set_nodes(&mut self, nodes: usize) {
        self.nodes = Some(nodes);
    }

    /// How many findings there are.
    pub fn summary(&self) -> Summary {
        let sorted = self.sorted();
        let errors = sorted.iter().filter(|one| one.severity == Severity::Error);
        let errors = errors.count();
        Summary {
            errors,
            warnings: sorted.len() - errors,
            accepted: self.accepted().len(),
            nodes: self.nodes,
        }
    }

    /// Takes over another report's findings.
    pub fn merge(&mut self, other: Report) {
        self.add_levels(other.levels);
        self.accepted.extend(other.accepted);
        other.findings.into_iter().for_each(|one| self.push(one));
        self.nodes = self.nodes.or(other.nodes);
        self.sources.merge(other.sources);
    }

    /// Puts a name of the location in front of the field's path, where there is one that is not said already.
    pub fn name_locations(&mut self, name: impl Fn(&Location) -> Option<String>) {
        for finding in &mut self.findings {
            match name(&finding.location) {
                Some(prefix) if !finding.path.starts_with(&*prefix) => {
                    let dot = if finding.path.is_empty() || finding.path.starts_with('[') {
                        ""
                    } else {
                        "."
                    };
                    finding.path = format!("{prefix}{dot}{}", finding.path).into();
                }
                _ => {}
            }
        }
        self.settle();
    }

    /// Replaces each finding, the accepted ones too.
    pub fn replace_each(&mut self, with: impl Fn(Finding) -> Vec<Finding>) {
        for findings in [&mut self.findings, &mut self.accepted] {
            let old = std::mem::take(findings).into_iter();
            findings.extend(old.flat_map(&with));
        }
    }

    /// The findings that the project accepts, each once.
    pub fn accepted(&self) -> Vec<Finding> {
        merged(&self.accepted)
    }

    /// Takes over what another report's project accepts.
    pub fn accept(&mut self, accepted: Vec<Finding>) {
        self.accepted.extend(accepted);
    }

    /// All of them, as they were found.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter()
    }

    /// The errors, in no order.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(|one| one.severity == Severity::Error)
    }

    /// Whether anything forbids to go on.
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Whether an error is about a field or something below it, wherever in a layer the field is: what follows from such an
    /// error is no finding of its own.
    pub fn has_error_at(&self, field: &str) -> bool {
        self.errors().any(|one| is_at(&one.path, field))
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
    pub fn sorted(&self) -> Vec<Finding> {
        merged(&self.findings)
    }
}

/// Findings in order, each once with all its nodes.
fn merged(findings: &[Finding]) -> Vec<Finding> {
    let mut sorted = findings.to_vec();
    sorted.sort_by(|a, b| key(a).cmp(&key(b)));
    sorted.dedup_by(|later, first| {
        let same = is_same(later, first);
        if same {
            first.nodes.append(&mut later.nodes);
            first.nodes.sort_unstable();
            first.nodes.dedup();
        }
        same
    });
    sorted
}

/// Whether a path is a field's or leads below it; what is before is the node, or where in a file the layer is.
fn is_at(path: &str, field: &str) -> bool {
    path.match_indices(field).any(|(at, _)| {
        let (before, after) = (&path[..at], &path[at + field.len()..]);
        let begins = before.is_empty() || before.ends_with('.');
        begins && (after.is_empty() || after.starts_with(['.', '[']))
    })
}

/// The order of findings: by location; of what measures the same, the one with the most comes first.
fn key(finding: &Finding) -> impl Ord {
    let (of, bytes) = measured(finding);
    (
        &finding.location,
        (finding.severity, finding.id),
        (of, Reverse(bytes)),
        (&finding.message, &finding.path),
        &finding.nodes,
    )
}

fn measured(finding: &Finding) -> (Option<&str>, u64) {
    match finding.amount() {
        Some(amount) => (Some(&amount.of), amount.bytes),
        None => (None, 0),
    }
}

/// Whether two findings are one, perhaps of several nodes.
fn is_same(a: &Finding, b: &Finding) -> bool {
    let (of_a, of_b) = (measured(a).0, measured(b).0);
    let same = match (of_a, of_b) {
        (None, None) => a.message == b.message,
        (of_a, of_b) => of_a == of_b,
    };
    same && a.location == b.location
        && a.severity == b.severity
        && a.id == b.id
        // About a file as a whole, only the path says which of its parts is meant.
        && (a.location.line != 0 || a.path == b.path)
}

fn hide(text: &mut Box<str>) {
    if let Cow::Owned(shown) = redacted(text) {
        *text = shown.into();
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
    use crate::report::Id;

    #[test]
    fn a_field_has_an_error_at_it_below_it_and_in_any_layer() {
        for (path, is) in [
            ("tokens.ttl", true),
            ("nodes[2].tokens.ttl.x", true),
            ("tokens.ttl[0]", true),
            ("tokens.ttls", false),
            ("tokens", false),
            ("mytokens.ttl", false),
        ] {
            assert_eq!(is_at(path, "tokens.ttl"), is, "{path}");
        }
    }

    #[test]
    fn findings_are_sorted_and_said_once_with_all_their_nodes() {
        let mut report = Report::default();
        let of = |file: &str, line, path: &str, id| {
            Finding::new(id, &Location::new(file, line, 1), path, "m")
        };
        report.add(of("b", 1, "x", Id::FieldUnknown).of_node("two"));
        report.add(of("a", 2, "x", Id::RegistryPlainHttp));
        report.add(of("b", 1, "y", Id::FieldUnknown).of_node("one"));
        report.add(of("b", 1, "y", Id::FieldMissing));
        assert_eq!(
            report.to_string(),
            "warning: a:2:1: x: m\n\
             error: b:1:1: x: m (2 nodes, like one)\n\
             error: b:1:1: y: m\n"
        );
        assert_eq!(report.sorted()[1].nodes, ["one", "two"]);
    }
}
