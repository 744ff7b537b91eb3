//! Compression of archives. In: bytes in whatever pieces the caller has them. Out: the same bytes for the same
//! content on any machine, in any thread, after any other work that the thread did before.
//!
//! Every setting here is part of the output format: changing one changes every payload's digest.

use std::cell::Cell;
use std::io::{self, Write};

use flate2::{Compress, Crc, FlushCompress, Status};
use liblzma::stream::{Action, Check, Filters, LzmaOptions, Stream};
use zstd::stream::raw::{CParameter, Encoder, Operation, OutBuffer};

use crate::error::Result;
use crate::model::output::Compression;

/// Every compressor is fed blocks of exactly this size, but for the last one. Without it the output would depend on
/// how the writer above happens to cut its writes: zlib decides on matches with the input it has.
const BLOCK: usize = 64 * 1024;

/// The first level with real string matching. A node's tree of 27 KB takes 0.20 ms and becomes 7.9 KB; level 1 takes
/// 0.11 ms for 9.2 KB, level 6 0.42 ms for 7.5 KB. A number, not "default": the library's default may change.
const GZIP_LEVEL: u32 = 2;

/// zstd's own default, written down because the library's may change: 0.10 ms and 7.7 KB for the same tree. From level
/// 5 on the time doubles for three per cent.
const ZSTD_LEVEL: i32 = 3;

/// The fast encoder: 1.8 ms and 7.0 KB for the same tree. Level 6 takes three times as long for two per cent.
const XZ_LEVEL: u32 = 1;

/// The dictionary is what a decoder must allocate, and the kernel's does so while memory is scarce; it is also
/// allocated and cleared here for each node, so an archive of a single block gets one of the block's size.
const XZ_DICTIONARY: u32 = 1 << 20;

/// gzip's header (RFC 1952, 2.3): deflate, no flags (hence no name), modification time 0, no extra flags, operating
/// system 255 "unknown". A time would differ between two builds, a name would leak the output path, and the
/// operating system would differ between builders.
pub(super) const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A writer that compresses into another. [`Compressor::finish`] must be called, or the output is cut short.
pub struct Compressor<'a> {
    out: &'a mut dyn Write,
    written: u64,
    kit: Box<Kit>,
    engine: Engine,
}

/// What one output needs beside the thread's [`Kit`].
enum Engine {
    None,
    Gzip(Crc),
    Zstd {
        begun: bool,
    },
    /// Made when it is known whether there is more than one block.
    Xz(Option<Box<Stream>>),
}

/// Buffers and compressor states that a thread keeps from one output to the next: allocating and clearing them again
/// costs more than compressing a typical node.
#[derive(Default)]
struct Kit {
    block: Vec<u8>,
    spare: Vec<u8>,
    deflate: Option<Compress>,
    zstd: Option<Encoder<'static>>,
}

thread_local! {
    static KIT: Cell<Option<Box<Kit>>> = const { Cell::new(None) };
}

/// How far one call of a compressor went.
struct Step {
    consumed: usize,
    produced: usize,
    ended: bool,
}

impl<'a> Compressor<'a> {
    /// Starts an output.
    pub fn new(compression: Compression, out: &'a mut dyn Write) -> Result<Self> {
        // Taken, not borrowed: a second compressor in the same thread makes a kit of its own.
        let mut kit = KIT.take().unwrap_or_default();
        kit.block.clear();
        kit.block.reserve_exact(BLOCK);
        kit.spare.resize(BLOCK, 0);
        let engine = match compression {
            Compression::None => Engine::None,
            Compression::Gzip => {
                kit.deflate
                    .get_or_insert_with(|| {
                        Compress::new(flate2::Compression::new(GZIP_LEVEL), false)
                    })
                    .reset();
                Engine::Gzip(Crc::new())
            }
            Compression::Zstd => {
                kit.begin_zstd()?;
                Engine::Zstd { begun: false }
            }
            Compression::Xz => Engine::Xz(None),
        };
        let mut compressor = Self {
            out,
            written: 0,
            kit,
            engine,
        };
        if matches!(compressor.engine, Engine::Gzip(_)) {
            compressor.emit(&GZIP_HEADER)?;
        }
        Ok(compressor)
    }

