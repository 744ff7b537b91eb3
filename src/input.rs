//! Opening and reading files that users name. Every reader of the program comes through here: `clippy.toml` refuses
//! `File::open` and its like elsewhere. In: a path, and how long the file may be. Out: its bytes, or an error that is a
//! word for a finding where the file is the user's to correct.
//!
//! A path is opened in two steps. The first one (`O_PATH`) opens nothing: a named pipe without a writer is not waited for,
//! and a device does not notice. The second one opens the very file whose kind is known then, by its number below
//! `/proc/self/fd`, so that nobody can exchange it in between.

/// What is in a folder that may be hostile.
pub mod regular;

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, fcntl_getfl, fcntl_setfl, fstat, openat};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::wording::counted;

/// How long a named pipe may be without a writer, where a pipe may be meant: a shell starts both ends at the same time.
const WAIT_FOR_WRITER: Duration = Duration::from_secs(1);

/// The most bytes that are read of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u64);

impl Limit {
    /// So many bytes.
    pub const fn bytes(count: u64) -> Self {
        Self(count)
    }

    /// So many KiB.
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// So many MiB.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// The number.
    pub const fn count(self) -> u64 {
        self.0
    }

    /// What is said of a file that has more.
    pub fn exceeded(self) -> io::Error {
        flaw(format!("is longer than {self}, the limit")).into()
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= 1 << 30 && bytes.is_multiple_of(1 << 30) => {
                write!(f, "{} GiB", bytes >> 30)
            }
            bytes if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => {
                write!(f, "{} MiB", bytes >> 20)
            }
            bytes if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => {
                write!(f, "{} KiB", bytes >> 10)
            }
            bytes => f.write_str(&counted(bytes, "byte")),
        }
    }
}

/// What is wrong with a file that is the user's to correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What it is, in words that follow the file's path.
    pub what: String,
    /// What to do about it, where that is known here.
    pub repair: Option<&'static str>,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Flaw {}

impl From<Flaw> for io::Error {
    fn from(flaw: Flaw) -> Self {
        Self::new(ErrorKind::InvalidInput, flaw)
    }
}

impl Flaw {
    /// Whether it is no text.
    pub fn is_not_utf8(&self) -> bool {
        self.what == NOT_UTF8
    }

    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        self.what == MISSING
    }

    /// The same with what to do about it.
    pub fn with_repair(self, repair: &'static str) -> Self {
        Self {
            repair: Some(repair),
            ..self
        }
    }
}

/// Something that is wrong; `what` follows the path.
pub fn flaw(what: impl Into<String>) -> Flaw {
    Flaw {
        what: what.into(),
        repair: None,
    }
}

/// What is wrong with a file that is there; None for what the machine would not do.
pub fn flaw_of(error: &io::Error) -> Option<&Flaw> {
    error.get_ref()?.downcast_ref::<Flaw>()
}

/// What is wrong with what was named, where that is the user's to correct: a file that is not there as well.
pub fn mistake(error: &io::Error) -> Option<Flaw> {
    if let Some(flaw) = flaw_of(error) {
        return Some(flaw.clone());
    }
    let what = match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NOTDIR) => MISSING,
        Some(Errno::LOOP) => "is a link that leads to itself",
        Some(Errno::NAMETOOLONG | Errno::INVAL) => "has no name that a file can have",
        Some(Errno::ISDIR) => FOLDER,
        _ => return None,
    };
    Some(flaw(what))
}

const NOT_UTF8: &str = "is not UTF-8";
const MISSING: &str = "is missing";
const FOLDER: &str = "is a folder";

/// Whether a folder was named where a file is meant.
pub fn is_folder(error: &io::Error) -> bool {
    mistake(error).is_some_and(|flaw| flaw.what == FOLDER)
}

/// A file that was found and is not open yet.
#[derive(Debug)]
pub struct Handle {
    fd: OwnedFd,
    metadata: Metadata,
}

impl Handle {
    /// Finds what a path names, links followed, and opens nothing.
    pub fn of(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let fd = openat(CWD, path, flags, Mode::empty())?;
        let metadata = File::from(fd.try_clone()?).metadata()?;
        Ok(Self { fd, metadata })
    }

