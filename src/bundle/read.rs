//! Reading files that may be hostile: bounded, and without following a link or blocking on a pipe.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use sha2::{Digest, Sha256};

use crate::node::Sha256Digest;

/// Reads a file that the user named, links followed, up to `limit` bytes.
pub(super) fn followed(path: &Path, limit: u64) -> io::Result<(Vec<u8>, Metadata)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    Ok((up_to(file, limit)?, metadata))
}

/// Opens what lies in a bundle: a regular file, or an error that says what it is.
pub(super) fn regular(path: &Path) -> io::Result<(File, Metadata)> {
    // NONBLOCK: opening a pipe would otherwise wait for a writer for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, path, flags, Mode::empty()).map_err(|errno| {
        if errno == rustix::io::Errno::LOOP {
            other("is a symbolic link")
        } else {
            errno.into()
        }
    })?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(other("is not a regular file"));
    }
    Ok((file, metadata))
}

/// Reads a regular file of at most `limit` bytes.
pub(super) fn bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = regular(path)?;
    if metadata.len() > limit {
        return Err(too_long(limit));
    }
    up_to(file, limit)
}

/// The same, where the file may be absent.
pub(super) fn bounded_if_there(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    match bounded(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Streams a regular file that must have this size, and returns its digest. A wrong size is told without reading.
pub(super) fn digest(path: &Path, size: Option<u64>) -> io::Result<Sha256Digest> {
    let (file, metadata) = regular(path)?;
    if let Some(size) = size
        && metadata.len() != size
    {
        return Err(other(&format!(
            "has {} bytes, {size} are listed",
            metadata.len()
        )));
    }
    digest_of(file)
}

/// The digest of what is left in a file.
pub(super) fn digest_of(mut file: File) -> io::Result<Sha256Digest> {
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

fn up_to(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let count = file.take(limit + 1).read_to_end(&mut bytes)?;
    if count as u64 > limit {
        return Err(too_long(limit));
    }
    Ok(bytes)
}

fn too_long(limit: u64) -> io::Error {
    other(&format!("is longer than {limit} bytes"))
}

fn other(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
