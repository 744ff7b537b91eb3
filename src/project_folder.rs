//! A project's folder, and what may be read in it. In: the name of a file as the inventory or one of its files says it. Out:
//! the file, if it is in the project or in a folder that the user allows.
//!
//! Whoever may change a project (by a pull request, say) must not get at other files of the machine that builds it: a link,
//! an absolute path or `..` would bring those into payloads. So where a file really is decides, not what its name says, and
//! all that the project's own files name is opened here. Links inside of the project are fine.
//!
//! `openat2` with `RESOLVE_BENEATH` would be one call, but it refuses absolute links inside of the project and knows no second
//! folder, and container runtimes and old kernels do not have it. What is done instead has no race either: the file is
//! found without opening it, the kernel says where that very file is, and it is opened by its number after the check.
//!
//! `secrets.yaml`, `keys/` and what the command line names belong to whoever runs the program, and are read elsewhere: a link
//! to a memory file system or to a mounted secret is usual for them, git does not know them, and nothing of them gets into
//! a payload as it is.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use zeroize::Zeroizing;

use crate::error::Result;
use crate::input::{self, Handle, Limit};

/// The inventory's file in a project.
pub const CLUSTER_FILE: &str = "cluster.yaml";

/// cluster.yaml, a profile, an overlay.yaml, a table of nodes: 100,000 nodes that are written out one by one take 20 MiB.
pub const SETTINGS: Limit = Limit::mib(64);
/// Certificates: a bundle of all public CAs of the web has less than 1 MiB.
pub const CERTIFICATES: Limit = Limit::mib(4);
/// What is in memory while nodes are baked: sources of files, files of overlays. What is larger is an asset.
pub const SOURCE: Limit = Limit::mib(256);
/// What a parser reads: configurations and user-data of the user's.
pub const DOCUMENT: Limit = Limit::mib(64);
/// What is streamed: no payload for a node is that large, and a sparse file of any size is made in no time.
pub const ASSET: Limit = Limit::mib(64 << 10);

/// What to do about a file that is not where it may be read.
const ALLOW: &str = "copy it into the project, or allow the folder that is meant with --allow DIR";

/// A project's folder. Clones share what they know.
#[derive(Clone, Debug)]
pub struct ProjectFolder(Arc<Known>);

#[derive(Debug)]
struct Known {
    /// As the user named it.
    path: PathBuf,
    /// The same as the kernel names it, where it is there.
    real: Option<PathBuf>,
    /// Further folders whose files may be read, as the kernel names them.
    allowed: Vec<PathBuf>,
}

/// A file that was found where it may be.
#[derive(Debug)]
pub struct Found {
    handle: Handle,
    path: PathBuf,
}

impl Found {
    /// Opens it, if it is a regular file.
    pub fn open(&self) -> io::Result<File> {
        self.handle.open(&self.path)
    }

    /// What is known of it.
    pub fn metadata(&self) -> &Metadata {
        self.handle.metadata()
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.handle.metadata().is_dir()
    }

    /// Opens it to be streamed: a regular file that is not longer than any asset.
    pub fn open_asset(&self) -> io::Result<File> {
        if self.handle.metadata().len() > ASSET.count() && !self.is_folder() {
            Err(ASSET.exceeded())
        } else {
            self.open()
        }
    }
}

impl ProjectFolder {
    /// A folder that may be missing, as reading it will say, and further folders whose files may be read.
    pub fn new(path: &Path, allowed: &[PathBuf]) -> Result<Self> {
        let mut roots = Vec::with_capacity(allowed.len());
        for folder in allowed {
            let allowing = || format!("reading --allow {}", folder.display());
            let real = folder.canonicalize().with_context(allowing)?;
            if !real.is_dir() {
                bail!("{}: it is not a folder", allowing());
            }
            roots.push(real);
        }
        Ok(Self(Arc::new(Known {
            path: path.to_owned(),
            real: path.canonicalize().ok(),
            allowed: roots,
        })))
    }

    /// The folder as the user named it.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What messages call a file of the project.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Finds what a name of the project's files means, links followed. What is outside, or is led to by a link, is an error
    /// of the user's.
    pub fn find(&self, name: impl AsRef<Path>) -> io::Result<Found> {
        let name = name.as_ref();
        // Whether something is there outside of the project is nobody's business either.
        if !self.may_be_inside(name) {
            return Err(input::flaw("is outside of the project")
                .with_repair(ALLOW)
                .into());
        }
        let path = self.join(name);
        let handle = Handle::of(&path)?;
        let real = real_path(&handle, &path)?;
        if self.holds(&real) {
            Ok(Found { handle, path })
        } else {
            let what = format!("leads out of the project, to {}", real.display());
            Err(input::flaw(what).with_repair(ALLOW).into())
        }
    }

    /// Opens a regular file.
    pub fn open(&self, name: impl AsRef<Path>) -> io::Result<File> {
        self.find(name)?.open()
    }

    /// All bytes of a regular file.
    pub fn read(&self, name: impl AsRef<Path>, limit: Limit) -> io::Result<Vec<u8>> {
        input::of_file(self.open(name)?, limit)
    }

    /// The same of a text.
    pub fn read_text(&self, name: impl AsRef<Path>, limit: Limit) -> io::Result<String> {
        input::text(self.read(name, limit)?)
    }

    /// The same of a secret, and whose file it is.
    pub fn read_secret(
        &self,
        name: impl AsRef<Path>,
        limit: Limit,
    ) -> io::Result<(Zeroizing<Vec<u8>>, Metadata)> {
        let file = self.open(name)?;
        let metadata = file.metadata()?;
        Ok((input::secret_of_file(file, limit)?, metadata))
    }

    /// Whether the name of a folder is one that may be read; a link that leads out is an error.
    pub fn is_folder(&self, name: impl AsRef<Path>) -> io::Result<bool> {
        match self.find(name) {
            Ok(found) => Ok(found.is_folder()),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether there is anything of that name, a link that leads to nothing as well.
    pub fn has(&self, name: impl AsRef<Path>) -> bool {
        self.join(name).symlink_metadata().is_ok()
    }

    /// The names of what is in a folder, sorted; none where it may not be read.
    pub fn entries(&self, folder: &str) -> Vec<String> {
        let there = self.find(folder).is_ok_and(|found| found.is_folder());
        let entries = there.then(|| std::fs::read_dir(self.join(folder)));
        let entries = entries.into_iter().flatten().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    fn holds(&self, real: &Path) -> bool {
        let mut roots = self.0.real.iter().chain(&self.0.allowed);
        roots.any(|root| real.starts_with(root))
    }

    /// What a name says by itself, links aside.
    fn may_be_inside(&self, name: &Path) -> bool {
        let Some(root) = &self.0.real else {
            return true;
        };
        if name.is_absolute() {
            // It may be told by way of a link: then the folder above it that is there says where it is.
            let real = name.ancestors().find_map(|above| above.canonicalize().ok());
            return self.holds(&normal(name)) || real.is_some_and(|real| self.holds(&real));
        }
        self.holds(&normal(&root.join(name)))
    }
}

/// A path without `.` and `..`, as if there were no links.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// Where a file is that was found, as the kernel says.
fn real_path(handle: &Handle, path: &Path) -> io::Result<PathBuf> {
    let by_number = format!("/proc/self/fd/{}", handle.as_fd().as_raw_fd());
    match std::fs::read_link(by_number) {
        Ok(real) if real.is_absolute() => Ok(real),
        // Without /proc the path is resolved once more; `Handle::open` makes sure that it is the same file then.
        _ => path.canonicalize(),
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