    /// The bytes that came out by now. They follow from the number of bytes that went in, however those were cut.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Ends the output; the number of bytes that went into it.
    pub fn finish(mut self) -> Result<u64> {
        self.feed(true)?;
        if let Engine::Gzip(crc) = &self.engine {
            // RFC 1952: CRC-32 and length modulo 2^32 of what was compressed, little-endian.
            let mut trailer = [0; 8];
            trailer[..4].copy_from_slice(&crc.sum().to_le_bytes());
            trailer[4..].copy_from_slice(&crc.amount().to_le_bytes());
            self.emit(&trailer)?;
        }
        KIT.set(Some(self.kit));
        Ok(self.written)
    }

    fn emit(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Gives the block to the engine and empties it.
    fn feed(&mut self, last: bool) -> io::Result<()> {
        if let Engine::Gzip(crc) = &mut self.engine {
            crc.update(&self.kit.block);
        }
        let mut fed = 0;
        loop {
            let step = self.kit.step(&mut self.engine, fed, last)?;
            self.out.write_all(&self.kit.spare[..step.produced])?;
            self.written += step.produced as u64;
            fed += step.consumed;
            let drained = fed == self.kit.block.len() && step.produced < self.kit.spare.len();
            if step.ended || (!last && drained) {
                break;
            }
        }
        self.kit.block.clear();
        Ok(())
    }
}

impl Write for Compressor<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.kit.block.len() == BLOCK {
            self.feed(false)?;
        }
        let count = bytes.len().min(BLOCK - self.kit.block.len());
        self.kit.block.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    /// Does nothing: a flush in the middle would leave its mark in the compressed bytes, and the archive writers
    /// above flush after each member.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kit {
    fn begin_zstd(&mut self) -> io::Result<()> {
        match &mut self.zstd {
            Some(encoder) => encoder.reinit(),
            slot => {
                let encoder = slot.insert(Encoder::new(ZSTD_LEVEL)?);
                // One worker or more give other bytes than none. The checksum lets a reader notice a flipped bit;
                // gzip and xz always have one.
                encoder.set_parameter(CParameter::ChecksumFlag(true))
            }
        }
    }

    /// One call of a compressor on the block from `fed` on, into the spare buffer. The buffer always has the same
    /// size, because zlib's quick levels look at the room left in it.
    fn step(&mut self, engine: &mut Engine, fed: usize, last: bool) -> io::Result<Step> {
        let input = &self.block[fed..];
        match engine {
            Engine::None => {
                self.spare[..input.len()].copy_from_slice(input);
                Ok(Step {
                    consumed: input.len(),
                    produced: input.len(),
                    ended: true,
                })
            }
            Engine::Gzip(_) => {
                let deflate = self.deflate.as_mut().expect("made when the output began");
                deflate_step(deflate, input, &mut self.spare, last)
            }
            Engine::Zstd { begun } => {
                let encoder = self.zstd.as_mut().expect("made when the output began");
                if !*begun && last {
                    // All of it is known: zstd then chooses tables that fit, which is faster and smaller.
                    encoder.set_pledged_src_size(Some(self.block.len() as u64))?;
                }
                *begun = true;
                zstd_step(encoder, input, &mut self.spare, last)
            }
            Engine::Xz(stream) => {
                let stream = match stream {
                    Some(stream) => stream,
                    None => stream.insert(Box::new(xz_stream(last)?)),
                };
                xz_step(stream, input, &mut self.spare, last)
            }
        }
    }
}

fn deflate_step(
    deflate: &mut Compress,
    input: &[u8],
    spare: &mut [u8],
    last: bool,
) -> io::Result<Step> {
    let (before_in, before_out) = (deflate.total_in(), deflate.total_out());
    let flush = if last {
        FlushCompress::Finish
    } else {
        FlushCompress::None
    };
    let status = deflate.compress(input, spare, flush)?;
    Ok(Step {
        consumed: (deflate.total_in() - before_in) as usize,
        produced: (deflate.total_out() - before_out) as usize,
        ended: status == Status::StreamEnd,
    })
}

fn zstd_step(
    encoder: &mut Encoder<'static>,
    input: &[u8],
    spare: &mut [u8],
    last: bool,
) -> io::Result<Step> {
    if !input.is_empty() {
        let status = encoder.run_on_buffers(input, spare)?;
        return Ok(Step {
            consumed: status.bytes_read,
            produced: status.bytes_written,
            ended: false,
        });
    }
    let mut buffer = OutBuffer::around(spare);
    let left = if last {
        encoder.finish(&mut buffer, true)?
    } else {
        1
    };
    Ok(Step {
        consumed: 0,
        produced: buffer.pos(),
        ended: left == 0,
    })
}

