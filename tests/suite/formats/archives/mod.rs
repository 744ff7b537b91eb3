//! Tarballs, initramfs payloads and listings before programs that nobody here wrote.

mod initramfs;
mod listing;
mod takers;
mod tarball;

use nodebake::model::output::Compression;

const ALL: [Compression; 4] = [
    Compression::None,
    Compression::Gzip,
    Compression::Zstd,
    Compression::Xz,
];
