//! The values that a kubelet of each minor takes for fields that its configuration leaves out, and what is left of a
//! configuration without them: what somebody chose.
//!
//! Source: pkg/kubelet/apis/config/v1beta1/defaults.go and defaults_linux.go of 1.16 to 1.37, pkg/kubelet/eviction
//! (DefaultEvictionHard, since 1.26), and component-base's SetRecommendedLoggingConfiguration.

mod table;

use serde_json::{Map, Value as Json, json};

use crate::kubernetes::defaults::table::{DEFAULTS, ZERO_IS_A_VALUE};
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema, TypeRef};
use crate::kubernetes::value;

/// Fields whose default depends on others: `nodeStatusUpdateFrequency` and `maxParallelImagePulls`.
pub const DEPENDENT: [&str; 2] = ["nodeStatusReportFrequency", "serializeImagePulls"];

/// The minor that made `resolvConf` a pointer.
const RESOLV_CONF_POINTER: u32 = 23;

/// What is left of a configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// The fields whose value is not the default, without `kind` and `apiVersion`.
    pub config: Map<String, Json>,
    /// Fields with a value that a kubelet of that minor does not have, as paths.
    pub unknown: Vec<String>,
}

/// The value that a kubelet of a minor takes where nothing is set; `of` is the configuration, on which two of them depend.
fn default_of(path: &str, minor: u32, of: &Json) -> Json {
    let of_text = |key: &str| of[key].as_str().filter(|text| !value::is_zero(text));
    if path == "nodeStatusReportFrequency"
        && let Some(update) = of_text("nodeStatusUpdateFrequency")
        && value::nanoseconds(update) != value::nanoseconds("10s")
    {
        return Json::from(update);
    }
    if path == "serializeImagePulls"
        && minor >= 27
        && of["maxParallelImagePulls"]
            .as_i64()
            .is_some_and(|many| many >= 2)
    {
        return Json::Bool(false);
    }
    let rows = DEFAULTS.iter().find(|(field, _)| *field == path);
    let row = rows.and_then(|(_, rows)| rows.iter().rev().find(|(since, _)| *since <= minor));
    let json = row.map(|(_, json)| serde_json::from_str(json).expect("a test reads all of them"));
    json.unwrap_or(Json::Null)
}

/// Whether two values of a field are the same to a kubelet: `60s` is `1m0s`.
pub fn is_same(kind: &FieldKind, a: &Json, b: &Json) -> bool {
    if a == b {
        return true;
    }
    match kind {
        FieldKind::Duration | FieldKind::DurationOrNanoseconds | FieldKind::Int { .. } => {
            matches!((nanoseconds(a), nanoseconds(b)), (Some(a), Some(b)) if a == b)
        }
        FieldKind::Quantity => match (amount(a), amount(b)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
        FieldKind::Float => matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a == b),
        FieldKind::Map(of) => {
            let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else {
                return false;
            };
            let same = |(key, value): (&String, &Json)| {
                b.get(key).is_some_and(|other| is_same(of, value, other))
            };
            a.len() == b.len() && a.iter().all(same)
        }
        _ => false,
    }
}

/// A duration; numbers are nanoseconds, as `logging.flushFrequency` has them.
fn nanoseconds(json: &Json) -> Option<i64> {
    match json {
        Json::String(text) => value::nanoseconds(text).ok(),
        json => json.as_i64(),
    }
}

fn amount(json: &Json) -> Option<i128> {
    match json {
        Json::String(text) => value::exact(text),
        json => value::exact(&json.to_string()),
    }
}

/// The fields of a configuration, as a file or a kubelet's `/configz` has it, that are not the default of their minor. Two
/// kubelets whose chosen fields are the same have the same settings.
pub fn chosen(config: &Json, minor: u32) -> Chosen {
    let mut chosen = Chosen::default();
    let walk = Walk { config, minor };
    chosen.config = walk.fields(
        Schema::load().root(),
        config.as_object().unwrap_or(&Map::new()),
        "",
        &mut chosen.unknown,
    );
    chosen
}

struct Walk<'a> {
    config: &'a Json,
    minor: u32,
}

