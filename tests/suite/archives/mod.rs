//! Tarballs, initramfs overlays and listings before programs that nobody here wrote.

mod listing;
mod overlay;
mod sample;
mod tarball;

use nodebake::payload::Compression;

const ALL: [Compression; 4] = [
    Compression::None,
    Compression::Gzip,
    Compression::Zstd,
    Compression::Xz,
];
