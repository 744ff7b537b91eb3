//! A base initrd as others made it: what is in it, and whether an initramfs payload works on it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail};

use crate::decompress::Packing;
use crate::error::Result;
use crate::input;
use crate::inspect::{Limits, Listing, Member, RowKind, inspect};
use crate::model::output::Mode;
use crate::payload::initramfs::padding;

/// A base initrd that was read to its end.
pub struct Base {
    file: File,
    size: u64,
    listing: Listing,
}

impl Base {
    /// Reads a base as the kernel does; an error where the kernel would not come to its end.
    pub fn open(path: &Path) -> Result<Self> {
        let (listing, outcome) = inspect(path, Limits::default(), None)?;
        outcome?;
        let shown = path.display();
        if listing.format != "initramfs" {
            bail!(
                "reading {shown}: it is not an initrd; its format is {}",
                listing.format
            );
        }
        if let Some(note) = listing.notes.first() {
            bail!("reading {shown}: {note}");
        }
        let file = input::open(path).with_context(|| format!("reading {shown}"))?;
        Ok(Self {
            size: listing.size,
            file,
            listing,
        })
    }

    /// Makes sure that an initramfs payload of this mode works on this base, and that none is there already.
    pub fn check(&self, mode: Mode, payload: &Listing) -> Result<()> {
        for mode in [Mode::Diskless, Mode::CopyToRoot, Mode::CoreosLive] {
            if self.has(mode.mark()) {
                bail!(
                    "an initramfs payload is in it already: it has {}",
                    mode.mark()
                );
            }
        }
        let (works, lacks) = match mode {
            Mode::Diskless => (
                // busybox may make its links when it starts.
                self.has_program("busybox")
                    || ["sh", "mount", "chroot"]
                        .iter()
                        .all(|name| self.has_program(name)),
                "sh, mount and chroot, with which the root is mounted over itself",
            ),
            Mode::CopyToRoot => (
                self.has("/usr/lib/systemd/system/initrd.target")
                    || self.has("/lib/systemd/system/initrd.target")
                    || self.has("/scripts/functions"),
                "systemd or initramfs-tools' scripts, one of which must copy the files",
            ),
            Mode::CoreosLive => (self.has_program("ignition"), "Ignition"),
        };
        if !works {
            bail!("for {} the base needs {lacks}", mode.name());
        }
        self.check_links(payload)
    }

    /// The kernel removes a link of the base where an archive lists a directory, and what was behind it is gone.
    fn check_links(&self, payload: &Listing) -> Result<()> {
        let rows = || {
            self.listing
                .members
                .iter()
                .flat_map(|member| &member.entries)
        };
        for row in payload.members.iter().flat_map(|member| &member.entries) {
            let is_link = rows()
                .rfind(|base| base.path == row.path)
                .is_some_and(|base| base.kind == RowKind::Symlink);
            if row.kind == RowKind::Directory && is_link {
                bail!(
                    "{} is a link in the base and a directory in the payload",
                    row.path
                );
            }
        }
        Ok(())
    }

    fn has(&self, path: &str) -> bool {
        let rows = self
            .listing
            .members
            .iter()
            .flat_map(|member| &member.entries);
        rows.into_iter().any(|row| row.path == path)
    }

    fn has_program(&self, name: &str) -> bool {
        let mut rows = self
            .listing
            .members
            .iter()
            .flat_map(|member| &member.entries);
        rows.any(|row| row.path.rsplit('/').next() == Some(name))
    }

    /// Writes the base and what pads it; initramfs payloads of ours may follow each other without more.
    pub fn copy_to(&mut self, out: &mut dyn Write) -> Result<()> {
        let copied = io::copy(&mut self.file, out).context("reading the base")?;
        if copied != self.size {
            bail!("reading the base: it changed meanwhile");
        }
        let compressed = |member: &Member| member.compression != Packing::None;
        let last = self.listing.members.last();
        let zeros = padding(self.size, last.is_some_and(compressed));
        Ok(out.write_all(&[0; 8][..zeros as usize])?)
    }
}
