//! Directories: records of 32 bytes, with pieces of a long name before the record that they belong to.

/// The length of a record.
pub const RECORD: usize = 32;

const LABEL: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
const LONG_NAME: u8 = 0x0f;
/// A long name has 255 characters at most, 13 in each piece.
const PIECES_MAX: u8 = 20;

/// One entry of a directory.
pub struct FatEntry {
    /// Its long name, or its short one.
    pub name: String,
    /// Whether it is the volume's label.
    pub is_label: bool,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Where its content begins; 0 for none.
    pub cluster: u32,
    /// Its size in bytes.
    pub size: u32,
}

/// The entries of a directory, but not itself and the one above it.
pub fn entries(content: &[u8]) -> impl Iterator<Item = FatEntry> {
    let mut long = LongName::default();
    let records = content
        .chunks_exact(RECORD)
        .take_while(|record| record[0] != 0);
    records.filter_map(move |record| {
        if record[0] == 0xe5 {
            long = LongName::default();
            return None;
        }
        if record[11] & 0x3f == LONG_NAME {
            long.add(record);
            return None;
        }
        let found = std::mem::take(&mut long);
        if record[..2] == *b". " || record[..3] == *b".. " {
            return None;
        }
        let is_label = record[11] & LABEL != 0;
        let name = if is_label {
            text(&record[..11]).trim_end().to_owned()
        } else {
            found.of(record).unwrap_or_else(|| short(record))
        };
        let half = |at: usize| u32::from(u16::from_le_bytes([record[at], record[at + 1]]));
        Some(FatEntry {
            name,
            is_label,
            is_directory: record[11] & DIRECTORY != 0,
            cluster: half(20) << 16 | half(26),
            size: half(28) | half(30) << 16,
        })
    })
}

/// A long name in the making: its pieces come last to first.
#[derive(Default)]
struct LongName {
    units: Vec<u16>,
    expected: u8,
    sum: u8,
}

impl LongName {
    fn add(&mut self, record: &[u8]) {
        let (number, is_last) = (record[0] & 0x3f, record[0] & 0x40 != 0);
        if is_last {
            *self = Self {
                units: Vec::new(),
                expected: number,
                sum: record[13],
            };
        }
        if number == 0 || number > PIECES_MAX || number != self.expected || record[13] != self.sum {
            *self = Self::default();
            return;
        }
        self.expected = number - 1;
        let places = [1..11, 14..26, 28..32];
        let bytes = places
            .into_iter()
            .flat_map(|place| record[place].chunks_exact(2));
        let mut piece: Vec<u16> = bytes
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        piece.append(&mut self.units);
        self.units = piece;
    }

    /// The name, if it is whole and belongs to the record.
    fn of(self, record: &[u8]) -> Option<String> {
        if self.expected != 0 || self.units.is_empty() || self.sum != checksum(record) {
            return None;
        }
        let end = self.units.iter().position(|unit| *unit == 0);
        let units = self.units[..end.unwrap_or(self.units.len())]
            .iter()
            .copied();
        let name: String = char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            // No name may have it, and it would look like a path.
            .map(|c| {
                if c == '/' {
                    char::REPLACEMENT_CHARACTER
                } else {
                    c
                }
            })
            .collect();
        (!name.is_empty()).then_some(name)
    }
}

/// The sum over a short name that the pieces of its long one have.
fn checksum(record: &[u8]) -> u8 {
    let add = |sum: u8, byte: &u8| sum.rotate_right(1).wrapping_add(*byte);
    record[..11].iter().fold(0, add)
}

/// Eight characters and three, with Windows NT's marks for lower case.
fn short(record: &[u8]) -> String {
    let mut first = record[..11].to_vec();
    if first[0] == 0x05 {
        // 0xe5 itself marks what was deleted.
        first[0] = 0xe5;
    }
    let part = |bytes: &[u8], lower: u8| {
        let part = text(bytes).trim_end().to_owned();
        if record[12] & lower != 0 {
            part.to_ascii_lowercase()
        } else {
            part
        }
    };
    let (name, extension) = (part(&first[..8], 0x08), part(&first[8..], 0x10));
    if extension.is_empty() {
        name
    } else {
        format!("{name}.{extension}")
    }
}

/// What is not ASCII depends on a code page that nobody names.
fn text(bytes: &[u8]) -> String {
    let plain = |byte: &u8| match *byte {
        b'/' | 0x80.. => char::REPLACEMENT_CHARACTER,
        byte => char::from(byte),
    };
    bytes.iter().map(plain).collect()
}
