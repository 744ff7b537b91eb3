//! Files of the node whose reader is known are read as that reads them; what it would not take is found at its line. Files
//! of many nodes that hold the same are read once.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::host_files::{Around, Fault, PodName, is_read, netplan, read};
use crate::inventory::Spec;
use crate::kubernetes::gates::Gates;
use crate::model::{FieldLocation, NodePath, Owner};
use crate::plan::NodePlan;
use crate::render::NodeRendering;
use crate::render::containerd_files::imported;
use crate::render::place::{At, placed};
use crate::report::{Finding, Id};
use crate::tree::{Content, Entry, EntryKind};

/// An asset that is longer is a program or an archive, and no text that anybody reads here.
const LONGEST: u64 = 1 << 20;

/// The longest name of an object, a file's, and the UID that the kubelet makes for a static pod: an MD5 sum.
const LONGEST_NAME: usize = 253;
const LONGEST_FILE: usize = 255;
const UID: usize = 32;

/// What was found in a file.
#[derive(Default)]
pub struct FoundInFile {
    findings: Vec<Finding>,
    /// The static pod that it is.
    pod: Option<PodName>,
}

impl NodeRendering<'_> {
    /// Reads all files that somebody reads.
    pub(super) fn check_files(&mut self, node: &NodePlan, config: &Json) {
        let mut around = around(&node.class.spec, config);
        around.containerd = self.class.release;
        around.imported = imported(self.builder.so_far());
        let mut findings = Vec::new();
        let mut pods: Vec<(&NodePath, &Content, PodName)> = Vec::new();
        let tree = self.builder.so_far();
        for (path, entry) in tree.entries() {
            let EntryKind::File(content) = &entry.kind else {
                continue;
            };
            if !may_be_read(path, entry, content, &around) {
                continue;
            }
            let key = (self.class_index, path.as_str(), entry.mode);
            let found = self.renderer.files.of(key, &[content], || {
                self.read_file(path, entry, content, &around)
            });
            findings.extend(found.findings.iter().cloned());
            pods.extend(found.pod.clone().map(|pod| (path, content, pod)));
        }
        findings.extend(self.repeated(&pods));
        findings.extend(self.too_long(&node.name, &pods));
        self.builder.fail(findings);
        self.check_netplan();
    }

    /// Reads netplan's files together, where one of them is the user's own.
    fn check_netplan(&mut self) {
        let tree = self.builder.so_far();
        let mut files: BTreeMap<&str, (&NodePath, &Entry, &Content)> = BTreeMap::new();
        for (path, entry) in tree.entries() {
            let EntryKind::File(content) = &entry.kind else {
                continue;
            };
            let Some(name) = netplan::name(path.as_str()) else {
                continue;
            };
            let rank = netplan::rank(path.as_str());
            let is_first =
                |known: &(&NodePath, &Entry, &Content)| netplan::rank(known.0.as_str()) > rank;
            if files.get(name).is_none_or(is_first) {
                files.insert(name, (path, entry, content));
            }
        }
        let is_own = |(path, _, _): &(&NodePath, &Entry, &Content)| {
            self.builder.text_location(path).is_some()
        };
        if !files.values().any(is_own) {
            return;
        }
        let names: Vec<String> = files
            .values()
            .map(|(path, entry, _)| format!("{path} {:o}", entry.mode))
            .collect();
        let contents: Vec<&Content> = files.values().map(|(_, _, content)| *content).collect();
        let key = (self.class_index, &*names.join(" "), 0);
        let found = self.renderer.files.of(key, &contents, || {
            let texts: Vec<Vec<u8>> = contents.iter().map(|content| bytes(content)).collect();
            let mut findings = Vec::new();
            let faults = netplan::read(&texts);
            for (((path, entry, _), text), faults) in files.values().zip(&texts).zip(faults) {
                let Some(location) = self.builder.text_location(path) else {
                    continue;
                };
                let text = String::from_utf8_lossy(text);
                for fault in faults.iter().chain(&netplan::mode(entry.mode)) {
                    findings.push(self.finding(location, path, &text, fault, entry.secret));
                }
            }
            FoundInFile {
                findings,
                pod: None,
            }
        });
        let findings = found.findings.clone();
        self.builder.fail(findings);
    }

    /// Pods that the kubelet would take for one: it reads the files in the order of their names, and the last of one name
    /// counts (`pkg/kubelet/config/file.go`, a store by namespace and name; `config.go`, podStorage by UID).
    fn repeated(&self, pods: &[(&NodePath, &Content, PodName)]) -> Vec<Finding> {
        let mut names = BTreeMap::new();
        let mut uids = BTreeMap::new();
        let mut findings = Vec::new();
        for (path, content, pod) in pods {
            let name = format!("{}/{}", pod.namespace, pod.name);
            let rule = if let Some(first) = names.insert(name.clone(), path) {
                format!(
                    "the static pod {name} is also in {first}, and the kubelet runs only the one whose file is last by name"
                )
            } else if let Some(uid) = &pod.uid
                && let Some(first) = uids.insert(uid.clone(), path)
            {
                format!(
                    "the static pod has the UID of that in {first}, and the kubelet takes the two for one pod"
                )
            } else {
                continue;
            };
            let fault = Fault::whole(Id::StaticPodRepeated, rule);
            findings.extend(self.at_file(path, content, &fault));
        }
        findings
    }

    /// Pods whose name is too long with the node's behind it: for a name (kubernetes `pkg/kubelet/config/common.go`, generatePodName),
    /// or for the folder of their logs (`pkg/kubelet/kuberuntime/helpers.go`, BuildPodLogsDirectory), without which no pod starts.
    fn too_long(&self, node: &str, pods: &[(&NodePath, &Content, PodName)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (path, content, pod) in pods {
            let name = pod.name.len() + 1 + node.len();
            let uid = pod.uid.as_ref().map_or(UID, |uid| uid.len());
            let folder = pod.namespace.len() + 1 + name + 1 + uid;
            // A name that is too long by itself is said already.
            let rule = if pod.name.len() <= LONGEST_NAME && name > LONGEST_NAME {
                format!(
                    "metadata.name: must be {LONGEST_NAME} characters at most with the node's name behind it; got {name}"
                )
            } else if name <= LONGEST_NAME && folder > LONGEST_FILE {
                format!(
                    "metadata.name: the folder of the pod's logs has the namespace, the name, the node's name and a UID in its name, \
                     which must be {LONGEST_FILE} characters at most; got {folder}"
                )
            } else {
                continue;
            };
            let fault = Fault::at(Id::StaticPodInvalid, pod.at, rule);
            findings.extend(self.at_file(path, content, &fault.help("take a shorter name")));
        }
        findings
    }

    fn read_file(
        &self,
        path: &NodePath,
        entry: &Entry,
        content: &Content,
        around: &Around,
    ) -> FoundInFile {
        let bytes = bytes(content);
        let read = read(path.as_str(), entry.mode, &bytes, around);
        let text = String::from_utf8_lossy(&bytes);
        let mut findings = Vec::new();
        for fault in &read.faults {
            if fault.id == Id::NetworkFileUnused && self.is_used_yet(path, entry) {
                continue;
            }
            let Some(location) = self.builder.text_location(path) else {
                continue;
            };
            findings.push(self.finding(location, path, &text, fault, entry.secret));
        }
        FoundInFile {
            findings,
            pod: read.pod,
        }
    }

    /// Whether a file that does nothing by itself has drop-ins that may change that, or an owner who can read it.
    fn is_used_yet(&self, path: &NodePath, entry: &Entry) -> bool {
        let dropins = format!("{path}.d/");
        let mut others = self.builder.so_far().entries().keys();
        entry.user != Owner::root() || others.any(|other| other.as_str().starts_with(&dropins))
    }

    /// A finding about a file as a whole.
    fn at_file(&self, path: &NodePath, content: &Content, fault: &Fault) -> Option<Finding> {
        let text = bytes(content);
        let location = self.builder.text_location(path)?;
        Some(self.finding(
            location,
            path,
            &String::from_utf8_lossy(&text),
            fault,
            false,
        ))
    }

    pub(super) fn finding(
        &self,
        location: &FieldLocation,
        path: &NodePath,
        text: &str,
        fault: &Fault,
        is_secret: bool,
    ) -> Finding {
        let at = At {
            location,
            text,
            position: fault.position,
            about: path.as_str(),
            merged: self.builder.merged(),
        };
        let finding = placed(self.renderer, &at, fault.id, fault.message(is_secret));
        Finding {
            help: fault.help.as_deref().map(Box::from),
            ..finding
        }
    }
}

