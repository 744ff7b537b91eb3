//! Archives that are unpacked at build (CNI plugins, containerd and crictl come as such). In: a tar archive of the
//! project, packed or not, that was checked by its digest. Out: what of it goes to the node.
//!
//! What is wanted is written to one file without a name, which is gone with the program: payloads hold their files in an
//! order of their own, and a packed archive can only be read from its beginning.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use globset::GlobMatcher;
use sha2::{Digest, Sha256};
use tar::EntryType;

use crate::compile::binary::{Binary, BinaryScan};
use crate::decompress;
use crate::error::Result;
use crate::identity::{Guarded, Private};
use crate::input;
use crate::io::Watched;
use crate::model::Sha256Digest;
use crate::tree::{AssetSource, Content, Measure, nameless};

/// What of an archive is wanted.
pub struct WantedMembers<'a> {
    /// The archive's digest, which was vouched for.
    pub sha256: Sha256Digest,
    /// How many components its paths lose at the front.
    pub strip: usize,
    /// Which of the paths that are left; all where there is none.
    pub only: &'a [GlobMatcher],
}

/// One path of an archive.
#[derive(Clone, Debug)]
pub struct Member {
    /// What it is.
    pub body: MemberBody,
    /// Whether anybody may execute it.
    pub executable: bool,
}

/// What a member is. Directories are left out: those that the node needs are made.
#[derive(Clone, Debug)]
pub enum MemberBody {
    /// A file, and what it says of itself if it is a program.
    File(Content, Option<Binary>),
    /// A symbolic link and its target.
    Link(String),
}

/// What of an archive goes to the node.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// The members by their paths below the folder that they go to.
    pub members: BTreeMap<String, Member>,
    /// Whether the CA's private key is among them.
    pub private: Option<Private>,
}

/// Unpacks an archive; the inner error is the rule that it breaks.
pub fn unpack(
    path: &Path,
    wanted: &WantedMembers<'_>,
    guarded: &Guarded,
) -> Result<std::result::Result<Unpacked, String>> {
    let mut also = BTreeSet::new();
    loop {
        match pass(path, wanted, guarded, &also)? {
            Ok((unpacked, missed)) if missed.is_empty() => return Ok(Ok(unpacked)),
            // What is wanted is a second name of what is not: the archive is read once more, for its content.
            Ok((_, missed)) if also.is_empty() => also = missed,
            Ok(_) => {
                return Ok(Err(
                    "has another name of a file that it does not hold".to_owned()
                ));
            }
            Err(rule) => return Ok(Err(rule)),
        }
    }
}

type Pass = std::result::Result<(Unpacked, BTreeSet<String>), String>;

/// Reads an archive once. The second value are files that others are second names of, and that were not kept.
fn pass(
    path: &Path,
    wanted: &WantedMembers<'_>,
    guarded: &Guarded,
    also: &BTreeSet<String>,
) -> Result<Pass> {
    let reading = || format!("reading {}", path.display());
    let mut sha256 = Sha256::new();
    // Its digest was vouched for, and is looked at below.
    let file = input::open(path).with_context(reading)?;
    let mut file = Watched::new(file, |bytes: &[u8]| sha256.update(bytes));
    let outcome = members(&mut file, path, wanted, guarded, also)?;
    // What was checked is what must have been unpacked, to the last byte.
    io::copy(&mut file, &mut io::sink()).with_context(reading)?;
    if Sha256Digest::from(sha256.finalize()) != wanted.sha256 {
        bail!("{}: the file changed during the build", reading());
    }
    Ok(outcome)
}

