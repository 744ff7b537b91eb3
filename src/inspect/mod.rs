//! Reading payloads back, and anything of the same kinds that others made: initrds, tarballs, Ignition configurations,
//! cloud-init user-data, ISO and FAT images. In: a file that nobody vouches for. Out: a [`Listing`], and its files in a folder
//! where that is asked for.
//!
//! Everything is streamed; what is kept is bounded by [`Limits`], whatever the file says of itself.

mod collect;
mod cpio;
mod extract;
mod fat;
mod ignition;
mod initrd;
mod input;
mod iso;
mod kept;
mod listing;
mod pax;
mod sniff;
mod tarball;
mod user_data;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use crate::decompress;
use crate::error::Result;
use crate::inspect::collect::Collector;
use crate::inspect::extract::Extraction;
use crate::inspect::input::Input;
use crate::inspect::sniff::{sniff, unread};

pub use kept::Kept;
pub use listing::{Listing, ListingRow, Member, RowKind, UnitRow};

/// What a file may make us do. A bomb ends with an error at one of these.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes that all compressed members together unpack to.
    pub unpacked: u64,
    /// Paths.
    pub entries: usize,
    /// Bytes of paths, link targets and notes that are kept.
    pub text: usize,
    /// Archives in one initrd.
    pub members: usize,
    /// Bytes of a document that is read as a whole: Ignition and user-data.
    pub document: u64,
}

impl Limits {
    /// Values of a document: each takes some 100 bytes of memory, however short it is. A file has some ten of them.
    fn values(self) -> usize {
        self.entries.saturating_mul(4)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked: 16 << 30,
            entries: 500_000,
            text: 64 << 20,
            members: 10_000,
            document: 256 << 20,
        }
    }
}

/// The longest path and link target: what Linux takes (PATH_MAX), and what the kernel's own reader of initrds skips
/// members beyond.
const NAME_MAX: usize = 4096;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Initramfs,
    Tarball,
    Ignition,
    CloudInit,
    Iso,
    Fat,
}

impl FileKind {
    /// The word for people and programs: the inventory's, where it has one.
    fn name(self) -> &'static str {
        match self {
            Self::Initramfs => "initramfs",
            Self::Tarball => "tarball",
            Self::Ignition => "ignition",
            Self::CloudInit => "cloudInit",
            Self::Iso => "iso9660",
            Self::Fat => "fat",
        }
    }
}

/// Lists a file, and writes what is in it into the folder `extract`, which must be absent or empty. An error in the
/// middle of the file comes with the listing of what is before it; then nothing is extracted.
pub fn inspect(
    path: &Path,
    limits: Limits,
    extract: Option<&Path>,
) -> Result<(Listing, Result<()>)> {
    let shown = path.display();
    let reading = || format!("reading {shown}");
    let mut file = crate::input::open(path).with_context(reading)?;
    let metadata = file.metadata().with_context(reading)?;
    let kind = sniff(&mut file).with_context(reading)?;
    let Some(kind) = kind else {
        let is = unread(&mut file).with_context(reading)?;
        let is = is.map_or(String::new(), |is| format!("; it is {is}"));
        bail!(
            "reading {shown}: it must be an initrd, tarball, Ignition configuration, user-data, ISO or FAT image{is}"
        );
    };
    let extraction = extract.map(Extraction::begin).transpose()?;
    let listing = Listing::new(path.to_string_lossy().into(), kind.name(), metadata.len());
    let mut collector = Collector::new(listing, limits, extraction);
    let outcome = read(kind, file, &mut collector).with_context(reading);
    let (listing, extraction) = collector.into_parts();
    let outcome = outcome.and_then(|()| extraction.map_or(Ok(()), Extraction::finish));
    Ok((listing, outcome))
}

/// Reads the files that `kept` asks for out of a payload, and what it says beside files. What is wanted and not found is
/// the caller's to tell, and so is why a payload cannot be read to its end.
pub fn keep(path: &Path, limits: Limits, kept: Kept) -> Result<Kept> {
    let known = known(path)?;
    let Some((kind, file)) = known else {
        return Ok(kept);
    };
    let (_, kept, _) = list_and_keep(path, (kind, file), limits, kept);
    Ok(kept)
}

/// The same with the listing, and with the error that ends it early; None where it is nothing that is read here.
pub fn list_keeping(
    path: &Path,
    limits: Limits,
    kept: Kept,
) -> Result<Option<(Listing, Kept, Result<()>)>> {
    let known = known(path)?;
    Ok(known.map(|known| list_and_keep(path, known, limits, kept)))
}

/// A regular file and what it is, where it is any of the kinds that are read.
fn known(path: &Path) -> Result<Option<(FileKind, File)>> {
    let reading = || format!("reading {}", path.display());
    let mut file = crate::input::open(path).with_context(reading)?;
    let kind = sniff(&mut file).with_context(reading)?;
    Ok(kind.map(|kind| (kind, file)))
}

fn list_and_keep(
    path: &Path,
    (kind, file): (FileKind, File),
    limits: Limits,
    kept: Kept,
) -> (Listing, Kept, Result<()>) {
    let listing = Listing::new(path.to_string_lossy().into(), kind.name(), 0);
    let mut collector = Collector::new(listing, limits, None).keep(kept);
    let outcome = read(kind, file, &mut collector);
    let (listing, kept) = collector.into_kept();
    (listing, kept, outcome)
}

fn read(kind: FileKind, file: File, into: &mut Collector) -> Result<()> {
    match kind {
        FileKind::Initramfs => initrd::read(&mut Input::new(file), into),
        FileKind::Tarball => tarball::read(Input::new(file), into),
        FileKind::Ignition => ignition::read(&document(file, into)?, into),
        FileKind::CloudInit => user_data::read(&document(file, into)?, into),
        FileKind::Iso => iso::read(&file, into),
        FileKind::Fat => fat::read(&file, into),
    }
}

/// A document as a whole, unpacked if it is packed.
fn document(file: File, into: &mut Collector) -> Result<Vec<u8>> {
    let mut input = Input::new(file);
    let packing = input.packing()?;
    let mut bytes = Vec::new();
    let limit = into.limits().document;
    decompress::whole(&mut input, limit)?
        .read_to_end(&mut bytes)
        .context("unpacking it")?;
    into.begin(Member::whole(packing, bytes.len() as u64))?;
    Ok(bytes)
}
