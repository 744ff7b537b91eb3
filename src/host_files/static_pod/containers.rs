//! What a pod's spec must be for the API's validation: types, names, containers, volumes. Source: kubernetes
//! `pkg/apis/core/validation/validation.go`. Not all of it: what people get wrong in manifests that they write by hand.

use std::collections::HashSet;

use crate::host_files::fault::Fault;
use crate::host_files::static_pod::at;
use crate::kubernetes::names::subdomain;
use crate::kubernetes::value::quantity;
use crate::report::Id;
use crate::yaml::{Located, Value};

/// Fields of one word each.
const WORDS: [(&str, &[&str]); 3] = [
    ("restartPolicy", &["Always", "OnFailure", "Never"]),
    (
        "dnsPolicy",
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
    ),
    ("preemptionPolicy", &["PreemptLowerPriority", "Never"]),
];
/// The same of a container.
const CONTAINER_WORDS: [(&str, &[&str]); 2] = [
    ("imagePullPolicy", &["Always", "IfNotPresent", "Never"]),
    (
        "terminationMessagePolicy",
        &["File", "FallbackToLogsOnError"],
    ),
];
const HOST_PATH_TYPES: [&str; 8] = [
    "",
    "DirectoryOrCreate",
    "Directory",
    "FileOrCreate",
    "File",
    "Socket",
    "CharDevice",
    "BlockDevice",
];
const TRUTHS: [&str; 5] = [
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "shareProcessNamespace",
    "hostUsers",
];

/// Checks a pod's spec.
pub fn check(spec: &Located, faults: &mut Vec<Fault>) {
    let mut spec_check = SpecCheck {
        faults,
        volumes: HashSet::new(),
        names: HashSet::new(),
    };
    spec_check.words(spec, "spec", &WORDS);
    for key in TRUTHS {
        if let Some(value) = set(spec, key)
            && !matches!(value.value, Value::Bool(_))
        {
            spec_check.invalid(value, format!("spec.{key}: must be true or false"));
        }
    }
    spec_check.volumes(spec);
    for key in ["initContainers", "containers"] {
        spec_check.containers(spec, key);
    }
}

/// The value of a field, unless it is null.
fn set<'v>(of: &'v Located, key: &str) -> Option<&'v Located> {
    of.get(key).filter(|value| value.value != Value::Null)
}

struct SpecCheck<'f> {
    faults: &'f mut Vec<Fault>,
    volumes: HashSet<String>,
    names: HashSet<String>,
}