/// CRC32 checks, because the kernel's decoder knows no other; xz's own default of CRC64 does not boot.
fn xz_stream(one_block: bool) -> io::Result<Stream> {
    let mut options = LzmaOptions::new_preset(XZ_LEVEL)?;
    options.dict_size(if one_block {
        BLOCK as u32
    } else {
        XZ_DICTIONARY
    });
    let mut filters = Filters::new();
    filters.lzma2(&options);
    Ok(Stream::new_stream_encoder(&filters, Check::Crc32)?)
}

fn xz_step(stream: &mut Stream, input: &[u8], spare: &mut [u8], last: bool) -> io::Result<Step> {
    let (before_in, before_out) = (stream.total_in(), stream.total_out());
    let action = if last { Action::Finish } else { Action::Run };
    let status = stream.process(input, spare, action)?;
    Ok(Step {
        consumed: (stream.total_in() - before_in) as usize,
        produced: (stream.total_out() - before_out) as usize,
        ended: status == liblzma::stream::Status::StreamEnd,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::decompress;

    const ALL: [Compression; 4] = [
        Compression::None,
        Compression::Gzip,
        Compression::Zstd,
        Compression::Xz,
    ];

    /// Half text, half noise, from a fixed seed.
    fn sample(length: usize, mut seed: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 32);
        while bytes.len() < length {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            bytes.extend_from_slice(b"--some-flag=/etc/kubernetes/");
            bytes.extend_from_slice(&seed.to_le_bytes()[..(seed % 9) as usize]);
        }
        bytes.truncate(length);
        bytes
    }

    fn compress(compression: Compression, bytes: &[u8], chunk: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut compressor = Compressor::new(compression, &mut out).expect("memory");
        for piece in bytes.chunks(chunk) {
            compressor.write_all(piece).expect("memory");
            compressor.flush().expect("nothing to do");
        }
        let written = compressor.finish().expect("memory");
        assert_eq!(written, out.len() as u64);
        out
    }

    #[test]
    fn the_same_bytes_for_every_chunking_and_history() {
        for length in [
            0,
            1,
            30_000,
            BLOCK - 1,
            BLOCK,
            BLOCK + 1,
            2 * BLOCK,
            300_000,
        ] {
            let bytes = sample(length, 7);
            for compression in ALL {
                let fresh = std::thread::scope(|scope| {
                    let run = scope.spawn(|| compress(compression, &bytes, usize::MAX));
                    run.join().expect("no panic")
                });
                for chunk in [13, 512, 4096, BLOCK - 1, BLOCK, BLOCK + 1] {
                    let other = sample(chunk * 3 % 100_000, chunk as u64);
                    compress(compression, &other, 1000);
                    let again = compress(compression, &bytes, chunk);
                    assert!(again == fresh, "{compression:?} {length} by {chunk}");
                }
                let mut back = Vec::new();
                let mut reader = decompress::reader(fresh.as_slice(), length as u64).expect("ours");
                reader.read_to_end(&mut back).expect("ours");
                assert!(back == bytes, "{compression:?} {length}");
            }
        }
    }

    #[test]
    fn an_abandoned_output_leaves_no_trace_in_the_next() {
        let bytes = sample(100_000, 3);
        for compression in ALL {
            let clean = compress(compression, &bytes, 1000);
            let mut half = Vec::new();
            let mut compressor = Compressor::new(compression, &mut half).expect("memory");
            compressor.write_all(&bytes).expect("memory");
            drop(compressor);
            assert!(
                compress(compression, &bytes, 1000) == clean,
                "{compression:?}"
            );
        }
    }

    #[test]
    fn what_unpacks_to_more_than_allowed_is_an_error() {
        let bytes = sample(100_000, 5);
        for compression in ALL {
            let packed = compress(compression, &bytes, 4096);
            let mut reader = decompress::reader(packed.as_slice(), 99_999).expect("ours");
            assert!(
                reader.read_to_end(&mut Vec::new()).is_err(),
                "{compression:?}"
            );
        }
    }
}
