//! Selectors of nodes and pods. Source: kubernetes `pkg/apis/core/validation/validation.go`, validateAffinity, and k8s.io/apimachinery
//! `pkg/apis/meta/v1/validation`. The scheduler never sees a static pod, but the kubelet refuses one that is wrong in them.

use crate::host_files::static_pod::names::{label, labels};
use crate::host_files::static_pod::walk::{Walk, items, set, text};
use crate::kubernetes::names::{label_key, label_value};
use crate::yaml::Located;

/// Checks a struct that is a part of a selector.
pub fn check(walk: &mut Walk<'_>, of: &str, at: &Located) {
    match of {
        "NodeSelectorTerm" => {
            for (index, term) in items(at, "matchExpressions").iter().enumerate() {
                walk.item("matchExpressions", index, |walk| {
                    requirement(walk, term, true)
                });
            }
            for (index, term) in items(at, "matchFields").iter().enumerate() {
                walk.item("matchFields", index, |walk| field(walk, term));
            }
        }
        "LabelSelectorRequirement" => requirement(walk, at, false),
        "LabelSelector" => {
            let map = set(at, "matchLabels").and_then(Located::as_map);
            for (key, field) in map.into_iter().flat_map(|map| map.iter()) {
                labels(walk, &field.value, ("matchLabels", key));
            }
        }
        "PodAffinityTerm" => {
            for (index, name) in items(at, "namespaces").iter().enumerate() {
                if let Some(Err(rule)) = name.as_str().map(label) {
                    walk.invalid(name, &format!("namespaces[{index}]"), &rule);
                }
            }
            for keys in ["matchLabelKeys", "mismatchLabelKeys"] {
                if let Some(value) = set(at, keys).filter(|_| !items(at, keys).is_empty())
                    && set(at, "labelSelector").is_none()
                    && walk.minor >= 29
                {
                    walk.invalid(value, keys, "may be set only with a labelSelector");
                }
            }
        }
        _ => {}
    }
}

/// A key, an operator and as many values as it takes. Selectors of nodes compare numbers too.
fn requirement(walk: &mut Walk<'_>, at: &Located, is_of_nodes: bool) {
    let Some(operator) = text(at, "operator") else {
        return walk.invalid(at, "operator", "must be set");
    };
    let key = text(at, "key").unwrap_or_default();
    if let Err(rule) = label_key(key) {
        walk.invalid(at, "key", &rule);
    }
    let values = items(at, "values");
    let rule = match operator {
        "In" | "NotIn" if values.is_empty() => "must not be empty for this operator",
        "Exists" | "DoesNotExist" if !values.is_empty() => "must be empty for this operator",
        "Gt" | "Lt" if is_of_nodes && values.len() != 1 => "must be one value for this operator",
        _ => "",
    };
    if !rule.is_empty() {
        walk.invalid(set(at, "values").unwrap_or(at), "values", rule);
    }
    for (index, value) in values.iter().enumerate().filter(|_| !is_of_nodes) {
        if let Some(Err(rule)) = value.as_str().map(label_value) {
            walk.invalid(value, &format!("values[{index}]"), &rule);
        }
    }
}

/// Fields of nodes: the name alone, and one of it.
fn field(walk: &mut Walk<'_>, at: &Located) {
    if !matches!(text(at, "operator"), Some("In" | "NotIn")) {
        walk.invalid(at, "operator", "must be In or NotIn");
    }
    if items(at, "values").len() != 1 {
        walk.invalid(at, "values", "must be one value");
    }
    if text(at, "key") != Some("metadata.name") {
        walk.invalid(at, "key", "must be metadata.name");
    }
}
