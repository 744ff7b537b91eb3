//! Putting a finished folder in place of the old one, so that whenever the process dies, what verifies is
//! complete. Power loss is another matter: nothing is synced, and a bundle that lost bytes does not verify.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, bail};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::bundle::foreign::{Foreign, OURS, is_of_a_bundle, look};
use crate::bundle::in_place;
use crate::create::remove_tree;
use crate::error::Result;
use crate::input::regular;
use crate::manifest::work_folder;
use crate::manifest::{BundleKind, MANIFEST, is_signature_of_others};
use crate::manifest::{MANIFEST_LIMIT, Mark};
use crate::unfinished::uninterrupted;

/// What was found at the output's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Absent,
    /// A folder that we may replace: device and inode.
    Folder(u64, u64),
}

impl Before {
    fn of(metadata: &Metadata) -> Self {
        Self::Folder(metadata.dev(), metadata.ino())
    }
}

/// Decides whether we may write there: nothing, an empty folder, or a bundle of this kind with nothing of anybody else's in
/// it, however deep.
pub(super) fn inspect(out: &Path, kind: BundleKind) -> Result<Before> {
    let shown = out.display();
    let metadata = match out.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Before::Absent),
        Err(error) => return Err(error).with_context(|| format!("looking at {shown}")),
    };
    if metadata.is_symlink() {
        bail!("{shown} is a symbolic link, not a folder of ours; it is left as it is");
    }
    if !metadata.is_dir() {
        bail!("{shown} is not a folder; it is left as it is");
    }
    let looking = || format!("looking through {shown}");
    let (mut is_empty, mut foreign) = (true, Foreign::default());
    for entry in fs::read_dir(out).with_context(looking)? {
        let entry = entry.with_context(looking)?;
        let name = entry.file_name();
        let known = name.to_str().unwrap_or_default();
        is_empty &= work_folder::is_work(known);
        // It goes with the list that it signed, and the build says so.
        let is_signature =
            is_signature_of_others(known) && entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_signature && !OURS.contains(&known) && !work_folder::is_work(known) {
            foreign.add(Path::new(&name));
        }
    }
    not_ours(out, foreign)?;
    if !is_empty && !is_ours(out, kind) {
        bail!(
            "{shown} is not a {} of nodebake's (it has no bundle.json that says so); it is left as it is",
            kind.name()
        );
    }
    let mut foreign = Foreign::default();
    look(out, is_of_a_bundle, &mut foreign)?;
    not_ours(out, foreign)?;
    Ok(Before::of(&metadata))
}

fn not_ours(out: &Path, foreign: Foreign) -> Result<()> {
    match foreign.sentence() {
        None => Ok(()),
        Some(names) => bail!(
            "{} holds {names}, which nodebake did not write; move it elsewhere, the folder is left as it is",
            out.display()
        ),
    }
}

fn is_ours(out: &Path, kind: BundleKind) -> bool {
    regular::bounded(&out.join(MANIFEST), MANIFEST_LIMIT)
        .is_ok_and(|bytes| serde_json::from_slice::<Mark>(&bytes).is_ok_and(|mark| mark.is(kind)))
}

/// Puts `staging` in place of `out`; the old folder is removed.
pub(super) fn publish(staging: &Path, out: &Path, before: &Before) -> Result<()> {
    if !uninterrupted(|| exchange(staging, out, before))? {
        in_place::replace(staging, out)?;
    }
    remove_tree(staging).with_context(|| format!("removing {}", staging.display()))
}

/// Exchanges the two folders; false where the file system or a mount does not let us.
fn exchange(staging: &Path, out: &Path, before: &Before) -> Result<bool> {
    let writing = || format!("writing {}", out.display());
    if *before == Before::Absent {
        // A folder never replaces a file or a folder with something in it: rename(2) refuses both.
        fs::rename(staging, out).with_context(writing)?;
        return Ok(true);
    }
    match renameat_with(CWD, staging, CWD, out, RenameFlags::EXCHANGE) {
        Ok(()) => {
            let old = staging.symlink_metadata().with_context(writing)?;
            if Before::of(&old) != *before {
                // Not the folder that was inspected: nobody said that it may go.
                renameat_with(CWD, staging, CWD, out, RenameFlags::EXCHANGE)
                    .with_context(writing)?;
                bail!("{} was replaced during the build", out.display());
            }
        }
        Err(Errno::NOENT) => fs::rename(staging, out).with_context(writing)?,
        // A lower layer of an overlay, a file system without exchange (NFS, 9p), a mount point.
        Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BUSY) => {
            return Ok(false);
        }
        Err(error) => return Err(error).with_context(writing),
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_put_there_meanwhile_is_given_back() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let (out, staging) = (folder.path().join("out"), folder.path().join("staging"));
        fs::create_dir(&out).expect("free");
        let before = inspect(&out, BundleKind::Bundle).expect("empty");
        fs::rename(&out, folder.path().join("aside")).expect("ours");
        fs::create_dir(&out).expect("free");
        fs::write(out.join("thesis"), "mine").expect("ours");
        fs::create_dir(&staging).expect("free");
        let error = publish(&staging, &out, &before).expect_err("another folder");
        assert!(error.to_string().contains("replaced"), "{error}");
        assert_eq!(
            fs::read_to_string(out.join("thesis")).expect("there"),
            "mine"
        );
        // And one that appeared where there was none.
        let error = publish(&staging, &out, &Before::Absent).expect_err("taken");
        assert!(error.to_string().contains("writing"), "{error}");
        assert!(out.join("thesis").exists());
    }
}
