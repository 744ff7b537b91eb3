//! How nodes, labels and taints may be called. Each function returns the rule that a name breaks, in words that fit
//! into a finding after the field's path. Source: k8s.io/apimachinery `pkg/util/validation/validation.go`.

use crate::wording::counted;

/// What a taint may do; k8s.io/api `core/v1` `TaintEffect`.
pub const TAINT_EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Labels, and so node names: the kubelet writes its name into `kubernetes.io/hostname`.
const LABEL_MAX: usize = 63;
/// DNS names.
const SUBDOMAIN_MAX: usize = 253;

/// A node's name: a DNS-1123 subdomain of at most 63 characters. Kubernetes allows 253, but a kubelet whose name is
/// longer than a label value fails to register.
pub fn node_name(name: &str) -> Result<(), String> {
    subdomain(name)?;
    if name.len() > LABEL_MAX {
        return Err(format!(
            "has {}; at most {LABEL_MAX} fit, because the name becomes the label kubernetes.io/hostname",
            counted(name.len(), "character")
        ));
    }
    Ok(())
}

/// A DNS-1123 subdomain: labels of lower-case letters, digits and `-`, joined by dots; at most 253 characters.
pub fn subdomain(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if name.len() > SUBDOMAIN_MAX {
        return Err(format!("must be at most {SUBDOMAIN_MAX} characters long"));
    }
    let edge = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fits = |part: &str| enclosed(part, edge, |b| edge(b) || *b == b'-');
    if name.split('.').all(fits) {
        return Ok(());
    }
    Err(format!(
        "must be lower-case letters, digits, \"-\" and \".\", and each part between dots must begin and end with a letter or digit; got {name:?}"
    ))
}

/// A label's key, `example.com/rack` or `rack`; the same rule holds for a taint's key.
pub fn label_key(key: &str) -> Result<(), String> {
    let name = match key.split_once('/') {
        Some((prefix, name)) => {
            subdomain(prefix).map_err(|rule| format!("the part before \"/\" {rule}"))?;
            name
        }
        None => key,
    };
    if name.is_empty() {
        return Err("the key must not be empty".to_owned());
    }
    qualified(name).map_err(|rule| format!("the key {key:?} {rule}"))
}

/// An annotation's key: like that of a label, but in letters of either case (apimachinery, pkg/api/validation/objectmeta.go,
/// ValidateAnnotations).
pub fn annotation_key(key: &str) -> Result<(), String> {
    label_key(&key.to_lowercase())
}

/// A label's value; empty is fine. The same rule holds for a taint's value.
pub fn label_value(value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Ok(());
    }
    qualified(value).map_err(|rule| format!("the value {value:?} {rule}"))
}

/// A taint's effect.
pub fn taint_effect(effect: &str) -> Result<(), String> {
    if TAINT_EFFECTS.contains(&effect) {
        return Ok(());
    }
    Err(format!(
        "the effect {effect:?} must be NoSchedule, PreferNoSchedule or NoExecute"
    ))
}

/// A taint as the inventory names it, `key:effect`: its two parts.
pub fn taint_name(name: &str) -> Result<(&str, &str), String> {
    let (key, effect) = name
        .rsplit_once(':')
        .ok_or_else(|| format!("the taint {name:?} must be KEY:EFFECT"))?;
    if let Some((key, value)) = key.split_once('=') {
        let rule = "the value of a taint is not in its name: write";
        return Err(format!("{rule} `{key}:{effect}: {value}`; got {name:?}"));
    }
    label_key(key)?;
    taint_effect(effect)?;
    Ok((key, effect))
}

/// Up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn qualified(text: &str) -> Result<(), String> {
    if text.len() > LABEL_MAX {
        return Err(format!("must be at most {LABEL_MAX} characters long"));
    }
    let inner = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    if enclosed(text, u8::is_ascii_alphanumeric, inner) {
        return Ok(());
    }
    Err(
        "must be letters, digits, \"-\", \"_\" and \".\", and begin and end with a letter or digit"
            .to_owned(),
    )
}

/// Whether a text is not empty, has `edge` at both ends and `inner` throughout.
fn enclosed(text: &str, edge: impl Fn(&u8) -> bool, inner: impl Fn(&u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(&edge) && bytes.last().is_some_and(&edge) && bytes.iter().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_names_are_dns_subdomains_that_fit_a_label() {
        let longest = format!("{}.b", "a".repeat(61));
        for name in [
            "zhangjun-k8s-01",
            "gpu-1.example.com",
            "1",
            longest.as_str(),
        ] {
            assert_eq!(node_name(name), Ok(()));
        }
        let long = format!("{longest}b");
        let longer = "a.".repeat(130) + "a";
        for (name, word) in [
            ("", "empty"),
            ("Node", "lower-case"),
            ("a_b", "lower-case"),
            ("-a", "begin and end"),
            ("a.", "begin and end"),
            ("a..b", "begin and end"),
            ("a.-b", "begin and end"),
            ("nöd", "lower-case"),
            ("a\n", "lower-case"),
            (long.as_str(), "64 characters"),
            (longer.as_str(), "253"),
        ] {
            let rule = node_name(name).unwrap_err();
            assert!(rule.contains(word), "{name}: {rule}");
        }
    }

    #[test]
    fn label_keys_and_values_follow_the_rules() {
        let longest = "x".repeat(63);
        for key in ["rack", "topology.kubernetes.io/zone", "A_b.c-d", &longest] {
            assert_eq!(label_key(key), Ok(()));
        }
        for key in [
            "",
            "a/",
            "/a",
            "a/b/c",
            "A.com/b",
            "_a",
            "a-",
            "a b",
            &"x".repeat(64),
        ] {
            assert!(label_key(key).is_err(), "{key:?}");
        }
        for value in ["", "a", "1.2_3-4", &longest] {
            assert_eq!(label_value(value), Ok(()));
        }
        for value in ["a/b", "-", "a ", &"x".repeat(64)] {
            assert!(label_value(value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn taints_are_key_and_effect() {
        assert_eq!(
            taint_name("nvidia.com/gpu:NoSchedule"),
            Ok(("nvidia.com/gpu", "NoSchedule"))
        );
        for name in ["gpu", "gpu:noschedule", ":NoSchedule", "a b:NoExecute"] {
            assert!(taint_name(name).is_err(), "{name}");
        }
        let rule = taint_name("gpu=yes:NoSchedule").unwrap_err();
        assert!(rule.contains("write `gpu:NoSchedule: yes`"), "{rule}");
    }
}