fn members(
    file: &mut impl Read,
    path: &Path,
    wanted: &WantedMembers<'_>,
    guarded: &Guarded,
    also: &BTreeSet<String>,
) -> Result<Pass> {
    let file = BufReader::with_capacity(1 << 16, file);
    // The user's own file, of the digest that they said: how much it unpacks to is theirs to decide.
    let mut archive = match decompress::whole(file, u64::MAX) {
        Ok(reader) => tar::Archive::new(reader),
        Err(error) => return Ok(Err(format!("cannot be unpacked: {error}"))),
    };
    let store = Arc::new(nameless().context("making a file for what is unpacked")?);
    let mut unpacking = Unpacking {
        path,
        wanted,
        guarded,
        also,
        store: store.clone(),
        out: BufWriter::with_capacity(1 << 16, store),
        end: 0,
        files: HashMap::new(),
        missed: BTreeSet::new(),
        unpacked: Unpacked::default(),
    };
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return Ok(Err(broken(&error))),
    };
    for entry in entries {
        let outcome = match entry {
            Ok(entry) => unpacking.entry(entry)?,
            Err(error) => Err(broken(&error)),
        };
        if let Err(rule) = outcome {
            return Ok(Err(rule));
        }
    }
    unpacking.out.flush().with_context(writing)?;
    Ok(Ok((unpacking.unpacked, unpacking.missed)))
}

fn broken(error: &io::Error) -> String {
    format!("is not a whole tar archive: {error}")
}

fn writing() -> String {
    "writing what is unpacked".to_owned()
}

/// An archive that is being read.
struct Unpacking<'a> {
    path: &'a Path,
    wanted: &'a WantedMembers<'a>,
    guarded: &'a Guarded,
    also: &'a BTreeSet<String>,
    store: Arc<File>,
    out: BufWriter<Arc<File>>,
    end: u64,
    /// The files that were kept, by their paths in the archive, and those that were wanted too late.
    files: HashMap<String, MemberBody>,
    missed: BTreeSet<String>,
    unpacked: Unpacked,
}

type Outcome = std::result::Result<(), String>;

impl Unpacking<'_> {
    fn entry<R: Read>(&mut self, mut entry: tar::Entry<'_, R>) -> Result<Outcome> {
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::Directory | EntryType::XGlobalHeader) {
            return Ok(Ok(()));
        }
        let full = match normal(&entry.path_bytes()) {
            Ok(full) => full,
            Err(rule) => return Ok(Err(rule)),
        };
        let name = without(&full, self.wanted.strip);
        let name = name.filter(|name| is_wanted(name, self.wanted.only));
        let name = name.map(str::to_owned);
        if name.is_none() && !self.also.contains(&full) {
            return Ok(Ok(()));
        }
        if has_holes(&mut entry) {
            let rule = format!("has {full}, which pax keeps in pieces: pack it without --sparse");
            return Ok(Err(rule));
        }
        let executable = entry.header().mode().unwrap_or(0) & 0o111 != 0;
        let target = entry.link_name_bytes().map(|target| target.into_owned());
        let body = match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                self.file(&mut entry)?
            }
            EntryType::Symlink => String::from_utf8(target.unwrap_or_default())
                .map(MemberBody::Link)
                .map_err(|_| format!("has {full}, a link to a path that is not UTF-8")),
            EntryType::Link => match self.again(&target.unwrap_or_default()) {
                Ok(Some(body)) => Ok(body),
                Ok(None) => return Ok(Ok(())),
                Err(rule) => Err(rule),
            },
            _ => Err(format!(
                "has {full}, which is not a file, directory or link"
            )),
        };
        Ok(body.map(|body| {
            if let Some(name) = name {
                let body = body.clone();
                let member = Member { body, executable };
                self.unpacked.members.insert(name, member);
            }
            self.files.insert(full, body);
        }))
    }

    fn file<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
    ) -> Result<std::result::Result<MemberBody, String>> {
        let mut measure = Measure::default();
        let mut program = BinaryScan::default();
        let mut keys = self.guarded.scan();
        let mut block = vec![0; 1 << 16];
        loop {
            let piece = match entry.read(&mut block) {
                Ok(0) => break,
                Ok(count) => &block[..count],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Err(broken(&error))),
            };
            measure.push(piece);
            program.push(piece);
            keys.push(piece);
            self.out.write_all(piece).with_context(writing)?;
        }
        let private = self.unpacked.private.into_iter().chain(keys.found());
        self.unpacked.private = private.min();
        let source = AssetSource::Made {
            of: self.path.to_owned(),
            store: self.store.clone(),
            at: self.end,
        };
        let asset = measure.finish(source);
        self.end += asset.size;
        let content = Content::Asset(Arc::new(asset));
        Ok(Ok(MemberBody::File(content, program.finish())))
    }

    /// Another name of a file that came before; its path is as those of the archive are.
    fn again(&mut self, target: &[u8]) -> std::result::Result<Option<MemberBody>, String> {
        let first = normal(target)?;
        let body = self.files.get(&first).cloned();
        if body.is_none() {
            self.missed.insert(first);
        }
        Ok(body)
    }
}

