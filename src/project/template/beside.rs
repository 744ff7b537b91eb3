//! A new project in a folder that has something already, such as a repository: nothing that is there is overwritten.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::error::Result;
use crate::input::{self, Limit};
use crate::project::template::GITIGNORE;

/// Between folder and file in the name of a file that goes into a folder which is there.
const INTO: char = '%';

/// Where a file or folder of a project goes, by its name while it is made.
pub fn place_of(dir: &Path, name: &OsStr) -> PathBuf {
    match name.to_str().and_then(|name| name.split_once(INTO)) {
        Some((folder, file)) => dir.join(folder).join(file),
        None => dir.join(name),
    }
}

/// Makes what was made fit what is there: files of folders that are there go into these, a README of the user's stays. An
/// error names what would be overwritten.
pub fn beside(made: &Path, dir: &Path) -> Result<()> {
    let reading = || format!("reading {}", made.display());
    let mut taken = Vec::new();
    for name in names(made).with_context(reading)? {
        let (own, there) = (made.join(&name), dir.join(&name));
        let Ok(metadata) = there.symlink_metadata() else {
            continue;
        };
        match name.to_str() {
            Some("README.md") => fs::remove_file(&own).with_context(reading)?,
            Some(".gitignore") => {
                passes_over(&there)?;
                fs::remove_file(&own).with_context(reading)?;
            }
            _ if metadata.is_dir() && own.is_dir() => {
                for file in names(&own).with_context(reading)? {
                    if there.join(&file).symlink_metadata().is_ok() {
                        taken.push(there.join(&file));
                        continue;
                    }
                    let mut flat = name.clone();
                    flat.push(INTO.to_string());
                    flat.push(&file);
                    fs::rename(own.join(&file), made.join(flat)).with_context(reading)?;
                }
                fs::remove_dir_all(&own).with_context(reading)?;
            }
            _ => taken.push(there),
        }
    }
    if let [first, more @ ..] = taken.as_slice() {
        let more = match more.len() {
            0 => String::new(),
            more => format!(", and {more} more of a project"),
        };
        bail!(
            "{} is there already{more}, and nothing is overwritten: name a new folder, like {}",
            first.display(),
            dir.join("cluster").display()
        );
    }
    Ok(())
}

fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = fs::read_dir(folder)?;
    let mut names = entries
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// A .gitignore of the user's must name the secrets of a project too.
fn passes_over(file: &Path) -> Result<()> {
    let bytes = input::read(file, Limit::mib(1));
    let bytes = bytes.with_context(|| format!("reading {}", file.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let known: Vec<&str> = text.lines().map(str::trim).collect();
    let missing: Vec<&str> = GITIGNORE
        .lines()
        .filter(|line| !known.contains(line))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "{} is there already and does not name the secrets of a project: add the lines {}",
        file.display(),
        missing.join(" ")
    )
}
