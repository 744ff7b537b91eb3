//! One finding: which rule is broken, where, by what, and what to do about it.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::input::{self, Flaw};
use crate::model::location::{FieldLocation, Location};
use crate::report::{Id, Severity};
use crate::terminal::shown;
use crate::wording::counted;

/// One thing that is wrong in what the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub id: Id,
    /// Error or warning.
    pub severity: Severity,
    /// File, line and column, and where the value ends if that is known.
    pub location: Location,
    /// The field, like `nodes[2].labels`; empty for a file as a whole.
    pub path: Box<str>,
    /// The rule and how it is broken.
    pub message: Box<str>,
    /// What to do about it, in the imperative.
    pub help: Option<Box<str>>,
    /// The nodes that it is about, sorted; empty where it is not about nodes.
    pub nodes: Vec<String>,
    /// What few findings have, apart so that all of them stay small.
    pub aside: Option<Box<Aside>>,
}

/// What few findings have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aside {
    /// What it measures.
    amount: Option<Amount>,
    /// Why the project gives it another level than the catalogue.
    reason: Option<Arc<String>>,
    /// The error of the same node from which it follows.
    follows: Option<Id>,
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
    /// A finding at a location, as bad as the catalogue says.
    pub fn new(
        id: Id,
        location: &Location,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            id,
            severity: id.entry().severity,
            location: location.clone(),
            path: path.into().into(),
            message: message.into().into(),
            help: None,
            nodes: Vec::new(),
            aside: None,
        }
    }

    /// An error about a file that is not there or cannot be read; `file` is what the message calls it.
    pub fn of_flaw(location: &Location, path: impl Into<String>, file: &str, flaw: &Flaw) -> Self {
        let message = format!("{file} {flaw}");
        let id = if flaw.is_missing() {
            Id::FileMissing
        } else if flaw.is_not_utf8() {
            Id::FileNotUtf8
        } else {
            Id::FileUnreadable
        };
        Self {
            help: flaw.repair.map(Box::from),
            ..Self::new(id, location, path, message.trim_start())
        }
    }

    /// The same finding with what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into().into());
        self
    }

    /// The same finding, measuring something of which each node has a different amount.
    pub fn measuring(mut self, of: impl Into<String>, bytes: u64) -> Self {
        let of = of.into();
        self.aside.get_or_insert_default().amount = Some(Amount { of, bytes });
        self
    }

    /// What it measures, if it does: of several nodes' findings about the same thing the one with the most is reported.
    pub fn amount(&self) -> Option<&Amount> {
        self.aside.as_ref()?.amount.as_ref()
    }

    /// The same finding, which means nothing where its node has an error of this id.
    pub fn following(mut self, id: Id) -> Self {
        self.aside.get_or_insert_default().follows = Some(id);
        self
    }

    /// The error of the same node from which it follows, if it may follow from one.
    pub fn follows(&self) -> Option<Id> {
        self.aside.as_ref()?.follows
    }

    /// Why the project gives it another level than the catalogue, where it does.
    pub fn reason(&self) -> Option<&Arc<String>> {
        self.aside.as_ref()?.reason.as_ref()
    }

    /// Sets why the project gives it another level.
    pub(super) fn set_reason(&mut self, reason: Arc<String>) {
        self.aside.get_or_insert_default().reason = Some(reason);
    }

    /// The same finding about one node.
    pub fn of_node(mut self, node: impl Into<String>) -> Self {
        self.nodes = vec![node.into()];
        self
    }
}

impl Finding {
    /// Path, message and help as one sentence, and the nodes.
    pub fn sentence(&self) -> String {
        let mut text = String::new();
        if !self.path.is_empty() {
            text.push_str(&self.path);
            text.push_str(": ");
        }
        text.push_str(&self.message);
        if let Some(help) = &self.help {
            text.push_str("; ");
            text.push_str(help);
        }
        match self.nodes.as_slice() {
            [] => {}
            [node] => text.push_str(&format!(" (node {node})")),
            [first, ..] => {
                let nodes = counted(self.nodes.len(), "node");
                text.push_str(&format!(" ({nodes}, like {first})"));
            }
        }
        text
    }
}

impl FieldLocation {
    /// A finding about the value.
    pub fn finding(&self, id: Id, message: impl Into<String>) -> Finding {
        Finding::new(id, &self.at, &*self.path, message)
    }

    /// An error about a file that the value names.
    pub fn no_file(&self, name: &str, flaw: &Flaw) -> Finding {
        let finding = Finding::of_flaw(&self.at, &*self.path, &format!("the file {name}"), flaw);
        match finding.help {
            Some(_) => finding,
            None => finding.help("paths are relative to the project"),
        }
    }

    /// An error about a file that the value leads to and that cannot be read.
    pub fn unreadable(&self, name: &str, error: &io::Error) -> Finding {
        match input::flaw_of(error) {
            Some(flaw) => Finding::of_flaw(&self.at, &*self.path, name, flaw),
            None => self.finding(Id::FileMissing, format!("{name} cannot be read: {error}")),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = self.severity.name();
        let line = format!("{severity}: {}: {}", self.location, self.sentence());
        // File names, keys and values are the user's, or of those who sent the user a change.
        f.write_str(&shown(&line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_location_path_message_help() {
        let location = Location::new("cluster.yaml", 14, 9);
        let message = "effect must be NoSchedule";
        let finding = Finding::new(Id::TaintInvalid, &location, "nodes[2].taints", message);
        assert_eq!(
            finding.help("write NoSchedule").to_string(),
            "error: cluster.yaml:14:9: nodes[2].taints: effect must be NoSchedule; write NoSchedule"
        );
    }
}
