//! An initrd by the kernel's buffer grammar (Documentation/driver-api/early-userspace/buffer-format.rst): any sequence
//! of zero bytes, archives and compressed archives.

use std::io::Read;

use anyhow::{Context, bail};

use crate::decompress::{self, Packing};
use crate::error::Result;
use crate::inspect::Member;
use crate::inspect::collect::Collector;
use crate::inspect::cpio::read_archive;
use crate::inspect::input::Input;

/// What every archive begins with.
const MAGIC: &[u8] = b"0707";

/// Reads a whole initrd.
pub fn read<R: Read>(input: &mut Input<R>, into: &mut Collector) -> Result<()> {
    loop {
        let padding = input.skip_zeros()?;
        let offset = input.position();
        if input.ahead()?.is_empty() {
            return Ok(());
        }
        let compression = input.packing()?;
        let raw = input.ahead()?.starts_with(MAGIC);
        if let Some(check) = foreign_check(input.ahead()?) {
            into.note(format!(
                "the member at offset {offset} is packed with xz and {check}: the kernel reads none or CRC32 only (xz --check=crc32)"
            ))?;
        }
        into.begin(Member {
            offset,
            padding,
            compression,
            ..Member::whole(compression, 0)
        })?;
        let unpacked = match (compression, raw) {
            (Packing::None, true) => raw_archive(input, into)?,
            (Packing::None, false) => {
                bail!("at offset {offset}: neither an archive nor a compression that is known")
            }
            _ => compressed(input, into)
                .with_context(|| format!("in the member at offset {offset}"))?,
        };
        let size = input.position() - offset;
        if let Some(member) = into.member() {
            member.size = size;
            member.unpacked = unpacked.unwrap_or(size);
        }
    }
}

/// The check of an xz stream that the kernel does not know (lib/xz/xz_stream.h; the stream flags of the .xz format, section
/// 2.1.1.2).
fn foreign_check(ahead: &[u8]) -> Option<&'static str> {
    let flags = ahead.strip_prefix(b"\xfd7zXZ\0\0")?;
    match flags.first()? & 0x0f {
        0 | 1 => None,
        4 => Some("CRC64"),
        10 => Some("SHA-256"),
        _ => Some("a check that is not known"),
    }
}

fn raw_archive<R: Read>(input: &mut Input<R>, into: &mut Collector) -> Result<Option<u64>> {
    let offset = input.position();
    if !offset.is_multiple_of(4) {
        into.note(format!(
            "the archive at offset {offset} does not begin at a multiple of 4: the kernel stops there"
        ))?;
    }
    if !read_archive(input, into)? {
        into.note(format!("the archive at offset {offset} has no trailer"))?;
    }
    Ok(None)
}

/// What is in a compressed member; how many bytes it unpacks to.
fn compressed<R: Read>(input: &mut Input<R>, into: &mut Collector) -> Result<Option<u64>> {
    let reader = decompress::reader(input, into.left())?;
    let mut unpacked = Input::new(reader);
    loop {
        unpacked.skip_zeros()?;
        if unpacked.ahead()?.is_empty() {
            break;
        }
        if !unpacked.ahead()?.starts_with(MAGIC) {
            bail!(
                "no archive at offset {} of what it unpacks to",
                unpacked.position()
            );
        }
        read_archive(&mut unpacked, into)?;
    }
    into.spend(unpacked.position());
    Ok(Some(unpacked.position()))
}
