//! One inventory in the words of each network manager, applied by that manager to two cables in a namespace of its own: the
//! kernel must have the same afterwards. tests/oracle/networks/apply.sh says how.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::{Value as Json, json};

use crate::support::fixture::{Project, text};
use crate::support::oracles::{self, Target};

const NETWORKD: &str = "/lib/systemd/systemd-networkd";

/// Interfaces, and what the kernel has then.
fn inventories() -> [(&'static str, Json); 5] {
    [
        // Everything that is static, beside addresses and routes from the network.
        (
            "addresses: [10.1.0.5], interfaces: {lan0: {mac: '52:54:00:00:00:01', addresses: [10.1.0.5/24, 'fd00:1::5/64'], \
             gateways: [10.1.0.1, {via: 'fd00:1::1', metric: 50}], dns: {servers: [10.1.0.2, 'fd00:1::2'], \
             search: [example.com, example.net]}, mtu: 1400, routes: [{to: 10.9.0.0/16, via: 10.1.0.3, metric: 9}, \
             {to: 10.8.0.0/16, via: 172.31.1.1, onLink: true}, {to: 'fd09::/48', via: 'fd00:1::3'}]}, \
             lan1: {mac: '52:54:00:00:00:02', dhcp: ipv4, acceptRA: true}}",
            json!({
                "lan0": link(&["10.1.0.5/24", "fd00:1::5/64"], &["10.1.0.2", "fd00:1::2"], &["example.com", "example.net"], 1400),
                "lan1": link(&["10.2.0.78/24", "fd00:bb::5054:ff:fe00:2/64"], &[], &[], 1500),
                "routes": [
                    ["10.8.0.0/16", "172.31.1.1", "lan0", 0, true],
                    ["10.9.0.0/16", "10.1.0.3", "lan0", 9, false],
                    ["default", "10.1.0.1", "lan0", 0, false],
                    ["default", "10.2.0.1", "lan1", 100, false],
                    ["default", "fd00:1::1", "lan0", 50, false],
                    ["default", "fe80::", "lan1", 100, false],
                    ["fd09::/48", "fd00:1::3", "lan0", 1024, false],
                ],
            }),
        ),
        // A static interface obeys no router. Of two with DHCP the first one wins.
        (
            "interfaces: {lan1: {mac: '52:54:00:00:00:02', dhcp: ipv4}, lan0: {mac: '52:54:00:00:00:01', dhcp: ipv4, \
             addresses: ['fd00:1::5/64'], gateways: ['fe80::1']}}",
            json!({
                "lan0": link(&["10.1.0.77/24", "fd00:1::5/64"], &[], &[], 1500),
                "lan1": link(&["10.2.0.78/24"], &[], &[], 1500),
                "routes": [
                    ["default", "10.1.0.1", "lan0", 101, false],
                    ["default", "10.2.0.1", "lan1", 100, false],
                    ["default", "fe80::1", "lan0", 1024, false],
                ],
            }),
        ),
        // A router outside of the network, and a second way out.
        (
            "interfaces: {lan0: {addresses: [203.0.113.7/32, 'fd00:1::5/64'], gateways: [{via: 172.31.1.1, onLink: true}, 'fe80::1']}, \
             lan1: {addresses: [10.2.0.5/24], gateways: [{via: 10.2.0.1, metric: 200}], dns: {servers: [10.2.0.2]}}}",
            json!({
                "lan0": link(&["203.0.113.7/32", "fd00:1::5/64"], &[], &[], 1500),
                "lan1": link(&["10.2.0.5/24"], &["10.2.0.2"], &[], 1500),
                "routes": [
                    ["default", "10.2.0.1", "lan1", 200, false],
                    ["default", "172.31.1.1", "lan0", 0, true],
                    ["default", "fe80::1", "lan0", 1024, false],
                ],
            }),
        ),
        // A bridge that gets a lease by its port's MAC address, and answers that go the way that questions came.
        (
            "interfaces: {lan0: {mac: '52:54:00:00:00:01'}, br0: {bridge: {members: [lan0], stp: true, forwardDelay: 2}, \
             dhcp: ipv4, addresses: ['fd00:1::5/64']}, lan1: {addresses: [10.2.0.5/24, 'fd00:2::5/64'], optional: true, \
             routes: [{to: 0.0.0.0/0, via: 10.2.0.1, table: 100}, {to: 10.9.0.0/16, via: 10.2.0.3, table: 100, metric: 7}, \
             {to: '::/0', via: 'fd00:2::1', table: 100}], rules: [{from: 10.2.0.0/24, table: 100, priority: 100}, \
             {from: 10.7.0.0/16, to: 10.9.0.0/16, table: 100, priority: 101}, {to: 'fd09::/48', table: 100, priority: 100}]}}",
            json!({
                "lan0": {
                    "addresses": [], "dns": [], "domains": [], "linkLocal": false, "mtu": 1500, "privacy": 0,
                    "master": "br0",
                },
                "lan1": link(&["10.2.0.5/24", "fd00:2::5/64"], &[], &[], 1500),
                "br0": {
                    "addresses": ["10.1.0.77/24", "fd00:1::5/64"], "dns": [], "domains": [], "linkLocal": true,
                    "mtu": 1500, "privacy": 0, "mac": "52:54:00:00:00:01",
                    "bridge": {"stp_state": 1, "forward_delay": 200},
                },
                "routes": [
                    ["10.9.0.0/16", "10.2.0.3", "lan1", 7, false, "100"],
                    ["default", "10.1.0.1", "br0", 100, false],
                    ["default", "10.2.0.1", "lan1", 0, false, "100"],
                    ["default", "fd00:2::1", "lan1", 1024, false, "100"],
                ],
                "rules": ["100 10.2.0.0/24 all 100", "100 all fd09::/48 100", "101 10.7.0.0/16 10.9.0.0/16 100"],
            }),
        ),
        // IPv6 alone, by routers; addresses beside a lease.
        (
            "interfaces: {lan0: {mac: '52:54:00:00:00:01', acceptRA: true, mtu: 1280}, lan1: {mac: '52:54:00:00:00:02', \
             dhcp: ipv4, addresses: [10.2.0.5/24, 10.7.0.5/16], routes: [{to: 10.9.0.0/16, via: 10.7.0.1}]}}",
            json!({
                "lan0": link(&["fd00:aa::5054:ff:fe00:1/64"], &[], &[], 1280),
                "lan1": link(&["10.2.0.5/24", "10.2.0.78/24", "10.7.0.5/16"], &[], &[], 1500),
                "routes": [
                    ["10.9.0.0/16", "10.7.0.1", "lan1", 0, false],
                    ["default", "10.2.0.1", "lan1", 100, false],
                    ["default", "fe80::", "lan0", 1024, false],
                ],
            }),
        ),
    ]
}

fn link(addresses: &[&str], dns: &[&str], domains: &[&str], mtu: u16) -> Json {
    json!({
        "addresses": addresses, "dns": dns, "domains": domains, "linkLocal": true, "mtu": mtu, "privacy": 0,
    })
}

/// A project of one node, whose network is configured one way.
fn project(node: &str, network: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let (head, _) = inventory.split_once("nodes:\n").unwrap();
    let node = format!("nodes:\n  - {{name: n1, {node}}}\nos: {{network: {network}}}\n");
    fs::write(&file, format!("{head}{node}")).unwrap();
    project
}

/// The root of the node, made for one way.
fn root(node: &str, network: &str) -> (Project, PathBuf) {
    let project = project(node, network);
    project.good(&["build", "--format", "tarball"]);
    let root = project.scratch().join("root");
    let file = fs::File::open(project.out().join("nodes/n1/n1.tar.gz")).unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(file))
        .unpack(&root)
        .unwrap();
    (project, root)
}

