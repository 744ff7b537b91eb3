//! Bonds and VLANs, in the words of each program that makes them, read by those programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use crate::support::cloud_init::cloud_init_says;
use crate::support::fixture::{Project, text};
use crate::support::oracles;

const INTERFACES: &str = "    interfaces:\n      eno1: {mac: \"52:54:00:00:00:01\"}\n      eno2: {}\n      \
     bond0: {bond: {members: [eno1, eno2], mode: 802.3ad, lacpRate: fast, hashPolicy: layer3+4}, mtu: 9000, \
     addresses: [10.0.0.1/24], gateways: [10.0.0.254]}\n      \
     bond0.100: {vlan: {id: 100, link: bond0}, addresses: [10.1.0.1/24, \"fd00::1/64\"]}\n      \
     lan3: {dhcp: ipv4}\n      lan3.7: {vlan: {id: 7, link: lan3}, dhcp: ipv6}\n";

fn project(interfaces: &str, network: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let first = "    labels: {example.com/zone: a}\n";
    let inventory = if interfaces.trim_start().starts_with("macs:") {
        inventory.replacen("    macs: [\"52:54:00:00:00:01\"]\n", "", 1)
    } else {
        inventory
    };
    let inventory = inventory.replacen(first, &format!("{first}{interfaces}"), 1);
    fs::write(&file, format!("{inventory}os: {{network: {network}}}\n")).unwrap();
    project
}

/// A node's root, and the project that it is from.
pub fn baked(interfaces: &str, network: &str) -> (Project, PathBuf) {
    let project = project(interfaces, network);
    project.good(&["build"]);
    let root = project.scratch().join("root");
    let file = fs::File::open(project.out().join("nodes/n1/n1.tar.gz")).unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(file))
        .unpack(&root)
        .unwrap();
    (project, root)
}

/// The sections of a unit-like file with their lines, in any order.
fn sections(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut section = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('[') {
            section = line
        } else {
            found.entry(section).or_default().push(line)
        }
    }
    found
}

