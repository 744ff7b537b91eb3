//! Volume descriptors and path tables (ECMA-119, 8 and 9.4), for the tree with short names and for Joliet's.

use crate::payload::iso::SECTOR;
use crate::payload::iso::number::{both16, both32};
use crate::payload::iso::record::{Extent, Record};

/// 1980-01-01T00:00:00.00Z, in digits.
const DATE: &[u8; 17] = b"1980010100000000\0";
/// No date.
const NEVER: &[u8; 17] = b"0000000000000000\0";
/// UCS-2, level 3 (Joliet, "Escape Sequences").
const JOLIET: &[u8; 3] = b"%/E";

/// One of the two trees, as its descriptor says it.
pub struct VolumeDescriptor {
    is_joliet: bool,
    label: String,
    root: Extent,
    path_tables: u32,
}

impl VolumeDescriptor {
    /// The tree with short names.
    pub fn plain(label: &str, root: Extent, path_tables: u32) -> Self {
        Self {
            is_joliet: false,
            label: label.to_owned(),
            root,
            path_tables,
        }
    }

    /// The tree with Joliet names.
    pub fn joliet(label: &str, root: Extent, path_tables: u32) -> Self {
        Self {
            is_joliet: true,
            ..Self::plain(label, root, path_tables)
        }
    }

    /// The descriptor's sector.
    pub fn descriptor(&self, sectors: u32) -> Vec<u8> {
        let mut bytes = vec![if self.is_joliet { 2 } else { 1 }];
        bytes.extend(b"CD001\x01\0");
        bytes.extend(self.text("LINUX", 32));
        bytes.extend(self.text(&self.label, 32));
        bytes.extend([0; 8]);
        bytes.extend(both32(sectors));
        let mut escapes = [0; 32];
        if self.is_joliet {
            escapes[..JOLIET.len()].copy_from_slice(JOLIET);
        }
        bytes.extend(escapes);
        // One volume in the set, the first, with blocks of a sector.
        for number in [1, 1, SECTOR as u16] {
            bytes.extend(both16(number));
        }
        let [little, big] = path_table(self.root);
        bytes.extend(both32(little.len() as u32));
        debug_assert_eq!(little.len(), big.len());
        // Each with a second copy that is not there.
        bytes.extend(self.path_tables.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend((self.path_tables + 1).to_be_bytes());
        bytes.extend([0; 4]);
        let [root, _] = Record::dots(self.root);
        bytes.extend(root.bytes());
        // Set, publisher, preparer, application; files with copyright, abstract and bibliography: nothing that varies.
        for length in [128, 128, 128, 128, 37, 37, 37] {
            bytes.extend(self.text("", length));
        }
        bytes.extend([&DATE[..], DATE, NEVER, NEVER].concat());
        bytes.push(1);
        super::sector(bytes)
    }

    /// Text in the tree's own characters, filled with blanks.
    fn text(&self, text: &str, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = if self.is_joliet {
            text.encode_utf16().flat_map(u16::to_be_bytes).collect()
        } else {
            text.as_bytes().to_vec()
        };
        while bytes.len() < length {
            if self.is_joliet && bytes.len() + 2 <= length {
                bytes.extend([0, b' '])
            } else {
                bytes.push(if self.is_joliet { 0 } else { b' ' })
            }
        }
        bytes.truncate(length);
        bytes
    }
}

/// Ends the descriptors.
pub fn terminator() -> Vec<u8> {
    super::sector(b"\xffCD001\x01".to_vec())
}

/// The table of a tree with one directory, little-endian and big-endian.
pub fn path_table(root: Extent) -> [Vec<u8>; 2] {
    // One byte of name, which is zero and then padded; its parent is the first directory, itself.
    let table = |at: [u8; 4], parent: [u8; 2]| [&[1, 0][..], &at, &parent, &[0, 0]].concat();
    [
        table(root.at.to_le_bytes(), 1u16.to_le_bytes()),
        table(root.at.to_be_bytes(), 1u16.to_be_bytes()),
    ]
}