/// Lets a manager apply a folder of files.
fn start(manager: &str, files: &Path) -> Child {
    oracles::command(files, "unshare")
        .args(["-n", "-m", "-p", "-f", "--mount-proc", "sh"])
        .arg(oracles::source("networks/apply.sh"))
        .arg(manager)
        .arg(files)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The same for a root with a netplan file.
fn start_netplan(root: &Path) -> Child {
    let option = ["--root-dir", root.to_str().unwrap()];
    let output = oracles::run(root, "netplan-generate", &option);
    assert!(output.status.success(), "{}", text(&output.stderr));
    start("networkd", &root.join("run/systemd/network"))
}

/// What the kernel has then.
fn state(which: &str, manager: Child) -> Json {
    let output = manager.wait_with_output().unwrap();
    assert!(output.status.success(), "{which}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn needs() {
    oracles::needs_root();
    oracles::needs([
        "unshare",
        "ip",
        "dbus-daemon",
        "network-manager",
        "nmcli-offline",
        "netplan-generate",
        NETWORKD,
        oracles::PYTHON,
    ]);
}

#[test]
fn three_network_managers_make_one_network() {
    needs();
    let mut started = Vec::new();
    for (node, expected) in inventories() {
        for network in ["networkd", "networkManager", "netplan"] {
            let (project, root) = root(node, network);
            let keyfiles = root.join("etc/NetworkManager/system-connections");
            let manager = match network {
                "networkd" => start("networkd", &root.join("etc/systemd/network")),
                "networkManager" => start("NetworkManager", &keyfiles),
                _ => start_netplan(&root),
            };
            started.push((
                format!("{network}: {node}"),
                manager,
                expected.clone(),
                project,
            ));
        }
    }
    for (which, manager, expected, _project) in started {
        assert_eq!(state(&which, manager), expected, "{which}");
    }
}

/// What each of cloud-init's renderers makes of the same network, by release: the settings in which it differs, and what
/// `preflight` says of that.
#[test]
fn cloud_inits_renderers_make_the_same_or_preflight_says_so() {
    const NODE: &str = "interfaces: {lan0: {mac: '52:54:00:00:00:01', addresses: [10.1.0.5/24, 'fd00:1::5/64'], \
        gateways: [10.1.0.1, 'fd00:1::1'], dns: {servers: [10.1.0.2, 'fd00:1::2'], search: [example.com]}, mtu: 1400, \
        routes: [{to: 10.9.0.0/16, via: 10.1.0.3, metric: 9}, {to: 'fd09::/48', via: 'fd00:1::3'}]}, \
        lan1: {mac: '52:54:00:00:00:02', addresses: [10.2.0.5/24]}}";
    let renderers: [(&str, &str, &[&str]); 10] = [
        ("cloud-init", "netplan", &[]),
        ("cloud-init-25.1", "netplan", &[]),
        (
            "cloud-init",
            "networkd",
            &["lan0 addresses", "lan1 addresses", "routes"],
        ),
        ("cloud-init-25.1", "networkd", &[]),
        // A family that network-config does not name comes from the network, and metrics are the device's.
        (
            "cloud-init",
            "network_manager",
            &["lan1 addresses", "routes"],
        ),
        (
            "cloud-init-25.1",
            "network_manager",
            &["lan1 addresses", "routes"],
        ),
        ("cloud-init-20.4", "netplan", &[]),
        ("cloud-init-26.2", "netplan", &[]),
        ("cloud-init-26.2", "networkd", &[]),
        (
            "cloud-init-26.2",
            "network_manager",
            &["lan1 addresses", "routes"],
        ),
    ];
    needs();
    oracles::needs(["cloud-init", "cloud-init-25.1"]);
    let all = Target::Versions.asks("cloud-init 20.4 and 26.2");
    if all {
        Target::Versions.needs(["cloud-init-20.4", "cloud-init-26.2"]);
    }
    let further = ["cloud-init-20.4", "cloud-init-26.2"];
    let asked = renderers.into_iter();
    let asked = asked.filter(|(release, ..)| all || !further.contains(release));
    let project = project(NODE, "none");
    project.good(&["build", "--format", "cloudInit"]);
    let said = project.good(&["preflight"]);
    for line in [
        "cloud-init that renders for netplan or systemd-networkd (23.1 or newer) or NetworkManager (24.1 or newer) or sysconfig",
        "cloud-init that renders for netplan or systemd-networkd (24.2 or newer) or sysconfig",
        "cloud-init that renders for netplan or systemd-networkd (23.1 or newer) or NetworkManager (24.4 or newer)",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let config = project.out().join("nodes/n1/network-config");
    let (_project, root) = root(NODE, "networkd");
    let ours = start("networkd", &root.join("etc/systemd/network"));
    let started = asked.map(|(release, renderer, expected)| {
        let folder = tempfile::tempdir().unwrap();
        let manager = start_cloud_inits(release, renderer, &config, folder.path());
        (format!("{release} {renderer}"), manager, expected, folder)
    });
    let started: Vec<_> = started.collect();
    let ours = state("ours", ours);
    for (which, manager, expected, _folder) in started {
        let found = state(&which, manager);
        let differ = differences(&ours, &found);
        assert_eq!(differ, expected, "{which}: {found:#}\nours: {ours:#}");
    }
}

/// Lets a renderer of some release write below a folder, and what it writes for apply that.
fn start_cloud_inits(release: &str, renderer: &str, config: &Path, folder: &Path) -> Child {
    let modules = oracles::folder().join(release);
    let output = oracles::command(folder, oracles::PYTHON)
        .arg(oracles::source("cloud_init/render.py"))
        .arg(renderer)
        .arg(config)
        .arg(folder)
        .env("PYTHONPATH", modules.join("usr/lib/python3/dist-packages"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{release}: {}",
        text(&output.stderr)
    );
    let keyfiles = folder.join("etc/NetworkManager/system-connections");
    match renderer {
        "netplan" => start_netplan(folder),
        "networkd" => start("networkd", &folder.join("etc/systemd/network")),
        _ => start("NetworkManager", &keyfiles),
    }
}

/// The settings in which two states differ: `lan0 mtu`, `routes`.
fn differences(ours: &Json, theirs: &Json) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in ours.as_object().unwrap() {
        match value {
            Json::Object(settings) => {
                let differ = settings
                    .iter()
                    .filter(|(name, value)| theirs[key][name] != **value);
                found.extend(differ.map(|(name, _)| format!("{key} {name}")));
            }
            other if theirs[key] != *other => found.push(key.clone()),
            _ => {}
        }
    }
    found
}
