//! One node's folder in a bundle that is being made.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::{Context, bail};

use crate::bundle::folder::BundleBuilder;
use crate::create::{Measured, create, file_mode};
use crate::error::Result;
use crate::manifest::sums::check_path;
use crate::manifest::{FileRecord, InitramfsRecord, NodeRecord};
use crate::manifest::{SERVED, TREE_JSON, TREE_SIGNATURE, TREE_SUMS};
use crate::model::Sha256Digest;
use crate::payload::{Destination, Output};
use crate::tree::listing::TreeListing;

/// What bundle.json says of a node beside its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSays {
    /// The version of Kubernetes that its files are for.
    pub kubernetes: Option<String>,
    /// The public half of its bootstrap token.
    pub token_id: Option<String>,
    /// RFC 3339; the caller's, since nothing here reads a clock.
    pub usable_until: Option<String>,
    /// What becomes of its initramfs payload, where it has one.
    pub initramfs: Option<InitramfsRecord>,
    /// The digests of the trees that its payloads follow, in hexadecimal digits.
    pub upgrade_from: Vec<String>,
}

/// A node's folder: files go in through [`Output`], the tree through [`Self::tree`], and [`Self::finish`] records it.
pub struct NodeFolder<'a> {
    builder: &'a BundleBuilder,
    directory: OwnedFd,
    /// Where machines fetch from, once there is something.
    served: Option<OwnedFd>,
    name: String,
    says: NodeSays,
    tree_digest: Option<Sha256Digest>,
    files: Vec<FileRecord>,
    shared: Vec<Box<str>>,
    buffer: Vec<u8>,
}

impl BundleBuilder {
    /// Begins a node's folder, `nodes/NAME`, 0700. May be called from many threads at once.
    pub fn node(&self, name: &str, says: NodeSays) -> Result<NodeFolder<'_>> {
        let directory = self.node_directory(name)?;
        Ok(NodeFolder::new(self, directory, name, says))
    }
}

impl<'a> NodeFolder<'a> {
    fn new(builder: &'a BundleBuilder, directory: OwnedFd, name: &str, says: NodeSays) -> Self {
        Self {
            builder,
            directory,
            served: None,
            name: name.to_owned(),
            says,
            tree_digest: None,
            files: Vec::with_capacity(10),
            shared: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Writes tree.json, tree.sums and, where the source of signatures gives one, tree.sums.sig, which is returned so that it
    /// can travel inside the payloads. With signed trees, an error when this tree is not among them.
    pub fn tree(&mut self, listing: &TreeListing) -> Result<Option<[u8; 64]>> {
        if self.tree_digest.is_some() {
            bail!("node {} has its tree already", self.name);
        }
        let (json, sums, digest) = (&listing.json, &listing.sums, listing.digest());
        let signature = self.builder.signatures().tree(&self.name, &digest, sums)?;
        self.write(TREE_JSON, false, &mut |out| Ok(out.write_all(json)?))?;
        self.write(TREE_SUMS, false, &mut |out| Ok(out.write_all(sums)?))?;
        if let Some(signature) = &signature {
            self.write(TREE_SIGNATURE, false, &mut |out| {
                Ok(out.write_all(signature)?)
            })?;
        }
        self.tree_digest = Some(digest);
        Ok(signature)
    }

    /// Records the node; only now it is part of the bundle.
    pub fn finish(mut self) -> Result<()> {
        let Some(tree_digest) = self.tree_digest else {
            bail!("node {} was given no tree", self.name);
        };
        self.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        self.shared.sort_unstable();
        self.shared.dedup();
        self.builder.record(NodeRecord {
            name: self.name,
            tree_digest,
            kubernetes: self.says.kubernetes,
            token_id: self.says.token_id,
            usable_until: self.says.usable_until,
            initramfs: self.says.initramfs,
            upgrade_from: self.says.upgrade_from,
            files: self.files,
            shared: self.shared,
        });
        Ok(())
    }

    fn write(
        &mut self,
        name: &str,
        secret: bool,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let path = format!("nodes/{}/{name}", self.name);
        let created = create(&self.directory, Path::new(name), file_mode(secret));
        self.fill(path, secret, created, write)
    }

    /// Writes a file to where machines fetch it: `boot/nodes/NAME`.
    fn served(
        &mut self,
        name: &str,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let path = format!("{SERVED}/{}/{name}", self.name);
        let directory = match self.served.take() {
            Some(directory) => directory,
            None => self.builder.new_served_directory(&self.name)?,
        };
        let created = create(&directory, Path::new(name), file_mode(false));
        self.served = Some(directory);
        self.fill(path, false, created, write)
    }

    fn check_name(&self, name: &str) -> Result<()> {
        if name.contains('/') || check_path(name).is_err() {
            bail!("{name:?} is not a file name for node {}", self.name);
        }
        if [TREE_JSON, TREE_SUMS, TREE_SIGNATURE].contains(&name) {
            bail!("{name} of node {} is not a payload's to write", self.name);
        }
        Ok(())
    }

    fn fill(
        &mut self,
        path: String,
        secret: bool,
        created: io::Result<File>,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let writing = || format!("writing {path}");
        let file = created.with_context(writing)?;
        let mut measured = Measured::new(file, &mut self.buffer);
        write(&mut measured).with_context(writing)?;
        let (size, sha256) = measured.finish().with_context(writing)?;
        self.files.push(FileRecord {
            path: path.into(),
            size,
            sha256,
            secret,
        });
        Ok(())
    }
}

impl Output for NodeFolder<'_> {
    fn file(
        &mut self,
        place: Destination,
        name: &str,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        if place != Destination::Shared {
            self.check_name(name)?;
        }
        match place {
            Destination::Node => self.write(name, false, write),
            Destination::Secret => self.write(name, true, write),
            Destination::Served => self.served(name, write),
            Destination::Shared => {
                self.shared.push(self.builder.shared_file(name, write)?);
                Ok(())
            }
        }
    }
}
