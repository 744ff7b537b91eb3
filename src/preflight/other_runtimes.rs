//! What a runtime must be told that is not containerd, and that nodebake does not configure.

use crate::inventory::Spec;
use crate::kubernetes::runtime::RuntimeKind;
use crate::preflight::{NeedKind, Needs};
use crate::render::RenderedNode;
use crate::render::other_runtimes::{
    crio_of, docker_driver_of, has_settings, kubelet_driver, registries_file, sandbox_of,
};

/// One line for each setting that must agree with the node and that no file of the payload has.
pub(super) fn needs(baked: &RenderedNode, spec: &Spec, kind: RuntimeKind, needs: &mut Needs) {
    if kind == RuntimeKind::Containerd {
        return;
    }
    let tree = &baked.tree;
    let mut add = |what: String, why: &str| needs.add(NeedKind::System, what, why);
    let driver = kubelet_driver(&baked.config, &baked.flags);
    let why = "the kubelet's cgroupDriver: both must ask the same manager for control groups";
    match kind {
        RuntimeKind::Crio if crio_of(tree).cgroup_manager.is_none() => {
            add(
                format!("cgroup_manager = \"{driver}\" in /etc/crio/crio.conf.d"),
                why,
            );
        }
        RuntimeKind::CriDockerd | RuntimeKind::Docker if docker_driver_of(tree).is_none() => {
            let option = format!("\"exec-opts\": [\"native.cgroupdriver={driver}\"]");
            add(format!("{option} in /etc/docker/daemon.json"), why);
        }
        _ => {}
    }
    if sandbox_of(tree, kind, &baked.flags).is_none() {
        let setting = match kind {
            RuntimeKind::Crio => "pause_image in /etc/crio/crio.conf.d",
            RuntimeKind::CriDockerd => "--pod-infra-container-image of cri-docker.service",
            _ => "--pod-infra-container-image of the kubelet",
        };
        add(
            format!("{setting}, or its default"),
            "the sandbox image of every pod",
        );
    }
    if kind == RuntimeKind::CriDockerd {
        let why = "cri-dockerd talks to it";
        add(
            "unix:///var/run/docker.sock, of docker.service".to_owned(),
            why,
        );
    }
    if spec.registries.iter().any(has_settings) {
        let file = registries_file(kind);
        add(
            file.to_owned(),
            "registries: mirrors, certificates and logins",
        );
    }
    let there = crio_of(tree).runtimes;
    for runtime in &spec.containerd.runtimes {
        let is_missing = kind != RuntimeKind::Crio || !there.contains(&runtime.name);
        if is_missing {
            let name = kind.name();
            add(
                format!(
                    "the runtime {} in the configuration of {name}",
                    runtime.name
                ),
                "a RuntimeClass names it",
            );
        }
    }
}
