//! One owner of the network: files of ours win over those that cloud-init writes, cloud-init writes no more of them, and the
//! network manager leaves alone what is the pod network's.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cloud_init::cloud_init_says;
use crate::support::fixture::{Project, text};
use crate::support::oracles;

const LAN0: &str = "interfaces: {lan0: {mac: '52:54:00:00:00:01', addresses: [10.1.0.5/24], gateways: [10.1.0.1], dns: {servers: [10.1.0.2]}}}";
const CLOUD_CFG: &str = "etc/cloud/cloud.cfg.d/99-nodebake-network.cfg";
const NETWORKD_CONF: &str = "etc/systemd/networkd.conf.d/10-nodebake.conf";
const MANAGER_CONF: &str = "etc/NetworkManager/conf.d/10-nodebake.conf";

/// A project of one node; `more` is for all nodes.
fn project(profiles: &str, node: &str, more: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let (head, _) = inventory.split_once("nodes:\n").unwrap();
    let head = head.replace(
        "profiles: [worker, rack]",
        &format!("profiles: [{profiles}]"),
    );
    fs::write(
        &file,
        format!("{head}nodes:\n  - {{name: n1, {node}}}\n{more}"),
    )
    .unwrap();
    project
}

/// The root folder of the node, in its project's scratch folder.
fn root(project: &Project) -> PathBuf {
    project.good(&["build", "--format", "tarball"]);
    let root = project.scratch().join("root");
    let file = fs::File::open(project.out().join("nodes/n1/n1.tar.gz")).unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(file))
        .unpack(&root)
        .unwrap();
    root
}

/// Which of the three files a node has, by its system and by how its network is configured.
#[test]
fn each_system_has_the_settings_of_its_network_manager() {
    let empty = "labels: {a: b}";
    for (profiles, node, more, expected) in [
        ("worker, debian", LAN0, "", [true, true, false]),
        ("worker, ubuntu", LAN0, "", [true, true, false]),
        ("worker", LAN0, "", [true, true, false]),
        ("worker, fedora-coreos", LAN0, "", [false, false, true]),
        ("worker, flatcar", LAN0, "", [false, true, false]),
        (
            "worker",
            LAN0,
            "os: {network: networkManager}\n",
            [true, false, true],
        ),
        // cloud-init itself renders the interfaces then.
        (
            "worker, debian",
            LAN0,
            "os: {network: none}\n",
            [false, false, false],
        ),
        // The image configures them, by networkd.
        ("worker, debian", empty, "", [false, true, false]),
        ("worker, ubuntu", empty, "", [false, true, false]),
        ("worker, fedora-coreos", empty, "", [false, false, true]),
        ("worker", empty, "", [false, false, false]),
    ] {
        let project = project(profiles, node, more);
        let root = root(&project);
        let found = [CLOUD_CFG, NETWORKD_CONF, MANAGER_CONF].map(|path| root.join(path).exists());
        assert_eq!(found, expected, "{profiles} {more}{node}");
    }
}

#[test]
fn routes_and_rules_of_the_pod_network_stay() {
    let project = project("worker, debian", LAN0, "");
    let root = root(&project);
    let settings = fs::read_to_string(root.join(NETWORKD_CONF)).unwrap();
    for line in [
        "[Network]",
        "ManageForeignRoutes=no",
        "ManageForeignRoutingPolicyRules=no",
    ] {
        assert!(
            settings.lines().any(|seen| seen == line),
            "{line}: {settings}"
        );
    }
}

