//! What somebody else has put into a bundle: replacing the bundle would delete it. A file belongs to the bundle if the
//! bundle's own list names it, changed or not; everything else is foreign, and so is a folder or a link that no listed file
//! is in.

use std::path::Path;

use anyhow::Context;
use walkdir::WalkDir;

use crate::error::Result;
use crate::input::regular;
use crate::manifest::sums::{SUMS_LIMIT, Sums};
use crate::manifest::work_folder;
use crate::manifest::{
    INDEX, MANIFEST, SIGNATURE, SSH_SIGNATURE, SUMS, TREE_SIGNATURE, TREE_SUMS,
    is_signature_of_others,
};
use crate::manifest::{MANIFEST_LIMIT, Manifest};

/// Everything that a bundle has at its top.
pub(super) const OURS: [&str; 9] = [
    MANIFEST,
    INDEX,
    SUMS,
    SIGNATURE,
    SSH_SIGNATURE,
    "cluster",
    "nodes",
    "shared",
    "boot",
];

/// Whether a bundle has this name at its top, or somebody's signature beside its list.
pub(super) fn is_of_a_bundle(name: &str) -> bool {
    OURS.contains(&name) || is_signature_of_others(name)
}

/// So many are named; more are counted.
const NAMED: usize = 5;

/// Names of what is foreign, for an error.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    named: Vec<String>,
    more: usize,
}

impl Foreign {
    /// One more.
    pub(super) fn add(&mut self, path: &Path) {
        if self.named.len() < NAMED {
            self.named.push(format!("{path:?}"))
        } else {
            self.more += 1
        }
    }

    /// The names in a sentence; None if there are none.
    pub(super) fn sentence(mut self) -> Option<String> {
        self.named.sort();
        let named = self.named.join(", ");
        match (self.named.len(), self.more) {
            (0, _) => None,
            (_, 0) => Some(named),
            (_, more) => Some(format!("{named} and {more} more")),
        }
    }
}

/// Looks through a bundle. `is_of_top` says which names at its top are a bundle's own.
pub(super) fn look(out: &Path, is_of_top: fn(&str) -> bool, foreign: &mut Foreign) -> Result<()> {
    let looking = || format!("looking through {}", out.display());
    let listed = listed(out);
    let mut entries = WalkDir::new(out).min_depth(1).into_iter();
    while let Some(entry) = entries.next() {
        let entry = entry.with_context(looking)?;
        let path = entry.path().strip_prefix(out).unwrap_or(entry.path());
        // A name that is not UTF-8 is in no list.
        let name = path.to_str().unwrap_or_default();
        let is_folder = entry.file_type().is_dir();
        let is_known = match (is_folder, entry.depth()) {
            (true, 1) if work_folder::is_work(name) => {
                entries.skip_current_dir();
                continue;
            }
            (true, 1) => is_of_top(name),
            (true, _) => listed.has_below(name),
            (false, 1) => is_of_top(name) && !entry.file_type().is_symlink(),
            (false, _) => listed.position(name).is_some() || is_tree_signature(&listed, name),
        };
        if !is_known {
            foreign.add(path);
            if is_folder {
                entries.skip_current_dir();
            }
        }
    }
    Ok(())
}

/// What the bundle lists: in SHA256SUMS, or where that is not readable in its manifest; nothing without either.
fn listed(out: &Path) -> Sums {
    let sums = regular::bounded(&out.join(SUMS), SUMS_LIMIT).ok();
    if let Some(sums) = sums.and_then(|bytes| Sums::parse(&bytes).ok()) {
        return sums;
    }
    let manifest = regular::bounded(&out.join(MANIFEST), MANIFEST_LIMIT).ok();
    let manifest = manifest.and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
    manifest.map_or_else(Sums::default, |manifest| {
        let files = manifest.all_files();
        Sums::of(files.map(|file| (file.path.clone(), file.sha256)))
    })
}

/// A signer elsewhere leaves the signatures of a first stage's trees in its nodes' folders.
fn is_tree_signature(listed: &Sums, name: &str) -> bool {
    let folder = name.strip_suffix(TREE_SIGNATURE);
    folder.is_some_and(|folder| listed.position(&format!("{folder}{TREE_SUMS}")).is_some())
}
