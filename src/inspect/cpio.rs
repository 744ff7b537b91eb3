//! One newc archive, by the kernel's rules (init/initramfs.c). The crate that writes ours is no reader for this: it
//! allocates whatever a header says and takes a short archive for a good one.

use std::io::Read;

use anyhow::{Context, bail};

use crate::error::Result;
use crate::inspect::collect::{Collector, Item};
use crate::inspect::input::Input;
use crate::inspect::{NAME_MAX, RowKind};
use crate::io::Watched;
use crate::wording::counted;

/// A header's length: the magic number and 13 fields of 8 hexadecimal digits.
const HEADER: usize = 110;

/// What ends an archive.
const TRAILER: &[u8] = b"TRAILER!!!";

/// What one header says.
struct CpioHeader {
    has_sum: bool,
    inode: u32,
    mode: u32,
    uid: u32,
    gid: u32,
    links: u32,
    size: u32,
    device: (u32, u32),
    represents: (u32, u32),
    name: u32,
    sum: u32,
}

/// Reads one archive from its first header to its trailer, or to the end of the input, where the kernel is content as
/// well; false if there was no trailer.
pub fn read_archive<R: Read>(input: &mut Input<R>, into: &mut Collector) -> Result<bool> {
    let base = input.position();
    loop {
        if input.ahead()?.is_empty() {
            return Ok(false);
        }
        let at = input.position();
        let more = read_entry(input, base, into).with_context(|| format!("at offset {at}"))?;
        if !more {
            return Ok(true);
        }
    }
}

/// One entry; false at the trailer.
fn read_entry<R: Read>(input: &mut Input<R>, base: u64, into: &mut Collector) -> Result<bool> {
    let header = CpioHeader::read(input)?;
    let length = header.name as usize;
    if length == 0 || length > NAME_MAX {
        bail!("a name of {}", counted(length, "byte"));
    }
    let mut name = vec![0; length];
    input.read_exact(&mut name).context("reading a name")?;
    align(input, base)?;
    // Some writers pad the name itself with more than one zero, so that the content begins on a block.
    let end = name.iter().position(|byte| *byte == 0);
    name.truncate(end.context("a name without an end")?);
    if name == TRAILER {
        return Ok(false);
    }
    entry(&header, &name, input, into)?;
    align(input, base)?;
    Ok(true)
}

fn entry<R: Read>(
    header: &CpioHeader,
    name: &[u8],
    input: &mut Input<R>,
    into: &mut Collector,
) -> Result<()> {
    let mut item = Item::new(name, RowKind::of_mode(header.mode));
    item.row.mode = Some(header.mode & 0o7777);
    item.row.uid = Some(header.uid.into());
    item.row.gid = Some(header.gid.into());
    let size = u64::from(header.size);
    match item.row.kind {
        RowKind::File => {
            item.row.size = Some(size);
            let (major, minor) = header.device;
            item.shared = (header.links > 1).then_some((header.inode, major, minor));
            let mut sum = 0_u32;
            let mut body = Watched::new(input.take(size), |bytes: &[u8]| {
                let bytes = bytes.iter().map(|byte| u32::from(*byte));
                sum = bytes.fold(sum, u32::wrapping_add);
            });
            into.entry(item, Some(&mut body))?;
            let left = body.into_inner().limit();
            if left > 0 {
                bail!("it ends {} too early", counted(left, "byte"));
            }
            if header.has_sum && sum != header.sum {
                let shown = String::from_utf8_lossy(name);
                into.note(format!("/{shown}: its bytes add up to another sum"))?;
            }
        }
        RowKind::Symlink => {
            if size == 0 || size > NAME_MAX as u64 {
                bail!("a link target of {}", counted(size, "byte"));
            }
            let mut target = vec![0; size as usize];
            input.read_exact(&mut target).context("reading a link")?;
            item.target = &target;
            into.entry(item, None)?;
        }
        kind => {
            if matches!(kind, RowKind::CharacterDevice | RowKind::BlockDevice) {
                item.row.device = Some(header.represents);
            }
            into.entry(item, None)?;
            input
                .skip(size)
                .context("reading an entry that is not a file")?;
        }
    }
    Ok(())
}

/// Headers and contents begin at multiples of four, counted from where the archive does.
fn align<R: Read>(input: &mut Input<R>, base: u64) -> Result<()> {
    let at = input.position() - base;
    let padding = at.next_multiple_of(4) - at;
    // Nothing after the last entry: the kernel needs no padding there.
    let padding = padding.min(input.ahead()?.len() as u64);
    Ok(input.skip(padding)?)
}

impl CpioHeader {
    fn read(input: &mut impl Read) -> Result<Self> {
        let mut bytes = [0; HEADER];
        input.read_exact(&mut bytes).context("reading a header")?;
        let has_sum = match &bytes[..6] {
            b"070701" => false,
            b"070702" => true,
            b"070707" => bail!("an archive of cpio's older form, which the kernel refuses"),
            _ => bail!("no header where one must be"),
        };
        let mut fields = [0; 13];
        for (field, digits) in fields.iter_mut().zip(bytes[6..].chunks_exact(8)) {
            *field = hexadecimal(digits).context("a header with something else than digits")?;
        }
        let [
            inode,
            mode,
            uid,
            gid,
            links,
            _time,
            size,
            major,
            minor,
            rmajor,
            rminor,
            name,
            sum,
        ] = fields;
        Ok(Self {
            has_sum,
            inode,
            mode,
            uid,
            gid,
            links,
            size,
            device: (major, minor),
            represents: (rmajor, rminor),
            name,
            sum,
        })
    }
}

/// Eight digits and nothing else: the library's parser would take a sign.
fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let all = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| all)?;
    u32::from_str_radix(text, 16).ok()
}
