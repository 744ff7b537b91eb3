//! Writing what is inspected into a folder. Nothing leaves it: every step of a path is opened by itself, from the folder
//! above it and never through a link, so that neither a name nor a link of the archive leads anywhere else. A link is
//! made as it is and never followed.
//!
//! Files keep their permissions but setuid, setgid and sticky; owners, devices and times are left out. For a real root
//! file system there are tar and cpio.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, chmodat, fchmod, linkat, mkdirat, openat, renameat,
    statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use crate::error::Result;
use crate::inspect::{ListingRow, RowKind};
use crate::lock::{Lock, beside};
use crate::staging::Staging;
use crate::unfinished::{may_go_on, uninterrupted};

/// Why an entry is not written; the file as a whole goes on.
type Refusal = Option<&'static str>;

const LEAVES: &str = "its name leads out of the folder";
const BELOW: &str = "it is below something that is not a directory";
const OCCUPIED: &str = "a directory is in its place";

/// The longest step of a path: what Linux' file systems take (NAME_MAX of limits.h).
const STEP_MAX: usize = 255;
/// The longest target of a link: PATH_MAX without the zero that ends it.
const TARGET_MAX: usize = 4095;
/// How deep a path may be. Removing a folder holds a file descriptor for each step, of which a process has 1024.
const DEPTH_MAX: usize = 256;

/// How folders are opened: never through a link.
const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::RDONLY)
    .union(OFlags::CLOEXEC);

/// A folder in the making, beside its place. Dropped without [`Extraction::finish`], it leaves nothing behind.
pub struct Extraction {
    out: PathBuf,
    staging: PathBuf,
    root: OwnedFd,
    /// The first name of each file that has several, in the member that is being read.
    shared: HashMap<(u32, u32, u32), Vec<u8>>,
    // Last, so that what was made is gone before another run may begin.
    _folder: Staging,
    _lock: Lock,
}

/// A file's folder, and its name in it.
struct Spot {
    folder: OwnedFd,
    name: Vec<u8>,
}

