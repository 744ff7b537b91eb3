//! Readers and writers around others: one that shows what passes, one that ends at a bound, one that reads at an offset.
//! What they are for is their callers' matter.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;

/// Passes bytes on, and shows each piece that passed to `look`: to count, to hash, to search.
pub struct Watched<T, F> {
    inner: T,
    look: F,
}

impl<T, F: FnMut(&[u8])> Watched<T, F> {
    /// Shows what is read from `inner`, or written to it, to `look`.
    pub fn new(inner: T, look: F) -> Self {
        Self { inner, look }
    }

    /// The reader or writer itself.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<F: FnMut(&[u8])> Watched<io::Sink, F> {
    /// Only shows what is written, to `look`.
    pub fn only(look: F) -> Self {
        Self::new(io::sink(), look)
    }
}

impl<R: Read, F: FnMut(&[u8])> Read for Watched<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.look)(&buffer[..count]);
        Ok(count)
    }
}

impl<W: Write, F: FnMut(&[u8])> Write for Watched<W, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        (self.look)(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A writer that counts, and fails rather than to pass on more bytes than its limit.
pub struct Limited<W> {
    inner: W,
    limit: u64,
    count: u64,
    is_full: bool,
}

impl<W> Limited<W> {
    /// Passes at most `limit` bytes on to `inner`.
    pub fn new(inner: W, limit: u64) -> Self {
        Self {
            inner,
            limit,
            count: 0,
            is_full: false,
        }
    }

    /// How many bytes were passed on.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether more was written than the limit.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// The writer itself.
    pub fn into_inner(self) -> W {
        self.inner
    }

    /// The writer after what was `written` to it; None if that was more than the limit.
    pub fn within<E>(self, written: Result<(), E>) -> Result<Option<W>, E> {
        match written {
            _ if self.is_full => Ok(None),
            Ok(()) => Ok(Some(self.inner)),
            Err(error) => Err(error),
        }
    }
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.limit - self.count {
            self.is_full = true;
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let count = self.inner.write(bytes)?;
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A reader that fails if there is more to read than its limit: an archive that unpacks to more than it may.
pub struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    /// Reads at most `limit` bytes of `inner`.
    pub fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte more than allowed is asked for, so that an input of exactly the limit still ends well.
        let room = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX);
        let count = buffer.len().min(room);
        let count = self.inner.read(&mut buffer[..count])?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "it unpacks to more than allowed",
            )
        })?;
        Ok(count)
    }
}

/// Reads a file from an offset on, whoever else reads it at the same time.
pub struct ReadFrom<'a> {
    file: &'a File,
    offset: u64,
}

impl<'a> ReadFrom<'a> {
    /// Reads `file` from `offset` on.
    pub fn new(file: &'a File, offset: u64) -> Self {
        Self { file, offset }
    }
}

impl Read for ReadFrom<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_seen_as_often_as_it_passes() {
        let mut seen = Vec::new();
        let mut room = [0; 3];
        let mut out = Watched::new(&mut room[..], |bytes: &[u8]| seen.extend_from_slice(bytes));
        assert_eq!(out.write(b"abcd").unwrap(), 3);
        assert_eq!(out.write(b"d").unwrap(), 0);
        assert_eq!(seen, b"abc");
        let mut count = 0;
        let mut from = Watched::new(&b"abcd"[..], |bytes: &[u8]| count += bytes.len());
        io::copy(&mut from, &mut io::sink()).unwrap();
        assert_eq!(count, 4);
    }

    #[test]
    fn a_limit_is_reached_and_never_passed() {
        let mut out = Limited::new(Vec::new(), 3);
        out.write_all(b"abc").unwrap();
        assert!(!out.is_full());
        let more = out.write_all(b"d");
        assert!(out.is_full() && more.is_err());
        assert_eq!(out.count(), 3);
        assert_eq!(out.within(more).unwrap(), None);
        let mut read = Vec::new();
        Bounded::new(&b"abc"[..], 3).read_to_end(&mut read).unwrap();
        assert_eq!(read, b"abc");
        assert!(
            Bounded::new(&b"abcd"[..], 3)
                .read_to_end(&mut read)
                .is_err()
        );
    }

    #[test]
    fn two_read_one_file_at_their_own_offsets() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abcdef").unwrap();
        let read = |offset| io::read_to_string(ReadFrom::new(&file, offset)).unwrap();
        assert_eq!(
            (read(4), read(1), read(9)),
            ("ef".into(), "bcdef".into(), String::new())
        );
    }
}
