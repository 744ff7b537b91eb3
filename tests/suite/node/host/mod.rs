//! The node around the kubelet: what is baked for containerd, haproxy, netplan, NetworkManager and systemd is read by
//! those programs; what an image could not use is found at build.

mod dropins;
mod kube_proxy;
mod network;
mod old_containerd;
mod other_runtimes;
mod owner;
mod programs;
mod registries;
mod runtimes;
mod system;
mod time;

use std::fs;
use std::path::PathBuf;

use crate::support::fixture::{Project, text};

/// A project of one kubelet's version with further lines, and the root folder of its node n1.
struct Node {
    project: Project,
    root: PathBuf,
}

fn project(version: &str, profiles: &str, more: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let changed = text
        .replace("kubernetes: v1.34.4", &format!("kubernetes: {version}"))
        .replace(
            "profiles: [worker, rack]",
            &format!("profiles: [{profiles}]"),
        );
    assert_ne!(changed, text.replace("v1.34.4", version));
    fs::write(&file, changed + more).unwrap();
    project
}

impl Node {
    /// Builds it and unpacks the tarball of the node n1.
    fn bake(version: &str, profiles: &str, more: &str) -> Self {
        Self::of(project(version, profiles, more))
    }

    /// The same of a project that is there.
    fn of(project: Project) -> Self {
        project.good(&["build", "--format", "tarball"]);
        let root = project.scratch().join("root");
        fs::create_dir(&root).unwrap();
        let archive = project.out().join("nodes/n1/n1.tar.gz");
        let file = fs::File::open(archive).unwrap();
        tar::Archive::new(flate2::read::GzDecoder::new(file))
            .unpack(&root)
            .unwrap();
        Self { project, root }
    }

    fn file(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }
}

/// What `check` says of a project that has a fault.
fn findings(version: &str, profiles: &str, more: &str) -> String {
    let project = project(version, profiles, more);
    let output = project.run(&["check"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
    text(&output.stdout)
}
