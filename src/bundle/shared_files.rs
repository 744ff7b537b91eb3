//! The shared files of a bundle in the making, as far as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::manifest::FileRecord;

/// The shared files of a bundle in the making.
#[derive(Default)]
pub(super) struct SharedFiles(pub Mutex<Begun>);

/// What was begun.
#[derive(Default)]
pub(super) struct Begun {
    /// Folders that are there.
    pub directories: BTreeSet<String>,
    /// Files by their paths.
    pub files: BTreeMap<String, State>,
}

/// How far a file is.
pub(super) enum State {
    /// Some thread is at it; if that fails, so does the build.
    Writing,
    /// It is there.
    Done(FileRecord),
}
