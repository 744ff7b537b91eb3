//! Kubelets that talk to CRI-O or Docker: what is for containerd is found, what must agree is compared, and the rest is a line of
//! `preflight`.

use super::{Node, project};
use crate::support::fixture::text;

const CRIO: &str =
    "kubelet: {config: {containerRuntimeEndpoint: unix:///var/run/crio/crio.sock}}\n";
const CRI_DOCKERD: &str =
    "kubelet: {config: {containerRuntimeEndpoint: unix:///run/cri-dockerd.sock}}\n";
/// Before 1.24 the kubelet talks to Docker by itself.
const DOCKER: &str = "kubelet: {flags: {container-runtime: docker}}\n";

fn version(kubelet: &str) -> &'static str {
    if kubelet == DOCKER {
        "v1.20.15"
    } else {
        "v1.34.4"
    }
}

fn checked(kubelet: &str, more: &str) -> String {
    let project = project(version(kubelet), "worker", &format!("{kubelet}{more}"));
    let output = project.run(&["check", "--format", "json"]);
    text(&output.stdout) + &text(&output.stderr)
}

fn preflight(kubelet: &str, more: &str) -> String {
    let project = project(version(kubelet), "worker", &format!("{kubelet}{more}"));
    text(&project.run(&["preflight"]).stdout)
}

fn crio(text: &str) -> String {
    format!(
        "files: {{/etc/crio/crio.conf.d/10-a.conf: {{content: {}}}}}\n",
        serde_json::json!(text)
    )
}

#[test]
fn what_is_for_containerd_is_found() {
    const ID: &str = "\"runtime-setting-unread\"";
    for kubelet in [CRIO, CRI_DOCKERD, DOCKER] {
        for more in [
            "registries: {docker.io: {mirrors: [{url: https://m.example.com}]}}\n",
            "registries: {r.example.com: {ca: pki/ca.pem}}\n",
            "registries: {r.example.com: {server: https://s.example.com}}\n",
            "registries: {r.example.com: {headers: {x: y}}}\n",
            "containerd: {version: \"1.7\"}\n",
            "containerd: {root: /data}\n",
            "containerd: {state: /run/c}\n",
            "containerd: {snapshotter: native}\n",
            "containerd: {sandboxImage: r.example.com/pause:3}\n",
            "containerd: {selinux: true}\n",
            "containerd: {imports: [/etc/x/*.toml]}\n",
            "containerd: {runtimes: {kata: {type: io.containerd.kata.v2}}}\n",
            "overlays: {containerd: {}}\ncontainerd: {runtimes: {kata: {type: io.containerd.kata.v2}}}\n",
        ] {
            let said = checked(kubelet, more);
            assert!(said.contains(ID), "{kubelet}{more}: {said}");
            let said = checked("", more);
            assert!(!said.contains(ID), "{more}: {said}");
        }
        for more in [
            "",
            // Only that the site has it.
            "registries: {r.example.com: {onSite: true}}\n",
            // Docker's own containerd reads it.
            "overlays: {containerd: {}}\ncontainerd: {root: /data, version: \"1.7\"}\n",
        ] {
            let said = checked(kubelet, more);
            assert!(!said.contains(ID), "{kubelet}{more}: {said}");
        }
    }
    // A profile of an operating system says what its containerd would have to know.
    let project = project("v1.34.4", "worker, fedora-coreos", CRIO);
    let said = text(&project.run(&["check", "--format", "json"]).stdout);
    assert!(!said.contains(ID), "{said}");
}

