//! Good input to begin with: what the binary and other programs make, kept in files so that the process that mutates it
//! begins with the same.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use nodebake::decompress::{self, Packing};
use nodebake::model::output::Compression;
use nodebake::payload::compress::Compressor;
use walkdir::WalkDir;

use super::mutate::{self, Random};

/// One good input.
pub struct Seed {
    /// Its file below the corpus.
    pub path: PathBuf,
    bytes: Vec<u8>,
    /// Whether it was packed: what is inside is mutated, and packed again.
    packed: bool,
    /// As a text, where it is one.
    text: Option<String>,
}

/// All of a target's.
pub struct Corpus {
    pub seeds: Vec<Seed>,
}

/// A mutated one.
pub struct Input {
    /// Which seed it was made of.
    pub seed: usize,
    pub bytes: Vec<u8>,
}

impl Corpus {
    /// The files below a folder, by their names. Those that are packed are there as they are as well.
    pub fn of(folder: &Path) -> Self {
        let mut seeds = Vec::new();
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let entry = entry.unwrap();
            if !entry.file_type().is_file() {
                continue;
            }
            let bytes = fs::read(entry.path()).unwrap();
            let path = entry.path().strip_prefix(folder).unwrap().to_owned();
            let text = String::from_utf8(bytes.clone()).ok();
            let text = text.filter(|text| !text.contains('\0'));
            if Packing::of(&bytes) != Packing::None {
                seeds.push(Seed {
                    path: path.clone(),
                    bytes: unpacked(&bytes),
                    packed: true,
                    text: None,
                });
            }
            seeds.push(Seed {
                path,
                bytes,
                packed: false,
                text,
            });
        }
        assert!(!seeds.is_empty(), "{}: no seeds", folder.display());
        Self { seeds }
    }

    /// One of them, changed.
    pub fn mutated(&self, random: &mut Random) -> Input {
        let seed = random.below(self.seeds.len());
        let other = random.of(&self.seeds);
        let of = &self.seeds[seed];
        let bytes = match &of.text {
            Some(text) if random.below(8) > 0 => {
                mutate::text(random, text, other.text.as_deref().unwrap_or_default())
            }
            _ => mutate::bytes(random, &of.bytes, &other.bytes),
        };
        let bytes = if of.packed {
            packed(random, &with_sums(bytes))
        } else {
            with_sums(bytes)
        };
        Input { seed, bytes }
    }
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    let mut reader = decompress::reader(bytes, 64 << 20).unwrap();
    reader.read_to_end(&mut unpacked).unwrap();
    unpacked
}

fn packed(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let compression = *random.of(&[
        Compression::None,
        Compression::Gzip,
        Compression::Zstd,
        Compression::Xz,
    ]);
    let mut compressor = Compressor::new(compression, &mut packed).unwrap();
    compressor.write_all(bytes).unwrap();
    compressor.finish().unwrap();
    packed
}

/// Puts the right checksum into what looks like a tar header, which readers would stop at otherwise.
fn with_sums(mut bytes: Vec<u8>) -> Vec<u8> {
    for block in bytes.chunks_exact_mut(512) {
        if &block[257..262] == b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
    }
    bytes
}
