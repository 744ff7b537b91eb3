//! `preflight`: what payloads do not bring is said, and nothing that they bring.

use std::fs;

use serde_json::Value;

use crate::support::fixture::{Project, sha256, text};

/// The rows of a project whose inventory is changed.
fn rows(changes: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let project = Project::of("modern");
    let file = project.dir.join("cluster.yaml");
    let mut inventory = fs::read_to_string(&file).unwrap();
    for (from, to) in changes {
        assert!(inventory.contains(from), "{from}");
        inventory = inventory.replacen(from, to, 1);
    }
    fs::write(file, inventory).unwrap();
    fs::write(project.dir.join("kubelet"), "kubelet\n").unwrap();
    let output = project.run(&["preflight", "-o", "json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (word(row, "need"), word(row, "what"), word(row, "why")))
        .collect()
}

fn has(rows: &[(String, String, String)], need: &str, what: &str) -> bool {
    rows.iter().any(|row| row.0 == need && row.1 == what)
}

#[test]
fn what_is_named_and_not_brought_is_listed() {
    let rows = rows(&[]);
    for (need, what) in [
        ("system", "/usr/local/bin/kubelet"),
        ("system", "unix:///run/containerd/containerd.sock"),
    ] {
        let of_kind: Vec<_> = rows.iter().filter(|row| row.0 == need).collect();
        assert!(
            has(&rows, need, what) || what.ends_with(".service"),
            "{what}: {of_kind:?}"
        );
    }
    assert!(
        rows.iter()
            .any(|row| row.0 == "apiServer" && row.1.starts_with("https://"))
    );
    assert!(rows.iter().any(|row| row.0 == "clock"));
    let images: Vec<_> = rows.iter().filter(|row| row.0 == "image").collect();
    assert!(
        images.iter().any(|row| row.1.contains("/pause:")),
        "{images:?}"
    );
    let pulled = |row: &&(String, String, String)| row.2.ends_with("pulled from registry.k8s.io");
    assert!(images.iter().any(pulled), "{images:?}");
}

#[test]
fn what_is_brought_is_not_listed_and_mirrors_are_named() {
    let digest = sha256(b"kubelet\n");
    let assets = format!(
        "profiles: [worker]\nregistries: {{registry.k8s.io: {{mirrors: [{{url: \"https://mirror.example.com/k8s\"}}]}}}}\n\
         assets: {{/usr/local/bin/kubelet: {{source: kubelet, sha256: {digest}, mode: \"0755\"}}}}\n\
         files: {{/etc/cni/net.d/10-net.conflist: {{content: \"{{\\\"cniVersion\\\": \\\"1.0.0\\\", \\\"name\\\": \\\"net\\\", \\\"plugins\\\": [{{\\\"type\\\": \\\"bridge\\\"}}]}}\"}}}}\noutput: {{assetsURL: \"https://boot.example.com/{{sha256}}\"}}\n"
    );
    let rows = rows(&[("profiles: [worker]\n", &assets)]);
    assert!(!has(&rows, "system", "/usr/local/bin/kubelet"), "{rows:?}");
    assert!(
        !rows.iter().any(|row| row.2.contains("pod network")),
        "{rows:?}"
    );
    assert!(
        has(&rows, "download", "https://boot.example.com/{sha256}"),
        "{rows:?}"
    );
    let mirrored = |row: &(String, String, String)| {
        row.0 == "image"
            && row
                .2
                .ends_with("pulled from https://mirror.example.com/k8s")
    };
    assert!(rows.iter().any(mirrored), "{rows:?}");
}

#[test]
fn it_is_a_table_for_people_and_findings_come_first() {
    let project = Project::of("modern");
    let said = project.good(&["preflight"]);
    let first: Vec<&str> = said.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(first, ["NEED", "WHAT", "WHY", "NODES"]);
    assert!(said.lines().any(|line| line.ends_with("   all")), "{said}");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        inventory.replacen("kubernetes: v", "kubernetes: x", 1),
    )
    .unwrap();
    let output = project.run(&["preflight"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
}

/// containerd's configuration names folders, programs, sockets and snapshotters that somebody must bring.
#[test]
fn what_containerd_is_told_and_nobody_brings_is_listed() {
    let profiles = "profiles: [worker";
    let with = |file: &str, text: &str| {
        let text = text.replace('\n', "\\n").replace('"', "\\\"");
        format!("files: {{{file}: {{content: \"{text}\"}}}}\n{profiles}")
    };
    let drop_in = "/etc/containerd/conf.d/x.toml";
    let runtimes = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes";
    for (file, text, what) in [
        (drop_in, "version = 2\nroot = \"/data/containerd\"\n".to_owned(), "/data/containerd"),
        (drop_in, "version = 2\nstate = \"/run/mine\"\n".to_owned(), "/run/mine"),
        (drop_in, format!("{runtimes}.crun.options]\nBinaryName = \"/usr/bin/crun\"\n"), "/usr/bin/crun"),
        (drop_in, format!("{runtimes}.kata]\nruntime_type = \"io.containerd.kata.v2\"\n"), "containerd-shim-kata-v2"),
        (
            drop_in,
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\nsnapshotter = \"zfs\"\n".to_owned(),
            "the snapshotter zfs",
        ),
    ] {
        let with = with(file, &text);
        let found = rows(&[(profiles, &with)]);
        assert!(has(&found, "system", what), "{text}: {found:#?}");
        assert!(!has(&rows(&[]), "system", what), "{what}");
    }
    let there = format!(
        "links: {{/usr/bin/crun: /opt/crun}}\n{}",
        with(
            drop_in,
            &format!("{runtimes}.crun.options]\nBinaryName = \"/usr/bin/crun\"\n")
        )
    );
    let found = rows(&[(profiles, &there)]);
    assert!(
        has(&found, "system", "/opt/crun") && !has(&found, "system", "/usr/bin/crun"),
        "{found:#?}"
    );
    let network = |changes: &[(&str, &str)]| {
        let rows = rows(changes).into_iter();
        let mut rows = rows.filter(|row| row.1.starts_with("a CNI configuration"));
        rows.next().map(|row| row.1)
    };
    let folder = format!(
        "containerd: {{version: \"1.7\"}}\npaths: {{cniConfig: /etc/kubernetes/cni/net.d, cniBin: /opt/plugins}}\n{profiles}"
    );
    let overlay = ("  chrony: {}\n", "  chrony: {}\n  containerd: {}\n");
    let said = network(&[(profiles, &folder), overlay]).unwrap();
    assert!(
        said.starts_with(
            "a CNI configuration in /etc/kubernetes/cni/net.d, its plugins in /opt/plugins"
        ),
        "{said}"
    );
    let brought = folder.replace(
        "profiles:",
        "files: {/etc/kubernetes/cni/net.d/10-x.conflist: {content: '{\"name\": \"x\", \"plugins\": [{\"type\": \"bridge\", \"ipam\": {\"type\": \"host-local\"}}]}'}}\nprofiles:",
    );
    assert_eq!(network(&[(profiles, &brought), overlay]), None);
    let all = rows(&[(profiles, &brought), overlay]);
    for plugin in ["bridge", "host-local", "loopback"] {
        let what = format!("the CNI plugin {plugin} in /opt/plugins");
        assert!(has(&all, "system", &what), "{what}: {all:#?}");
    }
    let with_plugin = brought.replace(
        "files: {",
        "files: {/opt/plugins/bridge: {content: x, mode: \"0755\"}, ",
    );
    let all = rows(&[(profiles, &with_plugin), overlay]);
    let what = "the CNI plugin bridge in /opt/plugins";
    assert!(!has(&all, "system", what), "{all:#?}");
}

/// A timer, a socket or a path is of no use without the unit that it starts.
#[test]
fn units_that_others_start_are_listed() {
    let profiles = "profiles: [worker";
    for (unit, text, started) in [
        (
            "a.timer",
            "[Timer]\\nOnCalendar=daily\\n",
            Some("a.service"),
        ),
        (
            "a.timer",
            "[Timer]\\nOnCalendar=daily\\nUnit=b.service\\n",
            Some("b.service"),
        ),
        ("a.path", "[Path]\\nPathExists=/srv\\n", Some("a.service")),
        (
            "a.socket",
            "[Socket]\\nListenStream=/run/a\\n",
            Some("a.service"),
        ),
        (
            "a.socket",
            "[Socket]\\nListenStream=/run/a\\nAccept=yes\\n",
            Some("a@.service"),
        ),
        (
            "a.timer",
            "[Timer]\\nOnCalendar=daily\\nUnit=kubelet.service\\n",
            None,
        ),
    ] {
        let units = format!("units: {{{unit}: {{text: \"{text}\"}}}}\n{profiles}");
        let rows = rows(&[(profiles, &units)]);
        let by = format!("{unit} starts it");
        let found = rows
            .iter()
            .find(|row| row.2 == by)
            .map(|row| row.1.as_str());
        assert_eq!(found, started, "{unit} {text}");
    }
}

#[test]
fn open_vswitch_of_netplan_files_needs_its_tool() {
    let with = |file: &str| {
        let files = format!(
            "nodes:\n  - files: {{/etc/netplan/60-own.yaml: {{mode: \"0600\", content: '{file}'}}}}\n    name:"
        );
        let rows = rows(&[("nodes:\n  - name:", &files)]);
        has(&rows, "system", "/usr/bin/ovs-vsctl")
    };
    assert!(with("network: {bridges: {br0: {openvswitch: {}}}}"));
    assert!(with(
        "network: {openvswitch: {ports: [[a, b]]}, bridges: {b0: {interfaces: [a]}, b1: {interfaces: [b]}}}"
    ));
    assert!(!with("network: {bridges: {br0: {}}}"));
}
