//! The files of a new CA: they come into being together, and overwrite nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::error::Result;
use crate::identity::control_plane::{FileText, NamedFile};
use crate::identity::example::is_example_ca;
use crate::identity::pki_files::{self, CA_KEY, CONTROL_PLANE};
use crate::lock::Lock;
use crate::together::{Together, complete};
use crate::unfinished::make_folders;

/// The folder that everything is made in.
const FOLDER: &str = "pki";
/// What is made in it: the control plane's folder, the CA's key and its certificate.
const NAMES: [&str; 3] = ["control-plane", "ca.key", "ca.pem"];

/// Where the files of a new CA go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaFiles {
    /// The CA's certificate.
    pub ca: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The folder of the control plane's files.
    pub control_plane: PathBuf,
    project: PathBuf,
}

impl CaFiles {
    /// Those of a project whose inventory names this CA certificate.
    pub fn of(project: &Path, ca: &str) -> Self {
        let dir = project;
        Self {
            project: project.to_owned(),
            ca: dir.join(ca),
            key: dir.join(CA_KEY),
            control_plane: dir.join(CONTROL_PLANE),
        }
    }

    /// Takes the lock of the folder that they are made in.
    pub fn lock(&self) -> Result<Lock> {
        Lock::take(&self.project.join(FOLDER))
    }

    /// Completes what a run that was killed has left; whether it did. The caller has the lock.
    pub fn complete(&self) -> Result<bool> {
        complete(&self.project.join(FOLDER), &|name| self.location(name))
    }

    /// Nothing is overwritten, but for the example that nothing can be signed with.
    pub fn check(&self) -> Result<()> {
        for path in [&self.key, &self.control_plane] {
            if pki_files::is_taken(path) {
                bail!(
                    "{} is there already, and is never overwritten",
                    path.display()
                );
            }
        }
        if pki_files::is_taken(&self.ca) && !is_example_ca(&self.ca) {
            bail!(
                "{} is there already, and is never overwritten; `pki issue` works with its key",
                self.ca.display()
            );
        }
        Ok(())
    }

    /// All of it comes into being together: half of it could neither be used nor be overwritten.
    pub fn write(&self, (ca, key): (&str, &str), made: &[NamedFile]) -> Result<()> {
        pki_files::prepare_folder(&self.project)?;
        let set = Together::begin(&self.project.join(FOLDER))?;
        let new = set.path(NAMES[0]);
        make_folders(&new, 0o700)?;
        for (name, text) in made {
            let path = new.join(name);
            match text {
                FileText::Public(text) => pki_files::write_new(&path, 0o644, text)?,
                FileText::Secret(text) => pki_files::write_new(&path, 0o600, text.expose())?,
            }
        }
        pki_files::write_new(&set.path(NAMES[1]), 0o600, key)?;
        pki_files::write_new(&set.path(NAMES[2]), 0o644, ca)?;
        self.make_parent()?;
        set.finish(&|name| self.location(name))
    }

    fn make_parent(&self) -> Result<()> {
        match self.ca.parent() {
            Some(folder) => make_folders(folder, 0o755),
            None => Ok(()),
        }
    }

    /// Where one of [`NAMES`] goes.
    fn location(&self, name: &OsStr) -> PathBuf {
        match NAMES.iter().position(|known| name == *known) {
            Some(0) => self.control_plane.clone(),
            Some(1) => self.key.clone(),
            _ => self.ca.clone(),
        }
    }
}
