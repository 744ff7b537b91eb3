//! Files of settings of the smaller readers, and what visudo and sysctl themselves say.

use std::fs;

use serde_json::{Value, json};

use super::{Case, each_is_as_it_says, file};
use crate::support::oracles;

const INVALID: &[&str] = &["settings-file-invalid"];

fn with_mode(path: &str, content: &str, mode: &str) -> Value {
    json!({"files": {path: {"content": content, "mode": mode}}})
}

#[test]
fn files_of_settings_are_read_by_their_rules() {
    const SUDO: &str = "core ALL=(ALL) NOPASSWD: ALL\n";
    const LINK: &str = "[connection]\nid=a\ntype=ethernet\n";
    let cases = [
        file(
            "cni",
            "/etc/cni/net.d/10-a.conflist",
            r#"{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "bridge"}]}"#,
            &[],
        ),
        file("cni's backup", "/etc/cni/net.d/10-a.conflist.bak", "x", &[]),
        file(
            "no cni",
            "/etc/cni/net.d/10-a.conflist",
            "{\"name\": \"a\",}",
            &["cni-config-invalid"],
        ),
        file(
            "hosts",
            "/etc/containerd/certs.d/r.example.com/hosts.toml",
            "server = \"https://r\"\n",
            &[],
        ),
        file(
            "no hosts",
            "/etc/containerd/certs.d/r.example.com/hosts.toml",
            "server: https://r\n",
            &["registry-hosts-invalid"],
        ),
        file(
            "crio",
            "/etc/crio/crio.conf.d/10-a.conf",
            "[crio.runtime]\ncgroup_manager = \"systemd\"\n",
            &[],
        ),
        file(
            "no crio",
            "/etc/crio/crio.conf.d/10-a.conf",
            "[crio.runtime\n",
            INVALID,
        ),
        file(
            "docker",
            "/etc/docker/daemon.json",
            "{\"log-driver\": \"journald\"}",
            &[],
        ),
        file(
            "no docker",
            "/etc/docker/daemon.json",
            "{'log-driver': 'journald'}",
            INVALID,
        ),
        file(
            "crictl",
            "/etc/crictl.yaml",
            "runtime-endpoint: unix:///run/x.sock\n",
            &[],
        ),
        file(
            "no crictl",
            "/etc/crictl.yaml",
            "runtime-endpoint: [\n",
            INVALID,
        ),
        file(
            "no netplan",
            "/etc/netplan/60-a.yaml",
            "network:\n\tversion: 2\n",
            &["netplan-file-open", "netplan-invalid"],
        ),
        file(
            "sysctl",
            "/etc/sysctl.d/95-a.conf",
            "net.ipv4.ip_forward=1\n",
            &[],
        ),
        file(
            "no sysctl",
            "/etc/sysctl.d/95-a.conf",
            "net.ipv4.ip_forward: 1\n",
            INVALID,
        ),
        file("not read", "/etc/sysctl.d/README", "words\n", &[]),
        file(
            "no module",
            "/etc/modules-load.d/a.conf",
            "ip_vs ip_vs_rr\n",
            INVALID,
        ),
        file(
            "no tmpfiles",
            "/etc/tmpfiles.d/a.conf",
            "dir /run/x\n",
            INVALID,
        ),
        file(
            "no sysusers",
            "/etc/sysusers.d/a.conf",
            "etcd 999\n",
            INVALID,
        ),
        Case {
            name: "sudo",
            node: with_mode("/etc/sudoers.d/core", SUDO, "0440"),
            ids: &[],
        },
        Case {
            name: "sudo's usual mode",
            node: with_mode("/etc/sudoers.d/core", SUDO, "0644"),
            ids: &[],
        },
        Case {
            name: "sudo for others",
            node: with_mode("/etc/sudoers.d/core", SUDO, "0664"),
            ids: INVALID,
        },
        Case {
            name: "sudo with a dot",
            node: with_mode("/etc/sudoers.d/core.conf", SUDO, "0440"),
            ids: INVALID,
        },
        Case {
            name: "no sudo",
            node: with_mode("/etc/sudoers.d/core", "core ALL\n", "0440"),
            ids: INVALID,
        },
        Case {
            name: "connection",
            node: with_mode(
                "/etc/NetworkManager/system-connections/a.nmconnection",
                LINK,
                "0600",
            ),
            ids: &[],
        },
        Case {
            name: "open connection",
            node: with_mode(
                "/etc/NetworkManager/system-connections/a.nmconnection",
                LINK,
                "0644",
            ),
            ids: INVALID,
        },
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}

/// A pod network with a plugin at a path, and containerd's configuration.
fn plugin(path: &str, mode: &str, containerd: &str) -> Value {
    let network =
        r#"{"name": "a", "plugins": [{"type": "bridge", "ipam": {"type": "host-local"}}]}"#;
    json!({"containerd": {"version": "1.7"}, "files": {
        "/etc/cni/net.d/10-a.conflist": {"content": network},
        "/etc/containerd/config.toml": {"content": containerd},
        path: {"content": "#!/bin/sh\n", "mode": mode},
    }})
}

#[test]
fn plugins_are_where_the_runtime_looks() {
    const ELSEWHERE: &str = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/usr/libexec/cni\"\n";
    let row = |name, path: &str, mode: &str, containerd: &str, ids| Case {
        name,
        node: plugin(path, mode, containerd),
        ids,
    };
    let plain = "version = 2\n";
    let cases = [
        row(
            "usual folder",
            "/opt/cni/bin/bridge",
            "0755",
            plain,
            &[][..],
        ),
        row(
            "told folder",
            "/usr/libexec/cni/bridge",
            "0755",
            ELSEWHERE,
            &[],
        ),
        row("brought by nobody", "/usr/bin/other", "0755", plain, &[]),
        row("of iproute2", "/usr/sbin/bridge", "0755", plain, &[]),
        row(
            "other folder",
            "/usr/lib/cni/bridge",
            "0755",
            plain,
            &["program-elsewhere"],
        ),
        row(
            "no longer told",
            "/opt/cni/bin/host-local",
            "0755",
            ELSEWHERE,
            &["program-elsewhere"],
        ),
        row(
            "not executable",
            "/opt/cni/bin/bridge",
            "0644",
            plain,
            &["program-not-executable"],
        ),
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}

/// systemd-tmpfiles itself, on lines that the unit test of the reader has.
#[test]
fn tmpfiles_refuses_what_we_refuse() {
    oracles::needs(["systemd-tmpfiles"]);
    let folder = tempfile::tempdir().unwrap();
    for (line, is_taken) in [
        ("d /nb/x 0755 root root -", true),
        ("k /nb/x", false),
        ("d nb/x", false),
        ("d /nb/x 0999", false),
    ] {
        fs::write(folder.path().join("a.conf"), format!("{line}\n")).unwrap();
        let root = folder.path().join("root");
        let root = format!("--root={}", root.display());
        let conf = folder.path().join("a.conf");
        let output = oracles::run(
            folder.path(),
            "systemd-tmpfiles",
            &["--create", &root, conf.to_str().unwrap()],
        );
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(!said.contains("a.conf:1"), is_taken, "{line}: {said}");
    }
}
