//! A tarball: ustar, pax, GNU's long names. Headers are decoded by the crate; its own iterator would read a long name of
//! any length into memory, so the sequence of headers is walked here.

use std::collections::BTreeSet;
use std::io::Read;

use anyhow::{Context, bail};
use tar::{EntryType, GnuExtSparseHeader, Header};

use crate::decompress;
use crate::error::Result;
use crate::inspect::collect::{Collector, Item};
use crate::inspect::input::Input;
use crate::inspect::pax::records;
use crate::inspect::{Member, NAME_MAX, RowKind};
use crate::wording::counted;

const BLOCK: u64 = 512;

/// The most that a header of headers may hold: the longest path, link and names, and room for extended attributes.
const EXTENSION_MAX: u64 = 1 << 20;

/// What extension headers say of the entry that follows them.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    user: Option<String>,
    group: Option<String>,
    /// The length of a file with holes, whose content is kept in pieces.
    sparse: Option<u64>,
    /// Its path, where the other one is for readers that know nothing of holes.
    sparse_name: Option<Vec<u8>>,
    /// What else is set, like extended attributes and access lists.
    others: Vec<String>,
}

/// The most of what else is set that is named.
const MOST_OTHERS: usize = 100;

/// What is known and not listed, or changes nothing on the node that counts.
const UNLISTED: [&str; 10] = [
    "LIBARCHIVE.creationtime",
    "SCHILY.dev",
    "SCHILY.ino",
    "SCHILY.nlink",
    "atime",
    "charset",
    "comment",
    "ctime",
    "hdrcharset",
    "mtime",
];

/// Reads a whole tarball.
pub fn read<R: Read>(mut input: Input<R>, into: &mut Collector) -> Result<()> {
    let compression = input.packing()?;
    into.begin(Member::whole(compression, 0))?;
    let reader = decompress::whole(&mut input, into.left())?;
    let mut blocks = Input::new(reader);
    let outcome = entries(&mut blocks, into);
    let unpacked = blocks.position();
    drop(blocks);
    let size = input.position();
    if let Some(member) = into.member() {
        (member.size, member.unpacked) = (size, unpacked);
    }
    outcome.with_context(|| format!("at offset {unpacked} of what it unpacks to"))
}

fn entries<R: Read>(blocks: &mut Input<R>, into: &mut Collector) -> Result<()> {
    let mut extended = Extended::default();
    let mut said = BTreeSet::new();
    while let Some(header) = next(blocks)? {
        let kind = header.entry_type();
        // The name of an archive (tar --label), which has no size and is no entry.
        if kind.as_byte() == b'V' {
            continue;
        }
        if kind.as_byte() == b'M' {
            bail!("it is a volume of several, and begins in the middle of a file");
        }
        let size = header.entry_size().context("reading a size")?;
        match kind {
            EntryType::XHeader => extended.add_pax(&small(blocks, size)?)?,
            EntryType::GNULongName => extended.set_path(text(&small(blocks, size)?)),
            EntryType::GNULongLink => extended.target = Some(text(&small(blocks, size)?)),
            EntryType::XGlobalHeader => global(&small(blocks, size)?, into)?,
            _ => {
                let extended = std::mem::take(&mut extended);
                for key in &extended.others {
                    if said.len() < MOST_OTHERS && said.insert(key.clone()) {
                        into.note(format!("an entry sets {key}, which is not listed"))?;
                    }
                }
                entry(&header, extended, blocks, into)?;
            }
        }
    }
    blocks.skip_zeros()?;
    if !blocks.ahead()?.is_empty() {
        let at = blocks.position();
        into.note(format!("data after the archive's end, at offset {at}"))?;
        std::io::copy(blocks, &mut std::io::sink())?;
    }
    Ok(())
}

/// The next header; None at the end of the archive.
fn next<R: Read>(blocks: &mut Input<R>) -> Result<Option<Header>> {
    if blocks.ahead()?.is_empty() {
        return Ok(None);
    }
    let mut header = Header::new_old();
    blocks
        .read_exact(header.as_mut_bytes())
        .context("reading a header")?;
    if header.as_bytes().iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    if has_right_sum(&header) {
        Ok(Some(header))
    } else {
        bail!("a header with a wrong checksum")
    }
}

fn has_right_sum(header: &Header) -> bool {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let bytes = header.as_bytes();
    // The checksum counts its own field as spaces.
    let right = sum(&bytes[..148]) + 8 * u32::from(b' ') + sum(&bytes[156..]);
    header.cksum().is_ok_and(|said| said == right)
}

/// Whether bytes begin with a header.
pub fn is_tarball(head: &[u8]) -> bool {
    let header = head.get(..BLOCK as usize);
    header.is_some_and(|header| has_right_sum(Header::from_byte_slice(header)))
}

/// The content of an extension header.
fn small<R: Read>(blocks: &mut Input<R>, size: u64) -> Result<Vec<u8>> {
    if size > EXTENSION_MAX {
        bail!("an extension header of {}", counted(size, "byte"));
    }
    let mut bytes = vec![0; size as usize];
    blocks
        .read_exact(&mut bytes)
        .context("reading an extension header")?;
    padding(blocks, size)?;
    Ok(bytes)
}

fn padding<R: Read>(blocks: &mut Input<R>, size: u64) -> Result<()> {
    blocks
        .skip(size.next_multiple_of(BLOCK) - size)
        .context("reading what pads an entry")
}

/// Up to the zero that ends it.
fn text(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == 0);
    bytes[..end.unwrap_or(bytes.len())].to_vec()
}

