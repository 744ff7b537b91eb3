//! The boot sector: where everything is.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::inspect::fat::directory::RECORD;

/// The part of the boot sector that says something.
const SECTOR: usize = 512;

/// What a boot sector says, checked against the file's size.
pub struct FatVolume {
    /// 12, 16 or 32: the bits of the table's entries.
    pub bits: u32,
    /// Bytes of a cluster.
    pub cluster_size: u64,
    /// How many clusters there are; the first one has the number 2.
    pub clusters: u32,
    /// Where the table begins, in bytes.
    pub table_offset: u64,
    /// How long one copy of it is, in bytes.
    pub table_size: u64,
    /// Where the root directory of FAT12 and FAT16 begins, in bytes.
    pub root_offset: u64,
    /// How long it is, in bytes.
    pub root_size: u64,
    /// The first cluster of FAT32's root directory.
    pub root_cluster: u32,
    /// The label that is here, if any is.
    pub label: Option<String>,
    data_offset: u64,
}

/// The boot sector of a file that is long enough to have one.
pub fn boot_sector(file: &File) -> io::Result<Option<[u8; SECTOR]>> {
    let mut sector = [0; SECTOR];
    match file.read_exact_at(&mut sector, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        done => done.map(|()| Some(sector)),
    }
}

impl FatVolume {
    /// Reads a boot sector; None if it is none of a FAT, or of one that is larger than the file.
    pub fn parse(sector: &[u8; SECTOR], file_size: u64) -> Option<Self> {
        let byte = |at: usize| u64::from(sector[at]);
        let short = |at: usize| byte(at) | byte(at + 1) << 8;
        let long = |at: usize| short(at) | short(at + 2) << 16;
        let jumps = (sector[0] == 0xeb && sector[2] == 0x90) || sector[0] == 0xe9;
        let (bytes, per_cluster) = (short(11), byte(13));
        let sizes = [512, 1024, 2048, 4096].contains(&bytes) && per_cluster.is_power_of_two();
        let (reserved, tables, media) = (short(14), byte(16), byte(21));
        let media = media == 0xf0 || media >= 0xf8;
        if !jumps || sector[510..] != [0x55, 0xaa] || !sizes || !media {
            return None;
        }
        if reserved == 0 || !(1..=4).contains(&tables) {
            return None;
        }
        let or_long = |small: u64, at| if small == 0 { long(at) } else { small };
        let (sectors, of_table) = (or_long(short(19), 32), or_long(short(22), 36));
        let root_size = short(17) * RECORD as u64;
        let root_sector = reserved + tables * of_table;
        let data_sector = root_sector + root_size.div_ceil(bytes);
        let clusters = sectors.checked_sub(data_sector)? / per_cluster;
        // Linux' rule: who has no size for the short table has the long one, however small the image is.
        let bits = match (short(22), clusters) {
            (0, _) => 32,
            (_, ..4085) => 12,
            _ => 16,
        };
        let table_size = of_table * bytes;
        let needed = (clusters + 2) * u64::from(bits);
        let fits = needed.div_ceil(8) <= table_size && data_sector * bytes <= file_size;
        if !fits || clusters == 0 || of_table == 0 || (root_size == 0) != (bits == 32) {
            return None;
        }
        let label_at = if bits == 32 { 71 } else { 43 };
        Some(Self {
            bits,
            cluster_size: bytes * per_cluster,
            clusters: u32::try_from(clusters).ok()?,
            table_offset: reserved * bytes,
            table_size,
            root_offset: root_sector * bytes,
            root_size,
            root_cluster: if bits == 32 { long(44) as u32 } else { 0 },
            label: label(&sector[label_at - 5..][..16]),
            data_offset: data_sector * bytes,
        })
    }

    /// Where a cluster begins, in bytes.
    pub fn offset(&self, cluster: u32) -> u64 {
        self.data_offset + u64::from(cluster.saturating_sub(2)) * self.cluster_size
    }
}

/// The label behind its mark and the volume's number, if the mark is there and somebody gave one.
fn label(fields: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&fields[5..]);
    let text = text.trim_end_matches([' ', '\0']);
    (fields[0] == 0x29 && !text.is_empty() && text != "NO NAME").then(|| text.to_owned())
}
