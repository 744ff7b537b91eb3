//! What a kubelet keeps on its node and does not change when its settings do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::NodePath;

/// A file or folder that a kubelet made by some settings. Where they change, it must go, or stays wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeState {
    /// Where it is.
    pub path: NodePath,
    /// Whether an upgrade removes it before the kubelet starts; else the drain alone is needed.
    pub remove: bool,
    /// Whether the node's pods must be gone first.
    pub drain: bool,
    /// The settings that it was made by, as text.
    pub settings: BTreeMap<String, String>,
}

impl NodeState {
    /// The settings that are others in `now`.
    pub fn changed(&self, now: &Self) -> Vec<String> {
        let names = self.settings.keys().chain(now.settings.keys());
        let names: std::collections::BTreeSet<&String> = names.collect();
        let differ = |name: &&String| self.settings.get(*name) != now.settings.get(*name);
        names.into_iter().filter(differ).cloned().collect()
    }
}
