//! `output`: which payloads a node gets, and how they are written.

mod cloud_init;
mod ignition;
mod pxe;
mod sysext;

use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Shaped, by_name, choices, keys, texts};
use crate::inventory::kinds::{OrDefault, Section, Switch};
use crate::inventory::output::ignition::node_url;
use crate::inventory::shape::Shape;
use crate::inventory::text::ProjectFile;
use crate::model::Spanned;
use crate::model::output::limits::{Count, Limit, Target};
use crate::model::output::{
    ArchiveSettings, Assets, CloudInit, Compression, Format, IgnitionSettings, IgnitionTarget,
    InitramfsSettings, MergeSpec, Mode, Pxe, Secrets, Settings, Sysext,
};
use crate::report::Id;

keys! {
    for Settings: "output", as Settings = settings {
        /// which payloads are written
        "formats" => formats: Vec<Format> = ["tarball", "cloudInit", "ignition", "initramfs"],
        /// whether secrets are inside payloads, in a secret payload of their own, or sealed to the TPM of each machine
        /// (sealedWhereKnown: of each that has `tpm`); without it: separate in tarballs and initramfs payloads
        "secrets" => secrets: OrDefault<SecretsWord>,
        /// whether secrets are also written as a credential of systemd
        "credential" => credential: bool = false,
        /// the tarball
        "tarball" => tarball: Section<ArchiveSettings>,
        /// the initramfs payload
        "initramfs" => initramfs: Section<InitramfsSettings>,
        /// the Ignition configuration
        "ignition" => ignition: Section<IgnitionSettings>,
        /// cloud-init's user-data
        "cloudInit" => cloud_init: Section<CloudInit>,
        /// whether programs are also written as a system extension, and for which systems
        "sysext" => sysext: Switch<Sysext> = false,
        /// what machines boot over the network
        "pxe" => pxe: Option<Arc<Pxe>>,
        /// from where cloud-init and Ignition fetch assets, with {sha256}
        "assetsURL" => assets_url: Option<AssetsUrl>,
    }

    for ArchiveSettings: "tarball" {
        /// how archives are compressed
        "compression" => compression: Compression = "gzip",
        /// where large files are: in an archive that nodes share, or inside each payload
        "assets" => assets: ArchiveAssets = "shared",
    }

    for InitramfsSettings: "initramfs" {
        first archive: ArchiveSettings,
        /// the initramfs is the root, its files are copied to the disk's root, or an Ignition configuration for a
        /// CoreOS live system
        "mode" => mode: Mode = "diskless",
    }

    for Limit: "limit" {
        /// the most that the platform takes
        "maxBytes" => max_bytes: u64,
        /// what it counts
        "count" => count: CountWord,
    }

    for MergeSpec: "merge" {
        /// a file of the project
        "source" => source: Spanned<ProjectFile>,
        /// whether it holds a secret
        "secret" => secret: bool = false,
    }
}

texts! {
    /// From where assets are fetched.
    AssetsUrl or UrlInvalid: String = assets_url, r"^https?://.*\{sha256\}", ["https://boot.example.com/files/{sha256}"];
}

choices! {
    /// The words of `secrets`.
    SecretsWord: Secrets = [
        ("inline", Secrets::Inline),
        ("separate", Secrets::Separate),
        ("sealed", Secrets::Sealed),
        ("sealedWhereKnown", Secrets::SealedWhereKnown),
    ];
    /// Where an archive's assets are.
    ArchiveAssets: Assets = [("shared", Assets::Shared), ("inside", Assets::Inside)];
    /// Where an Ignition configuration's assets are; [`settings`] knows what counts where nothing is said.
    FetchedAssets: Assets = [("inside", Assets::Inside), ("url", Assets::Url)], else Assets::Inside;
    /// Where user-data's assets are.
    CloudAssets: Assets = [("inside", Assets::Inside), ("url", Assets::Url), ("iso", Assets::Iso)], else Assets::Inside;
    /// What a platform counts.
    CountWord: Count = [("raw", Count::Raw), ("base64", Count::Base64)];
    /// Platforms that take user-data.
    CloudPlatform: Target = Target::NAMED;
    /// Platforms that take an Ignition configuration. A NoCloud seed is cloud-init's alone.
    NamedIgnitionPlatform: IgnitionTarget = [
        ("ec2", IgnitionTarget::Platform(Target::Ec2)),
        ("azure", IgnitionTarget::Platform(Target::Azure)),
        ("gce", IgnitionTarget::Platform(Target::Gce)),
        ("openstack", IgnitionTarget::Platform(Target::OpenStack)),
        ("vmware", IgnitionTarget::Platform(Target::VMware)),
        ("liveISO", IgnitionTarget::LiveIso),
    ];
}

