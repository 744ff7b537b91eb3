//! What a run has made and not finished: it goes when the run fails, as on a disk without room, and when a signal asks
//! the run to end. A run that is killed outright (SIGKILL) leaves it behind, under names that the next run removes or
//! that it never overwrites.
//!
//! One list holds the paths of all threads. [`interrupt`] locks it for good, then removes what it names. Whoever would
//! create, finish or give up something after that waits for the lock until the process is gone, so nothing is published
//! half removed, and nothing that was removed is made again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::mem;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;

use crate::error;

/// Paths by the order in which they were made.
static MADE: Mutex<MadePath> = Mutex::new(MadePath {
    next: 0,
    paths: BTreeMap::new(),
});

/// Whether the run is to end. Threads that create files ask it, since they do not hold the lock while they write.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How often a folder is removed while threads may still write into it, and the pause in between: each thread creates
/// at most one more file after [`INTERRUPTED`] is set, so far fewer are needed.
const ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

struct MadePath {
    next: u64,
    paths: BTreeMap<u64, PathBuf>,
}

fn made() -> MutexGuard<'static, MadePath> {
    // A thread that panicked while it held the lock left a map that is whole.
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MadePath {
    fn add(&mut self, path: PathBuf) -> u64 {
        self.next += 1;
        self.paths.insert(self.next, path);
        self.next
    }
}

/// Paths that this run has made, each before what is in it. Dropped without [`Unfinished::finish`], they are removed.
#[derive(Debug, Default)]
pub struct Unfinished(Vec<u64>);

impl Unfinished {
    /// Begins with one path that this run is about to make. Nothing may be there: it would be removed.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        Self(vec![made().add(path.into())])
    }

    /// Makes a path that must be new, and begins with it. No signal comes between the two.
    pub fn create<T, E>(
        path: impl Into<PathBuf>,
        create: impl FnOnce() -> Result<T, E>,
    ) -> Result<(T, Self), E> {
        let mut made = made();
        let created = create()?;
        Ok((created, Self(vec![made.add(path.into())])))
    }

    /// One more.
    pub fn add(&mut self, path: impl Into<PathBuf>) {
        self.0.push(made().add(path.into()));
    }

    /// All of it stays.
    pub fn finish(mut self) {
        self.forget(&mut made());
    }

    /// All of it stays if the last step is done, mostly a rename. No signal comes between the two.
    pub fn finish_by<T, E>(mut self, last: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut made = made();
        let done = last();
        if done.is_ok() {
            self.forget(&mut made);
        }
        drop(made);
        done
    }

    /// What this names last is renamed to `to`, and is no more finished there. No signal comes between the two.
    pub fn rename<E>(
        &mut self,
        to: impl Into<PathBuf>,
        rename: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut made = made();
        rename()?;
        if let Some(id) = self.0.last() {
            made.paths.insert(*id, to.into());
        }
        Ok(())
    }

    /// All of another's too.
    pub fn take(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    fn forget(&mut self, made: &mut MadePath) {
        for id in mem::take(&mut self.0) {
            made.paths.remove(&id);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for id in self.0.iter().rev() {
            let path = made().paths.get(id).cloned();
            // The failure that led here is what must be reported; and what was renamed is not there any more.
            path.map(|path| remove(&path));
        }
        self.forget(&mut made());
    }
}

/// Runs a step that must not end half-way, such as the exchange of two folders: a signal waits for its end. The step must
/// be short, and must not make or finish anything that is [`Unfinished`].
pub fn uninterrupted<T>(step: impl FnOnce() -> T) -> T {
    let _made = made();
    step()
}

/// Makes a folder and those above it that are not there. They stay: an empty folder is in nobody's way. After a signal none
/// is made, as one above may just have been removed.
pub fn make_folders(path: &Path, mode: u32) -> error::Result<()> {
    let mut builder = fs::DirBuilder::new();
    let builder = builder.recursive(true).mode(mode);
    let made = uninterrupted(|| builder.create(path));
    made.with_context(|| format!("creating {}", path.display()))
}

/// An error when the run is to end: what is about to be created would be removed.
pub fn may_go_on() -> io::Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        Err(io::Error::other("interrupted by a signal"))
    } else {
        Ok(())
    }
}

/// Never returns if a signal is about to end the process: its failures then are no news.
pub fn go_on_or_wait() {
    drop(made());
}

/// Removes what the whole run has made and not finished, for a process that ends right after. Nothing can be made,
/// finished or given up after that.
pub fn interrupt() {
    // Set before the lock is taken: a thread that holds it creates nothing more in the meantime.
    INTERRUPTED.store(true, Ordering::Relaxed);
    let made = made();
    for path in made.paths.values().rev() {
        for _ in 0..ATTEMPTS {
            if remove(path).is_ok() && !is_there(path) {
                break;
            }
            std::thread::sleep(PAUSE);
        }
    }
    mem::forget(made);
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_goes_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("d")).expect("free");
        for name in ["a", "b", "d/c", "e"] {
            fs::write(at(name), "x").expect("free");
        }
        std::os::unix::fs::symlink("b", at("link")).expect("free");
        let mut unfinished = Unfinished::of(at("d"));
        for name in ["d/c", "link", "absent"] {
            unfinished.add(at(name));
        }
        Unfinished::of(at("a")).finish();
        drop(unfinished);
        let taken = Unfinished::create(at("b"), || fs::create_dir(at("b")));
        taken.expect_err("there already, and not ours");
        Unfinished::of(at("e"))
            .finish_by(|| fs::rename(at("e"), at("f")))
            .expect("free");
        fs::write(at("e"), "x").expect("free");
        Unfinished::of(at("e"))
            .finish_by(|| fs::rename(at("e"), at("no/folder")))
            .expect_err("not there");
        let left = fs::read_dir(folder.path()).expect("there");
        let mut left: Vec<_> = left
            .map(|entry| entry.expect("there").file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["a", "b", "f"]);
        assert!(
            made()
                .paths
                .values()
                .all(|path| !path.starts_with(folder.path()))
        );
    }
}
