//! What a kubelet decides once and keeps, by the settings that it was decided by. In: the kubelet's configuration, its flags,
//! the API server. Out: the state on the node, for `diff`, upgrades and the manual.
//!
//! A kubelet that finds another CPU or memory manager's state ends after systemd has called it started. Its own kubeconfig is
//! written once, from the bootstrap kubeconfig, and never compared with it again.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::model::{NodePath, NodeState, hex};

/// Where a root that initrds copy payloads to has the settings that its kubelet's state was made by.
pub const REMEMBERED: &str = "/etc/nodebake/kubelet-state";

/// Where a kubelet keeps everything unless `--root-dir` says otherwise (cmd/kubelet/app/options/options.go).
const ROOT_DIR: &str = "/var/lib/kubelet";
/// The first minor whose memory manager writes its state without a gate (pkg/features/kube_features.go, MemoryManager).
const MEMORY_MANAGER: u32 = 22;
/// The first minor that holds pods' user namespaces against idsPerPod (pkg/kubelet/userns/userns_manager.go).
const IDS_PER_POD: u32 = 35;

/// One row of the table: what there is, what it depends on, and where upstream says so.
pub struct StateRule {
    /// The file or folder, as the manual names it.
    pub path: &'static str,
    /// The settings.
    pub settings: &'static [&'static str],
    /// Whether it is removed.
    pub remove: bool,
    /// Whether the node is drained first.
    pub drain: bool,
    /// What happens otherwise.
    pub otherwise: &'static str,
}

/// The table of the manual page; [`node_state`] finds the values for one node.
pub const STATE_RULES: [StateRule; 4] = [
    // pkg/kubelet/cm/cpumanager/state/state_checkpoint.go, restoreState; policy_static.go, validateState.
    StateRule {
        path: "ROOT/cpu_manager_state",
        settings: CPU,
        remove: true,
        drain: true,
        otherwise: "the kubelet ends: the state is of another policy",
    },
    // pkg/kubelet/cm/memorymanager/state/state_checkpoint.go, restoreState; policy_static.go, validateState.
    StateRule {
        path: "ROOT/memory_manager_state",
        settings: MEMORY,
        remove: true,
        drain: true,
        otherwise: "the kubelet ends: the state is of another policy",
    },
    // pkg/kubelet/certificate/bootstrap/bootstrap.go, LoadClientConfig and writeKubeconfigFromBootstrapping.
    StateRule {
        path: "the file of --kubeconfig",
        settings: &["apiServer.url", "apiServer.ca"],
        remove: true,
        drain: false,
        otherwise: "the kubelet goes on with the API server and the CA that it joined with",
    },
    // pkg/kubelet/kubelet.go, setupDataDirs; pkg/kubelet/userns/userns_manager.go, recordPodMappings. For the cgroups:
    // "Configuring a cgroup driver" of Kubernetes' documentation.
    StateRule {
        path: "ROOT/pods",
        settings: &[
            "root-dir",
            "containerRuntimeEndpoint",
            "userNamespaces.idsPerPod",
            "cgroupDriver",
            "cgroupRoot",
        ],
        remove: false,
        drain: true,
        otherwise: "the pods that run are forgotten, or the kubelet ends",
    },
];

const CPU: &[&str] = &[
    "cpuManagerPolicy",
    "cpuManagerPolicyOptions",
    "reservedSystemCPUs",
    "kubeReserved.cpu",
    "systemReserved.cpu",
];
const MEMORY: &[&str] = &["memoryManagerPolicy", "reservedMemory"];

/// The fields that are flags too, as the flag is called.
const FLAGS: [(&str, &str); 10] = [
    ("cpuManagerPolicy", "cpu-manager-policy"),
    ("cpuManagerPolicyOptions", "cpu-manager-policy-options"),
    ("reservedSystemCPUs", "reserved-cpus"),
    ("kubeReserved", "kube-reserved"),
    ("systemReserved", "system-reserved"),
    ("memoryManagerPolicy", "memory-manager-policy"),
    ("reservedMemory", "reserved-memory"),
    ("containerRuntimeEndpoint", "container-runtime-endpoint"),
    ("cgroupDriver", "cgroup-driver"),
    ("cgroupRoot", "cgroup-root"),
];

/// The API server as a kubelet's own kubeconfig names it; None where the payload brings that kubeconfig.
#[derive(Clone, Copy, Debug)]
pub struct Joined<'a> {
    /// Its URL.
    pub server: &'a str,
    /// What its certificate authority is known by: a digest, or the path of a file on the node.
    pub ca: &'a str,
}

