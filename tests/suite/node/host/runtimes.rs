//! containerd's runtimes by name, its folders and snapshotters, as containerd itself reads them.

use super::programs::{CONTAINERD, containerd_reads, dumped};
use super::{Node, project};
use crate::support::fixture::text;
use crate::support::oracles::{self, Target};

/// What `check` prints of a node with containerd's overlay.
fn checked(more: &str) -> String {
    let project = project("v1.34.4", "worker", &format!("{CONTAINERD}{more}"));
    let output = project.run(&["check", "--format", "json"]);
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn runtimes_folders_and_snapshotters_are_what_containerd_reads() {
    let more = |version: &str| {
        format!(
            "{CONTAINERD}containerd:\n  version: \"{version}\"\n  root: /data/containerd\n  state: /run/ctr\n  \
             snapshotter: native\n  defaultRuntime: nvidia\n  imports: [/etc/site/*.toml]\n  runtimes:\n    \
             runc: {{options: {{BinaryName: /opt/bin/runc}}}}\n    \
             nvidia: {{options: {{BinaryName: /usr/bin/nvidia-container-runtime}}, podAnnotations: [a.example.com/*]}}\n    \
             kata.qemu: {{type: io.containerd.kata.v2, path: /opt/kata/shim, privilegedWithoutHostDevices: true,\n      \
             options: {{ConfigPath: '/etc/kata/a \"b\".toml', x-y: [1, 2]}}, containerAnnotations: [io.katacontainers.*]}}\n    \
             own: {{type: /opt/own/containerd-shim-own-v1, baseRuntimeSpec: /etc/own.json}}\n"
        )
    };
    for (version, program) in [("1.6", "containerd-1.6"), ("2.4", "containerd-2.4")] {
        let node = Node::bake("v1.34.4", "worker", &more(version));
        let is_there = match program {
            "containerd-1.6" => oracles::present(program),
            _ => Target::Versions.has(program),
        };
        if !is_there {
            continue;
        }
        let dump = containerd_reads(program, &node);
        let all = |key: &str| dumped(&dump, key);
        assert!(
            dump.replace('\'', "\"")
                .contains("\nroot = \"/data/containerd\"\n"),
            "{dump}"
        );
        assert!(
            dump.replace('\'', "\"")
                .contains("\nstate = \"/run/ctr\"\n"),
            "{dump}"
        );
        assert_eq!(all("default_runtime_name"), ["\"nvidia\""]);
        assert!(
            all("snapshotter").contains(&"\"native\"".to_owned()),
            "{dump}"
        );
        let mut programs = all("BinaryName");
        programs.sort();
        assert_eq!(
            programs,
            ["\"/opt/bin/runc\"", "\"/usr/bin/nvidia-container-runtime\""]
        );
        // Those of runc's kind follow the kubelet, others have no such option.
        assert_eq!(all("SystemdCgroup"), ["true", "true"]);
        assert_eq!(all("runtime_path"), ["\"/opt/kata/shim\""]);
        assert_eq!(all("base_runtime_spec"), ["\"/etc/own.json\""]);
        let mut kinds = all("runtime_type");
        kinds.retain(|kind| kind != "\"io.containerd.runc.v2\"");
        assert_eq!(
            kinds,
            [
                "\"io.containerd.kata.v2\"",
                "\"/opt/own/containerd-shim-own-v1\""
            ]
        );
        // The dump has only those imports that are there.
        let config = node.file("etc/containerd/config.toml");
        assert!(
            config.contains("/conf.d/*.toml\", \"/etc/site/*.toml\"]"),
            "{config}"
        );
        assert!(
            dump.contains("a \"b\".toml") || dump.contains("a \\\"b\\\".toml"),
            "{dump}"
        );
    }
}

#[test]
fn runtimes_that_do_not_agree_are_found() {
    for (more, expected) in [
        (
            "containerd: {defaultRuntime: nvidia}\n",
            "containerd-cri-off",
        ),
        (
            "containerd: {root: /run/containerd}\n",
            "containerd-config-invalid",
        ),
        (
            "containerd: {state: /var/lib/containerd}\n",
            "containerd-config-invalid",
        ),
        ("containerd: {runtimes: {a b: {}}}\n", "name-invalid"),
        (
            "containerd: {runtimes: {a: {type: kata}}}\n",
            "name-invalid",
        ),
        ("containerd: {imports: [conf.d]}\n", "path-invalid"),
        (
            "containerd: {runtimes: {a: {options: {SystemdCgroup: false}}}}\n",
            "runtime-disagrees",
        ),
        (
            "containerd: {version: \"2.1\", runtimes: {a: {options: {BinaryNam: /x}}}}\n",
            "containerd-key-unknown",
        ),
    ] {
        let said = checked(more);
        assert!(said.contains(&format!("\"{expected}\"")), "{more}: {said}");
    }
    for more in [
        "containerd: {defaultRuntime: runc}\n",
        "containerd: {defaultRuntime: a, runtimes: {a: {}}}\n",
        "containerd: {version: \"2.1\", runtimes: {a: {options: {SystemdCgroup: true}}}}\n",
        "containerd: {root: /data, state: /run/data}\n",
    ] {
        let said = checked(more);
        assert!(
            !said.contains("containerd") && !said.contains("runtime-"),
            "{more}: {said}"
        );
    }
}
