//! Making a bundle: a folder in a sibling of the output is filled, by many threads at once, and exchanged for the
//! output at the end. Only a compact record of each file stays in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context, bail};
use rustix::fs::{CWD, Mode, OFlags, openat};
use serde::Serialize;

use crate::bundle::in_place;
use crate::bundle::publish::{Before, inspect, publish};
use crate::bundle::shared_files::SharedFiles;
use crate::bundle::signatures::SignatureSource;
use crate::create;
use crate::create::remove_tree;
use crate::create::{Measured, directory_mode, file_mode, new_directory, set_mode};
use crate::error::Result;
use crate::lock::{Lock, beside};
use crate::manifest::sums::{check_path, write_line};
use crate::manifest::{
    API_VERSION, BundleKind, INDEX, MANIFEST, SERVED, SIGNATURE, SSH_SIGNATURE, SUMS, is_served,
};
use crate::manifest::{FileRecord, Index, Manifest, NodeRecord};
use crate::staging::Staging;
use crate::unfinished::make_folders;

/// What bundle.json says of the whole.
#[derive(Clone, Debug)]
pub struct BundleHeader {
    /// Payloads, or the trees of a first stage.
    pub kind: BundleKind,
    /// The cluster's name.
    pub cluster: String,
    /// The inventory's generation.
    pub generation: u64,
    /// The compression libraries and their versions, which decide payload bytes as much as the tool's own version.
    pub libraries: BTreeMap<String, String>,
}

/// What a finished bundle amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// Nodes.
    pub nodes: usize,
    /// Files that SHA256SUMS lists.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// Whether SHA256SUMS is signed.
    pub signed: bool,
}

/// A bundle in the making. Dropped without [`Self::finish`], it leaves nothing behind and the output untouched.
pub struct BundleBuilder {
    out: PathBuf,
    staging: PathBuf,
    root: OwnedFd,
    nodes_directory: OwnedFd,
    /// `boot/nodes`, where something was served.
    served_directory: OnceLock<OwnedFd>,
    before: Before,
    signatures: SignatureSource,
    manifest: Manifest,
    begun: AtomicUsize,
    nodes: Mutex<Vec<NodeRecord>>,
    cluster: Mutex<ClusterFiles>,
    shared: SharedFiles,
    // Last, so that what was made is gone before another build may begin.
    _folder: Staging,
    _lock: Lock,
}

#[derive(Default)]
struct ClusterFiles {
    directories: BTreeSet<String>,
    files: Vec<FileRecord>,
}

impl BundleBuilder {
    /// Begins a bundle beside `out`, which must be absent, empty, or a bundle of the same kind; anything else there is
    /// an error and stays untouched. What a run that died has left beside `out` is removed. A second build into the
    /// same folder is refused while this one lasts.
    pub fn begin(out: &Path, header: BundleHeader, signatures: SignatureSource) -> Result<Self> {
        if let Some(parent) = out.parent() {
            make_folders(parent, 0o777)?;
        }
        let lock = Lock::take(out)?;
        in_place::recover(out)?;
        let before = inspect(out, header.kind)?;
        let folder = beside(out, "new")?;
        let staging = folder.join("bundle");
        let creating = || format!("creating {}", staging.display());
        remove_tree(&staging).with_context(|| format!("removing {}", staging.display()))?;
        let folder = Staging::begin(&folder)?;
        let root = new_directory(CWD, &staging, directory_mode(true)).with_context(creating)?;
        let nodes_directory = new_directory(&root, Path::new("nodes"), directory_mode(false))
            .with_context(creating)?;
        Ok(Self {
            out: out.to_owned(),
            staging,
            root,
            nodes_directory,
            served_directory: OnceLock::new(),
            before,
            signatures,
            manifest: empty_manifest(header),
            begun: AtomicUsize::new(0),
            nodes: Mutex::default(),
            cluster: Mutex::default(),
            shared: SharedFiles::default(),
            _folder: folder,
            _lock: lock,
        })
    }

