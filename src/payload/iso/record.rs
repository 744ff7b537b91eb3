//! Directory records (ECMA-119, 9.1) and what Rock Ridge adds to them.

use crate::payload::iso::SECTOR;
use crate::payload::iso::number::both32;

/// The mode of the only directory, type included.
pub const DIRECTORY: u32 = 0o040_755;
/// The type bits of a regular file's mode.
const REGULAR: u32 = 0o100_000;
/// 1980-01-01T00:00:00Z, as every archive here has it: years since 1900, month, day, time, quarters of hours from UTC.
const DATE: [u8; 7] = [80, 1, 1, 0, 0, 0, 0];

/// The extension that is in use (RRIP, 4.3); kernels know it by the first text.
const EXTENSION: [&str; 3] = [
    "RRIP_1991A",
    "THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS",
    "PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR \
     FOR CONTACT INFORMATION.",
];

/// Where something is, and how large it is.
#[derive(Clone, Copy)]
pub struct Extent {
    /// The first sector.
    pub at: u32,
    /// Bytes.
    pub size: u32,
}

/// One record of a directory.
pub struct Record {
    /// The identifier, as its tree writes it.
    pub name: Vec<u8>,
    /// The content.
    pub extent: Extent,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Rock Ridge's part.
    pub system_use: Vec<u8>,
}

impl Record {
    /// The records that each directory begins with: itself and its parent, which at the top is itself.
    pub fn dots(extent: Extent) -> [Self; 2] {
        [0, 1].map(|name| Self {
            name: vec![name],
            extent,
            is_directory: true,
            system_use: Vec::new(),
        })
    }

    /// The bytes of the record.
    pub fn bytes(&self) -> Vec<u8> {
        // The length comes last; no extended attributes.
        let mut bytes = vec![0, 0];
        bytes.extend(both32(self.extent.at));
        bytes.extend(both32(self.extent.size));
        bytes.extend(DATE);
        // Flags, then no interleaving, then the number of the volume, in both orders.
        bytes.extend([if self.is_directory { 2 } else { 0 }, 0, 0, 1, 0, 0, 1]);
        bytes.push(self.name.len() as u8);
        bytes.extend(&self.name);
        if self.name.len().is_multiple_of(2) {
            bytes.push(0);
        }
        bytes.extend(&self.system_use);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes[0] = bytes.len() as u8;
        bytes
    }
}

/// A directory: none of its records crosses a sector's end, and the rest of each sector is zero.
pub fn joined(records: impl Iterator<Item = Record>) -> Vec<u8> {
    let mut directory = Vec::with_capacity(SECTOR);
    for record in records {
        let record = record.bytes();
        let left = directory.len().next_multiple_of(SECTOR) - directory.len();
        if record.len() > left {
            directory.resize(directory.len() + left, 0);
        }
        directory.extend(record);
    }
    super::sector(directory)
}

/// Mode, owner (root), times, and the real name of what is no directory.
pub fn rock_ridge(mode: u32, name: Option<&str>) -> Vec<u8> {
    let mut bytes = b"PX\x24\x01".to_vec();
    let links = if mode == DIRECTORY { 2 } else { 1 };
    let mode = if mode == DIRECTORY {
        mode
    } else {
        REGULAR | mode
    };
    for number in [mode, links, 0, 0] {
        bytes.extend(both32(number));
    }
    // Modification, access and change of attributes.
    bytes.extend(b"TF\x1a\x01\x0e");
    bytes.extend([DATE; 3].concat());
    if let Some(name) = name {
        bytes.extend([b'N', b'M', 5 + name.len() as u8, 1, 0]);
        bytes.extend(name.as_bytes());
    }
    bytes
}

/// What the very first record has beside its own: the mark that there is more than ECMA-119, and where it goes on.
pub fn first_system_use(continuation: u32) -> Vec<u8> {
    let mut bytes = b"SP\x07\x01\xbe\xef\x00".to_vec();
    bytes.extend(rock_ridge(DIRECTORY, None));
    bytes.extend(b"CE\x1c\x01");
    for number in [continuation, 0, extension_reference().len() as u32] {
        bytes.extend(both32(number));
    }
    bytes
}

/// Says which extension is in use; too long for the first record.
pub fn extension_reference() -> Vec<u8> {
    let lengths = EXTENSION.map(|text| text.len() as u8);
    let length = 8 + lengths.iter().sum::<u8>();
    let mut bytes = vec![b'E', b'R', length, 1];
    bytes.extend(lengths);
    bytes.push(1);
    bytes.extend(EXTENSION.concat().as_bytes());
    bytes
}
