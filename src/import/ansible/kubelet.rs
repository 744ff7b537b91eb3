//! kubespray's variables as fields of KubeletConfiguration. Source: kubespray's roles/kubernetes/node, kubelet-config.v1beta1.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::import::ansible::inventory::Vars;
use crate::import::ansible::{left_out, said};
use crate::report::Report;
use crate::yaml::{Located, Value};

/// What a variable's value becomes.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Switch,
}

/// Variable, field, and its kind.
const FIELDS: [(&str, &str, Kind); 26] = [
    ("kubelet_max_pods", "maxPods", Kind::Number),
    ("kubelet_pod_pids_limit", "podPidsLimit", Kind::Number),
    (
        "kubelet_shutdown_grace_period",
        "shutdownGracePeriod",
        Kind::Text,
    ),
    (
        "kubelet_shutdown_grace_period_critical_pods",
        "shutdownGracePeriodCriticalPods",
        Kind::Text,
    ),
    (
        "kubelet_status_update_frequency",
        "nodeStatusUpdateFrequency",
        Kind::Text,
    ),
    ("kubelet_fail_swap_on", "failSwapOn", Kind::Switch),
    (
        "kubelet_protect_kernel_defaults",
        "protectKernelDefaults",
        Kind::Switch,
    ),
    (
        "kubelet_rotate_certificates",
        "rotateCertificates",
        Kind::Switch,
    ),
    (
        "kubelet_rotate_server_certificates",
        "serverTLSBootstrap",
        Kind::Switch,
    ),
    (
        "kubelet_logfiles_max_nr",
        "containerLogMaxFiles",
        Kind::Number,
    ),
    (
        "kubelet_logfiles_max_size",
        "containerLogMaxSize",
        Kind::Text,
    ),
    ("kubelet_event_record_qps", "eventRecordQPS", Kind::Number),
    (
        "kubelet_image_gc_high_threshold",
        "imageGCHighThresholdPercent",
        Kind::Number,
    ),
    (
        "kubelet_image_gc_low_threshold",
        "imageGCLowThresholdPercent",
        Kind::Number,
    ),
    (
        "kubelet_topology_manager_policy",
        "topologyManagerPolicy",
        Kind::Text,
    ),
    (
        "kubelet_topology_manager_scope",
        "topologyManagerScope",
        Kind::Text,
    ),
    ("kubelet_cpu_manager_policy", "cpuManagerPolicy", Kind::Text),
    ("kubelet_seccomp_default", "seccompDefault", Kind::Switch),
    ("kube_cpu_reserved", "kubeReserved.cpu", Kind::Text),
    ("kube_memory_reserved", "kubeReserved.memory", Kind::Text),
    (
        "kube_ephemeral_storage_reserved",
        "kubeReserved.ephemeral-storage",
        Kind::Text,
    ),
    ("kube_pid_reserved", "kubeReserved.pid", Kind::Text),
    ("system_cpu_reserved", "systemReserved.cpu", Kind::Text),
    (
        "system_memory_reserved",
        "systemReserved.memory",
        Kind::Text,
    ),
    (
        "system_ephemeral_storage_reserved",
        "systemReserved.ephemeral-storage",
        Kind::Text,
    ),
    ("system_pid_reserved", "systemReserved.pid", Kind::Text),
];

/// Maps that go over as they are.
const MAPS: [(&str, &str); 2] = [
    ("eviction_hard", "evictionHard"),
    (
        "kubelet_cpu_manager_policy_options",
        "cpuManagerPolicyOptions",
    ),
];

const REPAIR: &str = "write what you need to kubelet.flags or kubelet.config";

/// Fields of a KubeletConfiguration.
type Config = Map<String, Json>;

/// What the variables of one host set.
pub struct Own {
    /// The node's name.
    pub name: String,
    /// Whether an API server runs there.
    pub is_server: bool,
    /// The fields.
    pub config: Config,
}

/// Fields by their paths. Thresholds are one, for those that are left out of them are off.
type Fields = BTreeMap<Vec<String>, Json>;

