//! Writing files with modes of our own: the umask and default ACLs of the building machine must not show.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use anyhow::Context;
use rayon::prelude::*;
use rustix::fs::{
    CWD, Mode, OFlags, RenameFlags, fchmod, fstat, fsync, mkdirat, openat, renameat_with,
};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::lock::beside;
use crate::model::Sha256Digest;
use crate::unfinished::{Unfinished, may_go_on};

/// Bytes collected before they are written and hashed: most files of a node fit at once.
const BUFFER: usize = 64 * 1024;

/// A directory that its owner alone may enter, or that everyone may.
pub fn directory_mode(secret: bool) -> u32 {
    if secret { 0o700 } else { 0o755 }
}

/// A file that its owner alone may read, or that everyone may.
pub fn file_mode(secret: bool) -> u32 {
    if secret { 0o600 } else { 0o644 }
}

/// Makes a directory, which must be new, and opens it.
pub fn new_directory(at: impl AsFd, name: &Path, mode: u32) -> io::Result<OwnedFd> {
    may_go_on()?;
    mkdirat(&at, name, Mode::from_raw_mode(mode))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(&at, name, flags, Mode::empty())?;
    settle_mode(&directory, mode)?;
    Ok(directory)
}

/// Sets a mode whatever the umask was. FAT refuses: a bundle with secrets cannot be made there, only copied there.
pub fn set_mode(file: impl AsFd, mode: u32) -> io::Result<()> {
    fchmod(file, Mode::from_raw_mode(mode)).map_err(|errno| {
        let text = "setting its mode: the file system may keep none; build elsewhere, then copy";
        io::Error::new(io::Error::from(errno).kind(), text)
    })
}

/// Sets a new file's mode only where the umask or a default ACL has changed it: looking costs nothing, while setting is
/// one more transaction of the file system's journal for each of thousands of files.
fn settle_mode(file: impl AsFd, mode: u32) -> io::Result<()> {
    if fstat(&file)?.st_mode & 0o7777 == mode {
        return Ok(());
    }
    set_mode(file, mode)
}

/// Makes a file, which must be new.
pub fn create(at: impl AsFd, name: &Path, mode: u32) -> io::Result<File> {
    may_go_on()?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(at, name, flags, Mode::from_raw_mode(mode))?;
    settle_mode(&file, mode)?;
    Ok(File::from(file))
}

/// Writes a whole file, which must be new, with one system call where the kernel lets us; there is none after a failure.
pub fn new_file(path: &Path, mode: u32, bytes: &[u8]) -> Result<()> {
    let writing = || format!("writing {}", path.display());
    let create = || create(CWD, path, mode);
    let (mut file, unfinished) = Unfinished::create(path, create).with_context(writing)?;
    file.write_all(bytes).with_context(writing)?;
    unfinished.finish();
    Ok(())
}

/// Writes a whole file of the user's, which must be new: it is there with all its bytes or not at all, whenever the process
/// dies. The caller has a [`crate::lock::Lock`] on it, and says when it may stay.
pub fn whole_file(path: &Path, mode: u32, bytes: &[u8]) -> Result<Unfinished> {
    let writing = || format!("writing {}", path.display());
    let new = beside(path, "new")?;
    // Left by a run that died.
    remove_tree(&new).with_context(writing)?;
    let mut unfinished = durable(&new, mode, bytes).with_context(writing)?;
    let rename = || match renameat_with(CWD, &new, CWD, path, RenameFlags::NOREPLACE) {
        // A file system without it: among runs of ours, the lock sees to it that nothing is there.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => match path.symlink_metadata() {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => std::fs::rename(&new, path),
        },
        other => other.map_err(io::Error::from),
    };
    unfinished.rename(path, rename).with_context(writing)?;
    Ok(unfinished)
}

/// Writes a whole file in place of the one that is there, if any: whenever the process dies or the power fails, the old or the
/// new one is there, whole. The caller sees to it that nobody else writes it.
pub fn replace(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        // Left by a run that died.
        _ => {}
    }
    let unfinished = durable(Path::new(&new), mode, bytes)?;
    unfinished.finish_by(|| fs::rename(&new, path))?;
    sync_folder_of(path)
}

/// Writes a whole file, which must be new, and waits until it is on the disk.
pub fn durable(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<Unfinished> {
    let (mut file, unfinished) = Unfinished::create(path, || create(CWD, path, mode))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(unfinished)
}

/// Waits until a file's name is on the disk: without this a power cut may bring an old name back.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(CWD, folder.unwrap_or(Path::new(".")), flags, Mode::empty())?;
    Ok(fsync(folder)?)
}

/// Writes a file while counting and hashing its bytes, so that none is ever read again. The buffer is the caller's:
/// one serves all files of a node.
pub struct Measured<'a> {
    file: File,
    buffer: &'a mut Vec<u8>,
    sha256: Sha256,
    size: u64,
}

impl<'a> Measured<'a> {
    /// Measures what is written to `file`, by way of `buffer`.
    pub fn new(file: File, buffer: &'a mut Vec<u8>) -> Self {
        buffer.clear();
        Self {
            file,
            buffer,
            sha256: Sha256::new(),
            size: 0,
        }
    }

    /// Writes the rest; what was counted and hashed is what is on the disk.
    pub fn finish(mut self) -> io::Result<(u64, Sha256Digest)> {
        self.write_out()?;
        Ok((self.size, self.sha256.finalize().into()))
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.sha256.update(&self.buffer);
        self.size += self.buffer.len() as u64;
        self.file.write_all(self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Write for Measured<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.write_out()?;
        }
        if bytes.len() > BUFFER {
            self.sha256.update(bytes);
            self.size += bytes.len() as u64;
            self.file.write_all(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_out()
    }
}

/// Removes whatever is at a path, links not followed; nothing there is fine. Nodes' folders go in parallel: for
/// thousands of them this is a good part of a rebuild.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_dir() => return fs::remove_file(path),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    let nodes = path.join("nodes");
    if nodes.symlink_metadata().is_ok_and(|there| there.is_dir()) {
        let entries: Vec<_> = fs::read_dir(&nodes)?.collect::<io::Result<_>>()?;
        entries
            .into_par_iter()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .try_for_each(|entry| fs::remove_dir_all(entry.path()))?;
    }
    fs::remove_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_what_is_written_however_it_is_chunked() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let bytes: Vec<u8> = (0..300_000_u32).map(|i| (i * 7 % 251) as u8).collect();
        for chunk in [1, 1000, BUFFER, BUFFER + 1, bytes.len()] {
            let path = folder.path().join(chunk.to_string());
            let mut buffer = b"left over".to_vec();
            let file = create(CWD, &path, 0o640).expect("new");
            let mut measured = Measured::new(file, &mut buffer);
            for part in bytes.chunks(chunk) {
                measured.write_all(part).expect("room");
            }
            let (size, sha256) = measured.finish().expect("room");
            assert_eq!(size, bytes.len() as u64);
            assert_eq!(sha256, <Sha256Digest>::from(Sha256::digest(&bytes)));
            assert_eq!(std::fs::read(&path).expect("there"), bytes);
        }
        create(CWD, &folder.path().join("1"), 0o600).expect_err("never overwritten");
    }
}
