//! What a run has made and not finished: it goes when the run fails, as on a disk without room. A run that is killed
//! leaves it behind, under names that the next run takes away or that it never overwrites.

use std::fs;
use std::path::PathBuf;

/// Paths that this run has made, each before what lies in it. Dropped without [`Unfinished::finish`], they are removed.
#[derive(Debug, Default)]
pub struct Unfinished(Vec<PathBuf>);

impl Unfinished {
    /// Begins with one path; it must be this run's own, or what was there before would go.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        Self(vec![path.into()])
    }

    /// One more.
    pub fn add(&mut self, path: impl Into<PathBuf>) {
        self.0.push(path.into());
    }

    /// All of it stays.
    pub fn finish(mut self) {
        self.0.clear();
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            // The failure that led here is what must be reported; and what was renamed is not there any more.
            let _ = match path.symlink_metadata() {
                Ok(there) if there.is_dir() => fs::remove_dir_all(path),
                Ok(_) => fs::remove_file(path),
                Err(_) => Ok(()),
            };
        }
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
        for name in ["a", "b", "d/c"] {
            fs::write(at(name), "x").expect("free");
        }
        std::os::unix::fs::symlink("b", at("link")).expect("free");
        let mut unfinished = Unfinished::of(at("d"));
        for name in ["d/c", "link", "absent"] {
            unfinished.add(at(name));
        }
        Unfinished::of(at("a")).finish();
        drop(unfinished);
        let left = fs::read_dir(folder.path()).expect("there");
        let mut left: Vec<_> = left
            .map(|entry| entry.expect("there").file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["a", "b"]);
    }
}
