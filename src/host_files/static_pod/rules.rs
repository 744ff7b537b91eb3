//! Rules of the API's validation that look at one struct alone, wherever it is in a pod. Source: kubernetes
//! `pkg/apis/core/validation/validation.go`, after the defaults of `pkg/apis/core/v1/defaults.go`.

use crate::host_files::static_pod::tables::{ID, NEEDED, ONE_OF, PATHS, RANGES, WORDS};
use crate::host_files::static_pod::walk::{Walk, is_true, items, number, set, text};
use crate::host_files::static_pod::{downward, metadata, names, resources, selectors, spec};
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, TypeRef};
use crate::kubernetes::names::subdomain;
use crate::yaml::{Located, Value};

/// Checks a struct; its fields have been checked for their types already.
pub fn check(walk: &mut Walk<'_>, of: TypeRef, at: &Located) {
    let name = of.name();
    for field in NEEDED
        .iter()
        .filter(|(known, _)| *known == name)
        .flat_map(|(_, fields)| *fields)
    {
        needed(walk, at, field);
    }
    for field in WORDS
        .iter()
        .filter(|(known, _)| *known == name)
        .flat_map(|(_, fields)| *fields)
    {
        words(walk, of, at, field);
    }
    for (_, fields, range) in RANGES.iter().filter(|(known, ..)| *known == name) {
        for field in *fields {
            let wrong = number(at, field).filter(|_| walk.has(of, field));
            let wrong = wrong.filter(|number| !(range.0..=range.1).contains(number));
            if let (Some(number), Some(value)) = (wrong, set(at, field)) {
                let rule = match range.1 {
                    i64::MAX => format!("must not be negative; got {number}"),
                    _ => format!("must be between {} and {}; got {number}", range.0, range.1),
                };
                walk.invalid(value, field, &rule);
            }
        }
    }
    for (_, must, fields) in ONE_OF.iter().filter(|(known, ..)| *known == name) {
        one_of(walk, of, at, (*must, fields));
    }
    for (_, field, is_relative) in PATHS.iter().filter(|(known, ..)| *known == name) {
        path(walk, at, field, *is_relative);
    }
    names::check(walk, of, at);
    selectors::check(walk, name, at);
    match name {
        "ResourceRequirements" => resources::check(walk, at),
        "Pod" => {
            metadata::check(walk, at);
            let given = set(at, "spec");
            if given.is_none() {
                walk.invalid(at, "spec", "must be set");
            }
        }
        "EnvVarSource" => downward::check(walk, at, false),
        "DownwardAPIVolumeFile" => downward::check(walk, at, true),
        "PodSpec" => spec::check(walk, at),
        "SecurityContext" => security(walk, at),
        "FCVolumeSource" => fibre_channel(walk, at),
        // The default of pullPolicy is behind a feature gate that is off till 1.35 (ImageVolume), and the kubelet asks for an image
        // since 1.37.
        "ImageVolumeSource" => match walk.minor {
            ..35 => needed(walk, at, "pullPolicy"),
            37.. => needed(walk, at, "reference"),
            _ => {}
        },
        // An alpha field of one minor.
        "WorkloadReference" => {
            for field in ["name", "podGroup"] {
                let name = text(at, field).unwrap_or_default();
                if let Err(rule) = subdomain(name) {
                    walk.invalid(set(at, field).unwrap_or(at), field, &rule);
                }
            }
        }
        "EmptyDirVolumeSource" => {
            if let Some(limit) = set(at, "sizeLimit")
                && resources::amount_of(limit).is_some_and(|amount| amount < 0)
            {
                walk.invalid(limit, "sizeLimit", "must not be negative");
            }
        }
        "ContainerResizePolicy" => {
            let name = text(at, "resourceName");
            if let Some(value) =
                set(at, "resourceName").filter(|_| !matches!(name, Some("cpu" | "memory")))
            {
                walk.invalid(value, "resourceName", "must be cpu or memory");
            }
        }
        "VolumeProjection" => {
            let map = at.as_map().into_iter().flat_map(|map| map.values());
            if walk.minor >= 34 && map.filter(|field| field.value.value != Value::Null).count() == 0
            {
                walk.invalid(at, "", "must have a source");
            }
        }
        "ISCSIVolumeSource" => {
            let iqn = text(at, "iqn").unwrap_or("iqn");
            if let Some(value) = set(at, "iqn").filter(|_| {
                !["iqn", "eui", "naa"]
                    .iter()
                    .any(|start| iqn.starts_with(start))
            }) {
                walk.invalid(value, "iqn", "must begin with iqn, eui or naa");
            }
        }
        "SeccompProfile" | "AppArmorProfile" => profile(walk, at, name),
        "Toleration" => toleration(walk, at),
        "EnvVar" => {
            if let Some(from) = set(at, "valueFrom").filter(|_| text(at, "value").is_some()) {
                walk.invalid(from, "valueFrom", "must not be set beside value");
            }
        }
        "VolumeMount" => mount(walk, at),
        "NFSVolumeSource" => {
            if let Some(value) = set(at, "path")
                .filter(|_| text(at, "path").is_some_and(|path| !path.starts_with('/')))
            {
                walk.invalid(value, "path", "must be an absolute path");
            }
        }
        "PodSecurityContext" => {
            // Kubelets validate it since 1.35.
            if let Some(policy) = set(at, "seLinuxChangePolicy")
                && policy.as_str() == Some("MountOption")
                && walk.minor >= 35
                && !walk.has_selinux_mount
            {
                let rule = "must be Recursive where the kubelet's gate SELinuxMount is off";
                walk.invalid(policy, "seLinuxChangePolicy", rule);
            }
            for (index, group) in items(at, "supplementalGroups").iter().enumerate() {
                if matches!(group.value, Value::Int(id) if !(ID.0..=ID.1).contains(&id)) {
                    walk.invalid(
                        group,
                        &format!("supplementalGroups[{index}]"),
                        "must be between 0 and 2147483647",
                    );
                }
            }
        }
        _ => {}
    }
}

