//! A static pod's metadata. Source: k8s.io/apimachinery `pkg/api/validation/objectmeta.go`, and kubernetes
//! `pkg/apis/core/validation/validation.go`, ValidatePodSpecificAnnotations.

use crate::host_files::static_pod::names::{label, labels};
use crate::host_files::static_pod::walk::{Walk, items, set, text};
use crate::kubernetes::names::{label_key, subdomain};
use crate::yaml::{Located, Value};

/// All annotations together, in bytes.
const LONGEST: usize = 256 << 10;

/// Checks the metadata of a pod.
pub fn check(walk: &mut Walk<'_>, pod: &Located) {
    let Some(metadata) = set(pod, "metadata") else {
        return walk.invalid(pod, "metadata.name", "a static pod needs a name");
    };
    match (set(metadata, "name"), text(metadata, "name")) {
        (Some(value), Some(name)) => {
            if let Err(rule) = subdomain(name) {
                walk.invalid(value, "metadata.name", &rule);
            }
        }
        (None, _) => walk.invalid(metadata, "metadata.name", "a static pod needs a name"),
        // Another value has the wrong type, which has been said.
        (Some(value), None) if value.as_str().is_some() => {
            walk.invalid(value, "metadata.name", "a static pod needs a name");
        }
        _ => {}
    }
    if let (Some(value), Some(namespace)) =
        (set(metadata, "namespace"), text(metadata, "namespace"))
        && let Err(rule) = label(namespace)
    {
        walk.invalid(value, "metadata.namespace", &rule);
    }
    let entries = |key: &str| {
        let map = set(metadata, key).and_then(Located::as_map);
        map.into_iter().flat_map(|map| map.iter())
    };
    for (key, field) in entries("labels") {
        labels(walk, &field.value, ("metadata.labels", key));
    }
    let mut length = 0;
    for (key, field) in entries("annotations") {
        let value = field.value.as_str().unwrap_or_default();
        length += key.len() + value.len();
        if let Err(rule) = label_key(&key.to_lowercase()) {
            walk.invalid(&field.value, "metadata.annotations", &rule);
        }
        let path = format!("metadata.annotations[{key}]");
        annotation(walk, pod, (key, &field.value, &path));
    }
    if length > LONGEST
        && let Some(value) = set(metadata, "annotations")
    {
        walk.invalid(
            value,
            "metadata.annotations",
            "must be 256 KiB at most together",
        );
    }
    for (index, name) in items(metadata, "finalizers").iter().enumerate() {
        if let Some(Err(rule)) = name.as_str().map(finalizer) {
            walk.invalid(name, &format!("metadata.finalizers[{index}]"), &rule);
        }
    }
    for (index, owner) in items(metadata, "ownerReferences").iter().enumerate() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if text(owner, field).is_none() {
                let path = format!("metadata.ownerReferences[{index}].{field}");
                walk.invalid(owner, &path, "must be set");
            }
        }
    }
}

fn finalizer(name: &str) -> Result<(), String> {
    label_key(name)?;
    if name.contains('/') || ["kubernetes", "orphan", "foregroundDeletion"].contains(&name) {
        Ok(())
    } else {
        Err(format!("must be DOMAIN/NAME; got {name:?}"))
    }
}

const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_OF: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// Annotations with rules of their own.
fn annotation(walk: &mut Walk<'_>, pod: &Located, (key, value, path): (&str, &Located, &str)) {
    let Some(text_of) = value.as_str() else {
        return;
    };
    if let Some(container) = key.strip_prefix(APPARMOR) {
        let is_profile = matches!(text_of, "" | "runtime/default" | "unconfined")
            || text_of.starts_with("localhost/");
        if !is_profile {
            walk.invalid(
                value,
                path,
                "must be runtime/default, unconfined or localhost/PROFILE",
            );
        }
        if !has_container(pod, container) {
            walk.invalid(value, path, "must be about a container of the pod");
        }
    } else if key == SECCOMP || key.starts_with(SECCOMP_OF) {
        let is_profile = matches!(text_of, "runtime/default" | "docker/default" | "unconfined")
            || text_of
                .strip_prefix("localhost/")
                .is_some_and(|path| !path.starts_with('/') && !path.contains(".."));
        if !is_profile {
            walk.invalid(
                value,
                path,
                "must be runtime/default, unconfined or localhost/PROFILE",
            );
        }
    } else if key == "controller.kubernetes.io/pod-deletion-cost" && walk.minor >= 22 {
        let is_number = text_of
            .parse::<i32>()
            .is_ok_and(|number| number.to_string() == text_of);
        if !is_number {
            walk.invalid(value, path, "must be a whole number of 32 bits");
        }
    }
}

fn has_container(pod: &Located, name: &str) -> bool {
    let Some(spec) = set(pod, "spec").filter(|spec| !matches!(spec.value, Value::Null)) else {
        return false;
    };
    ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .any(|kind| {
            items(spec, kind)
                .iter()
                .any(|container| text(container, "name") == Some(name))
        })
}
