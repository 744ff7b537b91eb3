//! An ISO 9660 image (ECMA-119): its tree by Rock Ridge where it has that, else by Joliet, else by its plain names. Read
//! only; directories that lead to each other and extents that overlap cost no more than the limits allow.
//!
//! An own reader: `cdfs` 0.2 needs libfuse to be built, and `hadris-iso` has no release yet that it calls stable.

mod record;
mod rock_ridge;

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use anyhow::{Context, bail};

use crate::decompress::Packing;
use crate::error::Result;
use crate::inspect::collect::{Collector, Item};
use crate::inspect::iso::record::{Record, records};
use crate::inspect::iso::rock_ridge::RockRidge;
use crate::inspect::{Member, NAME_MAX, RowKind};
use crate::wording::counted;

/// A logical sector; blocks may be smaller, but nobody makes them so.
const SECTOR: u64 = 2048;
/// The volume descriptors begin behind the system area of 16 sectors.
const DESCRIPTORS: u64 = 16;
/// More descriptors than any image has.
const DESCRIPTORS_MAX: u64 = 64;
/// The largest directory that is read: some 100,000 entries.
const DIRECTORY_MAX: u64 = 16 << 20;

/// Whether a file is an ISO image.
pub fn is_iso(file: &File) -> io::Result<bool> {
    let mut mark = [0; 5];
    match file.read_exact_at(&mut mark, DESCRIPTORS * SECTOR + 1) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        done => done.map(|()| &mark == b"CD001"),
    }
}

/// What the volume descriptors say.
struct IsoVolume {
    label: String,
    root: Record,
    joliet: Option<Record>,
    bootable: bool,
}

/// Reads a whole image.
pub fn read(file: &File, into: &mut Collector) -> Result<()> {
    let volume = IsoVolume::read(file)?;
    let size = file.metadata()?.len();
    into.begin(Member {
        size,
        label: Some(volume.label),
        ..Member::whole(Packing::None, size)
    })?;
    if volume.bootable {
        into.note("bootable by El Torito".into())?;
    }
    let rock_ridge = RockRidge::of_root(file, &volume.root, into)?;
    let (root, names) = match (rock_ridge, volume.joliet) {
        (Some(rock_ridge), _) => (volume.root, Names::RockRidge(rock_ridge)),
        (None, Some(joliet)) => (joliet, Names::Joliet),
        (None, None) => (volume.root, Names::Plain),
    };
    into.note(format!("names by {}", names.name()))?;
    walk(file, root, &names, into)
}

impl IsoVolume {
    fn read(file: &File) -> Result<Self> {
        let mut primary = None;
        let mut joliet = None;
        let mut bootable = false;
        for number in 0..DESCRIPTORS_MAX {
            let mut sector = [0; SECTOR as usize];
            file.read_exact_at(&mut sector, (DESCRIPTORS + number) * SECTOR)
                .context("reading a volume descriptor")?;
            if &sector[1..6] != b"CD001" {
                break;
            }
            match sector[0] {
                0 => bootable |= sector[7..].starts_with(b"EL TORITO SPECIFICATION"),
                1 if primary.is_none() => {
                    let block = u16::from_le_bytes([sector[128], sector[129]]);
                    if u64::from(block) != SECTOR {
                        bail!("an image with blocks of {}", counted(block, "byte"));
                    }
                    let label = String::from_utf8_lossy(&sector[40..72]);
                    let label = label.trim_end_matches([' ', '\0']).to_owned();
                    primary = Some((label, root(&sector)?));
                }
                // UCS-2 levels 1 to 3.
                2 if matches!(&sector[88..91], b"%/@" | b"%/C" | b"%/E") => {
                    joliet = Some(root(&sector)?);
                }
                255 => break,
                _ => {}
            }
        }
        let (label, root) = primary.context("no primary volume descriptor")?;
        Ok(Self {
            label,
            root,
            joliet,
            bootable,
        })
    }
}

fn root(sector: &[u8]) -> Result<Record> {
    Record::parse(&sector[156..190]).context("a broken record of the root directory")
}

/// Where names and modes come from.
enum Names {
    RockRidge(RockRidge),
    Joliet,
    Plain,
}

impl Names {
    fn name(&self) -> &'static str {
        match self {
            Self::RockRidge(_) => "Rock Ridge",
            Self::Joliet => "Joliet",
            Self::Plain => "ISO 9660 alone",
        }
    }
}

