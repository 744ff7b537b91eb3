//! The overlays that a project may use, to be listed, read and copied.

use std::io;
use std::path::Path;

use anyhow::{Context, bail};

use crate::closest::closest;
use crate::compile::overlay::source::{self, Found, OverlaySource};
use crate::create::new_file;
use crate::error::Result;
use crate::inventory::profiles::description;
use crate::project_folder::{ProjectFolder, SETTINGS};
use crate::unfinished::make_folders;

/// An overlay that a project may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedOverlay {
    /// The name that `overlays` has.
    pub name: String,
    /// Its folder: relative to the project, or `built-in:…`.
    pub folder: String,
    /// What it is for, in its own words; empty where it does not say.
    pub description: String,
}

/// A built-in overlay: its files by path in its folder, as a project would have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltInOverlay {
    /// Path and text of each file, overlay.yaml first.
    pub files: Vec<(String, String)>,
}

/// All overlays by name. One of the project hides the built-in one of its name.
pub fn overlays(project: &ProjectFolder) -> Result<Vec<ListedOverlay>> {
    let names = source::names(project).into_iter();
    let listed = names.map(|name| {
        let own = format!("overlays/{name}");
        let built_in = source::built_in(&name).filter(|_| !project.has(&own));
        let (folder, settings) = match built_in {
            Some(overlay) => (overlay.name, overlay.settings.unwrap_or_default()),
            None => {
                let settings = settings(project, &format!("{own}/overlay.yaml"))?;
                (own, settings)
            }
        };
        let text = String::from_utf8_lossy(&settings);
        Ok(ListedOverlay {
            description: description(&folder, &text),
            name,
            folder,
        })
    });
    listed.collect()
}

fn settings(project: &ProjectFolder, file: &str) -> Result<Vec<u8>> {
    match project.read(file, SETTINGS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.with_context(|| format!("reading {}", project.join(file).display())),
    }
}

/// A built-in overlay by its name; an error names the nearest.
pub fn built_in_overlay(name: &str) -> Result<BuiltInOverlay> {
    let Some(overlay) = source::built_in(name) else {
        let names = source::built_in_names();
        let known = names.iter().map(String::as_str);
        match closest(name, known) {
            Some(near) => bail!("there is no built-in overlay {name}; did you mean {near}?"),
            None => bail!(
                "there is no built-in overlay {name}; there are {}",
                names.join(", ")
            ),
        }
    };
    Ok(BuiltInOverlay::of(overlay))
}

impl BuiltInOverlay {
    fn of(overlay: OverlaySource) -> Self {
        let settings = overlay.settings.unwrap_or_default();
        let mut files = vec![("overlay.yaml".to_owned(), text(&settings))];
        for (below, found) in overlay.files {
            if let Found::File(bytes) = found {
                files.push((format!("root/{below}"), text(&bytes)));
            }
        }
        Self { files }
    }

    /// The text of one of its files, by its path in the overlay or, with a slash in front, on the node.
    pub fn file(&self, path: &str) -> Option<&str> {
        let is_meant = |file: &str| match path.strip_prefix('/') {
            Some(below) => file
                .strip_prefix("root/")
                .is_some_and(|file| file.strip_suffix(".tera").unwrap_or(file) == below),
            None => file == path,
        };
        let found = self.files.iter().find(|(file, _)| is_meant(file));
        found.map(|(_, text)| text.as_str())
    }

    /// Writes it into a folder that is new, so that a project has it and may change it. overlay.yaml comes last: without
    /// it, a copy is not complete.
    pub fn copy(&self, out: &Path) -> Result<()> {
        if out.symlink_metadata().is_ok() {
            bail!("writing {}: it is there already", out.display());
        }
        for (file, text) in self.files.iter().rev() {
            let path = out.join(file);
            make_folders(path.parent().unwrap_or(out), 0o755)?;
            new_file(&path, 0o644, text.as_bytes())?;
        }
        Ok(())
    }
}

/// Built-in files are UTF-8: a test reads them all.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
