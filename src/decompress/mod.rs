//! Decompression of foreign bytes. In: a reader that nobody vouches for. Out: at most as many bytes as the caller
//! allows, in bounded memory.

mod lz4;

use std::io::{BufRead, Read};

use crate::model::named;

use crate::error::Result;
use crate::io::Bounded;

/// What a decoder may allocate for its dictionary: xz's highest preset needs 65 MiB.
const XZ_MEMORY: u64 = 80 << 20;

/// zstd windows up to 128 MiB, which is what its own program accepts without being asked.
const ZSTD_WINDOW_LOG: u32 = 27;

named! {
    /// How foreign bytes are packed: what we write ourselves, and what the makers of initrds use beside it.
    pub enum Packing {
        /// Not at all.
        None = "none",
        /// RFC 1952.
        Gzip = "gzip",
        /// RFC 8878.
        Zstd = "zstd",
        /// The .xz format, with any check.
        Xz = "xz",
        /// The format before .xz, as `xz --format=lzma` writes it.
        Lzma = "lzma",
        /// The legacy frame of `lz4 -l`, the only one that the kernel reads.
        Lz4 = "lz4",
    }
}

impl Packing {
    /// How many bytes [`Packing::of`] looks at.
    pub const MAGIC: usize = 6;

    /// What bytes begin with, by magic number.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            // No magic number, but the settings that every encoder uses (lc=3, lp=0, pb=2) and a dictionary of 64 KiB
            // or more: the kernel goes by the same bytes.
            [0x5d, 0, 0, ..] => Self::Lzma,
            [0x02, 0x21, 0x4c, 0x18, ..] => Self::Lz4,
            _ => Self::None,
        }
    }
}

/// Reads one compressed member (or plain bytes) of unknown origin, and of `input` no byte more than belongs to it.
/// Reading more than `limit` bytes out of it is an error rather than an early end: a bomb must not look like a short
/// file.
///
/// The magic number is looked for in what one read of `input` yields, so it needs a buffer of at least
/// [`Packing::MAGIC`] bytes.
pub fn reader<'a>(mut input: impl BufRead + 'a, limit: u64) -> Result<Box<dyn Read + 'a>> {
    let inner: Box<dyn Read + 'a> = match Packing::of(input.fill_buf()?) {
        Packing::None => Box::new(input),
        Packing::Gzip => Box::new(flate2::bufread::GzDecoder::new(input)),
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder.single_frame())
        }
        Packing::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, 0)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
        Packing::Lzma => {
            let stream = liblzma::stream::Stream::new_lzma_decoder(XZ_MEMORY)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
        Packing::Lz4 => Box::new(lz4::LegacyReader::new(input)),
    };
    Ok(Box::new(Bounded::new(inner, limit)))
}

/// Reads a whole compressed file, which may be several members one after the other, as gzip, zstd and xz unpack it.
pub fn whole<'a>(mut input: impl BufRead + 'a, limit: u64) -> Result<Box<dyn Read + 'a>> {
    let inner: Box<dyn Read + 'a> = match Packing::of(input.fill_buf()?) {
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        Packing::Xz => {
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, flags)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
        Packing::None | Packing::Lzma | Packing::Lz4 => return reader(input, limit),
    };
    Ok(Box::new(Bounded::new(inner, limit)))
}
