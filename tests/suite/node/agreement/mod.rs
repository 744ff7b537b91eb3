//! What the kubelet, units and runtimes are told agrees with what is baked: names, addresses, paths and programs of many
//! inventories, each with the answer that is right for it.

mod host_files;
mod paths;
mod programs;

use std::fs;

use serde_json::Value;

use crate::support::fixture::{Project, text};

/// A project whose node n1 has more settings.
fn project(profiles: &str, of_node: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let changed = text
        .replace(
            "profiles: [worker, rack]",
            &format!("profiles: [{profiles}]"),
        )
        .replace(
            "    addresses: [10.0.0.1]\n",
            &format!(
                "    addresses: [10.0.0.1, \"fd00::1\"]\n    {}\n",
                of_node.replace('\n', "\n    ")
            ),
        );
    assert!(changed.contains(of_node.lines().next().unwrap()));
    fs::write(&file, changed).unwrap();
    project
}

/// The ids of n1's findings, each once.
fn ids(project: &Project) -> Vec<String> {
    let output = project.run(&["check", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}{}", text(&output.stdout), text(&output.stderr)));
    let is_of_n1 = |one: &&Value| {
        let nodes = one["nodes"].as_array();
        nodes.is_none_or(|nodes| nodes.is_empty() || nodes.contains(&Value::from("n1")))
    };
    let findings = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(is_of_n1);
    let mut ids: Vec<String> = findings
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// What `preflight` lists for n1, and why.
fn needs(project: &Project) -> Vec<(String, String)> {
    let output = project.run(&["preflight", "-o", "json"]);
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let is_of_n1 = |row: &&Value| {
        row["nodes"]
            .as_array()
            .unwrap()
            .contains(&Value::from("n1"))
    };
    let rows = rows.as_array().unwrap().iter().filter(is_of_n1);
    rows.map(|row| (word(row, "what"), word(row, "why")))
        .collect()
}

/// The text of a file of n1.
fn file(project: &Project, path: &str) -> String {
    project.good(&["show", "n1", "--file", path])
}

/// The program that n1's kubelet is started from.
fn program(project: &Project, unit: &str) -> String {
    let text = file(project, &format!("/etc/systemd/system/{unit}"));
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    line.unwrap().trim_end_matches([' ', '\\']).to_owned()
}

/// A project with small programs as assets at these paths.
fn with_assets(profiles: &str, paths: &[&str], more: &str) -> Project {
    let bytes = b"#!/bin/sh\n";
    let digest = crate::support::fixture::sha256(bytes);
    let asset =
        |path: &&str| format!("{path}: {{source: program, sha256: {digest}, mode: \"0755\"}}");
    let assets: Vec<String> = paths.iter().map(asset).collect();
    let project = project(
        profiles,
        &format!("assets: {{{}}}\n{more}", assets.join(", ")),
    );
    fs::write(project.dir.join("program"), bytes).unwrap();
    project
}

#[test]
fn the_kubelet_calls_itself_and_listens_as_the_node() {
    const NAME: &str = "kubelet-name-differs";
    const ADDRESS: &str = "kubelet-address-foreign";
    const ALONE: &str = "kubelet-unreachable";
    const HOST: &str = "hostname-invalid";
    const SOCKET: &str = "kubelet-endpoint-invalid";
    for (settings, expected) in [
        ("kubelet: {flags: {hostname-override: other}}", vec![NAME]),
        (
            "kubelet: {flags: {hostname-override: n1.example.com}}",
            vec![NAME],
        ),
        (
            "kubelet: {flags: {hostname-override: \"{{ node.name }}.lan\"}}",
            vec![NAME],
        ),
        ("kubelet: {flags: {hostname-override: \" N1 \"}}", vec![]),
        ("hostname: n1.example.com", vec![]),
        (
            "hostname: n1.example.com\nkubelet: {flags: {hostname-override: null}}",
            vec![NAME],
        ),
        (
            "hostname: \"{{ node.name }}.lan\"\nkubelet: {flags: {hostname-override: null}}",
            vec![NAME],
        ),
        (
            "hostname: N1\nkubelet: {flags: {hostname-override: null}}",
            vec![],
        ),
        (
            "hostname: n1\nkubelet: {flags: {hostname-override: null}}",
            vec![],
        ),
        (
            "hostname: null\nkubelet: {flags: {hostname-override: null}}",
            vec![],
        ),
        ("kubelet: {flags: {node-ip: 10.0.0.99}}", vec![ADDRESS]),
        (
            "kubelet: {flags: {node-ip: \"10.0.0.1,fd00::99\"}}",
            vec![ADDRESS],
        ),
        ("kubelet: {flags: {node-ip: 10.0.0.2}}", vec![ADDRESS]),
        ("kubelet: {flags: {node-ip: 10.0.0.1}}", vec![]),
        ("kubelet: {flags: {node-ip: \"fd00:0:0::1\"}}", vec![]),
        ("kubelet: {flags: {node-ip: 0.0.0.0}}", vec![]),
        ("kubelet: {flags: {node-ip: \"::\"}}", vec![]),
        ("kubelet: {flags: {node-ip: null}}", vec![]),
        ("kubelet: {config: {address: 10.0.0.9}}", vec![ADDRESS]),
        (
            "kubelet: {config: {address: \"{{ node.address }}\"}}",
            vec![],
        ),
        ("kubelet: {config: {address: 0.0.0.0}}", vec![]),
        ("hostname: \"$HOSTNAME\"", vec![HOST]),
        ("hostname: my_host", vec![HOST]),
        ("hostname: \"a b\"", vec![HOST]),
        ("hostname: -x", vec![HOST]),
        ("hostname: x.", vec![HOST]),
        ("hostname: a..b", vec![HOST]),
        ("hostname: \"{{ node.name }}_x\"", vec![HOST]),
        (
            "hostname: a23456789b23456789c23456789d23456789e23456789f23456789g23456789h2",
            vec![HOST],
        ),
        (
            "hostname: a23456789b23456789c23456789d23456789e23456789f23456789g234",
            vec![],
        ),
        ("hostname: N1.Example.com", vec![]),
        ("hostname: \"10.0.0.1\"", vec![]),
        (
            "kubelet: {config: {containerRuntimeEndpoint: \"unix:///var/run/dockershim.sock\"}}",
            vec![SOCKET],
        ),
        (
            "kubelet: {config: {containerRuntimeEndpoint: \"unix:///run/cri-dockerd.sock\"}}",
            vec![],
        ),
        ("kubelet: {config: {address: 127.0.0.1}}", vec![ALONE]),
        ("kubelet: {config: {address: 127.8.8.8}}", vec![ALONE]),
        ("kubelet: {config: {address: \"::1\"}}", vec![ALONE]),
        (
            "kubelet: {flags: {address: 127.0.0.1}}",
            vec!["kubelet-flag-deprecated", ALONE],
        ),
        (
            "kubelet: {flags: {address: 0.0.0.0}, config: {address: 127.0.0.1}}",
            vec!["kubelet-flag-deprecated", "kubelet-setting-overridden"],
        ),
        (
            "kubelet: {config: {address: 127.0.0.1, enableServer: false}}",
            vec![],
        ),
        ("kubelet: {config: {address: \"fd00::1\"}}", vec![]),
        (
            "kubelet: {config: {healthzBindAddress: 10.0.0.9}}",
            vec![ADDRESS],
        ),
        ("kubelet: {config: {healthzBindAddress: 127.0.0.1}}", vec![]),
        (
            "interfaces: {lan0: {addresses: [10.0.0.1/24, 10.1.0.1/24, \"fd00::1/64\"]}}\nkubelet: {flags: {node-ip: 10.1.0.1}}",
            vec![],
        ),
        (
            "interfaces: {lan0: {addresses: [10.0.0.1/24, \"fd00::1/64\"]}, lan1: {dhcp: ipv4}}\nkubelet: {config: {address: 10.7.0.1}}",
            vec![],
        ),
    ] {
        let project = project("worker", settings);
        let mut found = ids(&project);
        // Families of addresses are another rule's.
        found.retain(|id| id != "node-address-family");
        assert_eq!(found, expected, "{settings}");
    }
}

#[test]
fn a_node_on_which_nothing_starts_the_kubelet_is_refused() {
    const NOT_STARTED: &str = "kubelet-not-started";
    let kubeadm = "paths: {kubeletConfig: /var/lib/kubelet/config.yaml, bootstrapKubeconfig: /etc/kubernetes/bootstrap-kubelet.conf}\n";
    let image = "units: {kubelet.service: {enabled: true}}\n";
    let own = |enabled: &str| {
        format!(
            "units: {{mine.service: {{{enabled}text: \"[Service]\\nExecStart=/usr/bin/kubelet \
             --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.kubeconfig\\n[Install]\\nWantedBy=multi-user.target\\n\"}}}}\n"
        )
    };
    for (profiles, more, is_refused) in [
        ("", "taints: {}".to_owned(), true),
        ("debian", "taints: {}".to_owned(), true),
        ("ubuntu", "taints: {}".to_owned(), true),
        ("flatcar", "taints: {}".to_owned(), true),
        ("fedora-coreos", "taints: {}".to_owned(), true),
        ("immutable", "taints: {}".to_owned(), true),
        ("debian", image.to_owned(), true),
        ("debian", format!("{kubeadm}{image}"), false),
        ("debian", kubeadm.to_owned(), true),
        ("debian", own("enabled: true, "), false),
        ("debian", own(""), true),
        (
            "debian",
            format!("{}links: {{/etc/systemd/system/multi-user.target.wants/mine.service: ../mine.service}}\n", own("")),
            false,
        ),
        (
            "debian",
            "files: {/usr/local/bin/start: {mode: \"0755\", content: \"exec kubelet --kubeconfig /etc/kubernetes/bootstrap-kubelet.kubeconfig\"}}\n"
                .to_owned(),
            false,
        ),
        ("worker", "taints: {}".to_owned(), false),
        ("by-hand", "taints: {}".to_owned(), false),
        ("worker", "units: {kubelet.service: {enabled: false}}\n".to_owned(), true),
        ("worker", "units: {kubelet.service: {masked: true, enabled: false}}\n".to_owned(), true),
        ("worker", "overlays: {kubelet: null}\n".to_owned(), true),
    ] {
        let found = ids(&project(profiles, &more));
        let has = found.contains(&NOT_STARTED.to_owned());
        assert_eq!(has, is_refused, "{profiles}: {more}: {found:?}");
    }
}
