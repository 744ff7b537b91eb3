//! Files of a payload that are kept in memory while it is read: those that are asked for by path and digest, within
//! bounds, and what the payload says beside files.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::inspect::Row;
use crate::node::Sha256Digest;

/// What is to be kept, and what was.
#[derive(Default)]
pub struct Kept {
    wanted: BTreeMap<String, Sha256Digest>,
    /// The longest file that is kept, in bytes.
    longest: u64,
    /// The files that were found, by path. They may be secret.
    pub files: BTreeMap<String, Vec<u8>>,
    pub(super) documents_too: bool,
    /// What the payload says beside files: each document without them, with a name that tells it from the others.
    pub documents: Vec<(String, Value)>,
}

impl Kept {
    /// Asks for files, each of at most `longest` bytes, and for documents where `documents_too`.
    pub fn asking(
        wanted: BTreeMap<String, Sha256Digest>,
        longest: u64,
        documents_too: bool,
    ) -> Self {
        Self {
            wanted,
            longest,
            documents_too,
            ..Self::default()
        }
    }

    /// Whether a row's content is to be read into memory.
    pub(super) fn wants(&self, row: &Row) -> bool {
        self.wanted.contains_key(&row.path)
            && !self.files.contains_key(&row.path)
            && row.size.is_some_and(|size| size <= self.longest)
    }

    /// Takes a file, if it is what was asked for.
    pub(super) fn offer(&mut self, row: &Row, bytes: Vec<u8>) {
        if self.wants(row) && row.sha256.as_ref() == self.wanted.get(&row.path) {
            let _ = self.files.insert(row.path.clone(), bytes);
        }
    }

    /// What was asked for and not found.
    pub fn missing(&self) -> BTreeMap<String, Sha256Digest> {
        let missing = self.wanted.iter();
        let missing = missing.filter(|(path, _)| !self.files.contains_key(*path));
        missing
            .map(|(path, digest)| (path.clone(), *digest))
            .collect()
    }
}
