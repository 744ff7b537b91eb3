//! How a node's payloads are written: what `output` of the inventory decided. What each format makes of it is in the
//! room of payloads.

mod cloud_init;
mod ignition;
mod initramfs;
/// How many bytes of user-data each platform takes.
pub mod limits;
/// Network boot.
pub mod pxe;

use std::sync::Arc;

use crate::model::{NodePath, named};

pub use cloud_init::{CloudInit, PartSpec};
pub use ignition::{IgnitionDigest, IgnitionSettings, IgnitionSpec, IgnitionTarget, MergeSpec};
pub use initramfs::{InitramfsSettings, Mode};
pub use pxe::Pxe;

named! {
    /// A way to deliver a node tree. `match` on it has no `_` arm, so the compiler lists what a new format still lacks.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Format {
        /// A tar archive to unpack over an image.
        Tarball = "tarball",
        /// user-data, meta-data and network-config.
        CloudInit = "cloudInit",
        /// An Ignition configuration.
        Ignition = "ignition",
        /// A cpio archive to append to an initrd.
        Initramfs = "initramfs",
    }

    /// How an archive is compressed.
    #[derive(Default)]
    pub enum Compression {
        /// Not at all.
        None = "none",
        /// RFC 1952, readable everywhere.
        #[default]
        Gzip = "gzip",
        /// RFC 8878.
        Zstd = "zstd",
        /// With CRC32 checks, the only ones that the kernel reads.
        Xz = "xz",
    }
}

impl Compression {
    /// What the file name ends with, dot included; empty for no compression.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Xz => ".xz",
        }
    }
}

/// Which payloads a node gets, and how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The formats to write, without repeats.
    pub formats: Vec<Format>,
    /// How the tarball is written.
    pub tarball: ArchiveSettings,
    /// How the initramfs payload is compressed, and what becomes of its files.
    pub initramfs: InitramfsSettings,
    /// How the Ignition configuration is written.
    pub ignition: IgnitionSettings,
    /// How cloud-init's documents are written.
    pub cloud_init: CloudInit,
    /// Where secrets go.
    pub secrets: Secrets,
    /// Whether they are written as a systemd credential too.
    pub credential: bool,
    /// For which systems the programs are written as a system extension too, if for any.
    pub sysext: Option<Sysext>,
    /// How the nodes are booted over the network, where they are.
    pub pxe: Option<Arc<Pxe>>,
    /// From where nodes fetch assets, with `{sha256}` for each file's digest.
    pub assets_url: Option<String>,
}

impl Settings {
    /// Whether an asset comes to the node in a system extension alone: one is written, and no payload holds or fetches it.
    pub fn is_in_extension(&self, path: &NodePath) -> bool {
        let mut formats = self.formats.iter();
        self.sysext.is_some()
            && Sysext::holds(path)
            && formats.all(|format| self.assets(*format) == Assets::Shared)
    }

    /// Where a format's payload has the node's assets.
    pub fn assets(&self, format: Format) -> Assets {
        match format {
            Format::Tarball => self.tarball.assets,
            // What a live system reads is an Ignition configuration.
            Format::Initramfs if self.initramfs.mode == Mode::CoreosLive => self.ignition.assets,
            Format::Initramfs => self.initramfs.archive.assets,
            Format::CloudInit => self.cloud_init.assets,
            Format::Ignition => self.ignition.assets,
        }
    }
}

/// Where secrets go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// As each format is used: what becomes part of an image (tarball) or is on a boot server (initramfs) is read by
    /// many, and gets a secret payload for them; user data and Ignition configurations are for one machine.
    #[default]
    AsUsual,
    /// Into the payload, which works by itself.
    Inline,
    /// Into a payload of their own beside a public one.
    Separate,
    /// Into the payload, sealed to the TPM of the node's machine.
    Sealed,
    /// The same where that TPM is known, and as usual for other nodes.
    SealedWhereKnown,
}

impl Secrets {
    /// Whether a format's payload is written as a public part and a secret one.
    pub fn apart(self, format: Format) -> bool {
        match self {
            // Where they are sealed, there is no secret any more.
            Self::AsUsual | Self::Sealed | Self::SealedWhereKnown => match format {
                Format::Tarball | Format::Initramfs => true,
                Format::CloudInit | Format::Ignition => false,
            },
            Self::Inline => false,
            Self::Separate => true,
        }
    }

    /// Whether secrets are sealed to the TPMs of machines that are known.
    pub fn seals(self) -> bool {
        matches!(self, Self::Sealed | Self::SealedWhereKnown)
    }
}

/// Where a node's assets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assets {
    /// In the node's payload.
    Inside,
    /// In a payload of their own beside it, of the same format.
    #[default]
    Shared,
    /// Each fetched by the node from [`Settings::assets_url`], its digest checked.
    Url,
    /// On a CD of their own beside the node's seed, each digest checked.
    Iso,
}

/// How an archive is written: a tarball, or an initramfs payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveSettings {
    /// How it is compressed.
    pub compression: Compression,
    /// Where the assets are: inside, or in an asset archive.
    pub assets: Assets,
}

/// Which systems an extension is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sysext {
    /// `ID=` of the system, or `_any`.
    pub id: String,
    /// `VERSION_ID=`, where the system has one and the extension is for no other.
    pub version_id: Option<String>,
    /// `SYSEXT_LEVEL=`, for systems that promise one instead.
    pub level: Option<String>,
}

impl Sysext {
    /// Whether a path is below a hierarchy that extensions are merged over (systemd-sysext(8)).
    pub fn holds(path: &NodePath) -> bool {
        ["/usr/", "/opt/"]
            .iter()
            .any(|folder| path.as_str().starts_with(folder))
    }
}

/// One argument of the kernel's command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelArgument {
    /// As the command line has it, like `systemd.unified_cgroup_hierarchy=1`.
    pub text: String,
    /// Whether it must be there, or must not.
    pub wanted: bool,
}