/// What all workers have, by the value that most of them have, and what single ones have beside it. A field that some of them
/// do not set is no setting of all.
pub fn shared(hosts: &[Own]) -> (Config, Vec<(String, Config)>) {
    let mut workers: Vec<&Own> = hosts.iter().filter(|host| !host.is_server).collect();
    if workers.is_empty() {
        workers = hosts.iter().collect();
    }
    let all: Vec<Fields> = workers.iter().map(|host| fields(&host.config)).collect();
    let servers: Vec<Fields> = hosts
        .iter()
        .filter(|host| host.is_server)
        .map(|host| fields(&host.config))
        .collect();
    let mut shared = Fields::new();
    for path in all.first().into_iter().flat_map(Fields::keys) {
        let values: Option<Vec<&Json>> = all.iter().map(|fields| fields.get(path)).collect();
        // What the servers have too comes from a group's variables.
        let of_servers = servers.iter().filter_map(|fields| fields.get(path));
        let of_servers: Vec<&Json> = of_servers.collect();
        let most = values.and_then(|values| most_common(&values, &of_servers).cloned());
        shared.extend(most.map(|value| (path.clone(), value)));
    }
    let own = workers.iter().zip(&all).filter_map(|(host, all)| {
        let others = all
            .iter()
            .filter(|(path, value)| shared.get(*path) != Some(*value));
        let others = whole(others);
        (!others.is_empty()).then(|| (host.name.clone(), others))
    });
    let own = own.collect();
    (whole(shared.iter()), own)
}

/// The value that is there most often; of several the one that is also among others, or else the first one.
fn most_common<'a>(values: &[&'a Json], others: &[&Json]) -> Option<&'a Json> {
    let count = |value: &Json| {
        let same = values.iter().filter(|other| **other == value).count();
        (same, others.contains(&value))
    };
    let highest = values.iter().map(|value| count(value)).max()?;
    values.iter().copied().find(|value| count(value) == highest)
}

fn fields(config: &Map<String, Json>) -> Fields {
    fn below(map: &Map<String, Json>, path: &[String], all: &mut Fields) {
        for (key, value) in map {
            let mut path = path.to_vec();
            path.push(key.clone());
            match value {
                Json::Object(map) if !map.is_empty() && key != "evictionHard" => {
                    below(map, &path, all)
                }
                value => _ = all.insert(path, value.clone()),
            }
        }
    }
    let mut all = Fields::new();
    below(config, &[], &mut all);
    all
}

/// The configuration that some fields are.
fn whole<'a>(fields: impl Iterator<Item = (&'a Vec<String>, &'a Json)>) -> Map<String, Json> {
    let mut config = Map::new();
    'fields: for (path, value) in fields {
        let Some((last, above)) = path.split_last() else {
            continue;
        };
        let mut at = &mut config;
        for key in above {
            let new = || Json::Object(Map::new());
            match at.entry(key.clone()).or_insert_with(new) {
                Json::Object(below) => at = below,
                // A path goes through maps only.
                _ => continue 'fields,
            }
        }
        at.insert(last.clone(), value.clone());
    }
    config
}

/// The fields that the variables set.
pub fn config(vars: &Vars, report: &mut Report) -> Map<String, Json> {
    let mut config = Map::new();
    for (variable, field, kind) in FIELDS {
        let Some((text, at)) = said(vars, variable, report) else {
            continue;
        };
        match value(&text, kind) {
            Some(value) => set(&mut config, field, value),
            None => {
                let rule = "is not of the kind of its field: it is left out";
                left_out(variable, &at, (rule, REPAIR), report);
            }
        }
    }
    for (variable, field) in MAPS {
        if let Some(at) = vars
            .get(variable)
            .filter(|at| at.as_map().is_some_and(|map| !map.is_empty()))
        {
            config.insert(field.to_owned(), texts(at));
        }
    }
    for variable in ["kube_feature_gates", "kubelet_feature_gates"] {
        let gates = vars
            .get(variable)
            .into_iter()
            .flat_map(|at| crate::import::values::items(at, &[]));
        for gate in gates.filter_map(Located::as_str) {
            if let Some((name, value)) = gate.split_once('=') {
                let is_on = value.trim().eq_ignore_ascii_case("true");
                set(
                    &mut config,
                    &format!("featureGates.{}", name.trim()),
                    Json::Bool(is_on),
                );
            }
        }
    }
    if let Some(more) = vars
        .get("kubelet_config_extra_args")
        .filter(|at| at.as_map().is_some())
        && let Ok(Json::Object(fields)) = serde_json::to_value(more)
    {
        config.extend(fields);
    }
    if let Some(at) = vars.get("kubelet_custom_flags")
        && !crate::import::values::items(at, &[]).is_empty()
    {
        let rule = "has flags of the kubelet, which are not imported";
        left_out("kubelet_custom_flags", &at.location, (rule, REPAIR), report);
    }
    config
}

