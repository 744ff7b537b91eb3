//! Where a node's assets are in each format.

use crate::model::output::{Assets, Format};
use crate::payload::{Job, Layer, initramfs, tarball};

/// Where a job's assets are in a format, for people: `inside`, a URL, or a path in the bundle. None without assets.
pub fn assets_location(job: &Job<'_>, format: Format) -> Option<String> {
    let settings = job.settings;
    let layer = Layer::of(job.tree)?;
    let initramfs = &settings.initramfs;
    let name = match (settings.assets(format), format) {
        (Assets::Url, _) => return settings.assets_url.clone(),
        (Assets::Iso, _) => layer.image_name(),
        (Assets::Layer, Format::Tarball) => {
            tarball::layer_name(&layer, settings.tarball.compression)
        }
        (Assets::Layer, Format::Initramfs) => {
            initramfs::layer_name(&layer, initramfs.mode, initramfs.archive.compression)
        }
        (Assets::Layer, Format::CloudInit | Format::Ignition) | (Assets::Inside, _) => {
            return Some("inside".to_owned());
        }
    };
    Some(format!("shared/{name}"))
}