/// The state that a kubelet with this configuration keeps.
pub fn node_state(
    config: &Json,
    flags: &Map<String, Json>,
    joined: Option<Joined<'_>>,
    minor: u32,
) -> Vec<NodeState> {
    let text = |name: &str| flags.get(name).and_then(Json::as_str);
    let root = text("root-dir").unwrap_or(ROOT_DIR).trim_end_matches('/');
    let value = |field: &str| {
        let (name, inner) = field
            .split_once('.')
            .map_or((field, None), |(name, inner)| (name, Some(inner)));
        let flag = FLAGS.iter().find(|(known, _)| *known == name);
        if let Some(flag) = flag.and_then(|(_, flag)| text(flag)) {
            return Some(flag.to_owned());
        }
        let found = config.get(name)?;
        let found = inner.map_or(Some(found), |inner| found.get(inner))?;
        Some(
            found
                .as_str()
                .map_or_else(|| found.to_string(), str::to_owned),
        )
    };
    let mut states = Vec::new();
    let mut add = |path: String, rule: &StateRule, settings: BTreeMap<String, String>| {
        if let Ok(path) = NodePath::parse(&path) {
            states.push(NodeState {
                path,
                remove: rule.remove,
                drain: rule.drain,
                settings,
            });
        }
    };
    let settings = |names: &[&str]| -> BTreeMap<String, String> {
        let known = names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), value(name)?)));
        known.collect()
    };
    let [cpu, memory, kubeconfig, pods] = &STATE_RULES;
    // With another policy than static the rest means nothing.
    let policy = |names: &'static [&'static str], is_static: &str, default: &str| {
        let policy = value(names[0]).unwrap_or_else(|| default.to_owned());
        let mut all = if policy == is_static {
            settings(names)
        } else {
            BTreeMap::new()
        };
        all.insert(names[0].to_owned(), policy);
        all
    };
    add(
        format!("{root}/cpu_manager_state"),
        cpu,
        policy(CPU, "static", "none"),
    );
    if minor >= MEMORY_MANAGER {
        let settings = policy(MEMORY, "Static", "None");
        add(format!("{root}/memory_manager_state"), memory, settings);
    }
    if let (Some(joined), Some(path)) = (joined, text("kubeconfig")) {
        let settings = [
            ("apiServer.url", joined.server),
            ("apiServer.ca", joined.ca),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        add(path.to_owned(), kubeconfig, settings.into());
    }
    let mut of_pods = settings(&["containerRuntimeEndpoint", "cgroupRoot"]);
    of_pods.insert("root-dir".to_owned(), root.to_owned());
    let driver = value("cgroupDriver").unwrap_or_else(|| "cgroupfs".to_owned());
    of_pods.insert("cgroupDriver".to_owned(), driver);
    if minor >= IDS_PER_POD {
        of_pods.extend(settings(&["userNamespaces.idsPerPod"]));
    }
    add("/var/lib/kubelet/pods".to_owned(), pods, of_pods);
    states
}

/// The file at [`REMEMBERED`]: for each state that is removed where its settings change, a digest of them and the path below
/// the root.
pub fn remembered(states: &[NodeState]) -> String {
    let line = |state: &NodeState| {
        let mut digest = Sha256::new();
        for text in state
            .settings
            .iter()
            .flat_map(|(name, value)| [name, value])
        {
            digest.update(text.len().to_le_bytes());
            digest.update(text);
        }
        format!("{}\t{}\n", hex(&digest.finalize()), state.path.relative())
    };
    let stale = states.iter().filter(|state| state.remove);
    stale.map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(config: &Json, flags: &Json, minor: u32) -> Vec<NodeState> {
        let flags = flags.as_object().cloned().unwrap_or_default();
        let joined = Joined {
            server: "https://a:6443",
            ca: "x",
        };
        node_state(config, &flags, Some(joined), minor)
    }

    #[test]
    fn settings_that_state_depends_on_are_found_wherever_they_are() {
        let kubeconfig = json!({"kubeconfig": "/var/lib/kubelet/kubeconfig"});
        let base = state(&json!({}), &kubeconfig, 34);
        let paths: Vec<&str> = base.iter().map(|state| state.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/var/lib/kubelet/cpu_manager_state",
                "/var/lib/kubelet/memory_manager_state",
                "/var/lib/kubelet/kubeconfig",
                "/var/lib/kubelet/pods"
            ]
        );
        let changed = |config: Json, flags: Json| -> Vec<String> {
            let mut all = kubeconfig.as_object().cloned().unwrap_or_default();
            all.extend(flags.as_object().cloned().unwrap_or_default());
            let now = state(&config, &Json::Object(all), 34);
            let pairs = base.iter().zip(&now);
            pairs.flat_map(|(old, now)| old.changed(now)).collect()
        };
        let nothing: [&str; 0] = [];
        assert_eq!(
            changed(
                json!({"cpuManagerPolicy": "none", "kubeReserved": {"cpu": "1"}}),
                json!({})
            ),
            nothing
        );
        assert_eq!(
            changed(
                json!({"cpuManagerPolicy": "static", "kubeReserved": {"cpu": "1"}}),
                json!({})
            ),
            ["cpuManagerPolicy", "kubeReserved.cpu"]
        );
        assert_eq!(
            changed(json!({}), json!({"cpu-manager-policy": "static"})),
            ["cpuManagerPolicy"]
        );
        assert_eq!(
            changed(json!({"memoryManagerPolicy": "Static"}), json!({})),
            ["memoryManagerPolicy"]
        );
        assert_eq!(
            changed(json!({}), json!({"root-dir": "/data/"})),
            ["root-dir"]
        );
        assert_eq!(
            changed(json!({"cgroupDriver": "systemd"}), json!({})),
            ["cgroupDriver"]
        );
        assert_eq!(
            changed(
                json!({"cgroupDriver": "cgroupfs"}),
                json!({"cgroup-root": "/"})
            ),
            ["cgroupRoot"]
        );
        assert_eq!(changed(json!({"maxPods": 50}), json!({})), nothing);
    }
}
