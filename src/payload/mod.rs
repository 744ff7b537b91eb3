//! Payloads: one node tree in the formats that machines boot from. In: a [`Job`] (tree, facts, settings). Out: files
//! handed to an [`Output`]. Nothing here knows the inventory, the plan or Tera.

mod archive;
/// Assets: inside a payload or shared by nodes.
pub mod assets;
mod assets_location;
/// user-data, meta-data and network-config.
pub mod cloud_init;
/// Compression of archives, the same bytes everywhere.
pub mod compress;
/// The secrets as a systemd credential.
pub mod credential;
mod forms;
mod gzip;
/// Ignition configurations.
pub mod ignition;
/// newc archives that a boot loader appends to an initrd.
pub mod initramfs;
/// Images of CDs.
pub mod iso;
mod libraries;
pub mod objection;
mod packed;
/// Scripts for booting over the network.
pub mod pxe;
mod removals;
mod selection;
/// Programs as a system extension.
pub mod sysext;
/// tar archives to unpack over an image.
pub mod tarball;

use std::io::Write;
use std::sync::Arc;

use crate::error::Result;
use crate::model::output::{Format, KernelArgument, Settings};
use crate::model::{Network, User};
use crate::secrets::UserHash;
use crate::tree::NodeTree;
use anyhow::bail;

use crate::payload::cloud_init::UserFiles;
pub use archive::members;
pub use assets::AssetArchive;
pub use assets_location::assets_location;
pub use forms::Forms;
pub use ignition::UserConfig;
pub use libraries::libraries;
pub use objection::{Objection, clashes};
pub use removals::Removals;
pub use selection::Selection;

impl Format {
    /// Whether the format brings the node's kernel arguments to its boot loader.
    pub fn sets_kernel_arguments(self) -> bool {
        match self {
            Self::Ignition => true,
            Self::Tarball | Self::CloudInit | Self::Initramfs => false,
        }
    }

    /// Everything in a job that this format cannot say. [`Format::write`] refuses such a job, so ask first and make
    /// findings of the answer.
    pub fn check(self, job: &Job<'_>) -> Vec<Objection> {
        let mut objections = clashes(job.tree);
        objections.extend(self.check_apart(job));
        objections
    }

    /// The same without [`clashes`], which all formats have in common.
    pub fn check_apart(self, job: &Job<'_>) -> Vec<Objection> {
        match self {
            Self::Ignition => ignition::check(job),
            Self::CloudInit => cloud_init::check(job),
            // What else these cannot say, the node tree refuses already.
            Self::Tarball => Vec::new(),
            Self::Initramfs => initramfs::check(job),
        }
    }

    /// What of a job is larger than where it goes to takes. [`Format::write`] refuses that too.
    pub fn oversize(self, job: &Job<'_>, forms: &Forms) -> Result<Vec<Objection>> {
        match self {
            Self::CloudInit => cloud_init::oversize(job, forms),
            Self::Ignition => ignition::oversize(job, forms),
            Self::Tarball | Self::Initramfs => Ok(Vec::new()),
        }
    }

    /// Writes the node's files in this format. `forms` is one for the whole build; any number of threads share it.
    pub fn write(self, job: &Job<'_>, forms: &Forms, out: &mut dyn Output) -> Result<()> {
        if let Some(objection) = self.check(job).first() {
            bail!("writing the {} payload: {objection}", self.name());
        }
        match self {
            Self::Tarball => tarball::package(job, out),
            Self::CloudInit => cloud_init::package(job, forms, out),
            Self::Ignition => ignition::package(job, forms, out),
            Self::Initramfs => initramfs::package(job, forms, out),
        }
    }
}

/// What a packager must know of a node beside its tree.
#[derive(Clone, Debug)]
pub struct NodeFacts {
    /// The cluster's name.
    pub cluster: String,
    /// The inventory's generation: part of cloud-init's instance-id.
    pub generation: u64,
    /// The node's name in the cluster.
    pub name: String,
    /// The machine's host name.
    pub hostname: String,
    /// Its interfaces, where the inventory has them.
    pub network: Option<Network>,
    /// Its users, beside those that the image has.
    pub users: Arc<Vec<User>>,
    /// Hashes of passwords of these users.
    pub passwords: Arc<[UserHash]>,
    /// The machine that its programs are for, by Go's name.
    pub arch: String,
    /// What the kernel's command line must hold or must not.
    pub kernel_arguments: Vec<KernelArgument>,
    /// What the user adds to its cloud-init documents.
    pub user_files: Arc<UserFiles>,
    /// Configurations of the user's that its Ignition configuration merges.
    pub merges: Arc<[Arc<UserConfig>]>,
    /// What is to go that earlier bundles installed on it, where this one is to follow such bundles.
    pub removals: Option<Arc<Removals>>,
}

/// One node to package.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// What the node must end up with.
    pub tree: &'a NodeTree,
    /// Who the node is.
    pub facts: &'a NodeFacts,
    /// How to write it.
    pub settings: &'a Settings,
}

impl NodeFacts {
    /// The hash of a user's password, if it has one.
    pub fn password_of(&self, user: &str) -> Option<&str> {
        let found = self.passwords.iter().find(|password| password.user == user);
        found.map(|password| password.hash.expose())
    }
}

impl Job<'_> {
    /// Whether anything is secret that a format brings which makes users.
    pub fn has_secrets(&self) -> bool {
        self.tree.has_secrets() || !self.facts.passwords.is_empty()
    }
}

/// Where a file of a payload lies, and who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// With the node's other files. Its name is one component, like `user-data`.
    Node,
    /// The same for a file with a secret in it: 0600, where others are 0644.
    Secret,
    /// Where machines fetch the node's files from; its name is one component.
    Served,
    /// With what many nodes share. The name follows from the content, so what was written for another node is not
    /// written again; it may have folders, like `files/SHA256`.
    Shared,
}

impl Destination {
    /// With the node's files, by whether there is a secret in it.
    pub fn of_node(secret: bool) -> Self {
        if secret { Self::Secret } else { Self::Node }
    }
}

/// Receives the files of one node's payloads. The bundle implements it: it makes the file, counts and hashes.
pub trait Output {
    /// Writes one file.
    fn file(
        &mut self,
        place: Destination,
        name: &str,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()>;
}

/// The modification time of every file in every archive, in seconds: 1980-01-01T00:00:00Z. A fixed one, or two builds
/// would differ; not zero, which FAT cannot hold and some versions of tar warn about.
pub const MTIME: u64 = 315_532_800;
