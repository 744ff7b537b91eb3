//! Directory records (ECMA-119, 9.1), and what they say by themselves or by Joliet.

use anyhow::bail;

use crate::error::Result;
use crate::inspect::RowKind;
use crate::inspect::iso::SECTOR;

/// A record without its name.
const FIXED: usize = 33;

/// One record of a directory.
#[derive(Clone)]
pub struct Record {
    /// The block where its content begins.
    pub extent: u64,
    /// Its content's length in bytes.
    pub size: u64,
    /// Whether that is a directory.
    pub directory: bool,
    /// Whether the next record goes on with the same file.
    pub more: bool,
    /// Its name as it is there.
    pub name: Vec<u8>,
    /// What follows the name: Rock Ridge's fields.
    pub system_use: Vec<u8>,
}

/// What is known of an entry, whatever says it.
#[derive(Default)]
pub struct EntryFacts {
    pub name: Vec<u8>,
    pub kind: Option<RowKind>,
    pub mode: Option<u32>,
    pub uid: Option<u64>,
    pub gid: Option<u64>,
    pub target: Vec<u8>,
    pub device: Option<(u32, u32)>,
    /// The block of a directory that was moved up, because ISO 9660 allows eight levels.
    pub moved_to: Option<u64>,
    /// Whether this is the moved directory, which is listed where it came from.
    pub relocated: bool,
}

impl Record {
    /// Reads one record, which begins with its length; None if it is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let length = usize::from(*bytes.first()?);
        let bytes = bytes.get(..length).filter(|bytes| bytes.len() > FIXED)?;
        let name_end = FIXED + usize::from(bytes[32]);
        let number = |at: usize| {
            let digits = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
            u64::from(u32::from_le_bytes(digits))
        };
        Some(Self {
            // An extended attribute record, which nobody writes, comes before the content.
            extent: number(2) + u64::from(bytes[1]),
            size: number(10),
            directory: bytes[25] & 2 != 0,
            more: bytes[25] & 0x80 != 0,
            name: bytes.get(FIXED..name_end)?.to_vec(),
            // A name of even length is followed by a zero, so that this begins at an even offset.
            system_use: bytes
                .get(name_end.next_multiple_of(2)..)
                .unwrap_or_default()
                .to_vec(),
        })
    }

    /// Whether it is the directory itself or the one above.
    pub fn is_dot(&self) -> bool {
        matches!(&self.name[..], [0] | [1])
    }

    /// By ISO 9660 alone: the name without its version.
    pub fn plain(&self) -> EntryFacts {
        let end = self.name.iter().position(|byte| *byte == b';');
        let name = &self.name[..end.unwrap_or(self.name.len())];
        EntryFacts {
            name: name.strip_suffix(b".").unwrap_or(name).to_vec(),
            ..EntryFacts::default()
        }
    }

    /// By Joliet: the name is UTF-16, big-endian.
    pub fn joliet(&self) -> EntryFacts {
        let units = self.name.chunks_exact(2);
        let units = units.map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        let name: String = char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        let name = name.split(';').next().unwrap_or_default();
        EntryFacts {
            name: name.as_bytes().to_vec(),
            ..EntryFacts::default()
        }
    }
}

/// The records of a directory; none is across a sector's end, and zeros fill what is left of one.
pub fn records(content: &[u8]) -> impl Iterator<Item = Result<Record>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < content.len() {
            let rest = &content[at..];
            if rest[0] == 0 {
                at = (at + 1).next_multiple_of(SECTOR as usize);
                continue;
            }
            at += usize::from(rest[0]);
            return match Record::parse(rest) {
                Some(record) => Some(Ok(record)),
                None => {
                    at = content.len();
                    Some(broken())
                }
            };
        }
        None
    })
}

fn broken() -> Result<Record> {
    bail!("a broken directory record")
}
