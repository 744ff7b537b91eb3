//! Where an overlay's files are: a folder of the project, or inside the binary.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use anyhow::Context;
use include_dir::{Dir, include_dir};
use walkdir::{DirEntry, WalkDir};

use crate::error::Result;
use crate::input;
use crate::model::{Location, Spanned};
use crate::project_folder::{ProjectFolder, SETTINGS, SOURCE};
use crate::report::{Finding, Report};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/overlays");

/// A file of an overlay's `root/`, before `overlay.yaml` has its say.
pub enum Found {
    /// A regular file.
    File(Vec<u8>),
    /// A symbolic link with its target.
    Symlink(String),
    /// A device, socket or pipe.
    Other,
    /// A file that is too long to be held in memory.
    TooLong,
    /// Something whose name or target archives and listings cannot hold: it is not UTF-8.
    NoText,
}

/// An overlay's files, by path below `root/`, and its `overlay.yaml`.
pub struct OverlaySource {
    /// The folder as the user would name it.
    pub name: String,
    /// The bytes of `overlay.yaml`.
    pub settings: Option<Vec<u8>>,
    /// The files by path below `root/`.
    pub files: BTreeMap<String, Found>,
    /// What is in a folder without `root/` and read by nobody, by its path in the project.
    pub unread: Vec<String>,
}

/// Finds an overlay by its name; the project's own wins. The outer None means that it may not be read, for which there is a
/// finding, the inner one that there is none.
pub fn find(
    project: &ProjectFolder,
    name: &Spanned<String>,
    report: &mut Report,
) -> Result<Option<Option<OverlaySource>>> {
    let folder = format!("overlays/{}", name.value);
    let read = match project.is_folder(&folder) {
        Ok(false) if project.has(&folder) => Err((folder, input::flaw("is not a folder").into())),
        Ok(false) => {
            return Ok(Some(built_in(&name.value)));
        }
        Ok(true) => read_folder(project, folder),
        Err(error) => Err((folder, error)),
    };
    match read {
        Ok(source) => Ok(Some(Some(source))),
        Err((file, error)) => match input::flaw_of(&error) {
            Some(flaw) => {
                report.add(Finding::of_flaw(&Location::file(file), "", "", flaw));
                Ok(None)
            }
            None => Err(error).with_context(|| format!("reading {}", project.join(file).display())),
        },
    }
}

/// The names of all overlays that the project may use, sorted.
pub fn names(project: &ProjectFolder) -> Vec<String> {
    let mut names = project.entries("overlays");
    names.extend(built_in_names());
    names.sort();
    names.dedup();
    names
}

/// The names of the built-in overlays.
pub fn built_in_names() -> Vec<String> {
    let dirs = BUILT_IN.dirs();
    dirs.map(|dir| dir.path().to_string_lossy().into_owned())
        .collect()
}

/// A built-in overlay.
pub fn built_in(name: &str) -> Option<OverlaySource> {
    let dir = BUILT_IN.get_dir(name).filter(|_| !name.contains('/'))?;
    Some(read_built_in(dir, name))
}

/// Reads a folder of the project; an error comes with the file that it is about.
fn read_folder(
    project: &ProjectFolder,
    folder: String,
) -> std::result::Result<OverlaySource, (String, io::Error)> {
    let about = |file: &str| {
        let file = file.to_owned();
        move |error| (file, error)
    };
    let settings = format!("{folder}/overlay.yaml");
    let settings = match project.read(&settings, SETTINGS) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err((settings, error)),
    };
    let below = format!("{folder}/root");
    let root = project.join(&below);
    let is_there = project.is_folder(&below).map_err(about(&below))?;
    let unread = if is_there {
        Vec::new()
    } else {
        let names = project.entries(&folder).into_iter();
        names
            .filter(|name| is_for_nodes(name))
            .map(|name| format!("{folder}/{name}"))
            .collect()
    };
    let mut files = BTreeMap::new();
    // No link is followed on the way, but for root itself, which was looked at.
    let entries = WalkDir::new(&root).min_depth(1).sort_by_file_name();
    for entry in entries.into_iter().filter(|_| is_there) {
        let entry = entry.map_err(|error| (below.clone(), error.into()))?;
        if entry.file_type().is_dir() {
            continue;
        }
        let path = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let name = format!("{below}/{}", path.to_string_lossy());
        let found = found(project, &entry, &Path::new(&below).join(path)).map_err(about(&name))?;
        match path.to_str() {
            Some(path) => files.insert(path.to_owned(), found),
            None => files.insert(path.to_string_lossy().into_owned(), Found::NoText),
        };
    }
    Ok(OverlaySource {
        name: folder,
        settings,
        files,
        unread,
    })
}

/// Whether something beside `root/` was meant for nodes: not the settings, and nothing for people or for git.
fn is_for_nodes(name: &str) -> bool {
    name != "overlay.yaml"
        && !name.starts_with('.')
        && !name.to_ascii_uppercase().starts_with("README")
}

fn found(project: &ProjectFolder, entry: &DirEntry, name: &Path) -> io::Result<Found> {
    let kind = entry.file_type();
    if kind.is_symlink() {
        let target = std::fs::read_link(entry.path())?;
        let target = target.to_str().map(str::to_owned);
        return Ok(target.map_or(Found::NoText, Found::Symlink));
    }
    if !kind.is_file() {
        return Ok(Found::Other);
    }
    if entry.metadata()?.len() > SOURCE.count() {
        return Ok(Found::TooLong);
    }
    project.read(name, SOURCE).map(Found::File)
}

fn read_built_in(dir: &'static Dir<'static>, name: &str) -> OverlaySource {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            let below = file.path().strip_prefix(format!("{name}/root"));
            if let Ok(below) = below {
                let path = below.to_string_lossy().into_owned();
                files.insert(path, Found::File(file.contents().to_vec()));
            }
        }
    }
    let settings = dir.get_file(format!("{name}/overlay.yaml"));
    OverlaySource {
        name: format!("built-in:overlays/{name}"),
        settings: settings.map(|file| file.contents().to_vec()),
        files,
        unread: Vec::new(),
    }
}
