//! One small content as a gzip member, for data URLs and `gz+b64`. In: all bytes at once. Out: the same member on any
//! machine, in any thread.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use crate::payload::compress::GZIP_HEADER;

/// A compressor to use for many contents: setting one up costs more than packing a small file.
pub struct Gzip {
    compress: Compress,
}

impl Gzip {
    /// A new compressor at the highest level: the contents are small, and user data has limits.
    pub fn new() -> Self {
        Self {
            compress: Compress::new(Compression::new(9), false),
        }
    }

    /// The content as one gzip member.
    pub fn pack(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.compress.reset();
        let mut packed = Vec::with_capacity(bytes.len() / 2 + 64);
        packed.extend_from_slice(&GZIP_HEADER);
        let mut rest = bytes;
        loop {
            let before = self.compress.total_in();
            let status = self
                .compress
                .compress_vec(rest, &mut packed, FlushCompress::Finish)
                .expect("zlib refuses only a stream that was misused, and this one was just reset");
            let taken = self.compress.total_in() - before;
            rest = &rest[usize::try_from(taken).expect("no more than was given")..];
            if status == Status::StreamEnd {
                break;
            }
            packed.reserve(bytes.len() / 2 + 64);
        }
        let mut crc = Crc::new();
        crc.update(bytes);
        packed.extend_from_slice(&crc.sum().to_le_bytes());
        packed.extend_from_slice(&crc.amount().to_le_bytes());
        packed
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn members_unpack_to_the_same_bytes_and_do_not_depend_on_what_came_before() {
        let noise: Vec<u8> = (0u32..50_000)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let mut gzip = Gzip::new();
        for bytes in [&b""[..], b"a", &b"kubelet ".repeat(5_000), &noise] {
            let packed = gzip.pack(bytes);
            assert_eq!(packed, Gzip::new().pack(bytes));
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&packed[..])
                .read_to_end(&mut unpacked)
                .expect("a gzip member");
            assert_eq!(unpacked, bytes);
        }
    }
}
