//! One initrd of a base and a node's initramfs payload, for those whose boot loader takes one file. In: the base as
//! others made it, and a bundle that was verified. Out: one initrd that the kernel reads to its end.

mod base;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};
use rustix::fs::CWD;

use crate::bundle::OldBundle;
use crate::create::{create, file_mode};
use crate::error::Result;
use crate::initrd::base::Base;
use crate::inspect::{Limits, inspect};
use crate::lock::{Lock, beside};
use crate::manifest::{FileRecord, NodeRecord};
use crate::model::output::Mode;
use crate::payload::initramfs::{is_asset_archive, is_initramfs};
use crate::staging::Staging;
use crate::unfinished::uninterrupted;

/// Appends a node's initramfs payload to a base initrd and writes both to `out`, 0600 where the initramfs payload holds
/// secrets. Returns the number of bytes, and the mode of the initramfs payload.
pub fn append(
    base_path: &Path,
    (bundle, name): (&OldBundle, &str),
    out: &Path,
) -> Result<(u64, Mode)> {
    let Some(node) = bundle.node(name) else {
        bail!("there is no node {name} in {}", bundle.folder().display());
    };
    let (mode, payloads) = payloads(bundle, node)?;
    let mut base = Base::open(base_path)?;
    for payload in &payloads {
        let (listing, outcome) = inspect(&bundle.path(payload), Limits::default(), None)?;
        outcome?;
        base.check(mode, &listing)
            .with_context(|| format!("appending to {}", base_path.display()))?;
    }
    let secret = payloads.iter().any(|payload| payload.secret);
    let written = write(out, secret, &mut |out| {
        base.copy_to(out)?;
        let mut payloads = payloads.iter();
        payloads.try_for_each(|payload| bundle.copy(payload, out))
    })?;
    Ok((written, mode))
}

/// The mode of a node's initramfs payload, and its files: the asset archive that it shares with others, and over it its
/// own, the secret part last.
fn payloads<'a>(
    bundle: &'a OldBundle,
    node: &'a NodeRecord,
) -> Result<(Mode, Vec<&'a FileRecord>)> {
    let mode = node.initramfs.as_ref().map(|record| &*record.mode);
    let known = [Mode::Diskless, Mode::CopyToRoot, Mode::CoreosLive];
    let mode = known.into_iter().find(|known| mode == Some(known.name()));
    let payload = |file: &&FileRecord| is_initramfs(file.name());
    let mut payloads: Vec<&FileRecord> = node.files.iter().filter(payload).collect();
    payloads.sort_by_key(|file| file.name().contains(".secrets."));
    let (Some(mode), false) = (mode, payloads.is_empty()) else {
        bail!(
            "{} has no initramfs payload: build it with that format",
            node.name
        );
    };
    let archives = node
        .shared
        .iter()
        .map(|path| &**path)
        .filter(|path| is_asset_archive(path));
    let mut all: Vec<&FileRecord> = archives.filter_map(|path| bundle.shared(path)).collect();
    all.extend(payloads);
    Ok((mode, all))
}

/// Writes a file in a folder beside its place and renames it at the end; its length.
fn write(
    out: &Path,
    secret: bool,
    fill: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
) -> Result<u64> {
    let writing = || format!("writing {}", out.display());
    let _lock = Lock::take(out)?;
    let folder = Staging::begin(&beside(out, "new")?)?;
    let staging = folder.join("initrd");
    let file = create(CWD, &staging, file_mode(secret)).with_context(writing)?;
    let mut buffered = BufWriter::with_capacity(256 * 1024, file);
    fill(&mut buffered)?;
    let file: File = buffered.into_inner().context("writing the last bytes")?;
    file.sync_all().with_context(writing)?;
    uninterrupted(|| fs::rename(&staging, out)).with_context(writing)?;
    Ok(file.metadata()?.len())
}