/// What holds between the formats.
fn settings(mut settings: Settings, at: &Cursor<'_>) -> Option<Settings> {
    settings.formats.sort();
    settings.formats.dedup();
    if let Some(at) = at.find(&["formats"]).filter(|at| at.is_empty_list()) {
        at.report(Id::ListEmpty, "names no format");
    }
    let has_url = at.has("assetsURL");
    for (format, assets) in [
        ("cloudInit", &mut settings.cloud_init.assets),
        ("ignition", &mut settings.ignition.assets),
    ] {
        match at.find(&[format, "assets"]) {
            None if has_url => *assets = Assets::Url,
            Some(at) if *assets == Assets::Url && !has_url => {
                let finding = at.location().finding(
                    Id::AssetsUrlMissing,
                    "nothing says from where they are fetched",
                );
                at.add(
                    finding
                        .help("set output.assetsURL, like https://boot.example.com/files/{sha256}"),
                );
            }
            _ => {}
        }
    }
    if !settings.secrets.apart(Format::Ignition) {
        if let (Some(url), Some(at)) = (&settings.ignition.body_url, at.find(&["ignition", "url"]))
            && let Err(rule) = node_url(url, false)
        {
            at.report(Id::UrlInvalid, rule);
        }
        if let Some(at) = at.find(&["ignition", "secretsURL"]) {
            let rule = "no secrets are fetched: they are inside the payload";
            let repair = "set output.secrets to separate, or take the URL away (null)";
            at.add(
                at.location()
                    .finding(Id::IgnitionSecretsNotFetched, rule)
                    .help(repair),
            );
        }
    }
    let is_booted = |format: &Format| matches!(format, Format::Initramfs | Format::Ignition);
    if let Some(at) = at.find(&["pxe"])
        && !settings.formats.iter().any(is_booted)
    {
        let rule = "machines boot an initramfs payload, or an installer that fetches an Ignition payload; output.formats has neither";
        let finding = at.location().finding(Id::PxeWithoutInitramfs, rule);
        at.add(finding.help("add initramfs or ignition to output.formats"));
    }
    Some(settings)
}

/// A platform's name, or the limit of another one.
pub enum CloudTarget {}

impl Shaped for CloudTarget {
    type Value = Target;
    const SHAPE: Shape = Shape::Either(&[CloudPlatform::SHAPE, Limit::SHAPE]);

    fn read(at: &Cursor<'_>) -> Option<Target> {
        match at.located().as_map() {
            Some(_) => Limit::read(at).map(Target::Other),
            None => CloudPlatform::read(at),
        }
    }
}

/// The same for an Ignition configuration.
pub enum IgnitionPlatform {}

impl Shaped for IgnitionPlatform {
    type Value = IgnitionTarget;
    const SHAPE: Shape = Shape::Either(&[NamedIgnitionPlatform::SHAPE, Limit::SHAPE]);

    fn read(at: &Cursor<'_>) -> Option<IgnitionTarget> {
        match at.located().as_map() {
            Some(_) => Limit::read(at).map(|limit| IgnitionTarget::Platform(Target::Other(limit))),
            None => NamedIgnitionPlatform::read(at),
        }
    }
}

/// A file that is merged is written as its path, or as a map with one.
pub enum Merge {}

impl Shaped for Merge {
    type Value = MergeSpec;
    const SHAPE: Shape = Shape::Either(&[ProjectFile::SHAPE, MergeSpec::SHAPE]);

    fn read(at: &Cursor<'_>) -> Option<MergeSpec> {
        match at.located().as_map() {
            Some(_) => MergeSpec::read(at),
            None => Spanned::<ProjectFile>::read(at).map(|source| MergeSpec {
                source,
                secret: false,
            }),
        }
    }
}

by_name!(Format, Compression, Mode);

/// From where nodes fetch assets. Plain http will do: they hold no secret, and their digests are known.
fn assets_url(text: &str) -> Result<String, &'static str> {
    let text = cloud_init::plain_url(text)?;
    match (text.contains("{sha256}"), text.contains("{node}")) {
        (false, _) => Err("must hold {sha256}, or all files would be the same"),
        (true, true) => Err("must not hold {node}: nodes share these files"),
        (true, false) => Ok(text.to_owned()),
    }
}