impl Walk<'_> {
    fn fields(
        &self,
        of: TypeRef,
        map: &Map<String, Json>,
        above: &str,
        unknown: &mut Vec<String>,
    ) -> Map<String, Json> {
        let mut kept = Map::new();
        for (key, value) in map {
            if above.is_empty() && matches!(key.as_str(), "kind" | "apiVersion") {
                continue;
            }
            let path = if above.is_empty() {
                key.clone()
            } else {
                format!("{above}.{key}")
            };
            let kind = match of.field(key, self.minor) {
                FieldAnswer::Found(kind) => kind,
                // A newer kubeadm writes every field that it has, with its zero value.
                _ if is_empty(value) => continue,
                _ => {
                    unknown.push(path);
                    continue;
                }
            };
            match (kind, value) {
                (FieldKind::Struct(of), Json::Object(map)) => {
                    let fields = self.fields(*of, map, &path, unknown);
                    if !fields.is_empty() {
                        kept.insert(key.clone(), Json::Object(fields));
                    }
                }
                (kind, value) if !self.is_default(kind, &path, value) => {
                    kept.insert(key.clone(), value.clone());
                }
                _ => {}
            }
        }
        kept
    }

    fn is_default(&self, kind: &FieldKind, path: &str, value: &Json) -> bool {
        let default = default_of(path, self.minor, self.config);
        if value.is_null() || is_same(kind, value, &default) {
            return true;
        }
        // A negative one is -1, which is no limit.
        if path == "podPidsLimit" && value.as_i64().is_some_and(|limit| limit < 0) {
            return true;
        }
        if !is_zero(kind, value) {
            return false;
        }
        let is_value = match path {
            "resolvConf" => self.minor >= RESOLV_CONF_POINTER,
            path => default == json!(true) || ZERO_IS_A_VALUE.contains(&path),
        };
        !is_value
    }
}

/// Whether a value is its kind's zero.
fn is_zero(kind: &FieldKind, value: &Json) -> bool {
    match (kind, value) {
        (FieldKind::Duration | FieldKind::DurationOrNanoseconds, value) => {
            nanoseconds(value) == Some(0)
        }
        (FieldKind::Quantity, value) => amount(value) == Some(0),
        (_, value) => is_empty(value) || value.as_f64() == Some(0.0) || *value == json!(false),
    }
}

/// Whether a value says nothing, whatever its kind is.
fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Bool(true) => false,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty() || text == "0" || text == "0s",
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.values().all(is_empty),
    }
}

/// A layer that makes the first of two sets of [`chosen`] fields the second one: values, and `null` for what goes.
pub fn patch(from: &Map<String, Json>, to: &Map<String, Json>, minor: u32) -> Map<String, Json> {
    difference(Some(Schema::load().root()), from, to, minor)
}

