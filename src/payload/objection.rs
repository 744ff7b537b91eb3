//! What a format cannot say of a tree, found before anything is written.

use std::fmt;

use crate::model::Location;
use crate::report::Id;
use crate::tree::NodeTree;

/// Why a tree cannot be said in a format. The caller knows where the user wrote it and makes a finding of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Which rule.
    pub id: Id,
    /// The path or unit that it is about.
    pub subject: String,
    /// The rule and how it is broken; holds no content.
    pub message: String,
    /// The field of the node's layers that asks for it, like `output.ignition.spec`, if it is not the node's tree.
    pub field: Option<&'static str>,
    /// Where in a file of the user's it shows, if it is about such a file.
    pub location: Option<Location>,
    /// The bytes that it counts, where each node has its own number.
    pub bytes: Option<u64>,
}

impl Objection {
    pub(super) fn new(id: Id, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            id,
            subject: subject.into(),
            message: message.into(),
            field: None,
            location: None,
            bytes: None,
        }
    }

    /// The same, about that many bytes.
    pub(super) fn counts(self, bytes: u64) -> Self {
        Self {
            bytes: Some(bytes),
            ..self
        }
    }

    /// The same, about a location in a file of the user's.
    pub(super) fn at(self, location: &Location) -> Self {
        Self {
            location: Some(location.clone()),
            ..self
        }
    }

    /// The same, about what a field asks for.
    pub(super) fn asked_by(self, field: &'static str) -> Self {
        Self {
            field: Some(field),
            ..self
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.message)
    }
}

/// Where units and declared entries are at odds.
pub fn clashes(tree: &NodeTree) -> Vec<Objection> {
    let clashes = tree.clashes().into_iter();
    clashes
        .map(|clash| Objection::new(Id::UnitClash, clash.unit, clash.message))
        .collect()
}