#[test]
fn the_manager_of_control_groups_is_the_kubelets() {
    let daemon =
        |text: &str| format!("files: {{/etc/docker/daemon.json: {{content: '{text}'}}}}\n");
    for (kubelet, more, wrong) in [
        (CRIO, crio("[crio.runtime]\ncgroup_manager = \"cgroupfs\"\n"), true),
        (CRIO, crio("[crio.runtime]\ncgroup_manager = \"systemd\"\n"), false),
        (
            CRIO,
            "files: {/etc/crio/crio.conf: {content: \"[crio.runtime]\\ncgroup_manager = 'cgroupfs'\\n\"}, \
             /etc/crio/crio.conf.d/a.conf: {content: \"[crio.runtime]\\ncgroup_manager = 'systemd'\\n\"}}\n"
                .to_owned(),
            false,
        ),
        (CRI_DOCKERD, daemon(r#"{"exec-opts": ["native.cgroupdriver=cgroupfs"]}"#), true),
        (CRI_DOCKERD, daemon(r#"{"exec-opts": ["native.cgroupdriver=systemd"]}"#), false),
        (DOCKER, daemon(r#"{"exec-opts": ["native.cgroupdriver=cgroupfs"]}"#), true),
        (DOCKER, daemon(r#"{"log-driver": "json-file"}"#), false),
        // containerd is not who the kubelet talks to.
        (CRIO, "files: {/etc/containerd/config.toml: {content: \"version = 2\\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]\\nruntime_type = 'io.containerd.runc.v2'\\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]\\nSystemdCgroup = false\\n\"}}\n".to_owned(), false),
    ] {
        let said = checked(kubelet, &more);
        assert_eq!(said.contains("\"runtime-disagrees\""), wrong, "{kubelet}{more}: {said}");
    }
}

#[test]
fn preflight_says_what_they_must_be_told() {
    let all = "[crio.runtime]\ncgroup_manager = \"systemd\"\n[crio.image]\npause_image = \"r.example.com/pause:9\"\n";
    for (kubelet, more, has, lacks) in [
        (
            CRIO,
            String::new(),
            &[
                "cgroup_manager = \"systemd\" in /etc/crio/crio.conf.d",
                "pause_image in /etc/crio/crio.conf.d",
                "unix:///var/run/crio/crio.sock",
                "a CNI configuration in /etc/cni/net.d, its plugins in /opt/cni/bin",
            ][..],
            &["containerd", "docker"][..],
        ),
        (CRIO, crio(all), &["r.example.com/pause:9"], &["cgroup_manager", "pause_image"]),
        (
            CRIO,
            crio("[crio.network]\nnetwork_dir = \"/etc/own/net.d\"\nplugin_dirs = [\"/usr/libexec/cni\", \"/opt/own\"]\n"),
            &["a CNI configuration in /etc/own/net.d, its plugins in /usr/libexec/cni or /opt/own"],
            &["/opt/cni/bin"],
        ),
        (
            CRI_DOCKERD,
            String::new(),
            &[
                "\"exec-opts\": [\"native.cgroupdriver=systemd\"] in /etc/docker/daemon.json",
                "--pod-infra-container-image of cri-docker.service",
                "unix:///var/run/docker.sock, of docker.service",
                "unix:///run/cri-dockerd.sock",
            ],
            &["crio"],
        ),
        (
            DOCKER,
            "files: {/etc/docker/daemon.json: {content: '{\"exec-opts\": [\"native.cgroupdriver=systemd\"]}'}}\n".to_owned(),
            &["unix:///var/run/docker.sock"],
            &["exec-opts", "crio"],
        ),
    ] {
        let said = preflight(kubelet, &more);
        for part in has {
            assert!(said.contains(part), "{part}: {said}");
        }
        for part in lacks {
            assert!(!said.contains(part), "{part}: {said}");
        }
    }
    let kubelet = "kubelet: {flags: {container-runtime: docker, cni-conf-dir: /etc/own, cni-bin-dir: \"/opt/a,/opt/b\"}}\n";
    let said = text(
        &project("v1.20.15", "worker", kubelet)
            .run(&["preflight"])
            .stdout,
    );
    assert!(
        said.contains("a CNI configuration in /etc/own, its plugins in /opt/a or /opt/b"),
        "{said}"
    );
    // What the inventory wants of containerd has a line, where its finding was accepted.
    let accepted =
        "findings: {runtime-setting-unread: {level: warning, reason: \"we do it by hand\"}}\n";
    let more = format!(
        "{accepted}registries: {{docker.io: {{mirrors: [{{url: https://m.example.com}}]}}}}\ncontainerd: {{runtimes: {{kata: {{type: io.containerd.kata.v2}}}}}}\n"
    );
    let said = preflight(CRIO, &more);
    for part in [
        "/etc/containers/registries.conf.d/*.conf",
        "the runtime kata in the configuration of CRI-O",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn proxies_are_set_for_the_unit_that_pulls() {
    let proxies = "proxies: {httpsProxy: \"http://p.example.com:3128\"}\n";
    for (kubelet, unit) in [
        ("", "containerd.service"),
        (CRIO, "crio.service"),
        (CRI_DOCKERD, "docker.service"),
        (DOCKER, "docker.service"),
    ] {
        let node = Node::bake(version(kubelet), "worker", &format!("{kubelet}{proxies}"));
        let folder = node.root.join("etc/systemd/system");
        for other in ["containerd.service", "crio.service", "docker.service"] {
            let file = folder.join(format!("{other}.d/10-nodebake-proxies.conf"));
            assert_eq!(file.exists(), other == unit, "{kubelet}: {other}");
        }
    }
}

#[test]
fn plugins_are_looked_for_where_crio_looks() {
    let network = "{\"cniVersion\": \"1.0.0\", \"name\": \"a\", \"type\": \"own\"}";
    let files = |folder: &str| {
        format!(
            "files:\n  /etc/cni/net.d/10-a.conf: {{content: '{network}'}}\n  {folder}/own: {{content: \"#!/bin/sh\\n\", mode: \"0755\"}}\n  \
             /etc/crio/crio.conf.d/10-a.conf: {{content: \"[crio.network]\\nplugin_dirs = ['/usr/libexec/cni']\\n\"}}\n"
        )
    };
    for (kubelet, folder, wrong) in [
        (CRIO, "/usr/libexec/cni", false),
        (CRIO, "/opt/cni/bin", true),
        ("", "/opt/cni/bin", false),
        ("", "/usr/libexec/cni", true),
    ] {
        let said = checked(kubelet, &files(folder));
        assert_eq!(
            said.contains("\"program-elsewhere\""),
            wrong,
            "{kubelet}{folder}: {said}"
        );
    }
}
