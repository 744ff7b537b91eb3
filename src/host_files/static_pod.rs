//! Static pods: files in the kubelet's staticPodPath. Source: kubernetes `pkg/kubelet/config/{file,common}.go` and the
//! API's validation of pods; a file that is refused here is logged by the kubelet, and its pod never runs.

mod containers;
mod references;

use std::sync::Arc;

use crate::host_files::fault::Fault;
use crate::host_files::yaml_text;
use crate::host_files::{Around, ReadFile};
use crate::kubernetes::names::subdomain;
use crate::report::Id;
use crate::tree::Position;
use crate::yaml::{Field, Located, Value};

/// The kubelet reads no more of a file (pkg/kubelet/config/file.go, maxConfigLength).
const LONGEST: usize = 10 << 20;
/// Endings that editors and package managers give to files that nobody is to read. The kubelet reads them all the same.
const STRAY: [&str; 14] = [
    ".bak",
    ".backup",
    "~",
    ".orig",
    ".old",
    ".save",
    ".swp",
    ".rej",
    ".tmp",
    ".disabled",
    ".off",
    ".dpkg-old",
    ".rpmsave",
    ".rpmnew",
];

/// Namespace and name of a pod.
pub type PodName = (Arc<str>, Arc<str>);

/// Reads the file of a static pod. `path` is its path on the node.
pub fn read(path: &str, text: &str, around: &Around) -> ReadFile {
    let mut read = ReadFile::default();
    if let Some(ending) = STRAY.iter().find(|ending| path.ends_with(**ending)) {
        let rule = format!(
            "the kubelet reads every file of staticPodPath whose name begins with no dot, also {ending:?}: this is one more pod"
        );
        let fault = Fault::whole(Id::StaticPodStray, rule);
        read.faults
            .push(fault.help("remove it, or keep it in another folder"));
    }
    if text.len() > LONGEST {
        let rule = "the kubelet reads no static pod that is longer than 10 MiB";
        read.faults.push(Fault::whole(Id::StaticPodInvalid, rule));
        return read;
    }
    let root = match yaml_text::read(text, Id::StaticPodInvalid) {
        Ok(root) => root,
        Err(faults) => {
            read.faults.extend(faults);
            return read;
        }
    };
    let mut pod = Pod {
        faults: &mut read.faults,
    };
    let name = pod.check(&root);
    references::check(&root, around, &mut read.faults);
    read.pod = name;
    read
}

/// Where a value begins.
fn at(value: &Located) -> Position {
    yaml_text::position(&value.location)
}

struct Pod<'f> {
    faults: &'f mut Vec<Fault>,
}

impl Pod<'_> {
    fn invalid(&mut self, value: &Located, rule: impl Into<String>) {
        self.faults
            .push(Fault::at(Id::StaticPodInvalid, at(value), rule));
    }

    /// Checks the object; returns the pod's name if it has one.
    fn check(&mut self, root: &Located) -> Option<PodName> {
        if root.as_map().is_none() {
            self.invalid(root, "a static pod's file must be one v1 Pod");
            return None;
        }
        for (key, wanted) in [("apiVersion", "v1"), ("kind", "Pod")] {
            let value = root.get(key);
            let is = value.and_then(Located::as_str);
            if is == Some(wanted) {
                continue;
            }
            let rule =
                format!("{key}: a static pod's file must be one v1 Pod, so this must be {wanted}");
            let fault = Fault::at(Id::StaticPodInvalid, at(value.unwrap_or(root)), rule);
            let fault = match is {
                Some("List" | "PodList") => fault.help(
                    "write a file for each pod: the kubelet reads lists from staticPodURL only",
                ),
                _ => fault,
            };
            self.faults.push(match is {
                Some(is) => fault.got(is),
                None => fault,
            });
            return None;
        }
        let name = self.metadata(root);
        match root.get("spec") {
            Some(spec) if spec.as_map().is_some() => containers::check(spec, self.faults),
            other => self.invalid(
                other.unwrap_or(root),
                "spec: a pod needs a map with its containers",
            ),
        }
        name
    }

    fn metadata(&mut self, root: &Located) -> Option<PodName> {
        let metadata = root.get("metadata");
        let name = metadata.and_then(|metadata| metadata.get("name"));
        let Some(name) = name.filter(|name| name.value != Value::Null) else {
            self.invalid(
                metadata.unwrap_or(root),
                "metadata.name: a static pod needs a name",
            );
            return None;
        };
        let Some(text) = name.as_str() else {
            self.invalid(name, "metadata.name: must be a string");
            return None;
        };
        if let Err(rule) = subdomain(text) {
            self.invalid(name, format!("metadata.name: {rule}"));
        }
        for map in ["labels", "annotations"] {
            let entries = metadata.and_then(|metadata| metadata.get(map));
            let entries = entries
                .and_then(Located::as_map)
                .into_iter()
                .flat_map(|map| map.iter());
            let not_text =
                |field: &&Field| field.value.as_str().is_none() && field.value.value != Value::Null;
            for field in entries.map(|(_, field)| field).filter(not_text) {
                self.invalid(
                    &field.value,
                    format!("metadata.{map}: each value must be a string"),
                );
            }
        }
        let namespace = metadata.and_then(|metadata| metadata.get("namespace"));
        let namespace = namespace
            .and_then(Located::as_str)
            .filter(|name| !name.is_empty());
        Some((namespace.unwrap_or("default").into(), text.into()))
    }
}
