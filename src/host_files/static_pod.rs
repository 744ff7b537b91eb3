//! Static pods: files in the kubelet's staticPodPath. Source: kubernetes `pkg/kubelet/config/{file,common}.go` and the
//! API's validation of pods; a file that is refused here is logged by the kubelet, and its pod never runs.

mod container;
mod downward;
mod metadata;
mod names;
mod pod_resources;
mod references;
mod resources;
mod rules;
mod selectors;
mod spec;
mod tables;
mod walk;

use std::sync::Arc;

use crate::host_files::fault::Fault;
use crate::host_files::static_pod::walk::Walk;
use crate::host_files::{Around, ReadFile, go_yaml, yaml_text};
use crate::report::Id;
use crate::tree::Position;
use crate::yaml::Located;

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

/// What the kubelet tells pods apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodName {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name, to which the kubelet appends the node's.
    pub name: Arc<str>,
    /// The UID, where the file sets one.
    pub uid: Option<Arc<str>>,
    /// Where the name is in the file.
    pub at: Position,
}

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
    let root = match go_yaml::read(text, Id::StaticPodInvalid) {
        Ok(root) => root,
        Err(faults) => {
            read.faults.extend(faults);
            return read;
        }
    };
    if !is_pod(&root, &mut read.faults) {
        return read;
    }
    Walk::pod(&root, around, rules::check, &mut read.faults);
    references::check(&root, around, &mut read.faults);
    read.pod = name(&root);
    read
}

/// Where a value begins.
fn at(value: &Located) -> Position {
    yaml_text::position(&value.location)
}

/// Whether the object is a v1 Pod.
fn is_pod(root: &Located, faults: &mut Vec<Fault>) -> bool {
    if root.as_map().is_none() {
        let rule = "a static pod's file must be one v1 Pod";
        faults.push(Fault::at(Id::StaticPodInvalid, at(root), rule));
        return false;
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
            Some("List" | "PodList") => fault
                .help("write a file for each pod: the kubelet reads lists from staticPodURL only"),
            _ => fault,
        };
        faults.push(match is {
            Some(is) => fault.got(is),
            None => fault,
        });
        return false;
    }
    true
}

/// The pod's namespace, name and UID, if it has a name.
fn name(root: &Located) -> Option<PodName> {
    let metadata = root.get("metadata")?;
    let name = walk::text(metadata, "name")?;
    let namespace = walk::text(metadata, "namespace").unwrap_or("default");
    Some(PodName {
        namespace: namespace.into(),
        name: name.into(),
        uid: walk::text(metadata, "uid").map(Into::into),
        at: at(metadata.get("name")?),
    })
}