impl SpecCheck<'_> {
    fn invalid(&mut self, value: &Located, rule: impl Into<String>) {
        self.faults
            .push(Fault::at(Id::StaticPodInvalid, at(value), rule));
    }

    fn words(&mut self, of: &Located, path: &str, fields: &[(&str, &[&str])]) {
        for (key, words) in fields {
            let Some(value) = set(of, key) else { continue };
            let word = value.as_str();
            if !word.is_some_and(|word| word.is_empty() || words.contains(&word)) {
                let rule = format!("{path}.{key}: must be one of {}", words.join(", "));
                let fault = Fault::at(Id::StaticPodInvalid, at(value), rule);
                self.faults.push(match word {
                    Some(word) => fault.got(word),
                    None => fault,
                });
            }
        }
    }

    /// The items of a list; something else is a fault.
    fn list<'v>(&mut self, of: &'v Located, key: &str, path: &str) -> &'v [Located] {
        match set(of, key).map(|value| (value, &value.value)) {
            Some((_, Value::List(items))) => items,
            Some((value, _)) => {
                self.invalid(value, format!("{path}.{key}: must be a list"));
                &[]
            }
            None => &[],
        }
    }

    /// A text that must be there and not be empty.
    fn text<'v>(
        &mut self,
        of: &'v Located,
        key: &str,
        path: &str,
    ) -> Option<(&'v Located, &'v str)> {
        let Some(value) = set(of, key) else {
            self.invalid(of, format!("{path}.{key}: must be set"));
            return None;
        };
        match value.as_str() {
            Some(text) if !text.is_empty() => Some((value, text)),
            Some(_) => {
                self.invalid(value, format!("{path}.{key}: must not be empty"));
                None
            }
            None => {
                self.invalid(
                    value,
                    format!("{path}.{key}: must be a string, so put it in quotes"),
                );
                None
            }
        }
    }

    /// A name of its own among those seen: a DNS label.
    fn name(&mut self, of: &Located, path: &str, is_new: impl FnOnce(&mut Self, &str) -> bool) {
        let Some((value, name)) = self.text(of, "name", path) else {
            return;
        };
        if name.len() > 63 || name.contains('.') || subdomain(name).is_err() {
            let rule =
                format!("{path}.name: must be at most 63 lower-case letters, digits and \"-\"");
            self.faults
                .push(Fault::at(Id::StaticPodInvalid, at(value), rule).got(name));
        }
        if !is_new(self, name) {
            self.invalid(
                value,
                format!("{path}.name: must be there once; {name:?} is there twice"),
            );
        }
    }

    fn volumes(&mut self, spec: &Located) {
        for volume in self.list(spec, "volumes", "spec") {
            self.name(volume, "volumes", |this, name| {
                this.volumes.insert(name.to_owned())
            });
            let Some(host) = set(volume, "hostPath") else {
                continue;
            };
            self.text(host, "path", "volumes.hostPath");
            let kind = set(host, "type");
            if let Some(kind) = kind.filter(|kind| {
                !kind
                    .as_str()
                    .is_some_and(|word| HOST_PATH_TYPES.contains(&word))
            }) {
                let rule = format!(
                    "volumes.hostPath.type: must be one of {}",
                    HOST_PATH_TYPES[1..].join(", ")
                );
                self.invalid(kind, rule);
            }
        }
    }

    fn containers(&mut self, spec: &Located, key: &str) {
        let containers = self.list(spec, key, "spec");
        if key == "containers" && containers.is_empty() {
            self.invalid(spec, "spec.containers: a pod needs a container");
        }
        for container in containers {
            if container.as_map().is_none() {
                self.invalid(container, format!("{key}: each must be a map"));
                continue;
            }
            self.name(container, key, |this, name| {
                this.names.insert(name.to_owned())
            });
            self.text(container, "image", key);
            self.words(container, key, &CONTAINER_WORDS);
            for field in ["command", "args"] {
                for word in self.list(container, field, key) {
                    if word.as_str().is_none() {
                        self.invalid(
                            word,
                            format!(
                                "{key}.{field}: each word must be a string, so put it in quotes"
                            ),
                        );
                    }
                }
            }
            self.parts(container, key);
        }
    }

    /// Variables, ports, mounts and resources of a container.
    fn parts(&mut self, container: &Located, key: &str) {
        for variable in self.list(container, "env", key) {
            self.text(variable, "name", "env");
            if let Some(value) = set(variable, "value").filter(|value| value.as_str().is_none()) {
                self.invalid(value, "env.value: must be a string, so put it in quotes");
            }
        }
        for port in self.list(container, "ports", key) {
            for (field, is_needed) in [("containerPort", true), ("hostPort", false)] {
                match set(port, field).map(|value| (value, &value.value)) {
                    Some((_, Value::Int(1..=65535))) => {}
                    Some((_, Value::Int(0))) if !is_needed => {}
                    Some((value, _)) => self.invalid(
                        value,
                        format!("ports.{field}: must be a number from 1 to 65535"),
                    ),
                    None if is_needed => self.invalid(port, format!("ports.{field}: must be set")),
                    None => {}
                }
            }
            self.words(port, "ports", &[("protocol", &["TCP", "UDP", "SCTP"])]);
        }
        for mount in self.list(container, "volumeMounts", key) {
            self.text(mount, "mountPath", "volumeMounts");
            if let Some((value, name)) = self.text(mount, "name", "volumeMounts")
                && !self.volumes.contains(name)
            {
                let rule = "volumeMounts.name: must be one of the pod's volumes";
                self.faults
                    .push(Fault::at(Id::StaticPodInvalid, at(value), rule).got(name));
            }
        }
        for kind in ["limits", "requests"] {
            let amounts = set(container, "resources").and_then(|resources| set(resources, kind));
            let amounts = amounts
                .and_then(Located::as_map)
                .into_iter()
                .flat_map(|map| map.iter());
            for (resource, field) in amounts {
                if let Some(text) = field.value.as_str()
                    && quantity(text).is_err()
                {
                    let rule = format!(
                        "resources.{kind}.{resource}: must be a quantity (for example 100m or 128Mi)"
                    );
                    self.faults
                        .push(Fault::at(Id::StaticPodInvalid, at(&field.value), rule).got(text));
                }
            }
        }
    }
}