    /// Writes one file of no node, like `cluster/rbac/kustomization.yaml`. A secret one is 0600 and makes its folder
    /// 0700; below `boot`, which everybody may read, there is none.
    pub fn file(
        &self,
        path: &str,
        secret: bool,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let known = path.starts_with("cluster/") || path.starts_with("boot/") && !secret;
        if check_path(path).is_err() || !known || is_served(path) {
            bail!("{path:?} is not a path for a file of no node");
        }
        let mut cluster = locked(&self.cluster);
        self.parents(path, secret, &mut cluster.directories)
            .with_context(|| format!("writing {path}"))?;
        let record = self.write(path, secret, write)?;
        cluster.files.push(record);
        Ok(())
    }

    /// Writes index.json, bundle.json, SHA256SUMS and the signatures, and exchanges the folder for the output.
    pub fn finish(mut self) -> Result<Finished> {
        self.collect()?;
        let (sums, mut finished) = self.write_manifests()?;
        finished.signed = self.write_signatures(&sums)?;
        set_mode(&self.root, directory_mode(false)).context("opening the bundle to its readers")?;
        if self.before != Before::Absent {
            // Somebody may have put something there since the build began.
            inspect(&self.out, self.manifest.kind)?;
        }
        publish(&self.staging, &self.out, &self.before)?;
        Ok(finished)
    }

    /// Who vouches for what is made.
    pub fn signatures(&self) -> &SignatureSource {
        &self.signatures
    }

    pub(super) fn shared(&self) -> &SharedFiles {
        &self.shared
    }

