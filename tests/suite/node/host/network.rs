//! The network as each of the programs that configure it reads it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use super::{Node, project};
use crate::support::fixture::text;
use crate::support::oracles;

const INTERFACES: &str = "    interfaces:\n      lan0: {mac: \"52:54:00:00:00:01\", addresses: [10.0.0.1/24, \"fd00::1/64\"], \
     gateways: [10.0.0.254], dns: {servers: [10.0.0.2, \"fd00::2\"], search: [example.com]}, mtu: 9000, \
     routes: [{to: 10.9.0.0/16, via: 10.0.0.253, metric: 9}]}\n      lan1: {dhcp: both}\n";

/// A node with interfaces, for one way to configure them.
fn with_interfaces(network: &str) -> Node {
    let made = project(
        "v1.34.4",
        "worker",
        &format!("os: {{network: {network}}}\n"),
    );
    let file = made.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let first = "    labels: {example.com/zone: a}\n";
    fs::write(
        &file,
        text.replacen(first, &format!("{first}{INTERFACES}"), 1),
    )
    .unwrap();
    made.good(&["build", "--format", "tarball"]);
    let root = made.scratch().join("root");
    let file = fs::File::open(made.out().join("nodes/n1/n1.tar.gz")).unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(file))
        .unpack(&root)
        .unwrap();
    Node {
        project: made,
        root,
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn netplan_makes_the_network_of_its_file() {
    let node = with_interfaces("netplan");
    assert_eq!(mode(&node.root.join("etc/netplan/60-nodebake.yaml")), 0o600);
    if oracles::present("netplan-generate") {
        let root = node.root.to_str().unwrap();
        let output = oracles::run(&node.root, "netplan-generate", &["--root-dir", root]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let made = node.file("run/systemd/network/10-netplan-lan0.network");
        for line in [
            "Address=10.0.0.1/24",
            "Address=fd00::1/64",
            "DNS=10.0.0.2",
            "Domains=example.com",
            "Gateway=10.0.0.254",
            "Destination=10.9.0.0/16",
            "Metric=9",
            "MTUBytes=9000",
        ] {
            let link = node.file("run/systemd/network/10-netplan-lan0.link");
            let found = made.contains(line) || link.contains(line);
            assert!(found, "{line}: {made}{link}");
        }
        let dynamic = node.file("run/systemd/network/10-netplan-lan1.network");
        assert!(dynamic.contains("DHCP=yes"), "{dynamic}");
    }
}

#[test]
fn network_manager_reads_its_key_files() {
    let node = with_interfaces("networkManager");
    let folder = node.root.join("etc/NetworkManager/system-connections");
    let lan0 = folder.join("nodebake-lan0.nmconnection");
    assert_eq!(mode(&lan0), 0o600);
    oracles::needs(["nmcli-offline"]);
    let read = |path: &Path| {
        // It parses a file, changes one value, and prints what it understood.
        let output = oracles::command(&node.root, "nmcli-offline")
            .args([
                "--offline",
                "connection",
                "modify",
                "connection.autoconnect-priority",
                "1",
            ])
            .stdin(Stdio::from(fs::File::open(path).unwrap()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let understood = read(&lan0);
    for line in [
        "mac-address=52:54:00:00:00:01",
        "mtu=9000",
        "address1=10.0.0.1/24",
        "route1=0.0.0.0/0,10.0.0.254,0",
        "route2=10.9.0.0/16,10.0.0.253,9",
        "dns=10.0.0.2;",
        "dns-search=example.com;",
        "address1=fd00::1/64",
        "dns=fd00::2;",
        "method=manual",
    ] {
        assert!(
            understood.contains(&format!("{line}\n")),
            "{line}: {understood}"
        );
    }
    let dynamic = read(&folder.join("nodebake-lan1.nmconnection"));
    assert_eq!(dynamic.matches("method=auto\n").count(), 2, "{dynamic}");
    assert!(dynamic.contains("interface-name=lan1\n"), "{dynamic}");
}