/// Whether its path or its beginning says that somebody reads it.
fn may_be_read(path: &NodePath, entry: &Entry, content: &Content, around: &Around) -> bool {
    // What is made from facts is never wrong by the user's hand, and differs from node to node.
    if entry.origin.is_generator() {
        return false;
    }
    match content {
        Content::Blob(blob) => is_read(path.as_str(), blob.bytes(), around),
        Content::Asset(asset) if asset.size > LONGEST => false,
        Content::Asset(_) => entry.mode & 0o111 != 0 || is_read(path.as_str(), b"", around),
    }
}

fn bytes(content: &Content) -> Vec<u8> {
    let mut bytes = Vec::new();
    // An asset that cannot be read any more is an error of the build, which reads it again.
    let _ = content.copy_to(&mut bytes);
    bytes
}

/// What the readers of files must know of the node.
fn around(spec: &Spec, config: &Json) -> Around {
    let folder = config.get("staticPodPath").and_then(Json::as_str);
    let folder = folder.map(|folder| folder.trim_end_matches('/'));
    let gate = config.pointer("/featureGates/PreventStaticPodAPIReferences");
    let set = config.get("featureGates").and_then(Json::as_object);
    let set = set.into_iter().flatten();
    let set = set.filter_map(|(name, value)| Some((name.clone(), value.as_bool()?)));
    let gates = Gates::new(set.collect(), spec.kubernetes.value.minor());
    Around {
        minor: spec.kubernetes.value.minor(),
        prevents_references: gate != Some(&Json::Bool(false)),
        has_pod_resources: gates.enabled("PodLevelResources"),
        has_selinux_mount: gates.enabled("SELinuxMount"),
        static_pods: folder
            .filter(|folder| !folder.is_empty())
            .map(str::to_owned),
        containerd: None,
        imported: Vec::new(),
    }
}
