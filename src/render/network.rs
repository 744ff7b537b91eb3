//! What configures the network on the node: its interfaces in the words of the image's network manager, and what keeps others from
//! configuring them too.

use crate::inventory::NetworkManager;
use crate::model::{FieldLocation, Network};
use crate::plan::NodePlan;
use crate::render::NodeRendering;
use crate::tree::network::{CLOUD_INIT_OFF, CLOUD_INIT_OFF_PATH, keyfile, netplan, networkd};
use crate::tree::{Content, Entry, Origin};

/// Who writes these files.
const ORIGIN: &str = "generator network";

impl NodeRendering<'_> {
    /// The files of the node's network manager.
    pub(super) fn network(&mut self, node: &NodePlan) {
        let spec = &node.class.spec;
        let manager = spec.os.network;
        let at = FieldLocation::new(spec.kubernetes.location.at.clone(), "interfaces");
        let settings = match manager {
            NetworkManager::Networkd | NetworkManager::Netplan => {
                Some((networkd::SETTINGS_PATH, networkd::SETTINGS))
            }
            NetworkManager::NetworkManager => Some((keyfile::SETTINGS_PATH, keyfile::SETTINGS)),
            NetworkManager::None => None,
        };
        // Also where the image configures the interfaces, if somebody says by what.
        let os = spec.merged.get("os");
        let is_said = os.is_some_and(|os| os.get("network").is_some());
        if let Some((path, text)) = settings.filter(|_| is_said || node.network.is_some()) {
            self.text_file(path, text.to_owned(), ORIGIN, &at);
        }
        let Some(network) = node.network.as_deref() else {
            return;
        };
        self.interfaces(network, manager, &at);
        let has_cloud_init = spec.os.cloud_init.as_ref();
        let has_cloud_init = has_cloud_init.is_none_or(|at| at.value.is_some());
        if manager != NetworkManager::None && has_cloud_init {
            self.text_file(CLOUD_INIT_OFF_PATH, CLOUD_INIT_OFF.to_owned(), ORIGIN, &at);
        }
    }

    fn interfaces(&mut self, network: &Network, manager: NetworkManager, at: &FieldLocation) {
        let (files, mode) = match manager {
            NetworkManager::Networkd => (networkd::files(network), 0o644),
            NetworkManager::NetworkManager => (keyfile::files(network), keyfile::MODE),
            NetworkManager::Netplan => {
                let file = (netplan::PATH.to_owned(), netplan::file(network));
                (vec![file], netplan::MODE)
            }
            NetworkManager::None => return,
        };
        for (path, text) in files {
            let entry = Entry::file(Content::bytes(text), mode, Origin(ORIGIN.into()));
            self.builder.add(&path, entry, false, at);
        }
        if manager == NetworkManager::NetworkManager {
            for (path, text) in networkd::names(network) {
                self.text_file(&path, text, ORIGIN, at);
            }
        }
        if manager == NetworkManager::Networkd {
            let unit = self.builder.tree().unit_mut("systemd-networkd.service");
            unit.enabled = unit.enabled.or(Some(true));
            unit.origin = Some(Origin(ORIGIN.into()));
        }
    }
}
