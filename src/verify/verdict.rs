//! The verdict on a bundle: its facts, and everything that is wrong.

use std::fmt;

use serde::Serialize;
use time::OffsetDateTime;

use crate::manifest::{BundleKind, MANIFEST, Manifest};
use crate::model::Location;
use crate::report::print::text::text;
use crate::report::{Finding, Id, Report};
use crate::terminal::shown;
use crate::timing::{parse_rfc3339, rfc3339};
use crate::wording::counted;

/// More are counted rather than listed: a hostile folder must not fill the memory.
const LISTED: usize = 10_000;

/// One thing that is wrong with a bundle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The rule of the catalogue that is broken.
    pub id: Id,
    /// Relative to the bundle; control characters are escaped, since names may be hostile.
    pub path: String,
    /// What is wrong with it.
    pub rule: String,
}

impl Problem {
    /// A problem with what is at a path.
    pub fn new(id: Id, path: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            id,
            path: path.into(),
            rule: rule.into(),
        }
    }

    /// The same as a finding.
    fn finding(&self) -> Finding {
        Finding::new(self.id, &Location::file(&*self.path), "", &*self.rule)
    }
}

/// Problems as findings are printed, in colours with `{:#}`.
pub(super) fn print(problems: &[Problem], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut report = Report::default();
    problems.iter().for_each(|one| report.add(one.finding()));
    f.write_str(&text(&report, f.alternate()))
}

/// What came of verifying.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The folder as the user named it.
    pub bundle: String,
    /// Bundle or TreeBundle, when the manifest could be trusted.
    pub kind: Option<BundleKind>,
    /// The cluster's name, when the manifest could be trusted.
    pub cluster: Option<String>,
    /// The generation, when the manifest could be trusted.
    pub generation: Option<u64>,
    /// How many nodes it holds.
    pub nodes: usize,
    /// How many files SHA256SUMS lists.
    pub files: usize,
    /// How many of them hold secrets, so that they must be kept from others' eyes.
    pub secret_files: usize,
    /// RFC 3339: the first end of any node's token or CA; booting that node later needs a new bundle.
    pub usable_until: Option<String>,
    /// The node whose token or certificate ends then, where every node's end is known.
    #[serde(skip)]
    pub first_to_end: Option<String>,
    /// Signatures of others beside SHA256SUMS, which were not looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<String>,
    /// Files with secrets that others than their owner may read, as after a copy that lost the modes. Said, not refused:
    /// the bytes are right.
    pub exposed: Vec<String>,
    /// Folders that builds which were killed have left. They are no part of the bundle, and nothing in them was verified.
    pub leftovers: Vec<String>,
    /// Everything that is wrong, sorted by path; empty means verified.
    pub problems: Vec<Problem>,
    /// Problems that were found and not listed.
    pub unlisted: usize,
    /// Listed files that are not here, where only a part of the bundle was asked about.
    pub absent: usize,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// Takes over until when nodes can join.
    pub fn says_until(&mut self, manifest: &Manifest) {
        let ends = manifest.nodes.iter().filter_map(|node| {
            let until = node.usable_until.as_deref()?;
            Some((parse_rfc3339(until)?, node.name.as_str()))
        });
        let says_all = manifest
            .nodes
            .iter()
            .all(|node| node.usable_until.is_some());
        let first = ends.min();
        self.usable_until = first.and_then(|(ends, _)| rfc3339(ends));
        self.first_to_end = first.filter(|_| says_all).map(|(_, node)| node.to_owned());
    }

    /// Objects where what a node needs to join ends before a time: whoever asked wants to boot nodes until then.
    pub fn require_usable(&mut self, until: OffsetDateTime) {
        let wanted = rfc3339(until).unwrap_or_default();
        let rule = match (&self.usable_until, &self.first_to_end) {
            (Some(ends), Some(_)) if parse_rfc3339(ends).is_some_and(|ends| ends > until) => return,
            (Some(ends), Some(node)) => {
                format!(
                    "a token, a certificate or the CA ends at {ends} (node {node}), not after {wanted}"
                )
            }
            _ => "does not say until when its nodes can join".to_owned(),
        };
        self.add(Id::VerifyEndsEarly, MANIFEST, rule);
    }

    /// Adds a problem with `path`.
    pub fn add(&mut self, id: Id, path: &str, rule: impl Into<String>) {
        if self.problems.len() < LISTED {
            self.problems.push(Problem::new(id, path, rule));
        } else {
            self.unlisted += 1;
        }
    }

    /// Whether there are so many problems already that no more are listed.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= LISTED
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(&self.problems, f)?;
        if self.unlisted > 0 {
            writeln!(f, "and {} more", self.unlisted)?;
        }
        if self.is_good() {
            writeln!(
                f,
                "{}: verified: cluster {}, generation {}, {}, {}, usable until {}",
                shown(&self.bundle),
                shown(self.cluster.as_deref().unwrap_or("-")),
                self.generation.unwrap_or(0),
                counted(self.nodes, "node"),
                counted(self.files, "file"),
                self.usable_until.as_deref().unwrap_or("-")
            )?;
            if !self.unchecked.is_empty() {
                let names: Vec<String> = self.unchecked.iter().map(|name| shown(name)).collect();
                let (bundle, names) = (shown(&self.bundle), names.join(", "));
                writeln!(f, "{bundle}: not checked, as others made it: {names}")?;
            }
            match self.absent {
                0 => Ok(()),
                absent => {
                    let bundle = shown(&self.bundle);
                    writeln!(f, "{bundle}: {absent} of these files are not here")
                }
            }
        } else {
            writeln!(f, "{}: NOT verified", shown(&self.bundle))
        }
    }
}
