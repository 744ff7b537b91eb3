//! Files that many nodes share, below `shared/`: each is written once, by the thread that comes first, or kept from the
//! last bundle with the first node that needs it.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anyhow::{Context, bail};
use rustix::fs::{AtFlags, unlinkat};

use crate::bundle::folder::{BundleBuilder, locked};
use crate::bundle::reuse::{OldBundle, reuse_file};
use crate::bundle::shared_files::State;
use crate::error::Result;
use crate::manifest::sums::check_path;
use crate::manifest::{FileRecord, NodeRecord};

/// The folder of what nodes share. Nothing in it is secret.
pub(super) const FOLDER: &str = "shared";

impl BundleBuilder {
    /// Writes a shared file unless it has been begun already; its path in the bundle.
    pub(super) fn shared_file(
        &self,
        name: &str,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<Box<str>> {
        let path = format!("{FOLDER}/{name}");
        if check_path(&path).is_err() {
            bail!("{name:?} is not a name for a shared file");
        }
        let mut begun = locked(&self.shared().0);
        if begun.files.contains_key(&path) {
            return Ok(path.into());
        }
        self.parents(&path, false, &mut begun.directories)
            .with_context(|| format!("writing {path}"))?;
        begun.files.insert(path.clone(), State::Writing);
        drop(begun);
        let record = self.write(&path, false, write)?;
        let mut begun = locked(&self.shared().0);
        begun.files.insert(path.clone(), State::Done(record));
        Ok(path.into())
    }

    /// Reuses a shared file of the last bundle; false when it is not what that bundle lists, or when this build made it
    /// otherwise. The lock is held while the file is hashed, so that nobody relies on one that is taken back.
    pub(super) fn reuse_shared(&self, old: &OldBundle, path: &str) -> Result<bool> {
        let Some(record) = old.shared(path) else {
            return Ok(false);
        };
        let mut begun = locked(&self.shared().0);
        match begun.files.get(path) {
            Some(State::Writing) => return Ok(true),
            Some(State::Done(made)) => return Ok(made.sha256 == record.sha256),
            None => {}
        }
        let reusing = || format!("reusing {path}");
        self.parents(path, false, &mut begun.directories)
            .with_context(reusing)?;
        match reuse_file(old.folder(), self.root(), path, record) {
            Ok(()) => {
                let done = State::Done(record.clone());
                begun.files.insert(path.to_owned(), done);
                Ok(true)
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidData
                ) =>
            {
                // Whatever came of it makes room for the file that is made again.
                let _ = unlinkat(self.root(), path, AtFlags::empty());
                Ok(false)
            }
            Err(error) => Err(error).with_context(reusing),
        }
    }

    /// The shared files that nodes need, sorted. One that was kept for a node which then had to be made again goes.
    pub(super) fn collect_shared(&self, nodes: &[NodeRecord]) -> Result<Vec<FileRecord>> {
        let needed: BTreeSet<&str> = nodes
            .iter()
            .flat_map(|node| node.shared.iter().map(|path| &**path))
            .collect();
        let mut begun = locked(&self.shared().0);
        let mut kept = Vec::with_capacity(needed.len());
        for (path, state) in std::mem::take(&mut begun.files) {
            match state {
                State::Done(record) if needed.contains(&*path) => kept.push(record),
                State::Done(_) => unlinkat(self.root(), &*path, AtFlags::empty())
                    .with_context(|| format!("removing {path}"))?,
                State::Writing => bail!("finishing the bundle: {path} was begun and not finished"),
            }
        }
        if kept.len() != needed.len() {
            bail!("finishing the bundle: a file that nodes share is missing");
        }
        Ok(kept)
    }
}
