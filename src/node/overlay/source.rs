//! Where an overlay's files are: a folder of the project, or inside the binary.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use include_dir::{Dir, include_dir};
use walkdir::WalkDir;

use crate::error::Result;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/overlays");

/// A file of an overlay's `root/`, before `overlay.yaml` has its say.
pub enum Found {
    /// A regular file.
    File(Vec<u8>),
    /// A symbolic link with its target.
    Symlink(String),
    /// A device, socket or pipe.
    Other,
    /// Something whose name or target archives and listings cannot hold: it is not UTF-8.
    NoText,
}

/// An overlay's files, by path below `root/`, and its `overlay.yaml`.
pub struct Source {
    /// The folder as the user would name it.
    pub name: String,
    /// The bytes of `overlay.yaml`.
    pub settings: Option<Vec<u8>>,
    /// The files by path below `root/`.
    pub files: BTreeMap<String, Found>,
}

/// Finds an overlay by its name; the project's own wins.
pub fn find(project: &Path, name: &str) -> Result<Option<Source>> {
    let folder = project.join("overlays").join(name);
    if folder.is_dir() {
        return read_folder(&folder, name).map(Some);
    }
    Ok(BUILT_IN.get_dir(name).map(|dir| read_built_in(dir, name)))
}

/// The names of all overlays that the project may use, sorted.
pub fn names(project: &Path) -> Vec<String> {
    let own = std::fs::read_dir(project.join("overlays"))
        .into_iter()
        .flatten()
        .flatten();
    let own = own.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let built_in = BUILT_IN
        .dirs()
        .map(|dir| dir.path().to_string_lossy().into_owned());
    let mut names: Vec<String> = own.chain(built_in).collect();
    names.sort();
    names.dedup();
    names
}

fn read_folder(folder: &Path, name: &str) -> Result<Source> {
    let settings = folder.join("overlay.yaml");
    let settings = match std::fs::read(&settings) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("reading {}", settings.display())),
    };
    let root = folder.join("root");
    let mut files = BTreeMap::new();
    let entries = WalkDir::new(&root).min_depth(1).sort_by_file_name();
    for entry in entries.into_iter().filter(|_| root.is_dir()) {
        let entry = entry.with_context(|| format!("reading {}", root.display()))?;
        let reading = || format!("reading {}", entry.path().display());
        let kind = entry.file_type();
        let found = if kind.is_dir() {
            continue;
        } else if kind.is_symlink() {
            let target = std::fs::read_link(entry.path()).with_context(reading)?;
            target
                .to_str()
                .map_or(Found::NoText, |target| Found::Symlink(target.to_owned()))
        } else if kind.is_file() {
            Found::File(std::fs::read(entry.path()).with_context(reading)?)
        } else {
            Found::Other
        };
        let below = entry.path().strip_prefix(&root).with_context(reading)?;
        let _ = match below.to_str() {
            Some(below) => files.insert(below.to_owned(), found),
            None => files.insert(below.to_string_lossy().into_owned(), Found::NoText),
        };
    }
    Ok(Source {
        name: format!("overlays/{name}"),
        settings,
        files,
    })
}

fn read_built_in(dir: &'static Dir<'static>, name: &str) -> Source {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            let below = file.path().strip_prefix(format!("{name}/root"));
            if let Ok(below) = below {
                let path = below.to_string_lossy().into_owned();
                let _ = files.insert(path, Found::File(file.contents().to_vec()));
            }
        }
    }
    let settings = dir.get_file(format!("{name}/overlay.yaml"));
    Source {
        name: format!("built-in:overlays/{name}"),
        settings: settings.map(|file| file.contents().to_vec()),
        files,
    }
}
