//! What a file is, by its content: names lie.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::decompress::{self, Packing};
use crate::error::Result;
use crate::inspect::FileKind;
use crate::inspect::input::Input;
use crate::inspect::{fat, iso, tarball};

/// How much of what is unpacked is looked at: a tar header, and enough of a document.
const HEAD: usize = 4096;

/// What cloud-init knows a part by (cloud-init's `INCLUSION_TYPES_MAP`), and how a MIME message may begin.
const USER_DATA: [&str; 12] = [
    "#cloud-config",
    "#!",
    "#include",
    "#cloud-boothook",
    "#part-handler",
    "#cloud-config-archive",
    "#cloud-config-jsonp",
    "## template: jinja",
    "#upstart-job",
    "content-type:",
    "mime-version:",
    "from nobody ",
];

/// What begins with these bytes and is not read: a name for the message.
const UNREAD: [(&[u8], &str); 15] = [
    (b"BZh", "packed with bzip2"),
    (b"LZIP", "packed with lzip"),
    (
        b"\x04\x22\x4d\x18",
        "an LZ4 frame (the kernel reads `lz4 -l` only)",
    ),
    (b"\x89LZO\x00", "packed with lzop"),
    (b"\x1f\x9d", "packed with compress"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"QFI\xfb", "a qcow2 disk image"),
    (b"KDMV", "a VMDK disk image"),
    (b"conectix", "a VHD disk image"),
    (b"vhdxfile", "a VHDX disk image"),
    (b"hsqs", "a squashfs"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a kernel or a program for EFI"),
    (b"!<arch>\n", "a Debian package or a library"),
];

/// What a file is that is not read, where that can be told.
pub fn unread(file: &mut File) -> Result<Option<&'static str>> {
    let mut head = Vec::with_capacity(1024);
    file.seek(SeekFrom::Start(0))?;
    file.take(1024).read_to_end(&mut head)?;
    let known = UNREAD.iter().find(|(mark, _)| head.starts_with(mark));
    let is_gpt = head.get(512..520) == Some(b"EFI PART");
    let is_mbr = head.get(510..512) == Some(&[0x55, 0xaa]);
    Ok(match known {
        Some((_, name)) => Some(name),
        None if is_gpt || is_mbr => Some("a disk with partitions: take the file system out of it"),
        None if Packing::of(&head) != Packing::None => {
            Some("packed, and not an archive that is read inside")
        }
        None => None,
    })
}

/// The kind of a file, if it is one that we read. The file is left at its start.
pub fn sniff(file: &mut File) -> Result<Option<FileKind>> {
    if iso::is_iso(file)? {
        return Ok(Some(FileKind::Iso));
    }
    if fat::is_fat(file)? {
        return Ok(Some(FileKind::Fat));
    }
    file.seek(SeekFrom::Start(0))?;
    let found = of_stream(file)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(found)
}

fn of_stream(file: &mut File) -> Result<Option<FileKind>> {
    let mut input = Input::new(file);
    let zeros = input.skip_zeros()?;
    let packing = input.packing()?;
    let mut head = Vec::with_capacity(HEAD);
    decompress::reader(&mut input, u64::MAX)?
        .take(HEAD as u64)
        .read_to_end(&mut head)?;
    let cpio = head.starts_with(b"0707");
    Ok(match (packing, zeros) {
        _ if cpio => Some(FileKind::Initramfs),
        // Zeros before what is no archive: an initrd may be padded, nothing else may.
        (_, 1..) => None,
        _ if tarball::is_tarball(&head) => Some(FileKind::Tarball),
        (Packing::None | Packing::Gzip, 0) => document(&head),
        _ => None,
    })
}

fn document(head: &[u8]) -> Option<FileKind> {
    // A head may end in the middle of a character.
    let text = String::from_utf8_lossy(head);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let begins = |mark: &&str| {
        let start = text.get(..mark.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(mark))
    };
    if USER_DATA.iter().any(begins) {
        return Some(FileKind::CloudInit);
    }
    text.trim_start()
        .starts_with('{')
        .then_some(FileKind::Ignition)
}