/// Global headers of git and others hold a comment; one that changes all entries is rare enough to be only named.
fn global(bytes: &[u8], into: &mut Collector) -> Result<()> {
    for record in records(bytes) {
        let (key, _) = record.context("reading a global pax header")?;
        if key != b"comment" {
            let key = String::from_utf8_lossy(key).into_owned();
            into.note(format!(
                "a global pax header sets {key}, which is not looked at"
            ))?;
        }
    }
    Ok(())
}

impl Extended {
    fn add_pax(&mut self, bytes: &[u8]) -> Result<()> {
        for record in records(bytes) {
            let (key, value) = record.context("reading a pax header")?;
            let string = || String::from_utf8_lossy(value).into_owned();
            let number = || {
                let digits = std::str::from_utf8(value).ok();
                digits
                    .and_then(|digits| digits.parse::<u64>().ok())
                    .with_context(|| format!("a pax header with the number {:?}", string()))
            };
            match key {
                b"path" => self.set_path(value.to_vec()),
                b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
                b"linkpath" => self.target = Some(value.to_vec()),
                b"size" => self.size = Some(number()?),
                b"uid" => self.uid = Some(number()?),
                b"gid" => self.gid = Some(number()?),
                b"uname" => self.user = Some(string()),
                b"gname" => self.group = Some(string()),
                b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.sparse = Some(number()?),
                key => {
                    let key = String::from_utf8_lossy(key);
                    let known = key.starts_with("GNU.sparse.") || UNLISTED.contains(&&*key);
                    if !known && self.others.len() < MOST_OTHERS {
                        self.others.push(key.into_owned());
                    }
                }
            }
        }
        Ok(())
    }

    /// Which of two names counts, readers do not agree about.
    fn set_path(&mut self, path: Vec<u8>) {
        if self.path.replace(path).is_some() {
            self.others.push("a second name".to_owned());
        }
    }
}

fn entry<R: Read>(
    header: &Header,
    extended: Extended,
    blocks: &mut Input<R>,
    into: &mut Collector,
) -> Result<()> {
    let sparse = sparse(header, &extended, blocks)?;
    let name = match extended.sparse_name.or(extended.path) {
        Some(path) => path,
        None => header.path_bytes().into_owned(),
    };
    let target = match extended.target {
        Some(target) => target,
        None => header.link_name_bytes().unwrap_or_default().into_owned(),
    };
    let kind = kind(header.entry_type(), &name);
    let stored = extended.size.map_or_else(|| header.entry_size(), Ok);
    let stored = stored.context("reading a size")?;
    if name.len().max(target.len()) > NAME_MAX {
        bail!(
            "a name of {}",
            counted(name.len().max(target.len()), "byte")
        );
    }
    let mut item = Item::new(&name, kind);
    item.target = &target;
    let row = &mut item.row;
    row.mode = Some(header.mode().context("reading a mode")? & 0o7777);
    row.uid = Some(extended.uid.map_or_else(|| header.uid(), Ok)?);
    row.gid = Some(extended.gid.map_or_else(|| header.gid(), Ok)?);
    row.user = extended.user.or_else(|| said(header.username_bytes()));
    row.group = extended.group.or_else(|| said(header.groupname_bytes()));
    if kind != RowKind::File {
        if stored != 0 && kind != RowKind::Unknown {
            bail!(
                "an entry that is not a file has a content of {}",
                counted(stored, "byte")
            );
        }
        if matches!(kind, RowKind::CharacterDevice | RowKind::BlockDevice) {
            let major = header.device_major()?.unwrap_or_default();
            row.device = Some((major, header.device_minor()?.unwrap_or_default()));
        }
        into.entry(item, None)?;
        blocks.skip(stored).context("reading an entry")?;
        return padding(blocks, stored);
    }
    row.size = Some(sparse.unwrap_or(stored));
    if sparse.is_some() {
        into.entry(item, None)?;
        blocks.skip(stored).context("reading a file with holes")?;
    } else {
        let mut body = blocks.take(stored);
        into.entry(item, Some(&mut body))?;
        if body.limit() > 0 {
            bail!("it ends {} too early", counted(body.limit(), "byte"));
        }
    }
    padding(blocks, stored)
}

/// The length of a file with holes, GNU's old form or pax. The map of an old one takes blocks of its own.
fn sparse<R: Read>(
    header: &Header,
    extended: &Extended,
    blocks: &mut Input<R>,
) -> Result<Option<u64>> {
    if header.entry_type() != EntryType::GNUSparse {
        return Ok(extended.sparse);
    }
    let gnu = header
        .as_gnu()
        .context("a file with holes, but not GNU's header")?;
    let mut more = gnu.is_extended();
    while more {
        let mut map = GnuExtSparseHeader::new();
        blocks
            .read_exact(map.as_mut_bytes())
            .context("reading a map of holes")?;
        more = map.is_extended();
    }
    Ok(Some(gnu.real_size()?))
}

fn said(name: Option<&[u8]>) -> Option<String> {
    let name = name.filter(|name| !name.is_empty())?;
    Some(String::from_utf8_lossy(name).into_owned())
}

fn kind(kind: EntryType, name: &[u8]) -> RowKind {
    match kind {
        // Before POSIX a directory was a file whose name ends in a slash.
        EntryType::Regular if name.ends_with(b"/") => RowKind::Directory,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => RowKind::File,
        EntryType::Link => RowKind::HardLink,
        EntryType::Symlink => RowKind::Symlink,
        EntryType::Char => RowKind::CharacterDevice,
        EntryType::Block => RowKind::BlockDevice,
        EntryType::Directory => RowKind::Directory,
        EntryType::Fifo => RowKind::Fifo,
        _ => RowKind::Unknown,
    }
}
