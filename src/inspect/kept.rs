//! Files of a payload that are kept in memory while it is read: those that are asked for by path and digest, within
//! bounds, and what the payload says beside files.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::inspect::ListingRow;
use crate::model::Sha256Digest;

/// What is to be kept, and what was.
#[derive(Default)]
pub struct Kept {
    /// Without a digest, whatever is there.
    wanted: BTreeMap<String, Option<Sha256Digest>>,
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
            wanted: wanted
                .into_iter()
                .map(|(path, digest)| (path, Some(digest)))
                .collect(),
            longest,
            documents_too,
            ..Self::default()
        }
    }

    /// Asks for what is at some paths, whatever it is.
    pub fn at<'a>(paths: impl IntoIterator<Item = &'a str>, longest: u64) -> Self {
        let wanted = paths.into_iter().map(|path| (path.to_owned(), None));
        Self {
            wanted: wanted.collect(),
            longest,
            documents_too: true,
            ..Self::default()
        }
    }

    /// Whether a row's content is to be read into memory.
    pub(super) fn wants(&self, row: &ListingRow) -> bool {
        self.wanted.contains_key(&row.path)
            && !self.files.contains_key(&row.path)
            && row.size.is_some_and(|size| size <= self.longest)
    }

    /// Takes a file, if it is what was asked for.
    pub(super) fn offer(&mut self, row: &ListingRow, bytes: Vec<u8>) {
        let asked = self.wanted.get(&row.path).copied().flatten();
        if self.wants(row) && row.sha256.is_some() && (asked.is_none() || asked == row.sha256) {
            self.files.insert(row.path.clone(), bytes);
        }
    }

    /// What was asked for and not found.
    pub fn missing(&self) -> BTreeMap<String, Sha256Digest> {
        let missing = self.wanted.iter();
        let missing = missing.filter(|(path, _)| !self.files.contains_key(*path));
        missing
            .filter_map(|(path, digest)| Some((path.clone(), (*digest)?)))
            .collect()
    }
}
