//! The initramfs payload: a newc archive that a boot loader appends to an initrd. In: a [`NodeTree`]. Out: one member
//! by the kernel's buffer grammar (Documentation/driver-api/early-userspace/buffer-format.rst), padded so that
//! whatever comes next may follow directly.

mod coreos;
mod memory;
mod mode;
mod newc;

use crate::model::output::InitramfsSettings;
use crate::model::output::Mode;
use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, bail};
use cpio::newc::trailer;

use crate::error::Result;
use crate::model::NodePath;
use crate::model::output::{Compression, Format};
use crate::payload::archive::{copy_exactly, members};
use crate::payload::compress::Compressor;
use crate::payload::selection::selections;
use crate::payload::{AssetArchive, Destination, Forms, Job, MTIME, Objection, Output, Selection};
use crate::report::Id;
use crate::tree::{Entry, EntryKind, NodeTree, Origin};

use newc::Header;

pub use memory::{in_memory, memory};
pub use mode::{COPY, HERE, NEEDS, brought};

/// Symlinks into `/usr` on today's systems. The kernel removes a link where an archive lists a directory, and the base
/// initrd would lose its shell and its loader with it.
const MERGED_INTO_USR: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// The file's name: `initramfs.cpio.gz`, `.zst`, `.xz` or `initramfs.cpio`; that of the secret payload begins
/// `initramfs.secrets`.
pub fn file_name(selection: Selection, compression: Compression) -> String {
    format!(
        "initramfs{}.cpio{}",
        selection.infix(),
        compression.suffix()
    )
}

/// Whether a file of a node is its initramfs payload or a part of it.
pub fn is_initramfs(name: &str) -> bool {
    [Selection::Whole, Selection::Secrets]
        .iter()
        .any(|selection| name.starts_with(&file_name(*selection, Compression::None)))
}

/// Whether a file that nodes share is an asset archive that goes before their initramfs payloads.
pub fn is_asset_archive(path: &str) -> bool {
    path.ends_with(".cpio") || path.contains(".cpio.")
}

/// The asset archive's name: `assets-DIGEST.cpio.gz`, or `assets-DIGEST.copy.cpio.gz` where its files are copied to the
/// real root.
pub(super) fn archive_name(archive: &AssetArchive, mode: Mode, compression: Compression) -> String {
    let copy = match mode {
        Mode::CopyToRoot => ".copy",
        Mode::Diskless | Mode::CoreosLive => "",
    };
    format!("{}{copy}.cpio{}", archive.name, compression.suffix())
}

/// Writes the node's initramfs payload as one file, or as two where secrets are kept apart, and the archive of its
/// assets: a boot loader appends all of them, the asset archive first.
pub fn package(job: &Job<'_>, forms: &Forms, out: &mut dyn Output) -> Result<()> {
    let InitramfsSettings { archive, mode } = job.settings.initramfs;
    let compression = archive.compression;
    if mode == Mode::CoreosLive {
        return coreos::package(job, forms, out);
    }
    let archive = AssetArchive::beside(job, Format::Initramfs);
    let archive_file = archive
        .as_ref()
        .map(|archive| archive_name(archive, mode, compression));
    if let (Some(archive), Some(name)) = (&archive, &archive_file) {
        let mut members = members(&archive.tree)?;
        let last;
        match mode {
            Mode::CopyToRoot => {
                (members, last) = mode::copied(&archive.name, mode::ASSETS, members)?
            }
            Mode::Diskless | Mode::CoreosLive => last = mode::add_here(&mut members, name)?,
        }
        out.file(Destination::Shared, name, &mut |out| {
            write_members(members.clone(), Some(&last), compression, out)
        })?;
    }
    for (selection, tree) in selections(job, Format::Initramfs) {
        let mut members = members(&tree)?;
        let last;
        match mode {
            Mode::CopyToRoot => {
                let list = mode::list_of(selection);
                let (copied, listed) = mode::copied(&job.facts.name, list, members)?;
                (members, last) = (copied, Some(listed));
                mode::add_copiers(&mut members, selection, archive.as_ref())?;
            }
            Mode::Diskless | Mode::CoreosLive => {
                last = mode::add_init_shim(&mut members, selection, archive_file.as_deref())?;
            }
        }
        let name = file_name(selection, compression);
        out.file(place_of(job, tree.has_secrets()), &name, &mut |out| {
            write_members(members.clone(), last.as_ref(), compression, out)
        })?;
    }
    Ok(())
}

