//! `output.cloudInit`: how user-data is written.

use crate::model::output::Assets;
use crate::model::output::limits::Target;
use crate::model::{NodePath, Spanned};

/// How cloud-init's documents are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudInit {
    /// Where user-data goes: it must be no larger than that platform takes.
    pub target: Target,
    /// From where a node fetches what its user-data has no room for, with `{node}` for its name.
    pub url: Option<String>,
    /// Whether a seed is made: an image with all documents, for virtual machines.
    pub seed_iso: bool,
    /// Folders on disks that cloud-init itself makes and mounts: it does so after it has written files.
    pub mounts: Vec<NodePath>,
    /// Whether cloud-init forgets the node's user-data, and is switched off, when it has done its work.
    pub forget: bool,
    /// Where the assets are: inside, fetched by URL, or on a CD.
    pub assets: Assets,
    /// Parts of the user's for user-data, in order.
    pub parts: Vec<PartSpec>,
    /// The user's vendor-data: a file of the project.
    pub vendor_data: Option<Spanned<String>>,
}

/// A file of the user's that becomes a part of user-data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSpec {
    /// Its path in the project.
    pub source: Spanned<String>,
    /// Its MIME type in lower case; None where it follows from how the file begins.
    pub kind: Option<String>,
    /// Whether it holds a secret.
    pub secret: bool,
}

impl Default for CloudInit {
    fn default() -> Self {
        Self {
            target: Target::default(),
            url: None,
            seed_iso: false,
            mounts: Vec::new(),
            forget: false,
            assets: Assets::Inside,
            parts: Vec::new(),
            vendor_data: None,
        }
    }
}

impl CloudInit {
    /// Whether a path is on a disk that is not there yet when files are written.
    pub fn is_late(&self, path: &NodePath) -> bool {
        self.mounts.iter().any(|folder| {
            let rest = path.as_str().strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.starts_with('/'))
        })
    }
}
