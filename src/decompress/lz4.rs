//! lz4's legacy frame, read only: the one that the kernel knows (lz4_Frame_format.md, "Legacy frame"). In: foreign
//! bytes that begin with its magic number. Out: what they unpack to.
//!
//! The frame has no end mark. The kernel takes four zero bytes, or the end of the buffer, for its end
//! (lib/decompress_unlz4.c), and so does this reader: it leaves the zeros unread.

use std::io::{self, BufRead, Read};

use crate::wording::counted;

/// The frame's magic number, little-endian.
const MAGIC: u32 = 0x184c_2102;
/// What one block unpacks to at most: a constant of the format.
const BLOCK: usize = 8 << 20;
/// What a block of [`BLOCK`] bytes may take when it does not compress (LZ4_compressBound).
const PACKED: usize = BLOCK + BLOCK / 255 + 16;

/// Unpacks one frame and reads no byte beyond it.
pub struct LegacyReader<R> {
    input: R,
    packed: Vec<u8>,
    block: Vec<u8>,
    /// What of the block is not read yet.
    left: std::ops::Range<usize>,
    ended: bool,
}

impl<R: BufRead> LegacyReader<R> {
    /// Starts where the magic number is. `input` must yield at least four bytes at a time, but for its end.
    pub fn new(input: R) -> Self {
        Self {
            input,
            packed: Vec::new(),
            block: Vec::new(),
            left: 0..0,
            ended: false,
        }
    }

    /// Unpacks the next block; false at the end.
    fn next_block(&mut self) -> io::Result<bool> {
        let size = loop {
            let [a, b, c, d, ..] = *self.input.fill_buf()? else {
                return self.end();
            };
            let size = u32::from_le_bytes([a, b, c, d]);
            if size == 0 {
                return self.end();
            }
            self.input.consume(4);
            // Frames may follow each other, which `lz4 -l` leaves to `cat`.
            if size != MAGIC {
                break size as usize;
            }
        };
        if size > PACKED {
            return Err(invalid(format!(
                "an lz4 block of {}",
                counted(size, "byte")
            )));
        }
        // Grows with what is there, not with what is promised.
        self.packed.clear();
        let mut packed = self.input.by_ref().take(size as u64);
        if packed.read_to_end(&mut self.packed)? < size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if self.block.is_empty() {
            self.block = vec![0; BLOCK];
        }
        let count = lz4_flex::block::decompress_into(&self.packed, &mut self.block)
            .map_err(|error| invalid(format!("a broken lz4 block: {error}")))?;
        self.left = 0..count;
        Ok(true)
    }

    fn end(&mut self) -> io::Result<bool> {
        self.ended = true;
        Ok(false)
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

impl<R: BufRead> Read for LegacyReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() {
            if self.ended || !self.next_block()? {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.left.len());
        buffer[..count].copy_from_slice(&self.block[self.left.start..][..count]);
        self.left.start += count;
        Ok(count)
    }
}