/// Where an initramfs payload is: machines that boot over the network fetch it, but for what is secret.
fn place_of(job: &Job<'_>, secret: bool) -> Destination {
    if !secret && job.settings.pxe.is_some() {
        Destination::Served
    } else {
        Destination::of_node(secret)
    }
}

/// Everything in a job that an initramfs payload of its mode cannot say.
pub fn check(job: &Job<'_>) -> Vec<Objection> {
    match job.settings.initramfs.mode {
        Mode::Diskless => {
            let mut objections = too_large(job.tree);
            objections.extend(mode::taken(job.tree));
            objections
        }
        Mode::CopyToRoot => too_large(job.tree),
        Mode::CoreosLive => coreos::check(job),
    }
}

/// The files that newc has no room for.
fn too_large(tree: &NodeTree) -> Vec<Objection> {
    let size = |entry: &Entry| match &entry.kind {
        EntryKind::File(content) => content.len(),
        EntryKind::Directory | EntryKind::Symlink(_) => 0,
    };
    let entries = tree.entries().iter();
    let large = entries.filter(|(_, entry)| size(entry) > u32::MAX.into());
    let rule = "an initramfs payload holds no file of 4 GiB or more; deliver it by another format";
    large
        .map(|(path, _)| Objection::new(Id::FileTooLarge, path.as_str(), rule))
        .collect()
}

/// Writes a tree as an initramfs payload, its files where they belong.
pub fn write(tree: &NodeTree, compression: Compression, out: &mut dyn Write) -> Result<()> {
    write_members(members(tree)?, None, compression, out)
}

/// Writes an archive, one of its members after all others: the kernel stops unpacking where an archive is cut or memory
/// is short, so what is last is there only when everything is.
fn write_members(
    mut members: BTreeMap<NodePath, Entry>,
    last: Option<&NodePath>,
    compression: Compression,
    out: &mut dyn Write,
) -> Result<()> {
    add_parents(&mut members)?;
    archive(compression, out, &mut |out| {
        let others = members.iter().filter(|(path, _)| last != Some(*path));
        let last = last.and_then(|path| members.get_key_value(path));
        // From 1 and without gaps: the kernel takes equal numbers for hard links, and the builder's own would differ.
        for (inode, (path, entry)) in (1..).zip(others.chain(last)) {
            append(out, inode, path, entry)?;
        }
        Ok(())
    })
}