/// cloud-init's and netplan's files for networkd are called 10-cloud-init-… and 10-netplan-…, and the first name counts.
#[test]
fn our_files_for_networkd_come_first() {
    let node = "interfaces: {e1: {mac: '52:54:00:00:00:01'}, b0: {bond: {members: [e1]}, addresses: [10.1.0.5/24]}, \
                v5: {vlan: {id: 5, link: b0}, addresses: [10.2.0.5/24]}}";
    let project = project("worker, debian", node, "");
    let root = root(&project);
    let files: Vec<String> = fs::read_dir(root.join("etc/systemd/network"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files.len(), 6, "{files:?}");
    for file in files {
        assert!(*file < *"10-cloud-init-e1.network", "{file}");
    }
}

#[test]
fn cloud_init_leaves_the_network_alone() {
    let project = project("worker, debian", LAN0, "");
    let root = root(&project);
    let said = cloud_init_says(&root, "network_owner.py", CLOUD_CFG);
    assert_eq!(said, "nobody\n");
    let empty = root.join("empty.cfg");
    fs::write(&empty, "{}\n").unwrap();
    assert_ne!(
        cloud_init_says(&root, "network_owner.py", "empty.cfg"),
        "nobody\n"
    );
}

/// What cloud-init wrote before it read user-data goes before anybody reads the node's own files.
#[test]
fn user_data_takes_the_files_of_cloud_init_away() {
    let cloud = "output: {formats: [cloudInit], cloudInit: {target: openstack}}\n";
    for (profiles, activation) in [
        ("worker, ubuntu", "\"netplan\", \"apply\""),
        ("worker, debian", "systemd-networkd.service"),
    ] {
        let project = project(profiles, LAN0, cloud);
        project.good(&["build"]);
        let user_data = fs::read_to_string(project.out().join("nodes/n1/user-data")).unwrap();
        let removal = user_data.find("rm -f -- /etc/netplan/50-cloud-init.yaml");
        let reading = user_data.rfind(activation);
        assert!(removal.is_some() && removal < reading, "{user_data}");
    }
    let project = project(
        "worker, debian",
        LAN0,
        &format!("{cloud}os: {{network: none}}\n"),
    );
    project.good(&["build"]);
    let user_data = fs::read_to_string(project.out().join("nodes/n1/user-data")).unwrap();
    assert!(!user_data.contains("50-cloud-init"), "{user_data}");
}

#[test]
fn network_manager_reads_its_settings() {
    let project = project("worker, fedora-coreos", LAN0, "");
    let root = root(&project);
    oracles::needs(["network-manager"]);
    let own = root.join("own.conf");
    fs::write(&own, "[keyfile]\nunmanaged-devices=interface-name:mine0\n").unwrap();
    let folder = root.join("etc/NetworkManager/conf.d");
    let argument = |name: &str, path: &Path| format!("--{name}={}", path.display());
    let output = oracles::run(
        &root,
        "network-manager",
        &[
            "--print-config",
            &argument("config", &own),
            &argument("config-dir", &folder),
        ],
    );
    let said = text(&output.stdout);
    let line = said
        .lines()
        .find(|line| line.starts_with("unmanaged-devices="));
    for device in [
        "interface-name:mine0",
        "interface-name:cali*",
        "interface-name:cilium*",
    ] {
        assert!(
            line.is_some_and(|line| line.contains(device)),
            "{device}: {said}"
        );
    }
}

/// networkd asks systemd-resolved to answer by the servers of the interfaces, and writes no file.
#[test]
fn preflight_asks_for_what_resolves_names() {
    let asks = |profiles: &str, node: &str, more: &str| {
        let project = project(profiles, node, more);
        let said = project.good(&["preflight"]);
        said.contains("systemd-resolved.service, enabled")
            && said.contains("/run/systemd/resolve/stub-resolv.conf")
    };
    let dhcp = "interfaces: {lan0: {dhcp: ipv4}}";
    let without = "interfaces: {lan0: {addresses: [10.1.0.5/24]}}";
    let file = "files: {/etc/resolv.conf: {content: \"nameserver 10.1.0.2\\n\"}}\n";
    assert!(asks("worker, debian", LAN0, ""));
    assert!(asks("worker, ubuntu", LAN0, ""));
    assert!(asks("worker, debian", dhcp, ""));
    assert!(!asks("worker, debian", without, ""));
    assert!(!asks("worker, debian", LAN0, file));
    assert!(!asks("worker, fedora-coreos", LAN0, ""));
}
