//! What the image's cloud-init leaves out of a node's network-config, where its release or its renderer is known.

use crate::inventory::Spec;
use crate::inventory::interfaces::written::View;
use crate::model::output::Format;
use crate::model::{ImageCloudInit, Renderer};
use crate::report::Id;
use crate::tree::network::cloud_init::{features, renderer_name};

pub(super) fn check(view: &View<'_>, spec: &Spec) {
    let image = spec.os.cloud_init.as_ref().and_then(|at| at.value);
    let is_known = |image: &ImageCloudInit| image.release.is_some() || image.renderer.is_some();
    let Some(image) = image.filter(is_known) else {
        return;
    };
    if !spec.output.formats.contains(&Format::CloudInit) {
        return;
    }
    for seen in &view.list {
        let all = features(seen.interface, view.network);
        let missing = all.into_iter().filter(|feature| feature.is_missing(image));
        for feature in missing {
            let id = if feature.is_grave {
                Id::CloudInitNetworkUnsupported
            } else {
                Id::CloudInitSettingUnsupported
            };
            let rule = format!(
                "{} does not write {} of {}",
                name(image),
                feature.what,
                seen.interface.name
            );
            let finding = seen.at.key_location().finding(id, rule);
            let newer = feature.repair(image);
            let newer = newer.map(|release| format!("use cloud-init {release} or newer, or "));
            let by_netplan = "let cloud-init render for netplan (os.cloudInit.renderer), or ";
            let by_netplan = if image.renderer == Some(Renderer::Netplan) {
                ""
            } else {
                by_netplan
            };
            seen.add(finding.help(format!(
                "{}{by_netplan}take cloudInit out of output.formats",
                newer.unwrap_or_default()
            )));
            // Without its renderer nothing else is there either.
            if feature.is_whole() {
                return;
            }
        }
    }
}

/// How messages call an image's cloud-init.
fn name(image: ImageCloudInit) -> String {
    let release = image.release.map(|release| format!(" {release}"));
    let renderer = image.renderer.map(renderer_name);
    let renderer = renderer.map(|name| format!(" for {name}"));
    format!(
        "the image's cloud-init{}{}",
        release.unwrap_or_default(),
        renderer.unwrap_or_default()
    )
}
