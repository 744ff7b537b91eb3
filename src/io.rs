//! A reader that hashes what it reads.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Hashes what is read.
pub struct Hashed<R> {
    /// What is read.
    pub file: R,
    /// The digest of what was read by now.
    pub sha256: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.sha256.update(&buffer[..count]);
        Ok(count)
    }
}
