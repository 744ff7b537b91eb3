//! What a container may be told of its pod, in variables and in files. Source: kubernetes `pkg/apis/core/validation/validation.go`,
//! validateObjectFieldSelector and validateContainerResourceFieldSelector.

use crate::host_files::static_pod::walk::{Walk, set, text};
use crate::kubernetes::names::label_key;
use crate::kubernetes::value::exact;
use crate::yaml::{Located, Value};

/// Fields for variables, each with the minor that it came with.
const FOR_VARIABLES: [(&str, u32); 9] = [
    ("metadata.name", 0),
    ("metadata.namespace", 0),
    ("metadata.uid", 0),
    ("spec.nodeName", 0),
    ("spec.serviceAccountName", 0),
    ("status.hostIP", 0),
    ("status.hostIPs", 29),
    ("status.podIP", 0),
    ("status.podIPs", 17),
];
const FOR_FILES: [(&str, u32); 5] = [
    ("metadata.name", 0),
    ("metadata.namespace", 0),
    ("metadata.labels", 0),
    ("metadata.annotations", 0),
    ("metadata.uid", 0),
];
const RESOURCES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// The first minor that tells of huge pages (DownwardAPIHugePages).
const HUGE_PAGES: u32 = 21;
const BILLION: i128 = 1_000_000_000;

/// Checks what a variable or a file is told.
pub fn check(walk: &mut Walk<'_>, at: &Located, is_file: bool) {
    if let Some(field) = set(at, "fieldRef")
        && let (Some(path), Some(value)) = (text(field, "fieldPath"), set(field, "fieldPath"))
        && let Err(rule) = told(path, walk.minor, is_file)
    {
        walk.invalid(value, "fieldRef.fieldPath", &rule);
    }
    let Some(resource) = set(at, "resourceFieldRef") else {
        return;
    };
    if is_file && text(resource, "containerName").is_none() {
        walk.invalid(resource, "resourceFieldRef.containerName", "must be set");
    }
    let (Some(name), Some(value)) = (text(resource, "resource"), set(resource, "resource")) else {
        return;
    };
    let of = name
        .strip_prefix("limits.")
        .or(name.strip_prefix("requests."));
    let is_huge = of.is_some_and(|of| of.starts_with("hugepages-")) && walk.minor >= HUGE_PAGES;
    match of {
        Some(of) if RESOURCES.contains(&of) || is_huge => {
            divisor(walk, resource, of);
        }
        _ => {
            let rule = format!(
                "must be limits or requests with .cpu, .memory or .ephemeral-storage; got {name:?}"
            );
            walk.invalid(value, "resourceFieldRef.resource", &rule);
        }
    }
}

fn told(path: &str, minor: u32, is_file: bool) -> Result<(), String> {
    if let Some((map, key)) = path
        .strip_suffix("']")
        .and_then(|path| path.split_once("['"))
    {
        let key = match map {
            "metadata.annotations" => key.to_lowercase(),
            "metadata.labels" => key.to_owned(),
            _ => return Err(format!("must not have a key in brackets; got {path:?}")),
        };
        return label_key(&key);
    }
    let known = if is_file {
        &FOR_FILES[..]
    } else {
        &FOR_VARIABLES
    };
    let known = known.iter().filter(|(_, since)| *since <= minor);
    let known: Vec<&str> = known.map(|(path, _)| *path).collect();
    if known.contains(&path) {
        return Ok(());
    }
    Err(format!("must be one of {}; got {path:?}", known.join(", ")))
}

/// The unit that an amount is told in: a milli or a whole CPU, bytes and their powers for the others.
fn divisor(walk: &mut Walk<'_>, resource: &Located, of: &str) {
    let Some(value) = set(resource, "divisor") else {
        return;
    };
    let text = match &value.value {
        Value::String(text) => text.trim().to_owned(),
        Value::Int(number) => number.to_string(),
        _ => return,
    };
    let Some(amount) = exact(&text).filter(|amount| *amount != 0) else {
        return;
    };
    let is_power = |base: i128| {
        (0..=6).any(|power| Some(amount) == base.checked_pow(power).map(|size| size * BILLION))
    };
    let is_unit = match of {
        "cpu" => amount == BILLION || amount == BILLION / 1000,
        _ => is_power(1000) || is_power(1024),
    };
    if !is_unit {
        let rule = match of {
            "cpu" => "must be 1 or 1m",
            _ => "must be 1 or one unit, like 1Mi",
        };
        walk.invalid(value, "resourceFieldRef.divisor", rule);
    }
}
