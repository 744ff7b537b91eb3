//! Gathers what the readers find: rows within the limits, digests, and files on their way to the extraction.

use std::io::{self, Read};

use anyhow::{Context, bail};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::inspect::extract::Extraction;
use crate::inspect::{Kept, Limits, Listing, ListingRow, Member, NAME_MAX, RowKind, UnitRow};
use crate::io::Watched;
use crate::wording::counted;

/// One entry as its reader found it.
pub struct Item<'a> {
    /// The path as the archive has it.
    pub name: &'a [u8],
    /// Where a link leads, as the archive has it.
    pub target: &'a [u8],
    /// What is said of it; path and target are filled in by [`Collector::entry`].
    pub row: ListingRow,
    /// Entries of a member that share it are one file (cpio's inode and device numbers).
    pub shared: Option<(u32, u32, u32)>,
}

impl<'a> Item<'a> {
    /// An entry of which only the name is known.
    pub fn new(name: &'a [u8], kind: RowKind) -> Self {
        Self {
            name,
            target: b"",
            row: ListingRow::new(String::new(), kind),
            shared: None,
        }
    }
}

/// The listing in the making.
pub struct Collector {
    listing: Listing,
    limits: Limits,
    extraction: Option<Extraction>,
    kept: Kept,
    entries: usize,
    text: usize,
    unpacked: u64,
}

impl Collector {
    pub fn new(listing: Listing, limits: Limits, extraction: Option<Extraction>) -> Self {
        Self {
            listing,
            limits,
            extraction,
            kept: Kept::default(),
            entries: 0,
            text: 0,
            unpacked: 0,
        }
    }

    /// The listing, and the extraction that waits to be finished.
    pub fn into_parts(self) -> (Listing, Option<Extraction>) {
        (self.listing, self.extraction)
    }

    /// Files that are to be kept in memory, and documents.
    pub fn keep(mut self, kept: Kept) -> Self {
        self.kept = kept;
        self
    }

    /// The listing, and what was kept.
    pub fn into_kept(self) -> (Listing, Kept) {
        (self.listing, self.kept)
    }

    /// What a payload says beside files; a name that tells it from the others of its file.
    pub fn says(&mut self, name: &str, document: impl FnOnce() -> Value) {
        if self.kept.documents_too {
            self.kept.documents.push((name.to_owned(), document()));
        }
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// How much may still be unpacked.
    pub fn left(&self) -> u64 {
        self.limits.unpacked.saturating_sub(self.unpacked)
    }

    /// Counts what was unpacked.
    pub fn spend(&mut self, unpacked: u64) {
        self.unpacked = self.unpacked.saturating_add(unpacked);
    }

    /// Counts what is about to be read, an error where that is more than is left: in images whose files may overlap, what
    /// is read is counted rather than what there is.
    pub fn afford(&mut self, bytes: u64) -> Result<()> {
        if bytes > self.left() {
            bail!("it unpacks to more than allowed");
        }
        self.spend(bytes);
        Ok(())
    }

    /// Begins a member; entries go to the last one that was begun.
    pub fn begin(&mut self, member: Member) -> Result<()> {
        if self.listing.members.len() >= self.limits.members {
            bail!(
                "more than {} in it",
                counted(self.limits.members, "archive")
            );
        }
        self.listing.members.push(member);
        if let Some(extraction) = &mut self.extraction {
            extraction.begin_member();
        }
        Ok(())
    }

    /// The member that was begun last.
    pub fn member(&mut self) -> Option<&mut Member> {
        self.listing.members.last_mut()
    }

    /// Says something about the file as a whole.
    pub fn note(&mut self, note: String) -> Result<()> {
        self.count(note.len())?;
        self.listing.notes.push(note);
        Ok(())
    }

    /// Adds a unit.
    pub fn unit(&mut self, unit: UnitRow) -> Result<()> {
        self.count(unit.name.len() + unit.dropins.iter().map(String::len).sum::<usize>())?;
        self.listing.units.push(unit);
        Ok(())
    }

    /// Adds an entry. A file's content is read to its end, hashed, and extracted where that is asked for; None where the
    /// format does not hold it.
    pub fn entry(&mut self, item: Item<'_>, content: Option<&mut dyn Read>) -> Result<()> {
        let Item {
            name,
            target,
            mut row,
            shared,
        } = item;
        for text in [name, target] {
            if text.len() > NAME_MAX {
                bail!("a name of {}", counted(text.len(), "byte"));
            }
        }
        let (path, leaves) = absolute(name);
        row.path = path;
        if matches!(row.kind, RowKind::Symlink | RowKind::HardLink) {
            row.target = Some(String::from_utf8_lossy(target).into_owned());
        }
        self.count(name.len() + target.len())?;
        self.entries += 1;
        if self.entries > self.limits.entries {
            bail!("more than {} in it", counted(self.limits.entries, "entry"));
        }
        if leaves {
            self.note(format!("{} leads out of its folder", row.path))?;
        }
        if let Some(content) = content {
            let mut sha256 = Sha256::new();
            let mut hashing = Watched::new(content, |bytes: &[u8]| sha256.update(bytes));
            let refused = match &mut self.extraction {
                Some(extraction) => extraction.file(name, &row, shared, &mut hashing),
                None => Ok(None),
            };
            let refused = refused.with_context(|| format!("extracting {}", row.path))?;
            // Whatever the extraction left unread.
            let mut bytes = Vec::new();
            if self.kept.wants(&row) {
                hashing.read_to_end(&mut bytes).map(|read| read as u64)
            } else {
                io::copy(&mut hashing, &mut io::sink())
            }
            .with_context(|| format!("reading {}", row.path))?;
            // Other names of one file come without its content, which the last of them brings.
            if row.size != Some(0) || shared.is_none() {
                row.sha256 = Some(sha256.finalize().into());
            }
            self.kept.offer(&row, bytes);
            self.refused(&row, refused)?;
        } else if let Some(extraction) = &mut self.extraction {
            let refused = extraction
                .other(name, target, &row)
                .with_context(|| format!("extracting {}", row.path))?;
            self.refused(&row, refused)?;
        }
        if let Some(member) = self.member() {
            member.early |= is_early(&row.path);
            member.entries.push(row);
        }
        Ok(())
    }

    fn refused(&mut self, row: &ListingRow, refused: Option<&'static str>) -> Result<()> {
        match refused {
            Some(why) => self.note(format!("{} is not extracted: {why}", row.path)),
            None => Ok(()),
        }
    }

    fn count(&mut self, text: usize) -> Result<()> {
        self.text += text;
        if self.text > self.limits.text {
            bail!(
                "more than {} of names in it",
                counted(self.limits.text, "byte")
            )
        } else {
            Ok(())
        }
    }
}

/// Where the kernel looks for microcode and ACPI tables before it unpacks anything
/// (Documentation/arch/x86/microcode.rst, Documentation/admin-guide/acpi/initrd_table_override.rst).
fn is_early(path: &str) -> bool {
    path.starts_with("/kernel/x86/microcode/") || path.starts_with("/kernel/firmware/acpi/")
}

/// An archive's name as a path on the node, and whether it has `..` in it.
fn absolute(name: &[u8]) -> (String, bool) {
    let name = String::from_utf8_lossy(name);
    let mut path = String::with_capacity(name.len() + 1);
    let mut leaves = false;
    for part in name.split('/').filter(|part| !matches!(*part, "" | ".")) {
        leaves |= part == "..";
        path.push('/');
        path.push_str(part);
    }
    if path.is_empty() {
        path.push('/');
    }
    (path, leaves)
}
