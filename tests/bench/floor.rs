//! The floor: what a build cannot do without. It reads a bundle, and then only compresses, hashes, signs and writes the same
//! bytes, on one core. How the bytes come about costs it nothing.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ed25519_dalek::{Signer, SigningKey};
use flate2::read::GzDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use sha2::{Digest, Sha256};

/// As many nodes are in memory at a time.
const AT_ONCE: usize = 250;
/// The level of an archive of a node's tree.
const LEVEL: u32 = 2;

/// The CPU time of compressing, hashing, signing and writing a bundle again.
pub fn floor(bundle: &Path, scratch: &Path) -> Duration {
    let mut nodes: Vec<PathBuf> = fs::read_dir(bundle.join("nodes"))
        .unwrap()
        .map(|node| node.unwrap().path())
        .collect();
    nodes.sort();
    let mut spent = Duration::ZERO;
    let mut sums = String::new();
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(LEVEL));
    for chunk in nodes.chunks(AT_ONCE) {
        let files: Vec<(String, Vec<u8>, bool)> = chunk.iter().flat_map(|node| raw(node)).collect();
        let begin = cpu();
        for (name, bytes, is_packed) in &files {
            let file = scratch.join(name);
            let packed = is_packed.then(|| pack(bytes, &mut encoder));
            let bytes = packed.as_ref().unwrap_or(bytes);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, bytes).unwrap();
            sums.push_str(&format!("{:x?}  {name}\n", Sha256::digest(bytes)));
        }
        spent += cpu() - begin;
        fs::remove_dir_all(scratch).unwrap();
    }
    let begin = cpu();
    assert!(
        key.sign(sums.as_bytes())
            .to_bytes()
            .iter()
            .any(|byte| *byte != 0)
    );
    spent + (cpu() - begin)
}

/// The files of a node, unpacked where they are archives.
fn raw(node: &Path) -> Vec<(String, Vec<u8>, bool)> {
    let name = node.file_name().unwrap().to_str().unwrap().to_owned();
    let files = fs::read_dir(node).unwrap().map(|file| file.unwrap().path());
    files
        .map(|file| {
            let bytes = fs::read(&file).unwrap();
            let file = format!("{name}/{}", file.file_name().unwrap().to_str().unwrap());
            if !file.ends_with(".gz") {
                return (file, bytes, false);
            }
            let mut plain = Vec::new();
            GzDecoder::new(&*bytes).read_to_end(&mut plain).unwrap();
            (file, plain, true)
        })
        .collect()
}

fn pack(bytes: &[u8], encoder: &mut DeflateEncoder<Vec<u8>>) -> Vec<u8> {
    encoder.write_all(bytes).unwrap();
    let mut packed = encoder.reset(Vec::new()).unwrap();
    let mut crc = Crc::new();
    crc.update(bytes);
    packed.extend_from_slice(&crc.sum().to_le_bytes());
    packed
}

/// The CPU time of this thread (Documentation/scheduler/sched-stats.rst).
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let spent = text.split(' ').next().unwrap().parse().unwrap();
    Duration::from_nanos(spent)
}
