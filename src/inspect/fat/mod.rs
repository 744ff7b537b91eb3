//! A FAT12, FAT16 or FAT32 image, like a NoCloud seed or an EFI system partition: its tree, with long names where it has
//! them. Read only; chains that lead in a circle, and files that share what they are made of, cost no more than the limits
//! allow. The rules are those of Microsoft's specification (fatgen103), and Linux' where that is milder: many images are
//! smaller than their kind of FAT should be.
//!
//! An own reader: `fatfs` 0.3 wants to write too, and of a floppy's image whose file leads back to itself it reads 4 GiB.

mod directory;
mod table;
mod volume;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use anyhow::{Context, bail};

use crate::decompress::Packing;
use crate::error::Result;
use crate::inspect::collect::{Collector, Item};
use crate::inspect::fat::directory::{FatEntry, RECORD, entries};
use crate::inspect::fat::table::Table;
use crate::inspect::fat::volume::FatVolume;
use crate::inspect::{Member, NAME_MAX, RowKind};
use crate::wording::counted;

/// The largest directory that there may be: 65,536 records.
const DIRECTORY_MAX: u64 = 65_536 * RECORD as u64;

/// Whether a file is a FAT image.
pub fn is_fat(file: &File) -> io::Result<bool> {
    let size = file.metadata()?.len();
    Ok(volume::boot_sector(file)?.is_some_and(|sector| FatVolume::parse(&sector, size).is_some()))
}

/// Reads a whole image.
pub fn read(file: &File, into: &mut Collector) -> Result<()> {
    let size = file.metadata()?.len();
    let sector = volume::boot_sector(file)?.context("no boot sector")?;
    let volume = FatVolume::parse(&sector, size).context("no boot sector of a FAT")?;
    let mut image = Image {
        table: Table::new(file, &volume),
        file,
        volume,
    };
    let root = image.root(into)?;
    let in_root = entries(&root).find_map(|entry| entry.is_label.then_some(entry.name));
    let in_sector = image.volume.label.clone();
    into.begin(Member {
        size,
        label: in_root.clone().or_else(|| in_sector.clone()),
        ..Member::whole(Packing::None, size)
    })?;
    into.note(format!("FAT{}", image.volume.bits))?;
    if in_root != in_sector {
        let said =
            |label: Option<String>| label.map_or("none".to_owned(), |label| format!("{label:?}"));
        let (root, sector) = (said(in_root), said(in_sector));
        // Readers look into one or the other.
        into.note(format!(
            "its label in the root directory is {root}, in the boot sector {sector}"
        ))?;
    }
    walk(&mut image, root, into)
}

/// An image with what its boot sector says.
struct Image<'f> {
    file: &'f File,
    volume: FatVolume,
    table: Table<'f>,
}

impl Image<'_> {
    fn root(&mut self, into: &mut Collector) -> Result<Vec<u8>> {
        let volume = &self.volume;
        if volume.bits == 32 {
            return self.directory(volume.root_cluster, into);
        }
        // A place of its own, before the first cluster.
        into.afford(volume.root_size)?;
        let mut content = vec![0; volume.root_size as usize];
        self.file
            .read_exact_at(&mut content, volume.root_offset)
            .context("reading the root directory")?;
        Ok(content)
    }

    /// A directory's records: all of its clusters.
    fn directory(&mut self, first: u32, into: &mut Collector) -> Result<Vec<u8>> {
        let size = self.volume.cluster_size;
        let mut content = Vec::new();
        let mut chain = self.table.chain(first);
        while let Some(cluster) = chain.next()? {
            if content.len() as u64 + size > DIRECTORY_MAX.max(size) {
                bail!("the directory at cluster {first} has more than {DIRECTORY_MAX} bytes");
            }
            into.afford(size)?;
            let start = content.len();
            content.resize(start + size as usize, 0);
            self.file
                .read_exact_at(&mut content[start..], self.volume.offset(cluster))
                .with_context(|| format!("reading the directory at cluster {first}"))?;
        }
        Ok(content)
    }
}

/// Goes through the tree from the root, each directory once.
fn walk(image: &mut Image<'_>, root: Vec<u8>, into: &mut Collector) -> Result<()> {
    let mut seen = HashSet::from([0, image.volume.root_cluster]);
    let mut waiting = vec![(Vec::new(), None)];
    while let Some((path, first)) = waiting.pop() {
        let content = match first {
            None => root.clone(),
            Some(first) => image.directory(first, into)?,
        };
        let mut below = Vec::new();
        for entry in entries(&content).filter(|entry| !entry.is_label) {
            let path = joined(&path, &entry)?;
            if !entry.is_directory {
                file(image, &path, &entry, into)?;
                continue;
            }
            into.entry(Item::new(&path, RowKind::Directory), None)?;
            if !seen.insert(entry.cluster) {
                let shown = String::from_utf8_lossy(&path);
                into.note(format!(
                    "/{shown} is a directory that came before: not entered"
                ))?;
                continue;
            }
            below.push((path, Some(entry.cluster)));
        }
        // The last one that waits is the next: in the image's own order.
        waiting.extend(below.into_iter().rev());
    }
    Ok(())
}

fn joined(parent: &[u8], entry: &FatEntry) -> Result<Vec<u8>> {
    let mut path = parent.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(entry.name.as_bytes());
    if path.len() > NAME_MAX {
        bail!("a name of {}", counted(path.len(), "byte"));
    }
    Ok(path)
}

fn file(image: &mut Image<'_>, path: &[u8], entry: &FatEntry, into: &mut Collector) -> Result<()> {
    let shown = || String::from_utf8_lossy(path).into_owned();
    let size = u64::from(entry.size);
    let volume = &image.volume;
    if size.div_ceil(volume.cluster_size) > u64::from(volume.clusters) {
        bail!(
            "/{} has {}, more than the image",
            shown(),
            counted(size, "byte")
        );
    }
    into.afford(size)?;
    let mut item = Item::new(path, RowKind::File);
    item.row.size = Some(size);
    let mut body = ClusterReader {
        file: image.file,
        cluster_size: volume.cluster_size,
        volume: &image.volume,
        chain: image.table.chain(entry.cluster),
        at: 0,
        left_in_cluster: 0,
        left: size,
    };
    into.entry(item, Some(&mut body))?;
    if body.left > 0 {
        bail!("/{} ends {} too early", shown(), counted(body.left, "byte"));
    }
    Ok(())
}

/// A file's content: its clusters one after the other.
struct ClusterReader<'v, 'f> {
    file: &'f File,
    cluster_size: u64,
    volume: &'v FatVolume,
    chain: table::Chain<'v, 'f>,
    /// Where in the image it goes on.
    at: u64,
    left_in_cluster: u64,
    left: u64,
}

impl Read for ClusterReader<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        if self.left_in_cluster == 0 {
            let Some(cluster) = self.chain.next().map_err(io::Error::other)? else {
                return Ok(0);
            };
            self.at = self.volume.offset(cluster);
            self.left_in_cluster = self.cluster_size;
        }
        let most = self.left.min(self.left_in_cluster);
        let count = buffer
            .len()
            .min(usize::try_from(most).unwrap_or(usize::MAX));
        let count = self.file.read_at(&mut buffer[..count], self.at)?;
        self.at += count as u64;
        self.left_in_cluster -= count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}