/// Whether a file's content is a map of its pieces and those, in pax's way, which the crate takes for the file itself.
/// GNU's own way is another type of entry, which it knows.
fn has_holes<R: Read>(entry: &mut tar::Entry<'_, R>) -> bool {
    let records = entry.pax_extensions().ok().flatten();
    let mut keys = records.into_iter().flatten().flatten();
    keys.any(|record| record.key_bytes().starts_with(b"GNU.sparse."))
}

/// A path of an archive without its empty components.
fn normal(path: &[u8]) -> std::result::Result<String, String> {
    let Ok(path) = std::str::from_utf8(path) else {
        return Err("has a path that is not UTF-8".to_owned());
    };
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    let parts: Vec<&str> = parts.collect();
    if parts.contains(&"..") {
        Err(format!(
            "has the path {path}, which leads out of its folder"
        ))
    } else {
        Ok(parts.join("/"))
    }
}

/// What is left of a path without its first components; None where nothing is.
fn without(path: &str, strip: usize) -> Option<&str> {
    let left = match strip {
        0 => Some(path),
        _ => path
            .match_indices('/')
            .nth(strip - 1)
            .map(|(at, _)| &path[at + 1..]),
    };
    left.filter(|left| !left.is_empty())
}

fn is_wanted(name: &str, only: &[GlobMatcher]) -> bool {
    only.is_empty() || only.iter().any(|glob| glob.is_match(name))
}

#[cfg(test)]
mod tests {
    use crate::secrets::TokenStore;
    use time::OffsetDateTime;

    use super::*;
    use crate::identity::CaBundle;

    #[test]
    fn an_archive_that_is_not_what_was_checked_is_no_archive_of_ours() {
        let guarded = Guarded::new(
            &CaBundle {
                pem: String::new(),
                certificates: Vec::new(),
                not_after: OffsetDateTime::UNIX_EPOCH,
            },
            &TokenStore::new("secrets.yaml"),
        );
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(4);
        archive
            .append_data(&mut header, "tool", &b"good"[..])
            .expect("a short member");
        let good = archive.into_inner().expect("in memory");
        let file = tempfile::NamedTempFile::new().expect("a scratch file");
        let members = |bytes: &[u8]| {
            std::fs::write(file.path(), bytes).expect("a scratch file");
            let wanted = WantedMembers {
                sha256: Sha256::digest(&good).into(),
                strip: 0,
                only: &[],
            };
            let unpacked = unpack(file.path(), &wanted, &guarded)?.expect("an archive");
            Ok::<_, anyhow::Error>(unpacked.members.len())
        };
        assert_eq!(members(&good).expect("the same"), 1);
        let mut other = good.clone();
        other[512] ^= 1;
        // What follows the end of the archive is read for this alone.
        for changed in [other, [&good[..], b"x"].concat()] {
            let error = members(&changed).expect_err("it changed").to_string();
            assert!(
                error.ends_with("the file changed during the build"),
                "{error}"
            );
        }
    }
}
