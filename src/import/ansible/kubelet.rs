//! kubespray's variables as fields of KubeletConfiguration. Source: kubespray's roles/kubernetes/node, kubelet-config.v1beta1.

use serde_json::{Map, Value as Json};

use crate::import::ansible::inventory::Vars;
use crate::import::ansible::said;
use crate::model::Location;
use crate::report::{Finding, Id, Report};
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

/// The fields that the variables set.
pub fn config(vars: &Vars, report: &mut Report) -> Map<String, Json> {
    let mut config = Map::new();
    for (variable, field, kind) in FIELDS {
        let Some((text, at)) = said(vars, variable, report) else {
            continue;
        };
        match value(&text, kind) {
            Some(value) => set(&mut config, field, value),
            None => left_out(
                variable,
                &at,
                "is not of the kind of its field: it is left out",
                report,
            ),
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
        left_out(
            "kubelet_custom_flags",
            &at.location,
            "has flags of the kubelet, which are not imported",
            report,
        );
    }
    config
}

fn left_out(variable: &str, at: &Location, rule: &str, report: &mut Report) {
    let finding = Finding::new(Id::ImportFieldLeftOut, at, variable, rule);
    report.add(finding.help("write what you need to kubelet.flags or kubelet.config"));
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
