//! Reusing nodes of the last bundle rather than making them again (`build --node GLOB`): only from a bundle that
//! verifies with our key, and only files that hash to what it lists.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};
use sha2::{Digest, Sha256};

use crate::bundle::BundleBuilder;
use crate::create::{create, file_mode, set_mode};
use crate::error::Result;
use crate::input::regular;
use crate::manifest::{BundleKind, TREE_JSON, TREE_SIGNATURE, is_served};
use crate::manifest::{FileRecord, Manifest, NodeRecord};
use crate::model::Sha256Digest;
use crate::signing::PublicKey;
use crate::verify::Verdict;
use crate::verify::{check, open};

/// A bundle from which nodes may be reused.
#[derive(Debug)]
pub struct OldBundle {
    folder: PathBuf,
    manifest: Manifest,
}

/// What came of opening the last bundle.
#[derive(Debug)]
pub enum Old {
    /// Its signature and manifest verified.
    Verified(Box<OldBundle>),
    /// There is none, or it does not verify: the reason, for people.
    Unusable(String),
}

impl OldBundle {
    /// Opens the last bundle, once [`BundleBuilder::begin`] holds the lock on it. The signature, SHA256SUMS, bundle.json
    /// and index.json are checked here, each node's files when it is reused.
    pub fn open_verified(out: &Path, key: &PublicKey) -> Result<Old> {
        match out.symlink_metadata() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Old::Unusable(format!("{} is not there", out.display())));
            }
            Err(error) => {
                return Err(error).with_context(|| format!("looking at {}", out.display()));
            }
        }
        let checked = open(out, Some(key))?.checked;
        if let Some(problem) = checked.verdict.problems.first() {
            return Ok(Old::Unusable(format!("{}: {}", problem.path, problem.rule)));
        }
        Ok(match checked.manifest {
            Some(manifest) if manifest.kind == BundleKind::Bundle => {
                Old::Verified(Box::new(Self {
                    folder: out.to_owned(),
                    manifest,
                }))
            }
            _ => Old::Unusable(format!("{} is not a Bundle", out.display())),
        })
    }

    /// Checks a whole bundle as [`crate::verify::verify`] does, signatures where there is a key for them, and opens it.
    pub fn checked(
        out: &Path,
        key: Option<&PublicKey>,
    ) -> Result<std::result::Result<Box<Self>, Verdict>> {
        let checked = check(out, key, None)?;
        Ok(match checked.manifest {
            Some(manifest) if checked.verdict.is_good() => Ok(Box::new(Self {
                folder: out.to_owned(),
                manifest,
            })),
            _ => Err(checked.verdict),
        })
    }

    /// The nodes in order of their names.
    pub fn nodes(&self) -> &[NodeRecord] {
        &self.manifest.nodes
    }

    /// One node's record: tree digest, token id, usable until, files.
    pub fn node(&self, name: &str) -> Option<&NodeRecord> {
        let nodes = &self.manifest.nodes;
        nodes
            .binary_search_by(|node| node.name.as_str().cmp(name))
            .ok()
            .map(|index| &nodes[index])
    }

    /// A file that nodes share.
    pub fn shared(&self, path: &str) -> Option<&FileRecord> {
        self.manifest.shared(path)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What its manifest says of the whole.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The `tree.json` of a node; None where it has no such node.
    pub fn tree(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(node) = self.node(name) else {
            return Ok(None);
        };
        let Some(record) = node.files.iter().find(|file| file.name() == TREE_JSON) else {
            bail!("{} lists no {TREE_JSON} of {name}", self.folder.display());
        };
        let mut bytes = Vec::new();
        self.copy(record, &mut bytes)?;
        Ok(Some(bytes))
    }

    /// Where a file of it is.
    pub fn path(&self, record: &FileRecord) -> PathBuf {
        self.folder.join(&*record.path)
    }

    /// Copies a file of it; an error if what was copied is not what the manifest lists.
    pub fn copy(&self, record: &FileRecord, out: &mut dyn Write) -> Result<()> {
        let reading = || format!("reading {}", self.path(record).display());
        let (file, _) = regular::regular(&self.path(record)).with_context(reading)?;
        let mut sha256 = Sha256::new();
        let mut reader = BufReader::with_capacity(64 * 1024, file.take(record.size + 1));
        loop {
            let block = reader.fill_buf().with_context(reading)?;
            if block.is_empty() {
                break;
            }
            sha256.update(block);
            out.write_all(block)?;
            let count = block.len();
            reader.consume(count);
        }
        if Sha256Digest::from(sha256.finalize()) == record.sha256 {
            Ok(())
        } else {
            bail!("{}: it is not what the bundle's manifest lists", reading())
        }
    }
}

impl BundleBuilder {
    /// Reuses a node of the last bundle by linking its files, or copying them where links cannot be. False when it
    /// cannot be reused and must be made: it is not there, this tool or its compression libraries would write it
    /// differently, its signatures come from elsewhere, or a file does not hash right. May be called from many threads at
    /// once.
    pub fn reuse(&self, old: &OldBundle, name: &str) -> Result<bool> {
        let Some(record) = old.node(name) else {
            return Ok(false);
        };
        let (then, now) = (&old.manifest, self.manifest());
        let signed = record
            .files
            .iter()
            .any(|file| file.name() == TREE_SIGNATURE);
        if then.tool_version != now.tool_version
            || then.libraries != now.libraries
            || then.cluster != now.cluster
            || then.kind != now.kind
            || !self
                .signatures()
                .would_reuse(name, &record.tree_digest, signed)
        {
            return Ok(false);
        }
        for path in &record.shared {
            if !self.reuse_shared(old, path)? {
                return Ok(false);
            }
        }
        let directory = self.node_directory(name)?;
        let served = if record.files.iter().any(|file| is_served(&file.path)) {
            Some(self.new_served_directory(name)?)
        } else {
            None
        };
        for file in &record.files {
            let served = served.as_ref().filter(|_| is_served(&file.path));
            match reuse_file(&old.folder, served.unwrap_or(&directory), file.name(), file) {
                Ok(()) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::InvalidData
                    ) =>
                {
                    self.forget_node(name)?;
                    return Ok(false);
                }
                Err(error) => return Err(error).with_context(|| format!("reusing {}", file.path)),
            }
        }
        self.record(record.clone());
        Ok(true)
    }
}

/// Links or copies one file, then hashes what arrived: checking the source first would leave a moment in which it can
/// be changed.
pub(super) fn reuse_file(
    old: &Path,
    directory: &OwnedFd,
    name: &str,
    record: &FileRecord,
) -> io::Result<()> {
    let source = old.join(&*record.path);
    // Without a follow flag a symbolic link is linked as such, and the opening below refuses it.
    if linkat(CWD, &source, directory, name, AtFlags::empty()).is_err() {
        let (mut from, _) = regular::regular(&source)?;
        let mut to = create(directory.as_fd(), Path::new(name), file_mode(record.secret))?;
        io::copy(&mut from, &mut to)?;
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let changed = || io::Error::new(io::ErrorKind::InvalidData, "changed since it was signed");
    let kept = openat(directory, name, flags, Mode::empty()).map_err(|_| changed())?;
    let kept = std::fs::File::from(kept);
    let metadata = kept.metadata()?;
    if !metadata.is_file() || metadata.len() != record.size {
        return Err(changed());
    }
    set_mode(&kept, file_mode(record.secret))?;
    if regular::digest_of(kept)? != record.sha256 {
        return Err(changed());
    }
    Ok(())
}