    /// What is known of it.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Its number, as the kernel knows it.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Opens a regular file. `path` is where it was found.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        match kind(&self.metadata) {
            None => self.reopen(path),
            Some(what) => Err(flaw(what).into()),
        }
    }

    fn reopen(&self, path: &Path) -> io::Result<File> {
        // NONBLOCK: opening a pipe would wait for a writer. It means nothing for regular files.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let by_number = format!("/proc/self/fd/{}", self.fd.as_raw_fd());
        let opened = match openat(CWD, by_number, flags, Mode::empty()) {
            // Without /proc by its name once more; it must be the same file then.
            Err(Errno::NOENT | Errno::NOTDIR) => openat(CWD, path, flags, Mode::empty())?,
            opened => opened?,
        };
        let (is, was) = (fstat(&opened)?, fstat(&self.fd)?);
        if (is.st_dev, is.st_ino) == (was.st_dev, was.st_ino) {
            Ok(File::from(opened))
        } else {
            Err(io::Error::other("it was exchanged while it was opened"))
        }
    }
}

/// Why something is no regular file.
fn kind(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return None;
    }
    Some(match () {
        () if kind.is_dir() => FOLDER,
        () if kind.is_fifo() => "is a named pipe, and no regular file",
        () if kind.is_socket() => "is a socket, and no regular file",
        () => "is a device, and no regular file",
    })
}

/// Opens a regular file, links followed.
pub fn open(path: &Path) -> io::Result<File> {
    Handle::of(path)?.open(path)
}

/// All bytes of a regular file.
pub fn read(path: &Path, limit: Limit) -> io::Result<Vec<u8>> {
    of_file(open(path)?, limit)
}

/// All bytes of an open file.
pub fn of_file(file: File, limit: Limit) -> io::Result<Vec<u8>> {
    // A sparse file says at once how long it is.
    if file.metadata()?.len() > limit.0 {
        return Err(limit.exceeded());
    }
    from(file, limit)
}

/// The same of a secret.
pub fn secret_of_file(file: File, limit: Limit) -> io::Result<Zeroizing<Vec<u8>>> {
    if file.metadata()?.len() > limit.0 {
        return Err(limit.exceeded());
    }
    secret_from(file, limit)
}

/// The same of a text.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|_| flaw(NOT_UTF8).with_repair("save the file as UTF-8").into())
}

/// All bytes of what is open already, like stdin.
pub fn from(reader: impl Read, limit: Limit) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    into(reader, limit, &mut bytes)?;
    Ok(bytes)
}

/// The same of a secret.
pub fn secret_from(reader: impl Read, limit: Limit) -> io::Result<Zeroizing<Vec<u8>>> {
    // What grows moves, and leaves a secret behind: room for usual files from the start.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
    into(reader, limit, &mut bytes)?;
    Ok(bytes)
}

fn into(reader: impl Read, limit: Limit, bytes: &mut Vec<u8>) -> io::Result<()> {
    let count = reader.take(limit.0.saturating_add(1)).read_to_end(bytes)?;
    if count as u64 > limit.0 {
        Err(limit.exceeded())
    } else {
        Ok(())
    }
}

/// All bytes of a file or of a pipe, for what may come from another program: `--key <(…)`, /dev/stdin, a named pipe that
/// somebody writes. The metadata is that of the file that was read.
pub fn read_or_pipe(path: &Path, limit: Limit) -> io::Result<(Zeroizing<Vec<u8>>, Metadata)> {
    let handle = Handle::of(path)?;
    let is_pipe = handle.metadata.file_type().is_fifo();
    let file = if is_pipe {
        handle.reopen(path)?
    } else {
        handle.open(path)?
    };
    let metadata = file.metadata()?;
    if metadata.len() > limit.0 {
        return Err(limit.exceeded());
    }
    // What grows moves, and leaves a secret behind: room for usual files from the start.
    let room = metadata.len().max(64 << 10).min(limit.0) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room as usize));
    if is_pipe {
        begin(&file, &mut bytes)?;
    }
    into(&file, limit, &mut bytes)?;
    if bytes.len() as u64 > limit.0 {
        Err(limit.exceeded())
    } else {
        Ok((bytes, metadata))
    }
}

/// Waits until a pipe has a writer, but not for one that never comes; then reading waits as usual. The first bytes may come
/// with that.
fn begin(mut pipe: &File, bytes: &mut Vec<u8>) -> io::Result<()> {
    let start = Instant::now();
    let mut block = Zeroizing::new([0; 1024]);
    loop {
        match pipe.read(block.as_mut()) {
            Ok(0) if start.elapsed() < WAIT_FOR_WRITER => sleep(Duration::from_millis(10)),
            Ok(0) => return Err(flaw("is a pipe that nobody writes to").into()),
            Ok(count) => {
                bytes.extend_from_slice(&block[..count]);
                break;
            }
            // There is a writer, who has not written yet.
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let flags = fcntl_getfl(pipe)?;
    Ok(fcntl_setfl(pipe, flags - OFlags::NONBLOCK)?)
}

#[cfg(test)]
mod tests;
