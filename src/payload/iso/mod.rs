//! ISO 9660 images of one folder, for a NoCloud seed: the label, Rock Ridge names and modes for Linux, Joliet names for
//! everybody else. In: files with their sizes. Out: the image, streamed; the same bytes everywhere.
//!
//! An own writer: the one library that writes reproducible images, `hadris-iso`, pads each to 360 KB or more. That is
//! gigabytes for thousands of nodes. The numbers are those of ECMA-119; Joliet's are of Microsoft's specification, Rock Ridge's of
//! IEEE P1282 (RRIP) and P1281 (SUSP).

mod descriptor;
mod name;
mod number;
mod record;

use std::io::Write;

use anyhow::bail;

use crate::error::Result;
use crate::io::Watched;
use crate::payload::iso::descriptor::{VolumeDescriptor, path_table, terminator};
use crate::payload::iso::name::{joliet, short_names};
use crate::payload::iso::record::{Extent, Record, extension_reference, joined, rock_ridge};
use crate::wording::counted;

pub use name::flaw;

/// A logical sector, and here a logical block too.
const SECTOR: usize = 2048;
/// Where the first volume descriptor is; before it is room for a boot loader.
const FIRST_DESCRIPTOR: u32 = 16;
/// The path tables follow the two descriptors and their terminator: little- and big-endian, for both trees.
const PATH_TABLES: u32 = FIRST_DESCRIPTOR + 3;
/// The directory with short names follows the four path tables.
const FIRST_DIRECTORY: u32 = PATH_TABLES + 4;

/// Writes a file's bytes, as many as it said, as often as it is asked.
pub type WriteFile<'a> = &'a dyn Fn(&mut dyn Write) -> Result<()>;

/// One file of an image.
pub struct IsoFile<'a> {
    /// Its name, one component without a [`flaw`].
    pub name: &'a str,
    /// Permission bits.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// Writes the bytes.
    pub write: WriteFile<'a>,
}

/// Writes an image with a label of at most 16 ASCII characters.
pub fn write(label: &str, files: &[IsoFile<'_>], out: &mut dyn Write) -> Result<()> {
    for file in files {
        if let Some(flaw) = flaw(file.name) {
            bail!("writing {:?} into an image: {flaw}", file.name);
        }
        if u32::try_from(file.size).is_err() {
            bail!("writing {} into an image: it is 4 GiB or larger", file.name);
        }
    }
    let layout = Layout::of(files);
    out.write_all(&layout.head(label, files))?;
    for file in files {
        let mut count = 0;
        (file.write)(&mut Watched::new(&mut *out, |bytes: &[u8]| {
            count += bytes.len() as u64;
        }))?;
        if count != file.size {
            bail!(
                "writing {} into an image: {} came instead of {}",
                file.name,
                counted(count, "byte"),
                file.size
            );
        }
        let padding = file.size.next_multiple_of(SECTOR as u64) - file.size;
        out.write_all(&[0; SECTOR][..padding as usize])?;
    }
    Ok(())
}

/// Where everything is, in sectors.
struct Layout {
    /// The directory with short names and Rock Ridge.
    plain: Extent,
    /// What did not fit into its first record.
    continuation: u32,
    /// The directory with Joliet names.
    joliet: Extent,
    /// The files in their order.
    files: Vec<Extent>,
    /// The whole image.
    sectors: u32,
}

impl Layout {
    /// Directories are as large as their records are, which do not depend on where anything is.
    fn of(files: &[IsoFile<'_>]) -> Self {
        let nowhere = Extent { at: 0, size: 0 };
        let mut layout = Self {
            plain: nowhere,
            continuation: 0,
            joliet: nowhere,
            files: vec![nowhere; files.len()],
            sectors: 0,
        };
        let mut next = FIRST_DIRECTORY;
        let mut place = |size: usize| {
            let extent = Extent {
                at: next,
                size: size as u32,
            };
            next += size.div_ceil(SECTOR) as u32;
            extent
        };
        let (plain, joliet) = (
            layout.plain_directory(files),
            layout.joliet_directory(files),
        );
        layout.plain = place(plain.len());
        layout.continuation = place(SECTOR).at;
        layout.joliet = place(joliet.len());
        for (extent, file) in layout.files.iter_mut().zip(files) {
            *extent = place(file.size as usize);
        }
        layout.sectors = next;
        layout
    }

    /// Everything before the first file.
    fn head(&self, label: &str, files: &[IsoFile<'_>]) -> Vec<u8> {
        let mut head = vec![0; FIRST_DESCRIPTOR as usize * SECTOR];
        let volumes = [
            VolumeDescriptor::plain(label, self.plain, PATH_TABLES),
            VolumeDescriptor::joliet(label, self.joliet, PATH_TABLES + 2),
        ];
        for volume in &volumes {
            head.extend(volume.descriptor(self.sectors));
        }
        head.extend(terminator());
        for extent in [self.plain, self.joliet] {
            for table in path_table(extent) {
                head.extend(sector(table));
            }
        }
        head.extend(self.plain_directory(files));
        head.extend(sector(extension_reference()));
        head.extend(self.joliet_directory(files));
        head
    }

    fn plain_directory(&self, files: &[IsoFile<'_>]) -> Vec<u8> {
        let short = short_names(files.iter().map(|file| file.name));
        let mut records: Vec<Record> = files
            .iter()
            .zip(short)
            .zip(&self.files)
            .map(|((file, short), extent)| Record {
                name: short.into_bytes(),
                extent: *extent,
                is_directory: false,
                system_use: rock_ridge(file.mode, Some(file.name)),
            })
            .collect();
        records.sort_by(|a, b| a.name.cmp(&b.name));
        let [mut own, mut parent] = Record::dots(self.plain);
        own.system_use = record::first_system_use(self.continuation);
        parent.system_use = rock_ridge(record::DIRECTORY, None);
        joined([own, parent].into_iter().chain(records))
    }

    fn joliet_directory(&self, files: &[IsoFile<'_>]) -> Vec<u8> {
        let mut records: Vec<Record> = files
            .iter()
            .zip(&self.files)
            .map(|(file, extent)| Record {
                name: joliet(file.name),
                extent: *extent,
                is_directory: false,
                system_use: Vec::new(),
            })
            .collect();
        records.sort_by(|a, b| a.name.cmp(&b.name));
        joined(Record::dots(self.joliet).into_iter().chain(records))
    }
}

/// Fills up to a whole sector.
fn sector(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
    bytes
}
