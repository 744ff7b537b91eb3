//! A folder in which an output is made before it is put in its place. It is for its owner only, git ignores it from its
//! first moment, and it goes when it is dropped, when a signal ends the run, or when the next run begins.
//!
//! ```text
//! .out.nodebake-new/      0700
//!   .gitignore            `*`: a `git add` beside a build must not take secrets along
//!   …                     what is made, under names of the caller's
//! ```
//! git knows no empty folder, and the file is the first thing in it: there is no moment in which git would take anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{CWD, Mode, mkdirat};

use crate::error::Result;
use crate::unfinished::Unfinished;

/// What makes git pass over a folder and everything in it.
const IGNORE: (&str, &str) = (".gitignore", "*\n");

/// Such a folder. The caller holds the lock on the output, so nobody else uses it.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
    _unfinished: Unfinished,
}

impl Staging {
    /// Makes it; what a run that died has left at its path is removed first.
    pub fn begin(path: &Path) -> Result<Self> {
        let removing = || format!("removing {}", path.display());
        remove(path).with_context(removing)?;
        Self::create(path).with_context(|| format!("creating {}", path.display()))
    }

    /// Makes it where nothing is.
    pub fn create(path: &Path) -> io::Result<Self> {
        let ((), unfinished) = Unfinished::create(path, || mkdirat(CWD, path, Mode::RWXU))?;
        fs::write(path.join(IGNORE.0), IGNORE.1)?;
        Ok(Self {
            path: path.to_owned(),
            _unfinished: unfinished,
        })
    }

    /// A path in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_private_and_ignored_and_goes_with_what_was_there() {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let path = scratch.path().join(".out.nodebake-new");
        fs::create_dir_all(path.join("of/a/run/that/died")).expect("free");
        let staging = Staging::begin(&path).expect("ours");
        let mode = path.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        assert!(!staging.join("of").exists());
        let ignore = fs::read_to_string(staging.join(".gitignore"));
        assert_eq!(ignore.expect("there"), "*\n");
        fs::create_dir(staging.join("bundle")).expect("ours");
        drop(staging);
        assert!(path.symlink_metadata().is_err());
        // What is not ours stays.
        fs::create_dir(&path).expect("free");
        Staging::create(&path).expect_err("taken");
        assert!(path.exists());
    }
}
