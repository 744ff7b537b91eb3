//! Files and folders of a folder that come into being together, such as a key and what is made with it. They are made in a
//! [`Staging`] inside the folder, and one rename decides that they are complete. What follows is renames only, and the next
//! run does those that a run which was killed has left. So no run finds half of a set that it must not overwrite.
//!
//! ```text
//! pki/.nodebake-new/     .gitignore, files/     is being filled: the next run removes it
//! pki/.nodebake-ready/   the same, complete     its files go to their places: the next run goes on
//! ```

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::error::Result;
use crate::staging::Staging;
use crate::unfinished::uninterrupted;

const NEW: &str = ".nodebake-new";
const READY: &str = ".nodebake-ready";
const FILES: &str = "files";

/// Where each of the files goes, by its name.
pub type Places<'a> = &'a dyn Fn(&OsStr) -> PathBuf;

/// Such a set in the making. Dropped without [`Together::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct Together {
    folder: PathBuf,
    work: Staging,
}

impl Together {
    /// Begins in a folder. The caller has a lock on what is made, and has called [`complete`].
    pub fn begin(folder: &Path) -> Result<Self> {
        let work = Staging::begin(&folder.join(NEW))?;
        let files = work.join(FILES);
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&files)
            .with_context(|| format!("creating {}", files.display()))?;
        let folder = folder.to_owned();
        Ok(Self { folder, work })
    }

    /// The folder that they are made in.
    pub fn folder(&self) -> PathBuf {
        self.work.join(FILES)
    }

    /// Where one of them is made.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Puts all of them in their places, whose folders are there.
    pub fn finish(self, places: Places<'_>) -> Result<()> {
        let (new, ready) = (self.folder.join(NEW), self.folder.join(READY));
        uninterrupted(|| {
            fs::rename(&new, &ready)?;
            go_on(&ready, places)
        })
        .with_context(|| format!("writing into {}", self.folder.display()))
    }
}

/// Whether a name in a folder is of what a run that died has left there.
pub fn is_work(name: &OsStr) -> bool {
    name == NEW || name == READY
}

/// Puts in their places what a run that was killed had made and not put there; false if there is none.
pub fn complete(folder: &Path, places: Places<'_>) -> Result<bool> {
    let ready = folder.join(READY);
    // Never through a link: it would lead anywhere.
    if !ready.symlink_metadata().is_ok_and(|there| there.is_dir()) {
        return Ok(false);
    }
    uninterrupted(|| go_on(&ready, places))
        .with_context(|| format!("completing what {} holds", ready.display()))?;
    Ok(true)
}

fn go_on(ready: &Path, places: Places<'_>) -> io::Result<()> {
    let files = ready.join(FILES);
    let entries = match fs::read_dir(&files) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
        // All of them are in their places.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let mut names: Vec<OsString> = entries?;
    names.sort_unstable();
    for name in names {
        step()?;
        fs::rename(files.join(&name), places(&name))?;
    }
    step()?;
    fs::remove_dir_all(ready)
}

/// Where the process may die; a test makes it do so.
#[cfg(not(test))]
#[allow(clippy::unnecessary_wraps)]
fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use tests::step;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static STEPS: Cell<u32> = const { Cell::new(u32::MAX) };
    }

    pub(super) fn step() -> io::Result<()> {
        match STEPS.get() {
            0 => Err(io::Error::other("killed by the test")),
            left => {
                STEPS.set(left - 1);
                Ok(())
            }
        }
    }

    #[test]
    fn killed_at_any_step_it_is_completed() {
        for steps in 0.. {
            let scratch = tempfile::tempdir().expect("a scratch folder");
            let places = |name: &OsStr| scratch.path().join(name);
            let set = Together::begin(scratch.path()).expect("free");
            fs::write(set.path("a.key"), "key").expect("ours");
            fs::create_dir(set.path("b")).expect("ours");
            fs::write(set.path("b/c"), "c").expect("ours");
            STEPS.set(steps);
            let done = set.finish(&places);
            STEPS.set(u32::MAX);
            let completed = complete(scratch.path(), &places).expect("completed");
            assert_eq!(completed, done.is_err());
            assert!(!complete(scratch.path(), &places).expect("nothing to do"));
            let mut names: Vec<_> = fs::read_dir(scratch.path())
                .expect("there")
                .map(|entry| entry.expect("there").file_name())
                .collect();
            names.sort();
            assert_eq!(names, ["a.key", "b"]);
            let content = fs::read_to_string(scratch.path().join("b/c"));
            assert_eq!(content.expect("there"), "c");
            if done.is_ok() {
                assert_eq!(steps, 3);
                return;
            }
        }
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let set = Together::begin(scratch.path()).expect("free");
        fs::write(set.path("a.key"), "key").expect("ours");
        drop(set);
        let places = |name: &OsStr| scratch.path().join(name);
        assert!(!complete(scratch.path(), &places).expect("nothing to do"));
        assert_eq!(fs::read_dir(scratch.path()).expect("there").count(), 0);
    }
}
