//! Reading files that may be hostile: bounded, and without following a link or blocking on a pipe.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::input::{self, Limit};
use crate::model::Sha256Digest;
use crate::wording::counted;

const NOT_REGULAR: &str = "is not a regular file";

/// Opens a regular file of a bundle; for anything else the error names its kind.
pub fn regular(path: &Path) -> io::Result<(File, Metadata)> {
    // NONBLOCK: opening a pipe would otherwise wait for a writer forever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, path, flags, Mode::empty()).map_err(|errno| {
        match errno {
            Errno::LOOP => other("is a symbolic link"),
            // A socket, or a device that is not there.
            Errno::NXIO => other(NOT_REGULAR),
            errno => errno.into(),
        }
    })?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(other(NOT_REGULAR));
    }
    Ok((file, metadata))
}

/// Reads a regular file of at most `limit` bytes.
pub fn bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = regular(path)?;
    if metadata.len() > limit {
        return Err(Limit::bytes(limit).exceeded());
    }
    input::from(file, Limit::bytes(limit))
}

/// The same, where the file may be absent.
pub fn bounded_if_there(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    match bounded(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Streams a regular file that must have this size, and returns its digest. A wrong size is told without reading.
pub fn digest(path: &Path, size: Option<u64>) -> io::Result<Sha256Digest> {
    let (file, metadata) = regular(path)?;
    if let Some(size) = size
        && metadata.len() != size
    {
        return Err(other(&format!(
            "has {}, and the list says {size}",
            counted(metadata.len(), "byte")
        )));
    }
    digest_of(file)
}

/// The digest of what is left in a file.
pub fn digest_of(mut file: File) -> io::Result<Sha256Digest> {
    let mut sha256 = Sha256::new();
    let mut block = [0; 32 * 1024];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(sha256.finalize().into()),
            Ok(count) => sha256.update(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn other(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
