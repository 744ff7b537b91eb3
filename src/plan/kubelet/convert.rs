//! A flag's text as the value of its field, and back. Only what means the same there is converted: where that is not
//! sure the answer is None, and the setting stays where it was written.

use crate::inventory::Text;
use crate::kubernetes::flag_value;
use crate::kubernetes::kubelet_config::FieldKind;
use crate::yaml::{Located, Value};

/// A flag's text as its field takes it.
pub fn to_value(flag: &str, text: &Text, kind: &FieldKind) -> Option<Located> {
    let location = &text.location.at;
    if text.is_template() {
        // What it renders to is read as the field's kind then; lists and maps would be read as YAML, which flags are not.
        let scalar = !matches!(
            kind,
            FieldKind::List(_) | FieldKind::Map(_) | FieldKind::Struct(_)
        );
        return scalar.then(|| Located::string(location, text.text.clone()));
    }
    let json = flag_value::parse(flag, &text.text, kind).ok()??;
    Some(Located::from_json(location, &json))
}

/// A field's value as its flag takes it. `path` is the field's, below the configuration.
pub fn to_text(path: &str, at: &Located) -> Option<String> {
    match &at.value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::String(text) => Some(text.to_string()),
        Value::List(items) if path == "registerWithTaints" => {
            let taints: Option<Vec<String>> = items.iter().map(taint_text).collect();
            taints.map(|taints| taints.join(","))
        }
        Value::List(items) => {
            let items: Option<Vec<&str>> = items.iter().map(Located::as_str).collect();
            items.map(|items| items.join(","))
        }
        // No map has become a field since 1.16 that was a flag before.
        Value::Map(_) | Value::Null => None,
    }
}

fn taint_text(at: &Located) -> Option<String> {
    let part = |key| at.get(key).map_or(Some(""), Located::as_str);
    Some(format!(
        "{}={}:{}",
        part("key")?,
        part("value")?,
        part("effect")?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::kubelet_config::{FieldAnswer, Schema};
    use crate::model::{FieldLocation, Location};

    fn converted(flag: &str, path: &str, written: &str) -> Option<String> {
        let FieldAnswer::Found(kind) = Schema::load().path(path, 34) else {
            panic!("{path} is a field");
        };
        let text = Text {
            text: written.into(),
            location: FieldLocation::new(Location::file("t"), flag),
        };
        let value = to_value(flag, &text, kind)?;
        Some(serde_json::to_string(&value).expect("JSON"))
    }

    #[test]
    fn texts_become_what_their_field_takes() {
        for (flag, path, written, value) in [
            ("max-pods", "maxPods", "110", Some("110")),
            ("max-pods", "maxPods", "many", None),
            ("fail-swap-on", "failSwapOn", "F", Some("false")),
            ("sync-frequency", "syncFrequency", "1m", Some("\"1m\"")),
            (
                "cluster-dns",
                "clusterDNS",
                "10.0.0.10,fd00::a",
                Some(r#"["10.0.0.10","fd00::a"]"#),
            ),
            (
                "eviction-hard",
                "evictionHard",
                "memory.available<1Gi,nodefs.available<10%",
                Some(r#"{"memory.available":"1Gi","nodefs.available":"10%"}"#),
            ),
            (
                "eviction-hard",
                "evictionHard",
                "memory.available=1Gi",
                None,
            ),
            (
                "feature-gates",
                "featureGates",
                "NodeSwap=true",
                Some(r#"{"NodeSwap":true}"#),
            ),
            (
                "register-with-taints",
                "registerWithTaints",
                "a=b:NoSchedule,c:NoExecute",
                Some(
                    r#"[{"key":"a","value":"b","effect":"NoSchedule"},{"key":"c","effect":"NoExecute"}]"#,
                ),
            ),
            (
                "max-pods",
                "maxPods",
                "{{ vars.pods }}",
                Some("\"{{ vars.pods }}\""),
            ),
            ("cluster-dns", "clusterDNS", "{{ vars.dns }}", None),
        ] {
            assert_eq!(
                converted(flag, path, written).as_deref(),
                value,
                "{flag}={written}"
            );
        }
    }

    #[test]
    fn values_become_what_their_flag_takes() {
        let read = |text: &str| {
            crate::yaml::parse(&"t".into(), text, &mut crate::report::Report::default())
                .expect("valid YAML")
        };
        for (path, written, text) in [
            ("containerRuntimeEndpoint", "unix:///x", Some("unix:///x")),
            ("registerNode", "false", Some("false")),
            (
                "registerWithTaints",
                "[{key: a, value: b, effect: NoSchedule}, {key: c, effect: NoExecute}]",
                Some("a=b:NoSchedule,c=:NoExecute"),
            ),
            (
                "clusterDNS",
                "[10.0.0.10, 'fd00::a']",
                Some("10.0.0.10,fd00::a"),
            ),
            ("evictionHard", "{memory.available: 1Gi}", None),
        ] {
            assert_eq!(to_text(path, &read(written)).as_deref(), text, "{path}");
        }
    }
}
