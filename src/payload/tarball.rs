//! The tarball: a POSIX archive to unpack over an image with `tar -xp`. In: a [`NodeTree`]. Out: ustar members, with a
//! pax header only before those that ustar cannot say (paths, links, sizes, ids). GNU's own `L` and `K` records are
//! never written: not every reader knows them.

use std::io::Write;

use tar::{Builder, EntryType, Header};

use crate::error::Result;
use crate::model::NodePath;
use crate::model::output::{Compression, Format};
use crate::payload::archive::{copy_exactly, members};
use crate::payload::compress::Compressor;
use crate::payload::selection::selections;
use crate::payload::{AssetArchive, Destination, Job, MTIME, Output, Selection};
use crate::tree::{Entry, EntryKind, NodeTree};

/// ustar's size field: 11 octal digits, so 8 GiB less one byte.
const USTAR_SIZE_MAX: u64 = 0o77_777_777_777;
/// ustar's uid and gid fields: 7 octal digits.
const USTAR_ID_MAX: u32 = 0o7_777_777;

/// The file's name: `NAME.tar.gz`, `.tar.zst`, `.tar.xz` or `.tar`; that of the secret payload begins `NAME.secrets`.
pub fn file_name(node: &str, selection: Selection, compression: Compression) -> String {
    format!("{node}{}.tar{}", selection.infix(), compression.suffix())
}

/// The asset archive's name: `assets-DIGEST.tar.gz`.
pub(super) fn archive_name(archive: &AssetArchive, compression: Compression) -> String {
    format!("{}.tar{}", archive.name, compression.suffix())
}

/// Writes the node's tarball as one file, or as two where secrets are kept apart, and the archive of its assets.
pub fn package(job: &Job<'_>, out: &mut dyn Output) -> Result<()> {
    let compression = job.settings.tarball.compression;
    if let Some(archive) = AssetArchive::beside(job, Format::Tarball) {
        let name = archive_name(&archive, compression);
        out.file(Destination::Shared, &name, &mut |out| {
            write(&archive.tree, compression, out)
        })?;
    }
    for (selection, tree) in selections(job, Format::Tarball) {
        let name = file_name(&job.facts.name, selection, compression);
        out.file(
            Destination::of_node(tree.has_secrets()),
            &name,
            &mut |out| write(&tree, compression, out),
        )?;
    }
    if let Some(removals) = &job.facts.removals {
        // An archive only adds: this makes the root ready for it.
        let script = removals.script();
        out.file(
            Destination::Node,
            &upgrade_name(&job.facts.name),
            &mut |out| Ok(out.write_all(script.as_bytes())?),
        )?;
    }
    Ok(())
}

/// The name of the program that removes what earlier payloads installed, `NAME.upgrade.sh`.
fn upgrade_name(node: &str) -> String {
    format!("{node}.upgrade.sh")
}

/// Writes a tree as a tarball. Only what the tree declares is listed, never an ancestor: GNU tar and bsdtar would turn
/// an image's `opt -> var/opt` into a directory, and GNU tar would reset an existing directory's mode.
pub fn write(tree: &NodeTree, compression: Compression, out: &mut dyn Write) -> Result<()> {
    let mut compressor = Compressor::new(compression, out)?;
    let mut builder = Builder::new(&mut compressor);
    for (path, entry) in &members(tree)? {
        append(&mut builder, path, entry)?;
    }
    // Ends with two zero blocks and no more: the padding to 10,240 bytes is for tapes.
    builder.into_inner()?;
    compressor.finish()?;
    Ok(())
}

fn append(
    builder: &mut Builder<&mut Compressor<'_>>,
    path: &NodePath,
    entry: &Entry,
) -> Result<()> {
    let (header, records) = header(path, entry);
    if !records.is_empty() {
        builder.get_mut().write_all(&pax(records)?)?;
    }
    let out: &mut dyn Write = builder.get_mut();
    out.write_all(header.as_bytes())?;
    if let EntryKind::File(content) = &entry.kind {
        copy_exactly(path, content, out)?;
        let padding = content.len().next_multiple_of(512) - content.len();
        out.write_all(&[0; 512][..padding as usize])?;
    }
    Ok(())
}