fn is_empty(value: &Located) -> bool {
    match &value.value {
        Value::String(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Null => true,
        _ => false,
    }
}

fn needed(walk: &mut Walk<'_>, at: &Located, field: &str) {
    match at.get(field) {
        Some(value) if !is_empty(value) => {}
        Some(value) => walk.invalid(value, field, "must not be empty"),
        None => walk.invalid(at, field, "must be set"),
    }
}

fn words(walk: &mut Walk<'_>, of: TypeRef, at: &Located, field: &str) {
    let (FieldAnswer::Found(kind @ FieldKind::Enum(_)), Some(word)) =
        (of.field(field, walk.minor), text(at, field))
    else {
        return;
    };
    if let (Err(rule), Some(value)) = (kind.check_text(word, walk.minor), set(at, field)) {
        walk.invalid(value, field, &rule);
    }
}

fn one_of(walk: &mut Walk<'_>, of: TypeRef, at: &Located, (must, fields): (bool, &[&str])) {
    let Some(map) = at.as_map() else { return };
    let is_source = |key: &str| match of.field(key, walk.minor) {
        FieldAnswer::Found(FieldKind::Struct(_)) => fields.is_empty() || fields.contains(&key),
        _ => false,
    };
    let mut there = map
        .iter()
        .filter(|(key, field)| is_source(key) && field.value.value != Value::Null);
    let Some((first, _)) = there.next() else {
        if must {
            let known: Vec<&str> = fields
                .iter()
                .copied()
                .filter(|key| is_source(key))
                .collect();
            walk.invalid(at, "", &format!("must have one of {}", known.join(", ")));
        }
        return;
    };
    if let Some((second, field)) = there.next() {
        let rule = format!("must not be set beside {first}: only one of them may be");
        walk.invalid(&field.value, second, &rule);
    }
}

fn path(walk: &mut Walk<'_>, at: &Located, field: &str, is_relative: bool) {
    let (Some(value), Some(path)) = (set(at, field), text(at, field)) else {
        return;
    };
    if is_relative && path.starts_with('/') {
        walk.invalid(value, field, "must be a relative path");
    }
    if path.split('/').any(|part| part == "..") {
        walk.invalid(value, field, "must not contain `..`");
    }
}

fn security(walk: &mut Walk<'_>, at: &Located) {
    let Some(value) =
        set(at, "allowPrivilegeEscalation").filter(|value| value.value == Value::Bool(false))
    else {
        return;
    };
    let field = "allowPrivilegeEscalation";
    if is_true(at, "privileged") {
        walk.invalid(value, field, "must not be false where privileged is true");
    }
    let added = set(at, "capabilities").map_or(&[][..], |capabilities| items(capabilities, "add"));
    if added
        .iter()
        .any(|name| name.as_str() == Some("CAP_SYS_ADMIN"))
    {
        walk.invalid(
            value,
            field,
            "must not be false where CAP_SYS_ADMIN is added",
        );
    }
}

fn profile(walk: &mut Walk<'_>, at: &Located, name: &str) {
    let is_local = text(at, "type") == Some("Localhost");
    match (
        is_local,
        at.get("localhostProfile")
            .filter(|value| value.value != Value::Null),
    ) {
        (true, None) => walk.invalid(
            at,
            "localhostProfile",
            "must be set where type is Localhost",
        ),
        (false, Some(value)) => {
            walk.invalid(
                value,
                "localhostProfile",
                "may be set only where type is Localhost",
            );
        }
        (true, Some(_)) if name == "SeccompProfile" => path(walk, at, "localhostProfile", true),
        _ => {}
    }
    if name == "SeccompProfile" && text(at, "type").is_none() {
        walk.invalid(at, "type", "must be set");
    }
}

fn toleration(walk: &mut Walk<'_>, at: &Located) {
    let operator = text(at, "operator");
    if text(at, "key").is_none() && operator != Some("Exists") {
        walk.invalid(at, "operator", "must be Exists where there is no key");
    }
    if let Some(seconds) = set(at, "tolerationSeconds")
        && text(at, "effect") != Some("NoExecute")
    {
        walk.invalid(
            seconds,
            "tolerationSeconds",
            "may be set only where effect is NoExecute",
        );
    }
    if let Some(value) =
        set(at, "value").filter(|_| operator == Some("Exists") && text(at, "value").is_some())
    {
        walk.invalid(value, "value", "must be empty where operator is Exists");
    }
}

fn mount(walk: &mut Walk<'_>, at: &Located) {
    if let (Some(_), Some(value)) = (text(at, "subPath"), set(at, "subPathExpr"))
        && text(at, "subPathExpr").is_some()
    {
        walk.invalid(value, "subPathExpr", "must not be set beside subPath");
    }
    let Some(value) = set(at, "recursiveReadOnly").filter(|_| walk.minor >= 30) else {
        return;
    };
    if !matches!(
        text(at, "recursiveReadOnly"),
        Some("Enabled" | "IfPossible")
    ) {
        return;
    }
    if !is_true(at, "readOnly") {
        walk.invalid(
            value,
            "recursiveReadOnly",
            "may be set only where readOnly is true",
        );
    }
    if text(at, "mountPropagation").is_some_and(|mode| mode != "None") {
        walk.invalid(
            value,
            "recursiveReadOnly",
            "may be set only where mountPropagation is None",
        );
    }
}

fn fibre_channel(walk: &mut Walk<'_>, at: &Located) {
    match (
        items(at, "targetWWNs").is_empty(),
        items(at, "wwids").is_empty(),
    ) {
        (true, true) => walk.invalid(at, "", "must have one of targetWWNs, wwids"),
        (false, false) => walk.invalid(at, "wwids", "must not be set beside targetWWNs"),
        (false, true) => match (set(at, "lun"), number(at, "lun")) {
            (None, _) => walk.invalid(at, "lun", "must be set beside targetWWNs"),
            (Some(value), Some(lun)) if !(0..=255).contains(&lun) => {
                walk.invalid(
                    value,
                    "lun",
                    &format!("must be between 0 and 255; got {lun}"),
                );
            }
            _ => {}
        },
        (true, false) => {}
    }
}
