//! The defaults that a kubelet of 1.28 gives to each file that it loads. Source:
//! pkg/kubelet/apis/config/v1beta1/defaults.go of v1.28.15, SetDefaults_KubeletConfiguration, and
//! k8s.io/component-base v0.28.15, logs/api/v1/options.go, SetRecommendedLoggingConfiguration. Defaults that are false or zero
//! are left out: they merge into nothing.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::kubernetes::effective::structs::{MINOR, is_zero};
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema};

/// Why a field of a drop-in has its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// Zero and null are the default.
    WhereZero,
    /// Null is the default, and zero is zero.
    WhereNull,
    /// The default follows from another field of the same file.
    Dependent,
}

/// A drop-in as it is merged: with its defaults.
#[derive(Debug)]
pub(super) struct Loaded {
    pub config: Json,
    /// The paths that nobody wrote.
    pub filled: BTreeMap<Vec<String>, Filled>,
}

/// The defaults of fields that are no pointers.
fn where_zero() -> Json {
    json!({
        "syncFrequency": "1m", "fileCheckFrequency": "20s", "httpCheckFrequency": "20s", "address": "0.0.0.0", "port": 10250,
        "authentication": {"webhook": {"cacheTTL": "2m"}},
        "authorization": {"mode": "Webhook", "webhook": {"cacheAuthorizedTTL": "5m", "cacheUnauthorizedTTL": "30s"}},
        "registryBurst": 10, "eventBurst": 100, "healthzBindAddress": "127.0.0.1", "streamingConnectionIdleTimeout": "4h",
        "nodeStatusUpdateFrequency": "10s", "nodeLeaseDurationSeconds": 40, "imageMinimumGCAge": "2m",
        "volumeStatsAggPeriod": "1m", "cgroupDriver": "cgroupfs", "cpuManagerPolicy": "none", "cpuManagerReconcilePeriod": "10s",
        "memoryManagerPolicy": "None", "topologyManagerPolicy": "none", "topologyManagerScope": "container",
        "runtimeRequestTimeout": "2m", "hairpinMode": "promiscuous-bridge", "maxPods": 110, "maxOpenFiles": 1_000_000,
        "contentType": "application/vnd.kubernetes.protobuf", "kubeAPIBurst": 100, "evictionPressureTransitionPeriod": "5m",
        "containerLogMaxSize": "10Mi", "configMapAndSecretChangeDetectionStrategy": "Watch",
        "volumePluginDir": "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "logging": {"format": "text", "flushFrequency": "5s"},
    })
}

/// The defaults of fields that are pointers, or lists.
pub(super) fn where_null() -> Json {
    json!({
        "enableServer": true, "authentication": {"webhook": {"enabled": true}}, "registryPullQPS": 5, "eventRecordQPS": 50,
        "enableDebuggingHandlers": true, "healthzPort": 10248, "oomScoreAdj": -999, "imageGCHighThresholdPercent": 85,
        "imageGCLowThresholdPercent": 80, "cgroupsPerQOS": true, "resolvConf": "/etc/resolv.conf", "cpuCFSQuota": true,
        "cpuCFSQuotaPeriod": "100ms", "nodeStatusMaxImages": 50, "kubeAPIQPS": 50, "enableControllerAttachDetach": true,
        "makeIPTablesUtilChains": true, "iptablesMasqueradeBit": 14, "iptablesDropBit": 15, "failSwapOn": true,
        "containerLogMaxFiles": 5, "enforceNodeAllocatable": ["pods"], "enableSystemLogHandler": true,
        "enableProfilingHandler": true, "enableDebugFlagsHandler": true, "memoryThrottlingFactor": 0.9, "registerNode": true,
        "localStorageCapacityIsolation": true,
    })
}

/// The defaults that follow from other fields where those have theirs.
pub(super) fn always(field: &str) -> Option<Json> {
    match field {
        "serializeImagePulls" => Some(json!(true)),
        "podPidsLimit" => Some(json!(-1)),
        _ => None,
    }
}

impl Loaded {
    /// A drop-in, which is a map, with the defaults of what it does not say.
    pub(super) fn of(drop_in: &Json) -> Self {
        let mut loaded = Self {
            config: drop_in.clone(),
            filled: BTreeMap::new(),
        };
        loaded.dependent();
        for (defaults, filled) in [
            (where_zero(), Filled::WhereZero),
            (where_null(), Filled::WhereNull),
        ] {
            loaded.fill(&defaults, filled, &mut Vec::new());
        }
        loaded
    }

    fn dependent(&mut self) {
        let is_unset = |field: &str| is_unset(&self.config, &[field.to_owned()], Filled::WhereZero);
        let reports = is_unset("nodeStatusReportFrequency").then(|| {
            // Nodes report as often as they update where somebody said how often that is.
            if is_unset("nodeStatusUpdateFrequency") {
                json!("5m")
            } else {
                self.config["nodeStatusUpdateFrequency"].clone()
            }
        });
        let pulls = self.config["serializeImagePulls"].is_null().then(|| {
            let at_once = self.config["maxParallelImagePulls"].as_i64();
            json!(at_once.is_none_or(|at_once| at_once < 2))
        });
        let limit = self.config["podPidsLimit"]
            .as_i64()
            .is_none_or(|limit| limit < 0);
        for (field, value, filled) in [
            ("nodeStatusReportFrequency", reports, Filled::Dependent),
            ("serializeImagePulls", pulls, Filled::Dependent),
            ("podPidsLimit", limit.then(|| json!(-1)), Filled::WhereNull),
        ] {
            if let Some(value) = value {
                self.config[field] = value;
                self.filled.insert(vec![field.to_owned()], filled);
            }
        }
    }

    fn fill(&mut self, defaults: &Json, filled: Filled, path: &mut Vec<String>) {
        for (key, default) in defaults.as_object().into_iter().flatten() {
            path.push(key.clone());
            if default.is_object() {
                self.fill(default, filled, path);
            } else if is_unset(&self.config, path, filled) {
                let mut at = &mut self.config;
                for key in &*path {
                    // A value of another type is a finding of its own.
                    if !at.is_object() {
                        *at = json!({});
                    }
                    at = &mut at[key.as_str()];
                }
                *at = default.clone();
                self.filled.insert(path.clone(), filled);
            }
            path.pop();
        }
    }
}

/// Whether a field has its default.
fn is_unset(config: &Json, path: &[String], filled: Filled) -> bool {
    let found = path
        .iter()
        .try_fold(config, |at, key| at.get(key.as_str()))
        .unwrap_or(&Json::Null);
    let zero = || match Schema::load().path(&path.join("."), MINOR) {
        FieldAnswer::Found(kind) => is_zero(kind, found),
        _ => is_zero(&FieldKind::String, found),
    };
    found.is_null() || filled == Filled::WhereZero && zero()
}
