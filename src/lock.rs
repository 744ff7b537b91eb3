//! One writer for each output, a folder or a file. The lock is a file beside it, `.NAME.nodebake-lock`, held with
//! flock(2): it is free again however its holder dies, and a file that stays behind is harmless. A second writer is refused at once rather than made to wait: two
//! that write the same are a mistake in the pipeline, and the later one would silently win.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;

use crate::error::Result;
use crate::unfinished::Unfinished;

/// A name beside the output that is ours: hidden, and no two outputs share it. An error if it has no name of its own.
pub fn beside(out: &Path, what: &str) -> Result<PathBuf> {
    let Some(name) = out.file_name() else {
        bail!(
            "{} cannot be written: it has no name of its own",
            out.display()
        );
    };
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(".nodebake-");
    hidden.push(what);
    Ok(out.with_file_name(hidden))
}

/// The right to write an output and what is [`beside`] it, until dropped.
#[derive(Debug)]
pub struct Lock {
    // Dropped in this order: the file is gone before the lock on it is.
    _unfinished: Unfinished,
    _file: File,
}

impl Lock {
    /// Takes it; an error if another process has it.
    pub fn take(out: &Path) -> Result<Self> {
        let path = beside(out, "lock")?;
        loop {
            // From the moment that the file is ours, it goes when we do.
            let (locked, unfinished) = Unfinished::create(&path, || lock(out, &path))?;
            match locked {
                Some(file) => {
                    return Ok(Self {
                        _unfinished: unfinished,
                        _file: file,
                    });
                }
                None => unfinished.finish(),
            }
        }
    }
}

/// Locks the file at a path. None if its holder before us removed it when it was done: had we opened it before that, our
/// lock would guard a file that nobody else finds.
fn lock(out: &Path, path: &Path) -> Result<Option<File>> {
    let locking = || format!("locking {}", path.display());
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::RUSR | Mode::WUSR).with_context(locking)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => bail!("another nodebake is writing {}", out.display()),
        Err(error) => return Err(error).with_context(locking),
    }
    let file = File::from(file);
    let ours = file.metadata().with_context(locking)?;
    let there = path.symlink_metadata();
    let is_there = there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()));
    Ok(is_there.then_some(file))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_second_writer_is_refused_until_the_first_is_done() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let out = folder.path().join("out");
        let first = Lock::take(&out).expect("free");
        let error = Lock::take(&out).expect_err("held");
        assert!(error.to_string().contains("another nodebake"), "{error}");
        let other = Lock::take(&folder.path().join("other")).expect("free");
        drop(first);
        drop(Lock::take(&out).expect("free again"));
        drop(other);
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0);
    }

    #[test]
    fn a_folder_without_a_name_is_refused() {
        for out in ["/", "..", "x/.."] {
            Lock::take(Path::new(out)).expect_err(out);
        }
    }
}
