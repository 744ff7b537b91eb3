//! A reader that knows where it is and can look ahead.

use std::io::{self, BufRead, Read};

use crate::decompress::Packing;

/// How much is read at a time.
const BUFFER: usize = 64 * 1024;
/// How far it is possible to look ahead.
const AHEAD: usize = 16;

/// A buffered reader with its position, whose buffer always holds the next [`AHEAD`] bytes unless the end is near.
pub struct Input<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    position: u64,
}

impl<R: Read> Input<R> {
    /// Starts at position 0.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            position: 0,
        }
    }

    /// How many bytes were consumed.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next bytes, unread; fewer than [`AHEAD`] only before the end.
    pub fn ahead(&mut self) -> io::Result<&[u8]> {
        let ahead = self.fill_buf()?;
        Ok(&ahead[..ahead.len().min(AHEAD)])
    }

    /// What the next bytes are packed with.
    pub fn packing(&mut self) -> io::Result<Packing> {
        Ok(Packing::of(self.ahead()?))
    }

    /// Reads over zero bytes; how many there were.
    pub fn skip_zeros(&mut self) -> io::Result<u64> {
        let mut skipped = 0;
        loop {
            let buffer = self.fill_buf()?;
            let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
            let all = zeros == buffer.len();
            self.consume(zeros);
            skipped += zeros as u64;
            if !all || zeros == 0 {
                return Ok(skipped);
            }
        }
    }

    /// Reads over exactly as many bytes.
    pub fn skip(&mut self, count: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.by_ref().take(count), &mut io::sink())?;
        if skipped == count {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

impl<R: Read> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.end - self.start < AHEAD {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < AHEAD {
                match self.inner.read(&mut self.buffer[self.end..]) {
                    Ok(0) => break,
                    Ok(count) => self.end += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        self.position += count as u64;
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let buffer = self.fill_buf()?;
        let count = buffer.len().min(out.len());
        out[..count].copy_from_slice(&buffer[..count]);
        self.consume(count);
        Ok(count)
    }
}
