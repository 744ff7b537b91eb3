//! Scripts, programs that units start, and the resolver of pods.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use super::{Case, each_is_as_it_says};

/// Text of a script; whether the kernel and its interpreter run it to a good end.
const SCRIPTS: &[(&str, bool)] = &[
    ("#!/bin/sh\nexit 0\n", true),
    ("#! /usr/bin/env sh\nexit 0\n", true),
    ("#!/bin/sh -e\nexit 0", true),
    ("#!/bin/sh\nprintf 'a\r\nb' >/dev/null\n", true),
    ("#!/bin/sh\r\nexit 0\r\n", false),
    ("#!/bin/sh\nset -e\r\nexit 0\r\n", false),
    ("#!/bin/bash\nset -e\r\nexit 0\r\n", false),
    ("\u{feff}#!/bin/false\n", false),
    ("#!sh\nexit 0\n", false),
];

fn script(text: &str, mode: &str) -> Value {
    json!({"files": {"/usr/local/bin/x": {"content": text, "mode": mode}}})
}

#[test]
fn scripts_that_do_not_start_are_found_and_others_are_not() {
    let cases: Vec<Case> = SCRIPTS
        .iter()
        .map(|(text, runs)| Case {
            name: text,
            node: script(text, "0755"),
            ids: if *runs { &[] } else { &["script-invalid"] },
        })
        .collect();
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
    let folder = tempfile::tempdir().unwrap();
    for (number, (text, runs)) in SCRIPTS.iter().enumerate() {
        let path = folder.path().join(number.to_string());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        // env has the kernel start it, and no shell that would help out.
        let status = Command::new("env")
            .arg("-C")
            .arg("/")
            .arg(&path)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.success(), *runs, "{text:?}");
    }
}

fn unit(exec: &str, more: Value) -> Value {
    let mut node = more;
    node["units"] = json!({"x.service": {"text": format!("[Service]\n{exec}\n")}});
    node
}

#[test]
fn programs_that_come_with_the_node_must_be_executable() {
    const BAD: &[&str] = &["program-not-executable"];
    let files = |mode: &str| json!({"files": {"/usr/local/bin/x": {"content": "#!/bin/sh\n", "mode": mode}}});
    let start = "ExecStart=/usr/local/bin/x";
    let link = |mode: &str| {
        json!({
            "files": {"/opt/x/x": {"content": "#!/bin/sh\n", "mode": mode}},
            "links": {"/usr/local/bin/x": "../../../opt/x/x"},
        })
    };
    let cases = [
        Case {
            name: "executable",
            node: unit(start, files("0755")),
            ids: &[],
        },
        Case {
            name: "for root alone",
            node: unit(start, files("0700")),
            ids: &[],
        },
        Case {
            name: "of the image",
            node: unit("ExecStart=/usr/bin/x", files("0644")),
            ids: &[],
        },
        Case {
            name: "its interpreter",
            node: unit("ExecStart=/bin/sh /usr/local/bin/x", files("0644")),
            ids: &[],
        },
        Case {
            name: "by a link",
            node: unit(start, link("0755")),
            ids: &[],
        },
        Case {
            name: "not",
            node: unit(start, files("0644")),
            ids: BAD,
        },
        Case {
            name: "with a prefix",
            node: unit("ExecStart=-/usr/local/bin/x --a", files("0644")),
            ids: BAD,
        },
        Case {
            name: "the second",
            node: unit(
                "Type=oneshot\nExecStart=/bin/true ; /usr/local/bin/x",
                files("0644"),
            ),
            ids: BAD,
        },
        Case {
            name: "before",
            node: unit(
                "ExecStart=/bin/true\nExecStartPre=/usr/local/bin/x",
                files("0644"),
            ),
            ids: BAD,
        },
        Case {
            name: "a link to one",
            node: unit(start, link("0640")),
            ids: BAD,
        },
        Case {
            name: "a folder",
            node: unit(start, json!({"directories": {"/usr/local/bin/x": {}}})),
            ids: BAD,
        },
        Case {
            name: "merged /usr",
            node: unit(
                "ExecStart=/bin/x",
                json!({"files": {"/usr/bin/x": {"content": "#!/bin/sh\n"}}}),
            ),
            ids: BAD,
        },
        Case {
            name: "a drop-in of the image's unit",
            node: json!({
                "files": {"/usr/local/bin/x": {"content": "#!/bin/sh\n"}},
                "units": {"sshd.service": {"dropins": {"x.conf": "[Service]\nExecStartPre=/usr/local/bin/x\n"}}},
            }),
            ids: BAD,
        },
        Case {
            name: "masked",
            node: json!({
                "files": {"/usr/local/bin/x": {"content": "#!/bin/sh\n"}},
                "units": {"sshd.service": {"masked": true, "dropins": {"x.conf": "[Service]\nExecStartPre=/usr/local/bin/x\n"}}},
            }),
            ids: &[],
        },
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}

#[test]
fn pods_get_servers_that_they_can_reach() {
    const BAD: &[&str] = &["resolver-unreachable"];
    let told = |path: &str| json!({"kubelet": {"config": {"resolvConf": path}}});
    let on = |profile: &str, more: Value| {
        let mut node = more;
        node["profiles"] = json!(["worker", profile]);
        node
    };
    let servers = |text: &str| {
        json!({
            "kubelet": {"config": {"resolvConf": "/etc/kubernetes/resolv.conf"}},
            "files": {"/etc/kubernetes/resolv.conf": {"content": text}},
        })
    };
    let cases = [
        Case {
            name: "debian",
            node: on("debian", json!({})),
            ids: &[],
        },
        Case {
            name: "ubuntu",
            node: on("ubuntu", json!({})),
            ids: &[],
        },
        Case {
            name: "flatcar",
            node: on("flatcar", json!({})),
            ids: &[],
        },
        Case {
            name: "fedora",
            node: on("fedora-coreos", json!({})),
            ids: &[],
        },
        Case {
            name: "none",
            node: told(""),
            ids: &[],
        },
        Case {
            name: "the real one",
            node: told("/run/systemd/resolve/resolv.conf"),
            ids: &[],
        },
        Case {
            name: "own servers",
            node: servers("nameserver 10.0.0.53\n"),
            ids: &[],
        },
        Case {
            name: "the stub",
            node: told("/run/systemd/resolve/stub-resolv.conf"),
            ids: BAD,
        },
        Case {
            name: "the fixed stub",
            node: told("/usr/lib/systemd/resolv.conf"),
            ids: BAD,
        },
        Case {
            name: "ubuntu's own",
            node: on("ubuntu", told("/etc/resolv.conf")),
            ids: BAD,
        },
        Case {
            name: "flatcar without",
            node: on(
                "flatcar",
                json!({"kubelet": {"config": {"resolvConf": null}}}),
            ),
            ids: BAD,
        },
        Case {
            name: "a link",
            node: json!({"links": {"/etc/resolv.conf": "../run/systemd/resolve/stub-resolv.conf"}}),
            ids: BAD,
        },
        Case {
            name: "a good link",
            node: json!({"links": {"/etc/resolv.conf": "../run/systemd/resolve/resolv.conf"}}),
            ids: &[],
        },
        Case {
            name: "loopback",
            node: servers("search a\nnameserver 127.0.0.1\n"),
            ids: BAD,
        },
        Case {
            name: "loopback 6",
            node: servers("nameserver ::1\n"),
            ids: BAD,
        },
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}