#[test]
fn ours_for_networkd_says_what_netplans_own_says() {
    let (_project, netplan) = baked(INTERFACES, "netplan");
    let (_other, networkd) = baked(INTERFACES, "networkd");
    oracles::needs(["netplan-generate"]);
    let option = ["--root-dir", netplan.to_str().unwrap()];
    let output = oracles::run(&netplan, "netplan-generate", &option);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let theirs = |name: &str| {
        let file = netplan.join("run/systemd/network").join(name);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    let ours =
        |name: &str| fs::read_to_string(networkd.join("etc/systemd/network").join(name)).unwrap();
    for (mine, made, expected) in [
        (
            "05-nodebake-bond0.netdev",
            "10-netplan-bond0.netdev",
            vec![
                ("[NetDev]", "Name=bond0"),
                ("[NetDev]", "Kind=bond"),
                ("[Bond]", "Mode=802.3ad"),
                ("[Bond]", "LACPTransmitRate=fast"),
                ("[Bond]", "TransmitHashPolicy=layer3+4"),
            ],
        ),
        (
            "05-nodebake-bond0.100.netdev",
            "10-netplan-bond0.100.netdev",
            vec![
                ("[NetDev]", "Name=bond0.100"),
                ("[NetDev]", "Kind=vlan"),
                ("[VLAN]", "Id=100"),
            ],
        ),
        (
            "05-nodebake-bond0.network",
            "10-netplan-bond0.network",
            vec![
                ("[Match]", "Name=bond0"),
                ("[Network]", "Address=10.0.0.1/24"),
                ("[Network]", "VLAN=bond0.100"),
            ],
        ),
        (
            "05-nodebake-bond0.100.network",
            "10-netplan-bond0.100.network",
            vec![
                ("[Network]", "Address=10.1.0.1/24"),
                ("[Network]", "Address=fd00::1/64"),
            ],
        ),
        (
            "06-nodebake-eno1.network",
            "10-netplan-eno1.network",
            vec![("[Network]", "Bond=bond0")],
        ),
        (
            "06-nodebake-eno2.network",
            "10-netplan-eno2.network",
            vec![("[Match]", "Name=eno2"), ("[Network]", "Bond=bond0")],
        ),
        (
            "06-nodebake-lan3.network",
            "10-netplan-lan3.network",
            vec![("[Network]", "DHCP=ipv4"), ("[Network]", "VLAN=lan3.7")],
        ),
    ] {
        let (mine_text, made_text) = (ours(mine), theirs(made));
        for (section, line) in expected {
            for (whose, text) in [("ours", &mine_text), ("netplan's", &made_text)] {
                let sections = sections(text);
                let has = sections
                    .get(section)
                    .is_some_and(|lines| lines.contains(&line));
                assert!(has, "{whose} {mine}: {section} {line}\n{text}");
            }
        }
    }
    // The MAC address of a bond is that of a port, and the first file that matches wins.
    assert!(ours("06-nodebake-eno1.network").contains("PermanentMACAddress=52:54:00:00:00:01"));
    assert!(ours("05-nodebake-bond0.netdev").contains("MIIMonitorSec=100ms"));
}

#[test]
fn network_manager_reads_bonds_and_vlans() {
    let (_project, root) = baked(INTERFACES, "networkManager");
    oracles::needs(["nmcli-offline"]);
    let folder = root.join("etc/NetworkManager/system-connections");
    let read = |name: &str| {
        let file = folder.join(format!("nodebake-{name}.nmconnection"));
        // It parses a file, changes one value, and prints what it understood.
        let output = oracles::command(&root, "nmcli-offline")
            .args([
                "--offline",
                "connection",
                "modify",
                "connection.autoconnect-priority",
                "1",
            ])
            .stdin(Stdio::from(fs::File::open(file).unwrap()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    for (name, lines) in [
        (
            "eno1",
            vec![
                "master=bond0",
                "slave-type=bond",
                "mac-address=52:54:00:00:00:01",
            ],
        ),
        ("eno2", vec!["master=bond0", "interface-name=eno2"]),
        (
            "bond0",
            vec![
                "type=bond",
                "interface-name=bond0",
                "mode=802.3ad",
                "miimon=100",
                "lacp_rate=fast",
                "xmit_hash_policy=layer3+4",
                "mtu=9000",
                "address1=10.0.0.1/24",
                "route1=0.0.0.0/0,10.0.0.254,0",
                "cloned-mac-address=52:54:00:00:00:01",
            ],
        ),
        (
            "bond0.100",
            vec!["type=vlan", "id=100", "address1=10.1.0.1/24"],
        ),
        ("lan3.7", vec!["type=vlan", "id=7", "method=auto"]),
    ] {
        let understood = read(name);
        for line in lines {
            assert!(
                understood.contains(&format!("{line}\n")),
                "{line}: {understood}"
            );
        }
    }
    // A VLAN names its parent by what both files say.
    for (parent, vlan) in [("bond0", "bond0.100"), ("lan3", "lan3.7")] {
        let (parent, vlan) = (read(parent), read(vlan));
        let uuid = parent.lines().find_map(|line| line.strip_prefix("uuid="));
        assert!(
            vlan.contains(&format!("parent={}\n", uuid.unwrap())),
            "{parent}{vlan}"
        );
    }
}

#[test]
fn cloud_init_understands_bonds_and_vlans() {
    let (project, _) = baked(INTERFACES, "none");
    let folder = project.out().join("nodes/n1");
    let documents = oracles::same_values(&folder.join("network-config"));
    assert_eq!(documents[0]["bonds"]["bond0"]["interfaces"][1], "eno2");

    let said = cloud_init_says(&folder, "network.py", "network-config");
    let made: BTreeMap<String, String> = serde_json::from_str(&said).unwrap();
    let interfaces = &made["interfaces(5)"];
    for line in [
        "bond-mode 802.3ad",
        "bond_xmit_hash_policy layer3+4",
        "bond-lacp-rate fast",
        "bond-master bond0",
        "vlan_id 100",
        "vlan-raw-device bond0",
        "address 10.1.0.1/24",
        "mtu 9000",
    ] {
        let said = line.replace('_', "-");
        let found = interfaces.lines().any(|seen| {
            let seen = seen.trim();
            seen == line || seen.replace('_', "-") == said
        });
        assert!(found, "{line}\n{interfaces}");
    }
}

#[test]
fn what_cannot_be_connected_is_found() {
    let all = "    interfaces:\n      \
        a: {mac: \"52:54:00:00:00:99\", addresses: [10.0.0.1/24]}\n      \
        b: {bond: {members: [a, nowhere], mode: active, lacpRate: fast}, dhcp: ipv4}\n      \
        c: {bond: {members: []}, vlan: {id: 1, link: a}, dhcp: ipv4}\n      \
        d: {vlan: {id: 4095, link: a}, dhcp: ipv4}\n      \
        e: {vlan: {id: 5, link: f}, dhcp: ipv4, mac: \"52:54:00:00:00:01\"}\n      \
        f: {vlan: {id: 6, link: e}, dhcp: ipv4}\n      g: {}\n";
    let output = project(all, "networkd").run(&["check"]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stdout) + &text(&output.stderr);
    for rule in [
        "interfaces.a.mac: 52:54:00:00:00:99 is none of the node's macs; add it to macs, or correct it",
        "interfaces.a: belongs to a bond, which has the addresses",
        "interfaces.b.bond.mode: must be one of",
        "interfaces.b.bond: lacpRate is for mode 802.3ad only",
        "interfaces.b.bond.members[1]: must be a port of the node's interfaces; got nowhere",
        "interfaces.c.vlan: an interface is a bond or a VLAN, not both",
        "interfaces.c: a bond has at least one of members",
        "interfaces.d.vlan.id: must be a VLAN id from 1 to 4094; got 4095",
        "interfaces.e.vlan.link: must not lead back to e; got f; name the port or bond below all of them",
        "interfaces.e.mac: only a port is found by its MAC address; remove mac",
        "interfaces.g: has neither addresses nor dhcp",
    ] {
        assert!(said.contains(rule), "{rule}\n{said}");
    }
}
