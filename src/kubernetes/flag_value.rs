//! A flag's text as the value of its field, parsed as the kubelet parses it. What it cannot parse ends it with its usage.

use serde_json::{Map, Value as Json, json};

use crate::kubernetes::kubelet_config::FieldKind;
use crate::kubernetes::value;

/// Flags whose pairs are written `key<value` (component-base `cli/flag`, NewLangleSeparatedMapStringString); all other maps
/// have `key=value`. Source: cmd/kubelet/app/options/options.go.
const LANGLE: [&str; 2] = ["eviction-hard", "eviction-soft"];

/// Parses a flag's text as the kind of its field. Ok(None) where the flag is parsed in another way, so that it is not known
/// here; the error is the rule.
pub fn parse(flag: &str, text: &str, kind: &FieldKind) -> Result<Option<Json>, String> {
    let parsed = match kind {
        FieldKind::Bool | FieldKind::Int { .. } | FieldKind::Float | FieldKind::Duration => {
            kind.check_flag(text)?;
            scalar(text, kind)
        }
        FieldKind::String
        | FieldKind::Enum(_)
        | FieldKind::Quantity
        | FieldKind::DurationOrNanoseconds => Json::from(text),
        FieldKind::List(of) => match (&**of, flag) {
            (FieldKind::String, _) => split(text).map(Json::from).collect(),
            (FieldKind::Struct(of), _) if of.name() == "Taint" => taints(text)?,
            (_, "reserved-memory") => reserved_memory(text)?,
            _ => return Ok(None),
        },
        FieldKind::Map(of) => match &**of {
            FieldKind::String | FieldKind::Bool => map(flag, text, of)?,
            _ => return Ok(None),
        },
        FieldKind::Time | FieldKind::IntOrString | FieldKind::Any | FieldKind::Struct(_) => {
            return Ok(None);
        }
    };
    Ok(Some(parsed))
}

/// A scalar whose text fits.
fn scalar(text: &str, kind: &FieldKind) -> Json {
    match kind {
        FieldKind::Bool => Json::from(value::go_bool(text)),
        FieldKind::Int { .. } => Json::from(text.parse::<i64>().ok()),
        FieldKind::Float => Json::from(text.parse::<f64>().ok()),
        _ => Json::from(text),
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|part| !part.is_empty())
}

/// Source: component-base `cli/flag/map_string_string.go` and `map_string_bool.go`, Set.
fn map(flag: &str, text: &str, of: &FieldKind) -> Result<Json, String> {
    let separator = if LANGLE.contains(&flag) { '<' } else { '=' };
    let mut map = Map::new();
    for pair in split(text) {
        let Some((key, value)) = pair.split_once(separator) else {
            return Err(format!(
                "must be pairs of the form KEY{separator}VALUE, separated by commas; got {pair:?}"
            ));
        };
        let (key, value) = (key.trim(), value.trim());
        let value = match of {
            FieldKind::Bool => {
                let parsed = value::go_bool(value);
                Json::from(parsed.ok_or_else(|| {
                    format!("must have true or false behind {key}{separator}; got {value:?}")
                })?)
            }
            _ => Json::from(value),
        };
        map.insert(key.to_owned(), value);
    }
    Ok(Json::Object(map))
}

/// `key=value:effect` or `key:effect`, separated by commas. Source: pkg/util/taints, parseTaint.
pub fn taints(text: &str) -> Result<Json, String> {
    let one = |text: &str| {
        let wrong = || format!("must be taints of the form KEY=VALUE:EFFECT; got {text:?}");
        let (left, effect) = text.split_once(':').ok_or_else(wrong)?;
        crate::kubernetes::names::taint_effect(effect)?;
        let (key, value) = left.split_once('=').unwrap_or((left, ""));
        if value.contains('=') {
            return Err(wrong());
        }
        Ok(match value {
            "" => json!({"key": key, "effect": effect}),
            value => json!({"key": key, "value": value, "effect": effect}),
        })
    };
    split(text).map(one).collect()
}

