//! `output`: which payloads a node gets, and how they are written.

use std::sync::Arc;

use crate::inventory::cloud_init;
use crate::inventory::cursor::Cursor;
use crate::inventory::ignition;
use crate::inventory::pxe;
use crate::inventory::sysext;
use crate::model::output::{
    Assets, CloudInit, Compression, Format, IgnitionSettings, Secrets, Settings, TarballSettings,
};
use crate::model::output::{InitramfsSettings, Mode};

/// Reads `output`; what is not said has the default.
pub fn read(at: Option<&Cursor<'_>>) -> Settings {
    let mut settings = Settings {
        formats: Format::ALL.to_vec(),
        tarball: TarballSettings::default(),
        initramfs: InitramfsSettings::default(),
        ignition: IgnitionSettings::default(),
        cloud_init: CloudInit::default(),
        secrets: Secrets::AsUsual,
        credential: false,
        sysext: None,
        pxe: None,
        assets_url: None,
    };
    let Some(fields) = at.and_then(|at| at.fields()) else {
        return settings;
    };
    if let Some(list) = fields.optional("formats") {
        settings.formats = formats(&list);
    }
    let choices = [("inline", Secrets::Inline), ("separate", Secrets::Separate)];
    if let Some(secrets) = fields
        .optional("secrets")
        .and_then(|at| at.choice(&choices))
    {
        settings.secrets = secrets;
    }
    settings.credential = fields
        .optional("credential")
        .and_then(|at| at.bool())
        .unwrap_or_default();
    settings.assets_url = fields
        .optional("assetsURL")
        .and_then(|at| at.parse(assets_url));
    let has_url = fields.optional("assetsURL").is_some();
    if has_url {
        settings.cloud_init.assets = Assets::Url;
        settings.ignition.assets = Assets::Url;
    }
    if let Some(at) = fields.optional("cloudInit") {
        settings.cloud_init = cloud_init::read(&at, has_url);
    }
    if let Some(at) = fields.optional("ignition") {
        settings.ignition = ignition::read(&at, settings.secrets, has_url);
    }
    if let Some(tarball) = fields.optional("tarball") {
        read_tarball(&tarball, &mut settings.tarball);
    }
    if let Some(initramfs) = fields.optional("initramfs") {
        read_initramfs(&initramfs, &mut settings.initramfs);
    }
    settings.sysext = fields.optional("sysext").and_then(|at| sysext::read(&at));
    if let Some(at) = fields.optional("pxe") {
        settings.pxe = pxe::read(&at).map(Arc::new);
        if !settings.formats.contains(&Format::Initramfs) {
            let rule = "machines boot an initramfs overlay, and output.formats does not have it";
            let finding = at.location().error(rule);
            at.add(finding.repair("add initramfs to output.formats"));
        }
    }
    fields.finish();
    settings
}

fn read_initramfs(at: &Cursor<'_>, settings: &mut InitramfsSettings) {
    let Some(fields) = at.fields() else { return };
    if let Some(compression) = fields
        .optional("compression")
        .and_then(|at| compression(&at))
    {
        settings.compression = compression;
    }
    let modes = [Mode::RamRoot, Mode::Carry, Mode::CoreosLive].map(|mode| (mode.name(), mode));
    if let Some(mode) = fields.optional("mode").and_then(|at| at.choice(&modes)) {
        settings.mode = mode;
    }
    if let Some(assets) = fields.optional("assets").and_then(|at| at.choice(&ASSETS)) {
        settings.assets = assets;
    }
    fields.finish();
}

/// From where nodes fetch assets. Plain http will do: they hold no secret, and their digests are known.
fn assets_url(text: &str) -> Result<String, &'static str> {
    let text = cloud_init::plain_url(text)?;
    match (text.contains("{sha256}"), text.contains("{node}")) {
        (false, _) => Err("must hold {sha256}, or all files would be the same"),
        (true, true) => Err("must not hold {node}: nodes share these files"),
        (true, false) => Ok(text.to_owned()),
    }
}

/// Where the assets of a format are that has them inside, fetched, or as `choices` say. What is not said is fetched where
/// there is a URL.
pub(super) fn assets(at: Option<Cursor<'_>>, choices: &[(&str, Assets)], has_url: bool) -> Assets {
    let chosen = at.and_then(|at| {
        let chosen = at.choice(choices)?;
        if chosen == Assets::Url && !has_url {
            let rule = "nothing says from where they are fetched";
            at.add(
                at.location()
                    .error(rule)
                    .repair("set output.assetsURL, like https://boot.example.com/files/{sha256}"),
            );
        }
        Some(chosen)
    });
    chosen.unwrap_or(match has_url {
        true => Assets::Url,
        false => Assets::Inside,
    })
}

/// Where an archive's assets are.
const ASSETS: [(&str, Assets); 2] = [("layer", Assets::Layer), ("inside", Assets::Inside)];

fn read_tarball(at: &Cursor<'_>, settings: &mut TarballSettings) {
    let Some(fields) = at.fields() else { return };
    if let Some(compression) = fields
        .optional("compression")
        .and_then(|at| compression(&at))
    {
        settings.compression = compression;
    }
    if let Some(assets) = fields.optional("assets").and_then(|at| at.choice(&ASSETS)) {
        settings.assets = assets;
    }
    fields.finish();
}

fn formats(list: &Cursor<'_>) -> Vec<Format> {
    let items = list.items();
    let mut formats: Vec<Format> = items.iter().filter_map(|item| item.parse(format)).collect();
    formats.sort();
    formats.dedup();
    if items.is_empty() {
        list.error("names no format");
    }
    formats
}

/// A format by its name; the error is the rule.
pub fn format(text: &str) -> Result<Format, String> {
    Format::ALL
        .into_iter()
        .find(|format| format.name() == text)
        .ok_or_else(|| {
            let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
            format!(
                "{text:?} is no format; the formats are {}",
                names.join(", ")
            )
        })
}

fn compression(at: &Cursor<'_>) -> Option<Compression> {
    at.choice(&[
        ("none", Compression::None),
        ("gzip", Compression::Gzip),
        ("zstd", Compression::Zstd),
        ("xz", Compression::Xz),
    ])
}
