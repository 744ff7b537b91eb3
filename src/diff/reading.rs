//! Reading one bundle's side of a node: its tree, what its payloads say beside files, and what files hold. In: records.
//! Out: values in memory, as far as there is room for them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde_json::Value;

use crate::bundle::OldBundle;
use crate::diff::content::LONGEST;
use crate::diff::tree::Tree;
use crate::error::Result;
use crate::inspect::{Kept, Limits, keep};
use crate::manifest::{FileRecord, NodeRecord, TREE_JSON, TREE_SIGNATURE, TREE_SUMS};
use crate::model::Sha256Digest;
use crate::yaml;

/// The longest document that is compared, in bytes.
const LONGEST_DOCUMENT: u64 = 16 * 1024 * 1024;

/// One bundle's side of a node.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) bundle: &'a OldBundle,
    pub(super) record: &'a NodeRecord,
}

/// Contents of files by path.
pub(super) type Contents = BTreeMap<String, Vec<u8>>;

/// What payloads were read for: contents of the tree's files, and documents by the file that they are in.
#[derive(Default)]
pub(super) struct PayloadContents {
    pub(super) files: Contents,
    pub(super) documents: BTreeMap<String, Vec<(String, Value)>>,
}

impl Side<'_> {
    pub(super) fn tree(&self) -> Result<Tree> {
        let record = files(self.record).remove(TREE_JSON);
        let record = record.context("the bundle lists no tree.json")?;
        let bytes = self.bytes(record)?;
        Tree::parse(&self.record.name, &bytes)
            .with_context(|| format!("reading {}", self.bundle.path(record).display()))
    }

    fn bytes(&self, record: &FileRecord) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.bundle.copy(record, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads documents, and wanted files from whichever payload has them: small payloads first.
    pub(super) fn read(
        &self,
        wanted: BTreeMap<String, Sha256Digest>,
        documents: &BTreeSet<&str>,
    ) -> Result<PayloadContents> {
        let mut said = PayloadContents::default();
        let mut wanted = wanted;
        let mut all: Vec<_> = files(self.record).into_iter().collect();
        // Stable, so that names decide between files of one size.
        all.sort_by_key(|(name, file)| (!documents.contains(name), file.size));
        for (name, file) in all {
            let is_wanted = documents.contains(name);
            let holds_files = !is_listing(name) && !name.ends_with(".iso");
            if !is_wanted && (wanted.is_empty() || !holds_files) {
                continue;
            }
            if matches!(name, "meta-data" | "network-config" | "vendor-data") {
                if is_wanted && file.size <= LONGEST_DOCUMENT {
                    let value = document_of(&self.bytes(file)?);
                    said.documents
                        .insert(name.to_owned(), vec![(String::new(), value)]);
                }
                continue;
            }
            let limits = Limits {
                document: LONGEST_DOCUMENT,
                ..Limits::default()
            };
            let kept = Kept::asking(std::mem::take(&mut wanted), LONGEST, is_wanted);
            let mut kept = keep(&self.bundle.path(file), limits, kept)?;
            wanted = kept.missing();
            said.files.append(&mut kept.files);
            if is_wanted {
                said.documents.insert(name.to_owned(), kept.documents);
            }
        }
        Ok(said)
    }
}

/// A YAML document; as a text where it is none.
fn document_of(bytes: &[u8]) -> Value {
    let text = String::from_utf8_lossy(bytes);
    let read = yaml::read_all::<Value>(&text).ok();
    let one = read
        .filter(|all| all.len() == 1)
        .and_then(|mut all| all.pop());
    one.unwrap_or_else(|| text.into_owned().into())
}

/// A node's files by name, those that it shares with others left out.
pub(super) fn files(record: &NodeRecord) -> BTreeMap<&str, &FileRecord> {
    let all = record.files.iter();
    all.map(|file| (file.name(), file)).collect()
}

/// What says what the tree is, and is no payload.
pub(super) fn is_listing(name: &str) -> bool {
    [TREE_JSON, TREE_SUMS, TREE_SIGNATURE].contains(&name)
}