/// `0:memory=1Gi,hugepages-2Mi=512Mi;1:memory=2Gi`. Source: pkg/util/flag/flags.go, ReservedMemoryVar.
fn reserved_memory(text: &str) -> Result<Json, String> {
    let wrong =
        |part: &str| format!("must be of the form NUMA-NODE:memory=QUANTITY,…; got {part:?}");
    let one = |part: &str| {
        let (node, limits) = part.split_once(':').ok_or_else(|| wrong(part))?;
        let node: u32 = node.trim().parse().map_err(|_| wrong(part))?;
        let mut map = Map::new();
        for pair in limits.split(',') {
            let (resource, amount) = pair.split_once('=').ok_or_else(|| wrong(pair))?;
            value::quantity(amount)?;
            map.insert(resource.trim().to_owned(), Json::from(amount));
        }
        Ok(json!({"numaNode": node, "limits": map}))
    };
    text.split(';').map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::kubelet_config::{FieldAnswer, Schema};

    fn parsed(flag: &str, path: &str, text: &str) -> Result<Option<Json>, String> {
        let FieldAnswer::Found(kind) = Schema::load().path(path, 34) else {
            panic!("{path} is a field");
        };
        parse(flag, text, kind)
    }

    #[test]
    fn texts_become_what_their_field_takes() {
        for (flag, path, text, value) in [
            ("max-pods", "maxPods", "110", json!(110)),
            ("fail-swap-on", "failSwapOn", "F", json!(false)),
            ("sync-frequency", "syncFrequency", "1m", json!("1m")),
            (
                "cluster-dns",
                "clusterDNS",
                "10.0.0.10,fd00::a",
                json!(["10.0.0.10", "fd00::a"]),
            ),
            (
                "eviction-hard",
                "evictionHard",
                "memory.available<1Gi, nodefs.available<10%",
                json!({"memory.available": "1Gi", "nodefs.available": "10%"}),
            ),
            (
                "kube-reserved",
                "kubeReserved",
                "cpu=100m,memory=1Gi",
                json!({"cpu": "100m", "memory": "1Gi"}),
            ),
            (
                "feature-gates",
                "featureGates",
                "NodeSwap=true",
                json!({"NodeSwap": true}),
            ),
            (
                "register-with-taints",
                "registerWithTaints",
                "a=b:NoSchedule,c:NoExecute",
                json!([{"key": "a", "value": "b", "effect": "NoSchedule"}, {"key": "c", "effect": "NoExecute"}]),
            ),
            (
                "reserved-memory",
                "reservedMemory",
                "0:memory=1Gi;1:memory=2Gi,hugepages-2Mi=4Mi",
                json!([{"numaNode": 0, "limits": {"memory": "1Gi"}},
                    {"numaNode": 1, "limits": {"memory": "2Gi", "hugepages-2Mi": "4Mi"}}]),
            ),
        ] {
            assert_eq!(parsed(flag, path, text), Ok(Some(value)), "{flag}={text}");
        }
    }

    #[test]
    fn what_the_kubelet_cannot_parse_is_refused() {
        for (flag, path, text) in [
            ("max-pods", "maxPods", "many"),
            ("fail-swap-on", "failSwapOn", "no"),
            ("sync-frequency", "syncFrequency", "60"),
            ("eviction-hard", "evictionHard", "memory.available=1Gi"),
            ("kube-reserved", "kubeReserved", "cpu"),
            ("feature-gates", "featureGates", "NodeSwap"),
            ("feature-gates", "featureGates", "NodeSwap=yes"),
            ("register-with-taints", "registerWithTaints", "a=b"),
            ("register-with-taints", "registerWithTaints", "a=b:Never"),
            ("reserved-memory", "reservedMemory", "memory=1Gi"),
            ("reserved-memory", "reservedMemory", "0:memory=much"),
        ] {
            assert!(parsed(flag, path, text).is_err(), "{flag}={text}");
        }
    }
}
