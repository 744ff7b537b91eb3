//! The reference cluster equals what the procedure by hand leaves on each node, path by path. The other side is the
//! procedure itself: its texts and its programs, run by `tests/fixtures/by-hand/procedure.sh`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::fixture::{Project, fixtures, snapshot};
use crate::support::oracles;

const NODES: [&str; 3] = ["zhangjun-k8s-01", "zhangjun-k8s-02", "zhangjun-k8s-03"];
const KUBECONFIG: &str = "etc/kubernetes/kubelet-bootstrap.kubeconfig";
const CONFIG: &str = "etc/kubernetes/kubelet-config.yaml";
const WANTS: &str = "etc/systemd/system/multi-user.target.wants";

/// What we add, and why: `swapoff -a` must hold at the next boot too, a first boot's `preset-all` must not undo the
/// links, and the folder of the kubelet's binary is made by an earlier part of the procedure.
const ADDED: [&str; 8] = [
    // The command once more, against drop-ins of packages.
    "etc/systemd/system/kubelet.service.d",
    "etc/systemd/system/kubelet.service.d/zz~nodebake.conf",
    "etc/systemd/system/nodebake-swapoff.service",
    "etc/systemd/system/multi-user.target.wants/nodebake-swapoff.service",
    "etc/systemd/system-preset",
    "etc/systemd/system-preset/10-nodebake.preset",
    "opt",
    "opt/k8s",
];
const BIN: &str = "opt/k8s/bin";

/// Runs the procedure in the project's surroundings.
fn procedure(project: &Project) {
    oracles::needs(["bash", "sed", "kubectl", "systemctl", "tar"]);
    let work = project.scratch().join("work");
    fs::create_dir(&work).unwrap();
    let listed = project.good(&["token", "list", "--reveal", "-o", "json"]);
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let line = |token: &Value| {
        format!(
            "{} {}\n",
            token["node"].as_str().unwrap(),
            token["token"].as_str().unwrap()
        )
    };
    let tokens: String = listed.iter().map(line).collect();
    fs::write(work.join("tokens"), tokens).unwrap();
    let script = fixtures().join("by-hand/procedure.sh");
    let args = [
        script.to_str().unwrap(),
        "../theirs",
        "../project/pki/ca.pem",
        "tokens",
    ];
    oracles::content(&work, "bash", &args);
}

/// Unpacks a node's tarball as an image builder would.
fn unpack(project: &Project, node: &str) -> BTreeMap<String, String> {
    let root = project.scratch().join("ours").join(node);
    fs::create_dir_all(&root).unwrap();
    let archive = project.out().join(format!("nodes/{node}/{node}.tar.gz"));
    let line = format!("umask 022; tar -xpf {}", archive.display());
    oracles::content(&root, "sh", &["-c", &line]);
    entries(&root)
}

/// Mode and content by path. Some systemctls write relative links: only what a link names counts.
fn entries(root: &Path) -> BTreeMap<String, String> {
    let mut all = snapshot(root);
    all.remove("");
    for entry in all.values_mut() {
        if let Some((mode, target)) = entry.split_once(" -> ") {
            *entry = format!("{mode} link to {}", target.rsplit('/').next().unwrap());
        }
    }
    all
}

#[test]
fn every_node_has_the_paths_modes_and_bytes_of_the_procedure() {
    let project = Project::of("reference");
    procedure(&project);
    project.good(&["build"]);
    for node in NODES {
        let ours = unpack(&project, node);
        let theirs = entries(&project.scratch().join("theirs").join(node));
        let mut added: Vec<&str> = Vec::new();
        for (path, entry) in &ours {
            match theirs.get(path) {
                // The same values in our own spelling: compared below.
                Some(other) if path == CONFIG || path == KUBECONFIG => {
                    assert_eq!(entry[..4], other[..4], "{node}: {path}");
                }
                Some(other) => assert_eq!(entry, other, "{node}: {path}"),
                None => added.push(path),
            }
        }
        let missing: Vec<&String> = theirs
            .keys()
            .filter(|path| !ours.contains_key(*path))
            .collect();
        assert!(missing.is_empty(), "{node}: {missing:?}");
        let mut expected = [&ADDED[..], &[BIN]].concat();
        expected.sort_unstable();
        assert_eq!(added, expected, "{node}");
        assert_eq!(ours[KUBECONFIG][..4], *"0600");
        assert_eq!(
            ours[&format!("{WANTS}/kubelet.service")],
            "0777 link to kubelet.service"
        );
        same_configuration(&project, node);
        same_kubeconfig(&project, node);
    }
}

/// By value. kubectl 1.34 stopped writing the empty `preferences`, which no component ever read.
fn same_kubeconfig(project: &Project, node: &str) {
    let values = |side: &str| {
        let file = project.scratch().join(side).join(node).join(KUBECONFIG);
        let mut values = oracles::same_values(&file);
        let config = values[0].as_object_mut().unwrap();
        config.remove("preferences");
        assert!(config.len() > 4, "all fields");
        values
    };
    assert_eq!(values("ours"), values("theirs"), "{node}");
}

/// By value, to two readers of YAML that nobody here wrote.
fn same_configuration(project: &Project, node: &str) {
    let file = |side: &str| project.scratch().join(side).join(node).join(CONFIG);
    let (ours, theirs) = (file("ours"), file("theirs"));
    let (our_values, their_values) = (oracles::same_values(&ours), oracles::same_values(&theirs));
    let fields = their_values[0].as_object().unwrap().len();
    assert!(fields > 50, "all fields");
    assert_eq!(our_values, their_values, "{node}");
    // In the same order, so that people find their way.
    let keys = |file: &Path| -> Vec<String> {
        let text = fs::read_to_string(file).unwrap();
        let top = text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        top.map(|line| line.split(':').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(&ours), keys(&theirs), "{node}");
}

#[test]
fn the_cluster_is_told_what_the_procedure_tells_it() {
    let project = Project::of("reference");
    procedure(&project);
    project.good(&["build"]);
    let work = project.scratch().join("work");
    let files = [
        "kubelet-apis.yaml",
        "kubelet-bootstrap.yaml",
        "csr-crb.yaml",
    ];
    let theirs = files.iter().flat_map(|file| objects(&work.join(file)));
    let mut theirs: Vec<Value> = theirs.collect();
    let mut ours = objects(&project.out().join("cluster/rbac/rbac.yaml"));
    let key = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
    theirs.sort_by_key(key);
    ours.sort_by_key(key);
    assert_eq!(theirs.len(), 6);
    assert_eq!(ours, theirs);
}

/// A file's objects without kubectl's own `creationTimestamp: null`, which means nothing.
fn objects(file: &Path) -> Vec<Value> {
    let mut objects = oracles::same_values(file);
    for object in &mut objects {
        let metadata = object["metadata"].as_object_mut().unwrap();
        let at = metadata.remove("creationTimestamp");
        assert!(at.is_none_or(|at| at.is_null()));
    }
    objects
}

/// `kubeadm token create`: description and groups are those of the procedure's listing.
#[test]
fn tokens_have_the_groups_and_usages_of_the_procedure() {
    let project = Project::of("reference");
    let listed = project.good(&["token", "list"]);
    for node in NODES {
        let row = listed
            .lines()
            .find(|line| line.contains(&format!("system:bootstrappers:{node}")));
        let row = row.expect(node);
        assert!(row.contains("authentication,signing"), "{row}");
    }
}