impl Extraction {
    /// Begins; `out` must be absent or an empty folder.
    pub fn begin(out: &Path) -> Result<Self> {
        let shown = out.display();
        match fs::read_dir(out) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    bail!("extracting into {shown}: it is not empty");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("extracting into {shown}")),
        }
        let lock = Lock::take(out)?;
        let folder = Staging::begin(&beside(out, "extract")?)?;
        let staging = folder.join("files");
        let creating = || format!("creating {}", staging.display());
        // 0700: what is in a payload may be secret.
        mkdirat(CWD, &staging, Mode::RWXU).with_context(creating)?;
        let root = openat(CWD, &staging, FOLDER, Mode::empty()).with_context(creating)?;
        Ok(Self {
            out: out.to_owned(),
            staging,
            root,
            shared: HashMap::new(),
            _folder: folder,
            _lock: lock,
        })
    }

    /// Another archive begins: its numbers of files are its own.
    pub fn begin_member(&mut self) {
        self.shared.clear();
    }

    /// Puts the folder in its place.
    pub fn finish(self) -> Result<()> {
        uninterrupted(|| renameat(CWD, &self.staging, CWD, &self.out))
            .with_context(|| format!("extracting into {}", self.out.display()))
    }

    /// Writes a regular file.
    pub fn file(
        &mut self,
        name: &[u8],
        row: &ListingRow,
        shared: Option<(u32, u32, u32)>,
        content: &mut dyn Read,
    ) -> Result<Refusal> {
        may_go_on()?;
        let spot = match self.spot(name)? {
            Ok(spot) => spot,
            Err(refusal) => return Ok(Some(refusal)),
        };
        if let Some(first) = shared.and_then(|key| self.shared.get(&key).cloned()) {
            if let Some(refusal) = self.link(&first, name, &spot)? {
                return Ok(Some(refusal));
            }
            // The last name brings the content, for all.
            if row.size != Some(0) {
                spot.rewrite(content)?;
            }
            return Ok(None);
        }
        if !spot.clear()? {
            return Ok(Some(OCCUPIED));
        }
        // Exclusive: what is there now came between, and is nobody's that we know.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let file = openat(
            &spot.folder,
            &*spot.name,
            flags | OFlags::CLOEXEC,
            Mode::RUSR | Mode::WUSR,
        )?;
        let mut file = File::from(file);
        io::copy(content, &mut file)?;
        file.flush()?;
        let mode = row.mode.unwrap_or(0o644) & 0o777;
        fchmod(&file, Mode::from_raw_mode(mode))?;
        if let Some(key) = shared {
            self.shared.insert(key, name.to_vec());
        }
        Ok(None)
    }

    /// Makes a directory or a link.
    pub fn other(&mut self, name: &[u8], target: &[u8], row: &ListingRow) -> Result<Refusal> {
        match row.kind {
            RowKind::Directory => self.directory(name, row),
            RowKind::Symlink | RowKind::HardLink => {
                let spot = match self.spot(name)? {
                    Ok(spot) => spot,
                    Err(refusal) => return Ok(Some(refusal)),
                };
                if row.kind == RowKind::HardLink {
                    return self.link(target, name, &spot);
                }
                if target.is_empty() || target.len() > TARGET_MAX || target.contains(&0) {
                    return Ok(Some("its target is not a path"));
                }
                if !spot.clear()? {
                    return Ok(Some(OCCUPIED));
                }
                symlinkat(target, &spot.folder, &*spot.name)?;
                Ok(None)
            }
            RowKind::File => Ok(Some("its content is not in the file, or has holes")),
            _ => Ok(Some("it is not a file, directory or link")),
        }
    }

    fn directory(&self, name: &[u8], row: &ListingRow) -> Result<Refusal> {
        let parts = match parts(name) {
            Ok(parts) => parts,
            Err(refusal) => return Ok(Some(refusal)),
        };
        // The folder itself, which every archive of `.` lists.
        let Some((last, above)) = parts.split_last() else {
            return Ok(None);
        };
        let Some(folder) = self.walk(above)? else {
            return Ok(Some(BELOW));
        };
        let made = match mkdirat(&folder, *last, Mode::RWXU) {
            Err(Errno::EXIST) => openat(&folder, *last, FOLDER, Mode::empty()),
            made => made.and_then(|()| openat(&folder, *last, FOLDER, Mode::empty())),
        };
        match made {
            // The owner keeps all rights, or the next run could not write or remove what is in it.
            Ok(made) => fchmod(
                &made,
                Mode::from_raw_mode(row.mode.unwrap_or(0o755) & 0o777 | 0o700),
            )?,
            Err(Errno::NOTDIR | Errno::LOOP) => return Ok(Some("a file or link is in its place")),
            Err(error) => return Err(error.into()),
        }
        Ok(None)
    }

    /// Another name of a file that this run has written.
    fn link(&self, first: &[u8], name: &[u8], spot: &Spot) -> Result<Refusal> {
        let from = match self.spot(first)? {
            Ok(from) => from,
            Err(refusal) => return Ok(Some(refusal)),
        };
        let is_file = |spot: &Spot| {
            let stat = statat(&spot.folder, &*spot.name, AtFlags::SYMLINK_NOFOLLOW);
            stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
        };
        if !is_file(&from) {
            return Ok(Some("it is another name of no file that is here"));
        }
        if parts(first) == parts(name) {
            return Ok(None);
        }
        if !spot.clear()? {
            return Ok(Some(OCCUPIED));
        }
        linkat(
            &from.folder,
            &*from.name,
            &spot.folder,
            &*spot.name,
            AtFlags::empty(),
        )?;
        Ok(None)
    }

    /// Where a name is; the folders above it are made where they are missing.
    fn spot(&self, name: &[u8]) -> Result<std::result::Result<Spot, &'static str>> {
        let parts = match parts(name) {
            Ok(parts) => parts,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some((last, above)) = parts.split_last() else {
            return Ok(Err(OCCUPIED));
        };
        Ok(match self.walk(above)? {
            Some(folder) => Ok(Spot {
                folder,
                name: last.to_vec(),
            }),
            None => Err(BELOW),
        })
    }

    /// Opens a folder step by step; None where a step is no directory.
    fn walk(&self, parts: &[&[u8]]) -> Result<Option<OwnedFd>> {
        let mut folder = self.root.try_clone()?;
        for part in parts {
            let opened = match openat(&folder, *part, FOLDER, Mode::empty()) {
                Err(Errno::NOENT) => {
                    mkdirat(&folder, *part, Mode::from_raw_mode(0o755))?;
                    openat(&folder, *part, FOLDER, Mode::empty())
                }
                opened => opened,
            };
            folder = match opened {
                Ok(opened) => opened,
                Err(Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
        }
        Ok(Some(folder))
    }
}

impl Spot {
    /// Writes what was empty until now. Its mode may keep even its owner from that.
    fn rewrite(&self, content: &mut dyn Read) -> Result<()> {
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(
            statat(&self.folder, &*self.name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode,
        );
        let permissions = Mode::RWXU | Mode::RWXG | Mode::RWXO;
        chmodat(
            &self.folder,
            &*self.name,
            Mode::RUSR | Mode::WUSR,
            AtFlags::empty(),
        )?;
        let file = openat(
            &self.folder,
            &*self.name,
            OFlags::WRONLY | OFlags::TRUNC | flags,
            Mode::empty(),
        )?;
        let mut file = File::from(file);
        io::copy(content, &mut file)?;
        Ok(fchmod(&file, mode & permissions)?)
    }

    /// Removes what an earlier entry left here, as the kernel and tar do; false if that is a directory.
    fn clear(&self) -> Result<bool> {
        match unlinkat(&self.folder, &*self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::ISDIR | Errno::PERM) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The steps of a name; an error if one of them leads up or cannot be a name.
fn parts(name: &[u8]) -> std::result::Result<Vec<&[u8]>, &'static str> {
    let mut parts = Vec::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(LEAVES),
            part if part.contains(&0) => return Err("its name holds a zero byte"),
            part if part.len() > STEP_MAX => {
                return Err("a step of its path is longer than names are");
            }
            part => parts.push(part),
        }
    }
    if parts.len() > DEPTH_MAX {
        Err("it is too deep")
    } else {
        Ok(parts)
    }
}