/// A pax extended header: a member of its own before the one that it is about.
fn pax(mut records: Vec<(&'static str, String)>) -> Result<Vec<u8>> {
    if !records.iter().all(|(_, value)| value.is_ascii()) {
        // Our names are bytes as they are. Without this record libarchive converts them from UTF-8, and fails in the C
        // locale, which is what image builders run in; GNU tar warns that it ignores it, and goes on.
        records.insert(0, ("hdrcharset", "BINARY".to_owned()));
    }
    let mut scratch = Builder::new(Vec::new());
    let records = records.iter().map(|(key, value)| (*key, value.as_bytes()));
    scratch.append_pax_extensions(records)?;
    let mut bytes = std::mem::take(scratch.get_mut());
    // The crate leaves the name empty, which simple readers (busybox) take for the end of the archive.
    let mut header = Header::from_byte_slice(&bytes[..512]).clone();
    header.set_path("PaxHeader")?;
    header.set_mode(0o644);
    header.set_mtime(MTIME);
    header.set_cksum();
    bytes[..512].copy_from_slice(header.as_bytes());
    Ok(bytes)
}

/// A member's header, and the pax records that it needs.
fn header(path: &NodePath, entry: &Entry) -> (Header, Vec<(&'static str, String)>) {
    let mut header = Header::new_ustar();
    let mut records = Vec::new();
    let (kind, size) = match &entry.kind {
        EntryKind::File(content) => (EntryType::Regular, content.len()),
        EntryKind::Directory => (EntryType::Directory, 0),
        EntryKind::Symlink(_) => (EntryType::Symlink, 0),
    };
    header.set_entry_type(kind);
    set_name(&mut header, path, kind, &mut records);
    if let EntryKind::Symlink(target) = &entry.kind {
        let field = &mut header.as_old_mut().linkname;
        if copy_cut(field, target) {
            records.push(("linkpath", target.clone()));
        }
    }
    if size > USTAR_SIZE_MAX {
        records.push(("size", size.to_string()));
    }
    for (key, owner) in [("uid", &entry.user), ("gid", &entry.group)] {
        if owner.id > USTAR_ID_MAX {
            records.push((key, owner.id.to_string()));
        }
    }
    // Beyond the octal digits these three write GNU's base-256 form, which says the same as the pax record.
    header.set_size(size);
    header.set_uid(entry.user.id.into());
    header.set_gid(entry.group.id.into());
    // The user and group names stay empty: tar prefers a name over the id when the machine that unpacks knows it,
    // and that machine is the image builder, not the node.
    header.set_mode(entry.mode);
    header.set_mtime(MTIME);
    header.set_cksum();
    (header, records)
}

/// Sets the path without a leading `/` or `./`; a directory's ends in a slash, as every tar writes it.
fn set_name(
    header: &mut Header,
    path: &NodePath,
    kind: EntryType,
    records: &mut Vec<(&'static str, String)>,
) {
    let mut name = path.relative().to_owned();
    if kind == EntryType::Directory {
        name.push('/');
    }
    if header.set_path(&name).is_ok() {
        return;
    }
    // set_path may have filled the prefix before it found that the rest does not fit.
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.prefix = [0; 155];
        ustar.name = [0; 100];
        copy_cut(&mut ustar.name, &name);
    }
    records.push(("path", name));
}

/// Copies as much of a text as a header field holds, for readers that ignore pax; whether that was too little.
/// Whole characters only, and no trailing slash, by which old readers tell a directory.
fn copy_cut(field: &mut [u8], text: &str) -> bool {
    if text.len() <= field.len() {
        field[..text.len()].copy_from_slice(text.as_bytes());
        return false;
    }
    let cut = (0..=field.len())
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    let text = text[..cut].trim_end_matches('/').as_bytes();
    field[..text.len()].copy_from_slice(text);
    true
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::tree::{Asset, AssetSource, Content, Origin};

    fn path(text: &str) -> NodePath {
        NodePath::parse(text).expect("a good path")
    }

    fn record<'a>(records: &'a [(&str, String)], key: &str) -> Option<&'a str> {
        let found = records.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value.as_str())
    }

    #[test]
    fn what_ustar_can_say_needs_no_pax() {
        let origin = Origin("t".into());
        let deep = format!("/{}/{}", "p".repeat(155), "n".repeat(100));
        for fits in ["/etc/a b", "/etc/é", deep.as_str()] {
            let entry = Entry::file(Content::bytes("x"), 0o644, origin.clone());
            let (header, records) = header(&path(fits), &entry);
            assert!(records.is_empty(), "{fits}");
            assert_eq!(&*header.path_bytes(), &fits.as_bytes()[1..]);
        }
    }

    #[test]
    fn what_ustar_cannot_say_is_in_pax() {
        let origin = Origin("t".into());
        let long = format!("/{}", "n".repeat(101));
        let mut entry = Entry::symlink("t".repeat(101), origin);
        entry.user.id = 0o10_000_000;
        let (_, records) = header(&path(&long), &entry);
        assert_eq!(record(&records, "path"), Some(&long[1..]));
        assert_eq!(record(&records, "linkpath"), Some("t".repeat(101).as_str()));
        assert_eq!(record(&records, "uid"), Some("2097152"));
        assert_eq!(record(&records, "gid"), None);
    }

    #[test]
    fn sizes_beyond_8_gib_are_told_both_ways() {
        for (size, pax) in [
            (USTAR_SIZE_MAX, None),
            (USTAR_SIZE_MAX + 1, Some("8589934592")),
        ] {
            let asset = Asset {
                source: AssetSource::File(PathBuf::new()),
                size,
                sha256: [0; 32],
                sha512: [0; 64],
            };
            let content = Content::Asset(Arc::new(asset));
            let entry = Entry::file(content, 0o644, Origin("t".into()));
            let (header, records) = header(&path("/a"), &entry);
            assert_eq!(header.size().expect("a number"), size);
            assert_eq!(record(&records, "size"), pax);
        }
    }
}