fn value(text: &str, kind: Kind) -> Option<Json> {
    match kind {
        Kind::Text => Some(Json::from(text)),
        Kind::Number => text.parse::<i64>().ok().map(Json::from),
        Kind::Switch => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(Json::Bool(true)),
            "false" | "no" | "off" => Some(Json::Bool(false)),
            _ => None,
        },
    }
}

fn set(config: &mut Map<String, Json>, path: &str, value: Json) {
    match path.split_once('.') {
        None => _ = config.insert(path.to_owned(), value),
        Some((first, rest)) => {
            let below = config
                .entry(first.to_owned())
                .or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(below) = below {
                below.insert(rest.to_owned(), value);
            }
        }
    }
}

/// A map of texts: numbers are written as texts.
fn texts(at: &Located) -> Json {
    let map = at.as_map().into_iter().flat_map(|map| map.iter());
    let texts = map.filter_map(|(key, field)| {
        let text = match &field.value.value {
            Value::String(text) => text.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => return None,
        };
        Some((key.to_string(), Json::from(text)))
    });
    Json::Object(texts.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hosts(configs: &[(&str, bool, Json)]) -> (Json, Json) {
        let hosts: Vec<Own> = configs
            .iter()
            .map(|(name, is_server, config)| Own {
                name: (*name).to_owned(),
                is_server: *is_server,
                config: config.as_object().cloned().unwrap_or_default(),
            })
            .collect();
        let (shared, own) = shared(&hosts);
        let own: Map<String, Json> = own
            .into_iter()
            .map(|(name, own)| (name, own.into()))
            .collect();
        (shared.into(), own.into())
    }

    #[test]
    fn what_most_workers_have_is_shared_and_the_rest_is_a_nodes_own() {
        let found = hosts(&[
            ("cp", true, json!({"maxPods": 30})),
            (
                "a",
                false,
                json!({"maxPods": 110, "kubeReserved": {"cpu": "1", "memory": "1Gi"}}),
            ),
            (
                "b",
                false,
                json!({"maxPods": 250, "kubeReserved": {"cpu": "1"}, "evictionHard": {"pid": "5%"}}),
            ),
            (
                "c",
                false,
                json!({"maxPods": 110, "kubeReserved": {"cpu": "2", "memory": "1Gi"}}),
            ),
        ]);
        let shared = json!({"maxPods": 110, "kubeReserved": {"cpu": "1"}});
        let own = json!({
            "a": {"kubeReserved": {"memory": "1Gi"}},
            "b": {"maxPods": 250, "evictionHard": {"pid": "5%"}},
            "c": {"kubeReserved": {"cpu": "2", "memory": "1Gi"}},
        });
        assert_eq!(found, (shared, own));
        // As many have the one as the other: the servers have that of the group.
        let found = hosts(&[
            ("cp", true, json!({"maxPods": 110})),
            ("a", false, json!({"maxPods": 250})),
            ("b", false, json!({"maxPods": 110})),
        ]);
        assert_eq!(
            found,
            (json!({"maxPods": 110}), json!({"a": {"maxPods": 250}}))
        );
        // A cluster without workers of their own.
        let found = hosts(&[("cp", true, json!({"maxPods": 30}))]);
        assert_eq!(found, (json!({"maxPods": 30}), json!({})));
        assert_eq!(hosts(&[]), (json!({}), json!({})));
    }
}
