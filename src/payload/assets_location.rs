//! Where a node's assets are in each format.

use crate::model::output::{Assets, Format};
use crate::payload::{AssetArchive, Job, initramfs, tarball};

/// Where a job's assets are in a format, for people: `inside`, a URL, or a path in the bundle. None without assets.
pub fn assets_location(job: &Job<'_>, format: Format) -> Option<String> {
    let settings = job.settings;
    let archive = AssetArchive::of(job.tree)?;
    let initramfs = &settings.initramfs;
    let name = match (settings.assets(format), format) {
        (Assets::Url, _) => return settings.assets_url.clone(),
        (Assets::Iso, _) => archive.image_name(),
        (Assets::Shared, Format::Tarball) => {
            tarball::archive_name(&archive, settings.tarball.compression)
        }
        (Assets::Shared, Format::Initramfs) => {
            initramfs::archive_name(&archive, initramfs.mode, initramfs.archive.compression)
        }
        (Assets::Shared, Format::CloudInit | Format::Ignition) | (Assets::Inside, _) => {
            return Some("inside".to_owned());
        }
    };
    Some(format!("shared/{name}"))
}
