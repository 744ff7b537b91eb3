//! `output.cloudInit`: how user-data is written.

use crate::payload::limits::Target;

/// How cloud-init's documents are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudInit {
    /// Where user-data goes: it must be no larger than that platform takes.
    pub target: Target,
    /// From where a node fetches what its user-data has no room for, with `{node}` for its name.
    pub url: Option<String>,
    /// Whether a seed is made: an image with all documents, for virtual machines.
    pub seed_iso: bool,
}
