//! containerd's runtimes by name, its folders and snapshotters, as containerd itself reads them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

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

/// Whether the CRI plugin of a containerd starts with a configuration that imports another one.
fn starts(program: &str, config: &str, imported: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let import = format!("imports = [\"{}\"]\n", path("conf.d/*.toml"));
    // Keys of the top come before tables.
    let (version, rest) = config.split_once('\n').unwrap();
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    fs::write(path("config.toml"), format!("{version}\n{import}{rest}")).unwrap();
    if !imported.is_empty() {
        fs::write(path("conf.d/a.toml"), imported).unwrap();
    }
    let mut child = oracles::command(folder.path(), program)
        .args(["--config", &path("config.toml"), "--root", &path("root")])
        .args(["--state", &path("state"), "--address", &path("s.sock")])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut failed = false;
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        failed |= line.contains("failed to load plugin") && line.contains("runtime configured in");
        if line.contains("containerd successfully booted") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    !failed
}

/// Each row: containerd's configuration, what it imports, and whether the CRI plugin of 1.4, 1.6 and 2.4 starts.
#[test]
fn the_default_runtime_may_be_one_that_a_file_of_conf_d_defines() {
    oracles::needs_root();
    let start = |rest: &str| {
        format!("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd{rest}")
    };
    let runtime = start(".runtimes.a]\nruntime_type = \"io.containerd.runc.v2\"\n");
    let default = start("]\ndefault_runtime_name = \"a\"\n");
    let both = format!("{runtime}{}", &default["version = 2\n".len()..]);
    let none = String::new();
    for (config, imported, expected) in [
        (&default, &none, [false, false, false]),
        (&default, &runtime, [true, false, true]),
        (&default, &both, [true, true, true]),
        (&runtime, &none, [true, false, true]),
        (&both, &none, [true, true, true]),
        (&runtime, &default, [false, false, true]),
    ] {
        for ((version, program), starting) in [
            ("1.4", "containerd-1.4"),
            ("1.6", "containerd-1.6"),
            ("2.4", "containerd-2.4"),
        ]
        .into_iter()
        .zip(expected)
        {
            let kubelet = if version == "2.4" {
                "v1.34.4"
            } else {
                "v1.25.16"
            };
            let mut files = format!(
                "containerd: {{version: \"{version}\"}}\nfiles:\n  /etc/containerd/config.toml: {{content: {}}}\n",
                serde_json::json!(config.replacen(
                    '\n',
                    "\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n",
                    1
                ))
            );
            if !imported.is_empty() {
                files += &format!(
                    "  /etc/containerd/conf.d/a.toml: {{content: {}}}\n",
                    serde_json::json!(imported)
                );
            }
            let output = project(kubelet, "worker", &files).run(&["check", "--format", "json"]);
            let said = text(&output.stdout);
            assert_eq!(
                !said.contains("\"containerd-cri-off\""),
                starting,
                "{version}: {config} {imported}: {said}"
            );
            let is_there = match version {
                "1.6" => oracles::present(program),
                _ => Target::Versions.has(program),
            };
            if is_there {
                assert_eq!(
                    starts(program, config, imported),
                    starting,
                    "{version}: {config} {imported}"
                );
            }
        }
    }
}

#[test]
fn a_default_of_the_inventory_may_come_from_conf_d() {
    let conf_d = "files: {/etc/containerd/conf.d/a.toml: {content: \"version = 3\\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.gpu]\\nruntime_type = 'io.containerd.runc.v2'\\n\"}}\n";
    let own = "containerd: {version: \"2.1\", defaultRuntime: gpu}\n";
    let said = checked(&format!("{own}{conf_d}"));
    assert!(!said.contains("containerd-"), "{said}");
    let said = checked(own);
    assert!(
        said.contains("\"containerd-cri-off\"") && said.contains("containerd.defaultRuntime"),
        "{said}"
    );
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
