//! Inventories of kubespray of several ages: mirrors of registries, and what single hosts have.

use std::fs;

use crate::commands::import::{folder, import, now, written};
use crate::support::fixture::Project;

/// An inventory with one control plane and two workers, and files of variables.
fn inventory(files: &[(&str, &str)]) -> Project {
    let project = folder(&[]);
    let hosts = "[kube_control_plane]\ncp ip=10.0.0.1\n[kube_node]\nw[1:2]\n[all:vars]\nkube_version=1.33.1\n";
    let all = [
        ("inventory.ini", hosts),
        ("host_vars/w1.yml", "ip: 10.0.0.11\n"),
        ("host_vars/w2.yml", "ip: 10.0.0.12\n"),
    ];
    for (name, text) in all.iter().chain(files) {
        let path = project.dir.join("inv").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    project
}

#[test]
fn mirrors_of_registries_are_taken_from_the_variables_of_each_age() {
    for (variables, lines, said) in [
        (
            "containerd_registries_mirrors:\n- prefix: docker.io\n  mirrors:\n  - {host: \"https://mirror.gcr.io\", capabilities: [pull, resolve], skip_verify: false}\n  \
             - {host: \"https://registry-1.docker.io\", capabilities: [pull, resolve]}\n",
            "  docker.io: {mirrors: [{url: https://mirror.gcr.io}]}\n",
            "",
        ),
        (
            "containerd_registries_mirrors:\n- prefix: quay.io\n  mirrors:\n  - {host: \"https://m:5000/v2/quay\", capabilities: [pull], override_path: true, skip_verify: true, ca: /etc/ca.crt}\n",
            "  quay.io: {mirrors: [{url: https://m:5000/v2/quay, capabilities: [pull], overridePath: true, skipVerify: true}]}\n",
            "containerd_registries_mirrors: ca of a mirror is not imported; write `ca` with files of the project to registries",
        ),
        (
            "containerd_registries: {docker.io: \"https://m.lab\"}\n",
            "  docker.io: {mirrors: [{url: https://m.lab}]}\n",
            "",
        ),
        (
            "containerd_registries: {docker.io: [\"https://a.lab\", \"https://registry-1.docker.io\"]}\n",
            "  docker.io: {mirrors: [{url: https://a.lab}]}\n",
            "",
        ),
        (
            "containerd_registries: {docker.io: \"https://registry-1.docker.io\"}\n",
            "",
            "",
        ),
        (
            "containerd_insecure_registries: {localhost: \"http://127.0.0.1\"}\n",
            "  localhost: {mirrors: [{url: \"http://127.0.0.1\"}]}\n",
            "",
        ),
        (
            "docker_registry_mirrors: [\"https://m.lab\"]\n",
            "  docker.io: {mirrors: [{url: https://m.lab}]}\n",
            "",
        ),
        (
            "docker_insecure_registries: [\"r.lab:5000\"]\n",
            "  \"r.lab:5000\": {skipVerify: true}\n",
            "",
        ),
        (
            "container_manager: crio\ncrio_registries:\n- {prefix: docker.io, insecure: false, location: registry-1.docker.io, mirrors: [{location: \"m.lab:5000\", insecure: true}]}\n",
            "  docker.io: {mirrors: [{url: https://m.lab:5000, skipVerify: true}]}\n",
            "container_manager: the nodes run crio, and new nodes get containerd",
        ),
        (
            "containerd_registries_mirrors:\n- {prefix: docker.io, mirrors: [{host: \"{{ registry_host }}\"}]}\n",
            "",
            "containerd_registries_mirrors: is a template of Jinja",
        ),
        (
            "containerd_registry_auth:\n- {registry: r.lab, username: u, password: testonly-9}\n",
            "",
            "containerd_registry_auth: has passwords, which are not imported",
        ),
    ] {
        let project = inventory(&[("group_vars/all/all.yml", variables)]);
        let (found, printed, code) = import(&project, &["--from", "ansible", "inv"]);
        assert_eq!(code, Some(0), "{variables}: {found}");
        let inventory = written(&project, "cluster.yaml");
        let registries = inventory.split_once("registries:\n").map(|(_, rest)| rest);
        match registries {
            Some(rest) => assert!(
                !lines.is_empty() && rest.starts_with(lines),
                "{variables}: {inventory}"
            ),
            None => assert_eq!(lines, "", "{variables}: {inventory}"),
        }
        assert_eq!(found.is_empty(), said.is_empty(), "{variables}: {found}");
        assert!(found.contains(said), "{variables}: {found}");
        assert!(
            ![inventory, found, printed]
                .iter()
                .any(|text| text.contains("testonly-9"))
        );
        now(&project, &["check", "p"]);
    }
}

/// The group of all nodes, which kubespray makes itself, has variables; hosts override them.
#[test]
fn a_worker_has_what_its_own_variables_say() {
    let project = inventory(&[
        (
            "group_vars/k8s_cluster.yml",
            "kubelet_max_pods: 110\nkube_cpu_reserved: 200m\n",
        ),
        ("host_vars/w2.yml", "ip: 10.0.0.12\nkubelet_max_pods: 250\n"),
    ]);
    let (said, _, code) = import(&project, &["--from", "ansible", "--build", "w*", "inv"]);
    assert_eq!((said.as_str(), code), ("", Some(0)));
    assert!(written(&project, "profiles/imported.yaml").contains("      cpu: 200m\n"));
    let own = written(&project, "profiles/w2.yaml");
    assert!(
        own.ends_with("kubelet:\n  config:\n    maxPods: 250\n"),
        "{own}"
    );
    assert!(!project.dir.join("p/profiles/w1.yaml").exists());
    let inventory = written(&project, "cluster.yaml");
    assert!(inventory.contains("    profiles: [w2]\n"), "{inventory}");
}

/// Hosts in ranges are in inventories of YAML, too.
#[test]
fn ranges_of_hosts_are_read_in_yaml() {
    let text = "all:\n  children:\n    kube_control_plane: {hosts: {cp: {ip: 10.0.0.1}}}\n    kube_node:\n      hosts: {\"w[01:02]\": {kube_version: v1.28.6}}\n";
    let project = folder(&[("in.yaml", text)]);
    let (said, _, code) = import(&project, &["--from", "ansible", "in.yaml"]);
    assert_eq!((said.as_str(), code), ("", Some(0)));
    let inventory = written(&project, "cluster.yaml");
    assert!(
        inventory.contains("- name: w01") && inventory.contains("- name: w02"),
        "{inventory}"
    );
}

/// A port of SSH is no part of a host's name.
#[test]
fn ports_of_hosts_are_left_out() {
    let text = "[kube_control_plane]\nc1:2222 ip=10.0.0.1\n[kube_node]\nw[1:2].lab:22\n[all:vars]\nkube_version=v1.30.2\n";
    let project = folder(&[("in.ini", text)]);
    let (said, _, code) = import(&project, &["--from", "ansible", "in.ini"]);
    assert_eq!((said.as_str(), code), ("", Some(0)));
    let inventory = written(&project, "cluster.yaml");
    for name in ["- name: c1 ", "- name: w1.lab ", "- name: w2.lab "] {
        assert!(inventory.contains(name), "{inventory}");
    }
}