    pub(super) fn root(&self) -> &OwnedFd {
        &self.root
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(super) fn record(&self, node: NodeRecord) {
        locked(&self.nodes).push(node);
    }

    pub(super) fn node_directory(&self, name: &str) -> Result<OwnedFd> {
        if name.contains('/') || check_path(name).is_err() {
            bail!("{name:?} is not a name for a node's folder");
        }
        let directory = new_directory(&self.nodes_directory, Path::new(name), directory_mode(true))
            .with_context(|| format!("creating nodes/{name}"))?;
        self.begun.fetch_add(1, Ordering::Relaxed);
        Ok(directory)
    }

    /// Makes a node's folder among those that machines fetch their initramfs payloads from, `boot/nodes/NAME`, 0755.
    pub(super) fn new_served_directory(&self, name: &str) -> Result<OwnedFd> {
        let creating = || format!("creating {SERVED}/{name}");
        let all = {
            // One thread makes it; the others find it.
            let mut cluster = locked(&self.cluster);
            match self.served_directory.get() {
                Some(all) => all,
                None => {
                    self.parents(&format!("{SERVED}/"), false, &mut cluster.directories)
                        .with_context(creating)?;
                    let flags =
                        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let all =
                        openat(&self.root, SERVED, flags, Mode::empty()).with_context(creating)?;
                    self.served_directory.get_or_init(|| all)
                }
            }
        };
        new_directory(all, Path::new(name), directory_mode(false)).with_context(creating)
    }

    /// Shows every node that was finished, in any order.
    pub fn each_node(&self, see: &mut dyn FnMut(&NodeRecord) -> Result<()>) -> Result<()> {
        locked(&self.nodes).iter().try_for_each(see)
    }

    /// Takes a node's folder away again, when it could not be reused.
    pub(super) fn forget_node(&self, name: &str) -> Result<()> {
        for folder in ["nodes", SERVED] {
            remove_tree(&self.staging.join(folder).join(name))
                .with_context(|| format!("removing {folder}/{name}"))?;
        }
        self.begun.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the folders above a file that are not made yet.
    pub(super) fn parents(
        &self,
        path: &str,
        secret: bool,
        made: &mut BTreeSet<String>,
    ) -> io::Result<()> {
        for (index, _) in path.match_indices('/') {
            let parent = &path[..index];
            let last = !path[index + 1..].contains('/');
            if made.insert(parent.to_owned()) {
                new_directory(&self.root, Path::new(parent), directory_mode(false))?;
            }
            if secret && last {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                set_mode(
                    openat(&self.root, parent, flags, Mode::empty())?,
                    directory_mode(true),
                )?;
            }
        }
        Ok(())
    }

    pub(super) fn write(
        &self,
        path: &str,
        secret: bool,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<FileRecord> {
        let writing = || format!("writing {path}");
        let file =
            create::create(&self.root, Path::new(path), file_mode(secret)).with_context(writing)?;
        let mut buffer = Vec::new();
        let mut measured = Measured::new(file, &mut buffer);
        write(&mut measured).with_context(writing)?;
        let (size, sha256) = measured.finish().with_context(writing)?;
        Ok(FileRecord {
            path: path.into(),
            size,
            sha256,
            secret,
        })
    }

    /// Moves what the threads recorded into the manifest, sorted: their order must not show.
    fn collect(&mut self) -> Result<()> {
        let mut nodes = std::mem::take(&mut *locked(&self.nodes));
        if nodes.len() != self.begun.load(Ordering::Relaxed) {
            bail!("finishing the bundle: a node was begun and not finished");
        }
        nodes.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        if nodes.is_empty() {
            fs::remove_dir(self.staging.join("nodes")).context("removing an empty nodes folder")?;
        }
        self.manifest.shared = self.collect_shared(&nodes)?;
        self.manifest.nodes = nodes;
        self.manifest.files = std::mem::take(&mut locked(&self.cluster).files);
        self.signatures.complete(&self.manifest)
    }

    /// Writes index.json, bundle.json and SHA256SUMS, and returns the last with the sums of what it lists.
    fn write_manifests(&mut self) -> Result<(String, Finished)> {
        let index = self.write_json(INDEX, &Index(&self.manifest.nodes))?;
        self.manifest.files.push(index);
        self.manifest
            .files
            .sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let manifest = self.write_json(MANIFEST, &self.manifest)?;
        let mut all: Vec<&FileRecord> = self.manifest.all_files().collect();
        all.push(&manifest);
        all.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let finished = Finished {
            nodes: self.manifest.nodes.len(),
            files: all.len(),
            bytes: all.iter().map(|file| file.size).sum(),
            signed: false,
        };
        let mut sums = String::with_capacity(all.iter().map(|file| 67 + file.path.len()).sum());
        for file in all {
            write_line(&mut sums, &file.path, &file.sha256);
        }
        self.write(SUMS, false, &mut |out| Ok(out.write_all(sums.as_bytes())?))?;
        Ok((sums, finished))
    }

    fn write_json(&self, path: &str, value: &impl Serialize) -> Result<FileRecord> {
        self.write(path, false, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, value)?;
            Ok(out.write_all(b"\n")?)
        })
    }

    fn write_signatures(&self, sums: &str) -> Result<bool> {
        let SignatureSource::Key(signer) = &self.signatures else {
            return Ok(false);
        };
        let raw = signer.sign(sums.as_bytes());
        let ssh = signer.sign_ssh(sums.as_bytes());
        self.write(SIGNATURE, false, &mut |out| Ok(out.write_all(&raw)?))?;
        self.write(SSH_SIGNATURE, false, &mut |out| {
            Ok(out.write_all(ssh.as_bytes())?)
        })?;
        Ok(true)
    }
}

impl Drop for BundleBuilder {
    fn drop(&mut self) {
        // After `finish` there is nothing left there; after a failure, the failure is what must be reported.
        let _ = remove_tree(&self.staging);
    }
}

fn empty_manifest(header: BundleHeader) -> Manifest {
    Manifest {
        api_version: API_VERSION.to_owned(),
        kind: header.kind,
        cluster: header.cluster,
        generation: header.generation,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        libraries: header.libraries,
        digest_algorithm: "SHA-256".to_owned(),
        signature_algorithm: "Ed25519".to_owned(),
        files: Vec::new(),
        shared: Vec::new(),
        nodes: Vec::new(),
    }
}

/// A thread that panicked has already failed the build; the records of the others are whole.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
