//! The memory that a root in the initramfs takes.

use crate::model::output::Mode;
use crate::model::output::{Compression, Format};
use crate::payload::Job;
use crate::tree::EntryKind;

/// Files in memory take whole pages.
const PAGE: u64 = 4096;

/// The bytes of memory without which a node's files do not come up in a root that is the initramfs, beside what the kernel
/// and the base initrd take; None where no such root is made. The kernel unpacks into a tmpfs, which takes half of what
/// the memory has left (mm/shmem.c), while the archives are beside it; compressed ones are not counted here, as nothing
/// is compressed yet.
pub fn memory(job: &Job<'_>) -> Option<u64> {
    let settings = job.settings;
    if settings.initramfs.mode != Mode::Diskless || !settings.formats.contains(&Format::Initramfs) {
        return None;
    }
    let sizes = job.tree.entries().values().map(|entry| match &entry.kind {
        EntryKind::File(content) => content.len().next_multiple_of(PAGE),
        EntryKind::Directory | EntryKind::Symlink(_) => 0,
    });
    let unpacked: u64 = sizes.sum();
    Some(in_memory(
        unpacked,
        match settings.initramfs.archive.compression {
            Compression::None => unpacked,
            Compression::Gzip | Compression::Zstd | Compression::Xz => 0,
        },
    ))
}

/// What files of so many bytes take with the archive that they come from.
pub fn in_memory(unpacked: u64, archive: u64) -> u64 {
    2 * unpacked + archive
}