/// Writes one archive: what `fill` puts into it, the trailer, and the padding that lets anything follow.
fn archive(
    compression: Compression,
    out: &mut dyn Write,
    fill: &mut dyn FnMut(&mut Compressor<'_>) -> Result<()>,
) -> Result<()> {
    let mut compressor = Compressor::new(compression, out)?;
    fill(&mut compressor)?;
    // It also makes the kernel forget the inode numbers, so that an archive appended to ours cannot link into it.
    trailer(&mut compressor)?;
    let written = compressor.finish()?;
    let padding = padding(written, compression != Compression::None);
    out.write_all(&[0; 8][..padding as usize])?;
    Ok(())
}

/// How many zeros must follow `written` bytes before another archive may. The kernel sees a raw archive only on a
/// boundary of four bytes, and the end of some compressed ones only by four zero bytes (lz4's legacy frame has no end
/// mark; what it does for one, it does for all).
pub fn padding(written: u64, compressed: bool) -> u64 {
    let least = written + if compressed { 4 } else { 0 };
    least.next_multiple_of(4) - written
}

/// Adds the directories that the kernel needs before their children: it makes none itself, and drops what has no
/// place. They are root's with 0755, because listing one changes the base initrd's; the root folder is never listed.
fn add_parents(members: &mut BTreeMap<NodePath, Entry>) -> Result<()> {
    let mut missing = BTreeMap::new();
    for (path, entry) in members.iter() {
        let folded = MERGED_INTO_USR.contains(&path.as_str());
        if folded && matches!(entry.kind, EntryKind::Directory) {
            bail!(
                "packing {path} of {}: the kernel would replace the base initrd's link {path} -> usr{path} by it",
                entry.origin
            );
        }
        for ancestor in path.ancestors() {
            // Files below these land where the base's link or directory leads.
            if MERGED_INTO_USR.contains(&ancestor) || members.contains_key(ancestor) {
                continue;
            }
            if !missing.contains_key(ancestor) {
                let parent = NodePath::parse(ancestor).expect("a part of a normal path is normal");
                let origin = Origin("generator parents".into());
                missing.insert(parent, Entry::directory(0o755, origin));
            }
        }
    }
    members.append(&mut missing);
    Ok(())
}

fn append(
    compressor: &mut Compressor<'_>,
    inode: u32,
    path: &NodePath,
    entry: &Entry,
) -> Result<()> {
    // The types of inode(7).
    let (kind, links, size) = match &entry.kind {
        EntryKind::File(content) => (0o100_000, 1, content.len()),
        EntryKind::Directory => (0o040_000, 2, 0),
        EntryKind::Symlink(target) => (0o120_000, 1, target.len() as u64),
    };
    // Eight hexadecimal digits; the kernel has no other form.
    let size = u32::try_from(size)
        .ok()
        .with_context(|| format!("packing {path}: newc holds no file of 4 GiB or more"))?;
    let header = Header {
        name: path.relative(),
        inode,
        mode: kind | entry.mode,
        user: entry.user.id,
        group: entry.group.id,
        links,
        mtime: MTIME as u32,
        size,
    };
    header.write(compressor)?;
    match &entry.kind {
        EntryKind::File(content) => copy_exactly(path, content, compressor)?,
        EntryKind::Symlink(target) => compressor.write_all(target.as_bytes())?,
        EntryKind::Directory => {}
    }
    Ok(newc::pad(size, compressor)?)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::tree::{Asset, AssetSource, Content};

    fn tree(path: &str, entry: Entry) -> NodeTree {
        let mut tree = NodeTree::default();
        let path = NodePath::parse(path).expect("a good path");
        tree.add(path, entry).expect("an empty tree");
        tree
    }

    fn origin() -> Origin {
        Origin("t".into())
    }

    #[test]
    fn files_of_4_gib_are_refused_before_they_are_read() {
        let asset = Asset {
            source: AssetSource::File(PathBuf::from("/nonexistent")),
            size: 1 << 32,
            sha256: [0; 32],
            sha512: [0; 64],
        };
        let file = Entry::file(Content::Asset(Arc::new(asset)), 0o644, origin());
        let error = write(&tree("/big", file), Compression::None, &mut Vec::new())
            .expect_err("it does not fit");
        assert!(error.to_string().contains("4 GiB"), "{error}");
    }

    #[test]
    fn files_of_4_gib_are_found_before_anything_is_written() {
        let asset = |size| Asset {
            source: AssetSource::File(PathBuf::from("/nonexistent")),
            size,
            sha256: [0; 32],
            sha512: [0; 64],
        };
        for (size, found) in [((1 << 32) - 1, 0), (1 << 32, 1)] {
            let file = Entry::file(Content::Asset(Arc::new(asset(size))), 0o644, origin());
            let objections = too_large(&tree("/big", file));
            assert_eq!(objections.len(), found, "{size}");
        }
    }

    #[test]
    fn files_of_the_payloads_own_are_found_where_the_tree_declares_them() {
        let file = || Entry::file(Content::bytes("x"), 0o644, origin());
        for (path, found) in [
            (mode::INIT_SHIM, 1),
            ("/usr/lib/nodebake/assets.d", 0),
            (mode::HERE, 1),
        ] {
            assert_eq!(mode::taken(&tree(path, file())).len(), found, "{path}");
        }
    }

    #[test]
    fn directories_that_are_links_on_the_base_are_never_listed() {
        let file = Entry::file(Content::bytes("x"), 0o644, origin());
        let mut found = members(&tree("/lib/firmware/x", file)).expect("good");
        add_parents(&mut found).expect("good");
        let paths: Vec<&str> = found.keys().map(NodePath::as_str).collect();
        assert_eq!(paths, ["/lib/firmware", "/lib/firmware/x"]);

        let folder = tree("/bin", Entry::directory(0o755, origin()));
        assert!(write(&folder, Compression::None, &mut Vec::new()).is_err());
    }
}
