//! Names in a pod, by the struct that has them. Source: kubernetes `pkg/apis/core/validation/validation.go` and k8s.io/apimachinery
//! `pkg/util/validation/validation.go`.

use std::net::IpAddr;

use crate::host_files::static_pod::walk::{Walk, items, set, text};
use crate::kubernetes::kubelet_config::TypeRef;
use crate::kubernetes::names::{label_key, label_value, subdomain};
use crate::yaml::{Located, Value};

/// What a name must be.
type Rule = fn(&str) -> Result<(), String>;

/// Fields with a name: struct, field, rule. An empty one is the default or is missing, which is said elsewhere.
const NAMES: [(&str, &str, Rule); 27] = [
    ("ClaimSource", "resourceClaimName", subdomain),
    ("Container", "image", image),
    ("Container", "name", label),
    ("ContainerPort", "name", port_name),
    ("CSIVolumeSource", "driver", |name| {
        subdomain(&name.to_lowercase())
    }),
    ("ConfigMapEnvSource", "name", subdomain),
    ("FlockerVolumeSource", "datasetName", no_slash),
    ("HTTPHeader", "name", header),
    ("HostAlias", "ip", address),
    ("ObjectFieldSelector", "apiVersion", version),
    ("PodReadinessGate", "conditionType", label_key),
    ("ObjectMeta", "generateName", |name| {
        subdomain(name.strip_suffix('-').unwrap_or(name))
    }),
    ("PodAffinityTerm", "topologyKey", label_key),
    ("PodSchedulingGroup", "podGroupName", subdomain),
    ("PodSpec", "hostname", label),
    ("PodSpec", "hostnameOverride", subdomain),
    ("PodSpec", "serviceAccount", subdomain),
    ("PodSpec", "priorityClassName", subdomain),
    ("PodSpec", "runtimeClassName", subdomain),
    ("PodSpec", "serviceAccountName", subdomain),
    ("PodSpec", "subdomain", label),
    ("SecretEnvSource", "name", subdomain),
    ("StorageOSVolumeSource", "volumeName", label),
    ("StorageOSVolumeSource", "volumeNamespace", label),
    ("Sysctl", "name", sysctl),
    ("Toleration", "key", label_key),
    ("Volume", "name", label),
];

/// Checks the names of a struct.
pub fn check(walk: &mut Walk<'_>, of: TypeRef, at: &Located) {
    let has = |walk: &Walk<'_>, field: &str| walk.has(of, field);
    for (_, field, rule) in NAMES.iter().filter(|(known, ..)| *known == of.name()) {
        let Some(name) = text(at, field).filter(|_| has(walk, field)) else {
            continue;
        };
        if let (Err(rule), Some(value)) = (rule(name), set(at, field)) {
            walk.invalid(value, field, &rule);
        }
    }
    match of.name() {
        "EnvVar" => variable(walk, at, "name"),
        "EnvFromSource" => variable(walk, at, "prefix"),
        "HTTPGetAction" | "TCPSocketAction" => port(walk, at),
        "HostAlias" => each(walk, at, "hostnames", subdomain),
        "PodDNSConfig" => {
            each(walk, at, "nameservers", address);
            // RelaxedDNSSearchValidation counts for the kubelet from then on.
            let search = if walk.minor < 35 {
                strict_search
            } else {
                relaxed_search
            };
            each(walk, at, "searches", search);
            for (field, most) in [("nameservers", 3), ("searches", 32)] {
                if let Some(list) = set(at, field).filter(|_| items(at, field).len() > most) {
                    walk.invalid(list, field, &format!("must be {most} at most"));
                }
            }
        }
        "VolumeMount" if has(walk, "bindMountOptions") => {
            each(walk, at, "bindMountOptions", |option| match option {
                "nodev" | "noexec" | "nosuid" => Ok(()),
                _ => Err(format!(
                    "must be one of nodev, noexec, nosuid; got {option:?}"
                )),
            })
        }
        "PodSpec" => {
            let selector = set(at, "nodeSelector").and_then(Located::as_map);
            for (key, field) in selector.into_iter().flat_map(|map| map.iter()) {
                labels(walk, &field.value, ("nodeSelector", key));
            }
        }
        _ => {}
    }
}

