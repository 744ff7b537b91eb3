//! Files of the host that follow from the kubelet's and the runtime's settings, unless somebody writes them.

use serde_json::Value as Json;

use crate::kubernetes::runtime;
use crate::model::FieldLocation;
use crate::plan::NodePlan;
use crate::render::NodeRendering;
use crate::render::facts::Flags;
use crate::render::steady::shared;
use crate::tree::{Content, Entry, EntryKind, Origin};

/// The file of crictl (github.com/kubernetes-sigs/cri-tools, docs/crictl.md).
const CRICTL: &str = "/etc/crictl.yaml";
/// The overlay whose nodes get what people look for on them.
const OVERLAY: &str = "kubelet";
/// containerd's configuration, and the folder whose files it imports.
const CONTAINERD: [&str; 2] = ["/etc/containerd/config.toml", "/etc/containerd/conf.d/"];
const CONTAINERD_UNIT: &str = "containerd.service";
const MOUNTS: &str = "10-nodebake-mounts.conf";

impl NodeRendering<'_> {
    /// crictl's configuration with the kubelet's endpoints; without it crictl asks runtimes that are not there.
    pub(super) fn crictl(&mut self, node: &NodePlan, flags: &Flags, config: &Json) {
        let spec = &node.class.spec;
        let endpoint = runtime::endpoint(flags, config, spec.kubernetes.value.minor());
        let mut overlays = spec.overlays.iter();
        let is_worker = overlays.any(|used| used.name.value == OVERLAY);
        let is_docker = runtime::unit(endpoint) == "docker.service";
        if !is_worker || is_docker || self.builder.so_far().get(CRICTL).is_some() {
            return;
        }
        let text = |map: Option<&Json>| map.and_then(Json::as_str).map(str::to_owned);
        let images = text(flags.get("image-service-endpoint"));
        let images = images.or_else(|| text(config.get("imageServiceEndpoint")));
        let images = images.filter(|text| !text.is_empty());
        let endpoints = [
            with_scheme(endpoint),
            with_scheme(images.as_deref().unwrap_or(endpoint)),
        ];
        let known = self.steady().map(|steady| &steady.crictl);
        let known = known.map(|known| {
            let guarded = &self.renderer.guarded;
            let make = || crictl_text(&endpoints).and_then(|text| shared(&text, guarded));
            known.get_or_init(|| (endpoints.clone(), make()))
        });
        let content = match known {
            Some((same, Some(content))) if *same == endpoints => Some(content.clone()),
            _ => crictl_text(&endpoints).map(Content::bytes),
        };
        let Some(content) = content else {
            return;
        };
        let origin = Origin("generator crictl".into());
        let entry = Entry::file(content, 0o644, origin);
        let location = FieldLocation::new(spec.kubernetes.location.at.clone(), "kubelet.config");
        self.builder.add(CRICTL, entry, false, &location);
    }

    /// containerd waits for the file systems of the folders that its configuration moves elsewhere.
    pub(super) fn containerd_mounts(&mut self) {
        let is_ours = |path: &str| path == CONTAINERD[0] || path.starts_with(CONTAINERD[1]);
        let entries = self.builder.so_far().entries().iter();
        let mut folders = Vec::new();
        for (_, entry) in entries.filter(|(path, _)| is_ours(path.as_str())) {
            if let EntryKind::File(Content::Blob(blob)) = &entry.kind {
                let text = String::from_utf8_lossy(blob.bytes());
                folders.extend(top_value(&text, "root"));
            }
        }
        folders.retain(|folder| folder.starts_with('/') && folder != "/var/lib/containerd");
        if folders.is_empty() {
            return;
        }
        let folders: Vec<String> = folders
            .iter()
            .map(|at| super::kubelet_unit::quoted(at))
            .collect();
        let text = format!("[Unit]\nRequiresMountsFor={}\n", folders.join(" "));
        let origin = Origin("generator containerd-unit".into());
        let unit = self.builder.tree().unit_mut(CONTAINERD_UNIT);
        let dropin = unit.dropins.entry(MOUNTS.to_owned());
        dropin.or_insert((Content::bytes(text), origin));
    }
}

/// The file that tells crictl where the runtime and its images are.
fn crictl_text([runtime, images]: &[String; 2]) -> Option<String> {
    let texts = serde_json::json!({
        "runtime-endpoint": runtime,
        "image-endpoint": images,
        "timeout": 10,
    });
    crate::yaml::to_text(&texts).ok()
}

/// An endpoint as crictl wants it.
fn with_scheme(endpoint: &str) -> String {
    match endpoint.strip_prefix('/') {
        Some(_) => format!("unix://{endpoint}"),
        None => endpoint.to_owned(),
    }
}

/// A string at the top of a TOML file: before its first table.
fn top_value(text: &str, key: &str) -> Option<String> {
    let lines = text.lines().map(str::trim);
    let mut top = lines.take_while(|line| !line.starts_with('['));
    top.find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let value = value.trim();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let end = value[1..].find(quote)?;
        (name.trim() == key).then(|| value[1..=end].to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_tables_are_not_at_the_top() {
        let text = "version = 3\nroot = '/data/containerd' # big\n[plugins.x]\nroot = \"/no\"\n";
        assert_eq!(top_value(text, "root").as_deref(), Some("/data/containerd"));
        assert_eq!(top_value("[a]\nroot = \"/no\"\n", "root"), None);
    }
}