/// Goes through the tree from the root, each directory once.
fn walk(file: &File, root: Record, names: &Names, into: &mut Collector) -> Result<()> {
    let mut seen = HashSet::from([root.extent]);
    let mut waiting = vec![(Vec::new(), root)];
    while let Some((path, directory)) = waiting.pop() {
        let mut below = Vec::new();
        let content = read_directory(file, &directory, into)?;
        let mut pieces = VecDeque::new();
        for record in records(&content) {
            let record = record?;
            if record.is_dot() {
                continue;
            }
            pieces.push_back((record.extent * SECTOR, record.size));
            // A file of 4 GiB or more is several records, of which all but the last say so.
            if record.more {
                continue;
            }
            let pieces = std::mem::take(&mut pieces);
            let Some(child) = entry(file, (&path, &record), names, pieces, into)? else {
                continue;
            };
            if !seen.insert(child.1.extent) {
                let shown = String::from_utf8_lossy(&child.0).into_owned();
                into.note(format!(
                    "/{shown} is a directory that came before: not entered"
                ))?;
                continue;
            }
            below.push(child);
        }
        // The last one that waits is the next: in the image's own order.
        waiting.extend(below.into_iter().rev());
    }
    Ok(())
}

fn read_directory(file: &File, directory: &Record, into: &mut Collector) -> Result<Vec<u8>> {
    if directory.size > DIRECTORY_MAX {
        bail!("a directory of {}", counted(directory.size, "byte"));
    }
    into.afford(directory.size)?;
    let mut content = vec![0; directory.size as usize];
    file.read_exact_at(&mut content, directory.extent * SECTOR)
        .with_context(|| format!("reading the directory at block {}", directory.extent))?;
    Ok(content)
}

/// Adds one entry; a directory is returned, with its path, to be entered.
fn entry(
    file: &File,
    (parent, record): (&[u8], &Record),
    names: &Names,
    pieces: VecDeque<(u64, u64)>,
    into: &mut Collector,
) -> Result<Option<(Vec<u8>, Record)>> {
    let said = match names {
        Names::RockRidge(rock_ridge) => rock_ridge.read(file, record, into)?,
        Names::Joliet => record.joliet(),
        Names::Plain => record.plain(),
    };
    if said.relocated {
        return Ok(None);
    }
    let mut path = parent.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(&said.name);
    if path.len() > NAME_MAX {
        bail!("a name of {}", counted(path.len(), "byte"));
    }
    let kind = match (said.kind, said.moved_to) {
        (_, Some(_)) => RowKind::Directory,
        (Some(kind), None) => kind,
        (None, None) if record.directory => RowKind::Directory,
        (None, None) => RowKind::File,
    };
    let mut item = Item::new(&path, kind);
    item.target = &said.target;
    (item.row.mode, item.row.uid, item.row.gid) = (said.mode, said.uid, said.gid);
    item.row.device = said.device;
    if kind != RowKind::File {
        into.entry(item, None)?;
        if kind != RowKind::Directory {
            return Ok(None);
        }
        let directory = match said.moved_to {
            // Where it is, its own first record says.
            Some(block) => {
                let mut sector = [0; SECTOR as usize];
                file.read_exact_at(&mut sector, block * SECTOR)
                    .context("reading a moved directory")?;
                Record::parse(&sector).context("a moved directory without a record")?
            }
            None => record.clone(),
        };
        return Ok(Some((path, directory)));
    }
    let size = pieces
        .iter()
        .fold(0u64, |sum, (_, size)| sum.saturating_add(*size));
    into.afford(size)?;
    item.row.size = Some(size);
    let mut body = ExtentReader {
        file,
        pieces,
        left: size,
    };
    into.entry(item, Some(&mut body))?;
    if body.left > 0 {
        let shown = String::from_utf8_lossy(&path);
        bail!("/{shown} ends {} too early", counted(body.left, "byte"));
    }
    Ok(None)
}

/// A file's content: its extents one after the other.
struct ExtentReader<'a> {
    file: &'a File,
    /// Where in the image each goes on, and how many bytes of it are left.
    pieces: VecDeque<(u64, u64)>,
    left: u64,
}

impl Read for ExtentReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some((extent, left)) = self.pieces.front_mut() {
            if *left == 0 {
                self.pieces.pop_front();
                continue;
            }
            let count = buffer
                .len()
                .min(usize::try_from(*left).unwrap_or(usize::MAX));
            let count = self.file.read_at(&mut buffer[..count], *extent)?;
            (*extent, *left) = (*extent + count as u64, *left - count as u64);
            self.left -= count as u64;
            return Ok(count);
        }
        Ok(0)
    }
}