/// A label of a map: its key and its value.
pub fn labels(walk: &mut Walk<'_>, value: &Located, (map, key): (&str, &str)) {
    let checked = label_key(key).and_then(|()| label_value(value.as_str().unwrap_or_default()));
    if let Err(rule) = checked {
        walk.invalid(value, map, &rule);
    }
}

fn each(walk: &mut Walk<'_>, at: &Located, field: &str, rule: Rule) {
    for (index, item) in items(at, field).iter().enumerate() {
        if let Some(Err(rule)) = item.as_str().map(rule) {
            walk.invalid(item, &format!("{field}[{index}]"), &rule);
        }
    }
}

/// A DNS label.
pub fn label(name: &str) -> Result<(), String> {
    if name.len() > 63 || name.contains('.') || subdomain(name).is_err() {
        return Err(format!(
            "must be at most 63 lower-case letters, digits and \"-\", with a letter or digit at both ends; got {name:?}"
        ));
    }
    Ok(())
}

fn no_slash(name: &str) -> Result<(), String> {
    if name.contains('/') {
        Err("must not contain a slash".to_owned())
    } else {
        Ok(())
    }
}

fn strict_search(domain: &str) -> Result<(), String> {
    subdomain(domain.strip_suffix('.').unwrap_or(domain))
}

fn relaxed_search(domain: &str) -> Result<(), String> {
    match domain {
        "." => Ok(()),
        _ => strict_search(&domain.replace('_', "a")),
    }
}

fn image(image: &str) -> Result<(), String> {
    if image.trim() == image {
        Ok(())
    } else {
        Err("must not begin or end with a blank".to_owned())
    }
}

/// IANA's names of services (RFC 6335).
fn port_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_good = (1..=15).contains(&name.len())
        && name.chars().all(fits)
        && name.chars().any(|c| c.is_ascii_lowercase())
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_good {
        return Ok(());
    }
    Err(format!(
        "must be at most 15 lower-case letters, digits and single \"-\", with a letter in it; got {name:?}"
    ))
}

fn header(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.chars().all(fits) {
        Ok(())
    } else {
        Err(format!("must be letters, digits and \"-\"; got {name:?}"))
    }
}

/// Go of old takes leading zeros in IPv4 addresses too, which is ambiguous; nobody needs them.
fn address(text: &str) -> Result<(), String> {
    match text.parse::<IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("must be an IP address; got {text:?}")),
    }
}

fn version(text: &str) -> Result<(), String> {
    match text {
        "v1" => Ok(()),
        _ => Err(format!("must be v1; got {text:?}")),
    }
}

/// `kernel.shm_rmid_forced`; with slashes from 1.24 on, which older ones are not asked about.
fn sysctl(name: &str) -> Result<(), String> {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(edge)
            && part.ends_with(edge)
            && part.chars().all(|c| edge(c) || matches!(c, '_' | '-'))
    };
    let is_good = name.len() <= 253 && name.split(['.', '/']).all(part);
    if is_good {
        Ok(())
    } else {
        Err(format!(
            "must be the name of a kernel setting (for example net.core.somaxconn); got {name:?}"
        ))
    }
}

/// The kubelet's validation takes letters, digits, `_`, `-` and `.` up to 1.34; what newer ones take is wider.
fn variable(walk: &mut Walk<'_>, at: &Located, field: &str) {
    let (Some(name), Some(value)) = (text(at, field), set(at, field)) else {
        return;
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_path = name == "." || name.starts_with("..");
    let strict =
        name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit()) && !is_path;
    let relaxed = name.chars().all(|c| (' '..='~').contains(&c) && c != '=');
    if !strict && (walk.minor < 35 || !relaxed) {
        let rule = "must be letters, digits, \"_\", \"-\" and \".\", and not begin with a digit";
        walk.invalid(value, field, &format!("{rule}; got {name:?}"));
    }
}

/// A port by its number or its name.
fn port(walk: &mut Walk<'_>, at: &Located) {
    let Some(value) = set(at, "port") else { return };
    let checked = match &value.value {
        Value::Int(1..=65535) => Ok(()),
        Value::Int(number) => Err(format!("must be between 1 and 65535; got {number}")),
        Value::String(name) if !name.is_empty() => port_name(name),
        _ => Ok(()),
    };
    if let Err(rule) = checked {
        walk.invalid(value, "port", &rule);
    }
}