fn difference(
    of: Option<TypeRef>,
    from: &Map<String, Json>,
    to: &Map<String, Json>,
    minor: u32,
) -> Map<String, Json> {
    let mut layer = Map::new();
    for (key, value) in to {
        let kind = match of.map(|of| of.field(key, minor)) {
            Some(FieldAnswer::Found(kind)) => Some(kind),
            _ => None,
        };
        let Some(old) = from.get(key) else {
            layer.insert(key.clone(), value.clone());
            continue;
        };
        if kind.is_some_and(|kind| is_same(kind, old, value)) || old == value {
            continue;
        }
        // Layers merge maps key by key.
        match (old, value) {
            (Json::Object(old), Json::Object(new)) => {
                let of = match kind {
                    Some(FieldKind::Struct(of)) => Some(*of),
                    _ => None,
                };
                let below = difference(of, old, new, minor);
                if !below.is_empty() {
                    layer.insert(key.clone(), Json::Object(below));
                }
            }
            _ => {
                layer.insert(key.clone(), value.clone());
            }
        }
    }
    for (key, old) in from {
        if to.contains_key(key) {
            continue;
        }
        let kind = of.map(|of| of.field(key, minor));
        let gone = match (kind, old) {
            (Some(FieldAnswer::Found(FieldKind::Struct(of))), Json::Object(old)) => {
                Json::Object(difference(Some(*of), old, &Map::new(), minor))
            }
            _ => Json::Null,
        };
        layer.insert(key.clone(), gone);
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_one_of_a_field_and_fits_it() {
        let schema = Schema::load();
        for (field, rows) in DEFAULTS {
            for (since, json) in *rows {
                let value: Json = serde_json::from_str(json).expect(field);
                if value.is_null() {
                    continue;
                }
                let answer = schema.path(field, *since);
                let FieldAnswer::Found(kind) = answer else {
                    panic!("{field} in 1.{since}: {answer:?}")
                };
                let is_fit = match kind {
                    FieldKind::Bool => value.is_boolean(),
                    FieldKind::Int { .. } if *field == "logging.flushFrequency" => true,
                    FieldKind::Int { .. } => value.is_i64(),
                    FieldKind::Float => value.is_f64(),
                    FieldKind::List(_) => value.is_array(),
                    FieldKind::Map(_) => value.is_object(),
                    FieldKind::Duration | FieldKind::DurationOrNanoseconds => {
                        nanoseconds(&value).is_some()
                    }
                    _ => value.is_string(),
                };
                assert!(is_fit, "{field}: {value}");
                assert!(rows.is_sorted_by_key(|(since, _)| *since), "{field}");
                assert!(
                    chosen(&nested(field, value.clone()), *since)
                        .config
                        .is_empty(),
                    "{field}"
                );
            }
        }
        for field in ZERO_IS_A_VALUE {
            assert!(DEFAULTS.iter().any(|(known, _)| known == field), "{field}");
        }
    }

    fn nested(path: &str, value: Json) -> Json {
        path.rsplit('.')
            .fold(value, |below, key| json!({ key: below }))
    }

    #[test]
    fn only_what_somebody_chose_is_left() {
        for (minor, config, left) in [
            (
                34,
                json!({"kind": "KubeletConfiguration", "maxPods": 110, "port": 0}),
                json!({}),
            ),
            (
                34,
                json!({"maxPods": 60, "syncFrequency": "60s"}),
                json!({"maxPods": 60}),
            ),
            // Zero is a value where upstream has a pointer.
            (
                34,
                json!({"eventRecordQPS": 0, "eventBurst": 0}),
                json!({"eventRecordQPS": 0}),
            ),
            (
                34,
                json!({"failSwapOn": false, "seccompDefault": false}),
                json!({"failSwapOn": false}),
            ),
            (34, json!({"resolvConf": ""}), json!({"resolvConf": ""})),
            (22, json!({"resolvConf": ""}), json!({})),
            // A default of another minor is a choice.
            (26, json!({"kubeAPIQPS": 50}), json!({"kubeAPIQPS": 50})),
            (27, json!({"kubeAPIQPS": 5}), json!({"kubeAPIQPS": 5})),
            (
                35,
                json!({"failCgroupV1": false}),
                json!({"failCgroupV1": false}),
            ),
            // What others depend on.
            (
                34,
                json!({"nodeStatusUpdateFrequency": "20s", "nodeStatusReportFrequency": "20s"}),
                json!({"nodeStatusUpdateFrequency": "20s"}),
            ),
            (
                34,
                json!({"nodeStatusUpdateFrequency": "10s", "nodeStatusReportFrequency": "5m0s"}),
                json!({}),
            ),
            (
                34,
                json!({"maxParallelImagePulls": 5, "serializeImagePulls": false}),
                json!({"maxParallelImagePulls": 5}),
            ),
            // A newer kubeadm's zero values.
            (
                28,
                json!({"crashLoopBackOff": {}, "imageMaximumGCAge": "0s", "memorySwap": {}}),
                json!({}),
            ),
            (
                34,
                json!({"logging": {"flushFrequency": 5_000_000_000_i64, "options": {"json": {"infoBufferSize": "0"}}, "verbosity": 0}}),
                json!({}),
            ),
            (
                34,
                json!({"logging": {"verbosity": 2}}),
                json!({"logging": {"verbosity": 2}}),
            ),
            (
                34,
                json!({"authentication": {"x509": {"clientCAFile": "/ca"}, "webhook": {"cacheTTL": "0s"}}}),
                json!({"authentication": {"x509": {"clientCAFile": "/ca"}}}),
            ),
            (34, json!({"podPidsLimit": -5}), json!({})),
        ] {
            let found = chosen(&config, minor);
            assert_eq!(Json::Object(found.config), left, "1.{minor} {config}");
            assert!(found.unknown.is_empty(), "{config}");
        }
        let found = chosen(
            &json!({"crashLoopBackOff": {"maxContainerRestartPeriod": "2m"}}),
            28,
        );
        assert_eq!(found.unknown, ["crashLoopBackOff"]);
    }

    #[test]
    fn a_patch_makes_one_configuration_of_another() {
        for (from, to, layer) in [
            (json!({"maxPods": 60}), json!({"maxPods": 60}), json!({})),
            (json!({"maxPods": 60}), json!({}), json!({"maxPods": null})),
            (
                json!({"shutdownGracePeriod": "60s"}),
                json!({"shutdownGracePeriod": "1m"}),
                json!({}),
            ),
            (
                json!({"evictionHard": {"memory.available": "1Gi", "nodefs.available": "5%"}}),
                json!({"evictionHard": {"memory.available": "2Gi"}}),
                json!({"evictionHard": {"memory.available": "2Gi", "nodefs.available": null}}),
            ),
            (
                json!({"evictionHard": {"memory.available": "1Gi"}}),
                json!({}),
                json!({"evictionHard": null}),
            ),
            (
                json!({"authentication": {"x509": {"clientCAFile": "/a"}}}),
                json!({}),
                json!({"authentication": {"x509": {"clientCAFile": null}}}),
            ),
        ] {
            let (from, to) = (
                from.as_object().expect("a map"),
                to.as_object().expect("a map"),
            );
            assert_eq!(Json::Object(patch(from, to, 34)), layer);
        }
    }
}
