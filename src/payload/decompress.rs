//! Decompression of foreign bytes. In: a reader that nobody vouches for. Out: at most as many bytes as the caller
//! allows, in bounded memory.

use std::io::{self, BufRead, Read};

use crate::error::Result;
use crate::payload::Compression;

/// What a decoder may allocate for its dictionary: xz's highest preset needs 65 MiB.
const XZ_MEMORY: u64 = 80 << 20;

/// zstd windows up to 128 MiB, which is what its own program accepts without being asked.
const ZSTD_WINDOW_LOG: u32 = 27;

impl Compression {
    /// The compression that bytes begin with, by magic number.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::None,
        }
    }
}

/// Reads one compressed member (or plain bytes) of unknown origin. Reading more than `limit` bytes out of it is an
/// error rather than an early end: a bomb must not look like a short file.
///
/// The magic number is looked for in what one read of `input` yields, so it needs a buffer of at least 6 bytes.
pub fn reader<'a>(mut input: impl BufRead + 'a, limit: u64) -> Result<Box<dyn Read + 'a>> {
    let compression = Compression::of(input.fill_buf()?);
    let inner: Box<dyn Read + 'a> = match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(flate2::bufread::GzDecoder::new(input)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder.single_frame())
        }
        Compression::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, 0)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
    };
    Ok(Box::new(Bounded { inner, left: limit }))
}

struct Bounded<'a> {
    inner: Box<dyn Read + 'a>,
    left: u64,
}

impl Read for Bounded<'_> {
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
