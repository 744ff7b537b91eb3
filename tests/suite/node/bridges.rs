//! Bridges over ports, bonds and VLANs, bonds that ask by ARP, routing tables and their rules: netplan's own files for
//! systemd-networkd say the same as ours, and NetworkManager keeps every line of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::links::baked;
use crate::support::fixture::text;
use crate::support::oracles;

const INTERFACES: &str = "    interfaces:\n      \
    eno1: {mac: \"52:54:00:00:00:01\", wakeOnLan: true}\n      eno2: {}\n      \
    bond0: {bond: {members: [eno1, eno2], arpInterval: 500, arpIpTargets: [10.0.0.2, 10.0.0.254], arpValidate: all}}\n      \
    bond0.5: {vlan: {id: 5, link: bond0}, mtu: 1400}\n      eno3: {mtu: 9000}\n      eno4: {}\n      \
    br0: {bridge: {members: [bond0, eno3], stp: true, forwardDelay: 4}, addresses: [10.0.0.1/24], gateways: [10.0.0.254]}\n      \
    br5: {bridge: {members: [bond0.5]}, addresses: [10.5.0.1/24, \"fd05::1/64\"], optional: true, \
    routes: [{to: 0.0.0.0/0, via: 10.5.0.254, table: 100}, {to: 10.9.0.0/16, via: 172.31.1.1, onLink: true, table: 100}, \
    {to: \"fd09::/48\", via: \"fd05::2\", metric: 7, table: 100}], rules: [{from: 10.5.0.0/24, table: 100, priority: 90}, \
    {from: 10.7.0.0/16, to: 10.8.0.0/16, table: 100, priority: 91}, {to: \"fd08::/48\", table: 100, priority: 90}]}\n      \
    br9: {bridge: {members: [eno4]}}\n      br9.7: {vlan: {id: 7, link: br9}, dhcp: both}\n";

/// What a file says, as `section key=value`. A route and a rule are one text each: netplan repeats rules where it reads its
/// document twice, because one interface names another that comes later.
fn said(file: &Path) -> BTreeSet<String> {
    let text =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (mut found, mut section) = (BTreeSet::new(), String::new());
    let (mut whole, mut one) = (String::new(), BTreeSet::new());
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('[') {
            found.insert(std::mem::take(&mut whole));
            one = BTreeSet::new();
            section = line.to_owned();
            continue;
        }
        let (key, value) = line.split_once('=').unwrap();
        let value = match value {
            "true" => "yes",
            "false" => "no",
            other => other,
        };
        if ["[Route]", "[RoutingPolicyRule]"].contains(&section.as_str()) {
            one.insert(format!("{key}={value}"));
            whole = format!("{section} {one:?}");
            continue;
        }
        // A device's address is in its .netdev already. The rest is what counts without it, or a matter of taste: netplan
        // matches the new name too, and configures a bridge before anything is plugged in.
        let is_default = [
            ("[Network]", "LinkLocalAddressing", "ipv6"),
            ("[Network]", "DHCP", "no"),
            ("[Network]", "ConfigureWithoutCarrier", "yes"),
        ];
        let by_name =
            section == "[Match]" && key == "Name" && text.contains("PermanentMACAddress=");
        let again = section == "[Link]" && key == "MACAddress";
        if !is_default.contains(&(section.as_str(), key, value)) && !by_name && !again {
            found.insert(format!("{section} {key}={value}"));
        }
    }
    found.insert(whole);
    found
}

#[test]
fn ours_for_networkd_are_those_of_netplan() {
    let (_project, netplan) = baked(INTERFACES, "netplan");
    let (_other, networkd) = baked(INTERFACES, "networkd");
    oracles::needs(["netplan-generate"]);
    let option = ["--root-dir", netplan.to_str().unwrap()];
    let output = oracles::run(&netplan, "netplan-generate", &option);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut compared = 0;
    for entry in fs::read_dir(networkd.join("etc/systemd/network")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (_, theirs) = name.split_once("-nodebake-").unwrap();
        let mut ours = said(&networkd.join("etc/systemd/network").join(&name));
        let theirs = netplan
            .join("run/systemd/network")
            .join(format!("10-netplan-{theirs}"));
        let mut theirs = said(&theirs);
        // netplan sets the MTU when the device appears, and leaves DHCP's routes of IPv6 to their default.
        for side in [&mut ours, &mut theirs] {
            side.retain(|line| {
                !line.contains("MTU")
                    && !line.starts_with("[IPv6AcceptRA]")
                    && !line.starts_with("[DHCP")
            });
        }
        assert_eq!(ours, theirs, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 17);
}

#[test]
fn network_manager_keeps_every_line() {
    let (_project, root) = baked(INTERFACES, "networkManager");
    oracles::needs(["nmcli-offline"]);
    let folder = root.join("etc/NetworkManager/system-connections");
    let mut read = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().path();
        // It parses a file, changes one value, and prints what it understood: what it does not know is gone.
        let option = "connection.autoconnect-priority";
        let output = oracles::command(&root, "nmcli-offline")
            .args(["--offline", "connection", "modify", option, "1"])
            .stdin(Stdio::from(fs::File::open(&file).unwrap()))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}: {}",
            file.display(),
            text(&output.stderr)
        );
        let understood = text(&output.stdout);
        let understood: BTreeSet<&str> = understood.lines().collect();
        let ours = fs::read_to_string(&file).unwrap();
        let lost: Vec<&str> = ours
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with("autoconnect-priority="))
            // What is the default anyway.
            .filter(|line| *line != "stp=true")
            .filter(|line| !understood.contains(line))
            .collect();
        assert!(
            lost.is_empty(),
            "{}: {lost:?}\n{understood:?}",
            file.display()
        );
        read += 1;
    }
    assert_eq!(read, 10);
}
