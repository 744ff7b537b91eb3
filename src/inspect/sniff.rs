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
