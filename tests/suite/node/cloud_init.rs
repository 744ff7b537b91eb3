//! What each release of cloud-init leaves out of a network by each of its renderers: asked of their own code, and said by
//! `check` where the image's cloud-init is known.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value as Json;

use crate::support::fixture::{Project, text};
use crate::support::oracles::{self, Target};

/// The renderers in the order of the columns, in cloud-init's words and in ours.
const RENDERERS: [(&str, &str); 5] = [
    ("netplan", "netplan"),
    ("networkd", "networkd"),
    ("network_manager", "networkManager"),
    ("sysconfig", "sysconfig"),
    ("eni", "eni"),
];

/// An interface, what it asks for, and by what each renderer's files show it: all of the words, which are found in this order. None where no
/// word shows it: its program does so by itself.
type Row = (
    &'static str,
    &'static str,
    [Option<&'static [&'static str]>; 5],
);

const ROWS: [Row; 24] = [
    (
        "interfaces: {e1: {}, b0: {bond: {members: [e1]}, addresses: [10.1.0.5/24]}}",
        "the bond or VLAN",
        [
            Some(&["bonds:"]),
            Some(&["Kind=bond"]),
            Some(&["type=bond"]),
            Some(&["TYPE=Bond"]),
            Some(&["bond-mode"]),
        ],
    ),
    (
        "interfaces: {e1: {}, e1.5: {vlan: {id: 5, link: e1}, addresses: [10.1.0.5/24]}}",
        "the bond or VLAN",
        [
            Some(&["vlans:"]),
            Some(&["Kind=vlan"]),
            Some(&["type=vlan"]),
            Some(&["VLAN=yes"]),
            Some(&["vlan-raw-device e1"]),
        ],
    ),
    (
        "interfaces: {e1: {}, lan: {vlan: {id: 5, link: e1}, addresses: [10.1.0.5/24]}}",
        "a VLAN whose name does not end in its id",
        [
            Some(&["id: 5"]),
            Some(&["Id=5"]),
            Some(&["[vlan]", "id=5"]),
            Some(&["VLAN_ID=5"]),
            Some(&["raw-device e1"]),
        ],
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, addresses: [10.1.0.5/24]}}",
        "the bridge",
        [
            Some(&["bridges:"]),
            Some(&["Kind=bridge"]),
            Some(&["type=bridge"]),
            Some(&["TYPE=Bridge"]),
            Some(&["ports e1"]),
        ],
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1], stp: true, forwardDelay: 4}, addresses: [10.1.0.5/24]}}",
        "the bridge's forwardDelay",
        [
            Some(&["forward-delay: 4"]),
            Some(&["ForwardDelaySec=4"]),
            Some(&["forward-delay=4"]),
            Some(&["DELAY=4"]),
            Some(&["fd 4"]),
        ],
    ),
    (
        "interfaces: {e1: {}, v5: {vlan: {id: 5, link: e1}}, br0: {bridge: {members: [v5]}, addresses: [10.1.0.5/24]}}",
        "a VLAN as the port of a bridge",
        [
            Some(&["- v5"]),
            Some(&["Kind=bridge"]),
            Some(&["slave-type=bridge"]),
            Some(&["BRIDGE=br0"]),
            Some(&["auto v5"]),
        ],
    ),
    (
        "interfaces: {e1: {}, b0: {bond: {members: [e1], mode: 802.3ad, lacpRate: fast}, addresses: [10.1.0.5/24]}}",
        "lacpRate and hashPolicy of the bond",
        [
            Some(&["lacp-rate: fast"]),
            Some(&["LACPTransmitRate=fast"]),
            Some(&["lacp_rate=fast"]),
            Some(&["lacp_rate=fast"]),
            Some(&["lacp-rate fast"]),
        ],
    ),
    (
        "interfaces: {e1: {}, b0: {bond: {members: [e1], miimon: 200}, addresses: [10.1.0.5/24]}}",
        "the bond's miimon",
        [
            Some(&["interval: 200"]),
            Some(&["MIIMonitorSec=200"]),
            Some(&["miimon=200"]),
            Some(&["miimon=200"]),
            Some(&["miimon 200"]),
        ],
    ),
    (
        "interfaces: {e1: {}, b0: {bond: {members: [e1], primary: e1}, addresses: [10.1.0.5/24]}}",
        "the bond's primary port",
        [
            Some(&["primary: e1"]),
            Some(&["PrimarySlave=yes"]),
            Some(&["primary=e1"]),
            Some(&["primary=e1"]),
            Some(&["primary e1"]),
        ],
    ),
    (
        "interfaces: {e1: {}, b0: {bond: {members: [e1], arpInterval: 900, arpIpTargets: [10.1.0.1]}, addresses: [10.1.0.5/24]}}",
        "a bond that asks by ARP",
        [
            Some(&["arp-interval: 900"]),
            Some(&["ARPIntervalSec=900"]),
            Some(&["arp_interval=900"]),
            Some(&["arp_interval=900"]),
            Some(&["interval 900"]),
        ],
    ),
    (
        "interfaces: {e1: {mac: '52:54:00:00:00:09'}, b0: {bond: {members: [e1]}, addresses: [10.1.0.5/24]}}",
        "the MAC address of the bond or bridge",
        // The others have the kernel's, which is the first port's.
        [
            Some(&["macaddress:", "52:54"]),
            Some(&["[NetDev]", "MACAddress=52:54"]),
            None,
            None,
            None,
        ],
    ),
    (
        "interfaces: {e1: {}, e1.5: {vlan: {id: 5, link: e1}, mtu: 1400, addresses: [10.1.0.5/24]}}",
        "the MTU",
        [
            Some(&["mtu: 1400"]),
            Some(&["Kind=vlan", "MTUBytes=1400"]),
            Some(&["mtu=1400"]),
            Some(&["MTU=1400"]),
            Some(&["mtu 1400"]),
        ],
    ),
    (
        "interfaces: {e1: {addresses: ['fd00:1::5/64'], gateways: ['fd00:1::1']}}",
        "the IPv6 default route",
        [
            Some(&["::/0"]),
            Some(&["Destination=::/0"]),
            Some(&["[ipv6]", "route1=::/0"]),
            Some(&["IPV6_DEFAULTGW=fd00"]),
            Some(&["inet6 static", "default"]),
        ],
    ),
    (
        "interfaces: {e1: {addresses: [10.1.0.5/24, 'fd00:1::5/64'], gateways: ['fd00:1::1']}}",
        "the IPv6 default route",
        [
            Some(&["::/0"]),
            Some(&["Destination=::/0"]),
            Some(&["[ipv6]", "route1=::/0"]),
            Some(&["IPV6_DEFAULTGW=fd00"]),
            Some(&["inet6 static", "default"]),
        ],
    ),
    (
        "interfaces: {e1: {addresses: ['fd00:1::5/64']}}",
        "that router advertisements are not obeyed",
        // NetworkManager obeys none beside static addresses.
        [
            Some(&["accept-ra: false"]),
            Some(&["IPv6AcceptRA="]),
            None,
            Some(&["IPV6_FORCE_ACCEPT_RA=no"]),
            Some(&["ra 0"]),
        ],
    ),
    (
        "interfaces: {e1: {addresses: [10.1.0.5/24, 'fd00:1::5/64'], routes: [{to: 'fd09::/48', via: 'fd00:1::3'}]}}",
        "IPv6 routes",
        [
            Some(&["fd09::/48"]),
            Some(&["Destination=fd09::/48"]),
            Some(&["[ipv6]", "=fd09::/48"]),
            Some(&["fd09::/48 via"]),
            Some(&["inet6 static", "fd09::/48"]),
        ],
    ),
    (
        "interfaces: {e1: {addresses: [10.1.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.1.0.3, metric: 9}]}}",
        "metrics of routes",
        [
            Some(&["metric: 9"]),
            Some(&["Metric=9"]),
            Some(&[",9"]),
            Some(&["METRIC0=9"]),
            Some(&["metric 9"]),
        ],
    ),
    (
        "interfaces: {e1: {addresses: [10.1.0.5/32], gateways: [{via: 172.31.1.1, onLink: true}]}}",
        "a gateway that is in none of the networks",
        // NetworkManager adds a route to such a gateway by itself.
        [
            Some(&["on-link: true"]),
            Some(&["GatewayOnLink=yes"]),
            None,
            Some(&["GATEWAYDEV="]),
            Some(&["onlink"]),
        ],
    ),
    (
        "interfaces: {e1: {addresses: [10.1.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.1.0.3, table: 100}]}}",
        "routing tables",
        [
            Some(&["table: 100"]),
            Some(&["Table=100"]),
            Some(&["table=100"]),
            Some(&["table 100"]),
            Some(&["table 100"]),
        ],
    ),
    (
        "interfaces: {e1: {addresses: [10.1.0.5/24], rules: [{from: 10.1.0.0/24, table: 254, priority: 9}]}}",
        "routing rules",
        [
            Some(&["routing-policy"]),
            Some(&["[RoutingPolicyRule]", "From=", "Priority=9", "Table=254"]),
            Some(&["routing-rule"]),
            Some(&["rule-"]),
            Some(&["rule add"]),
        ],
    ),
    (
        "interfaces: {e1: {addresses: [10.1.0.5/24]}}",
        "that router advertisements are not obeyed",
        [
            Some(&["accept-ra: false"]),
            Some(&["IPv6AcceptRA="]),
            Some(&["[ipv6]"]),
            Some(&["IPV6_FORCE_ACCEPT_RA=no"]),
            Some(&["ra 0"]),
        ],
    ),
    (
        "interfaces: {e1: {mac: '52:54:00:00:00:19', addresses: [10.1.0.5/24], optional: true}}",
        "that the boot does not wait for it",
        // ifupdown has no option `optional`.
        [
            Some(&["optional: true"]),
            Some(&["RequiredForOnline=no"]),
            Some(&["may-fail=true"]),
            Some(&["ONBOOT=no"]),
            Some(&["allow-hotplug"]),
        ],
    ),
    (
        "interfaces: {e1: {mac: '52:54:00:00:00:29', addresses: [10.1.0.5/24], wakeOnLan: true}}",
        "wakeOnLan",
        [
            Some(&["wakeonlan: true"]),
            Some(&["WakeOnLan"]),
            Some(&["wake-on-lan=64"]),
            Some(&["wol g"]),
            Some(&["wol g"]),
        ],
    ),
    (
        "interfaces: {e1: {dhcp: ipv4}, e2: {dhcp: ipv4}}",
        "the metric of routes by DHCP",
        [
            Some(&["route-metric: 101"]),
            Some(&["RouteMetric=101"]),
            Some(&["route-metric=101"]),
            Some(&["METRIC=101"]),
            Some(&["metric 101"]),
        ],
    ),
];

/// A project of one node for each row, with a cloud-init of which `os` tells.
fn project(os: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let (head, _) = inventory.split_once("nodes:\n").unwrap();
    let mut all =
        format!("{head}output: {{formats: [cloudInit]}}\nos: {{network: none, {os}}}\nnodes:\n");
    for (index, (interfaces, ..)) in ROWS.iter().enumerate() {
        let interfaces = interfaces
            .replace("10.1.", &format!("10.{}.", index + 1))
            .replace("fd00:1:", &format!("fd00:{}:", index + 1));
        all += &format!(
            "  - {{name: r-{index}, kubelet: {{flags: {{node-ip: null}}}}, {interfaces}}}\n"
        );
    }
    fs::write(file, all).unwrap();
    project
}

/// Test-only tokens, one for each node.
fn add_tokens(project: &Project) {
    let mut all = "apiVersion: nodebake/v1\nkind: Secrets\ntokens:\n".to_owned();
    for row in 0..ROWS.len() {
        all += &format!(
            "  r-{row}: [{{id: row0{row:02}, secret: testonlysecret{row:02}, epoch: 1, created: \"2026-06-01T00:00:00Z\", \
             expires: \"2099-01-01T00:00:00Z\"}}]\n"
        );
    }
    fs::write(project.dir.join("secrets.yaml"), all).unwrap();
}

/// What `check` says that a cloud-init leaves out, per row.
fn said(release: &str, renderer: &str) -> BTreeMap<usize, Vec<String>> {
    let os = format!("cloudInit: {{version: \"{release}\", renderer: {renderer}}}");
    let output = project(&os).run(&["check", "--format", "json"]);
    let said: Json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for finding in said["findings"].as_array().unwrap() {
        let message = finding["message"].as_str().unwrap();
        let Some((_, what)) = message.split_once(" does not write ") else {
            continue;
        };
        let path = finding["path"]
            .as_str()
            .unwrap()
            .strip_prefix("nodes[")
            .unwrap();
        let row = path.split_once(']').unwrap().0.parse().unwrap();
        found
            .entry(row)
            .or_default()
            .push(what.rsplit_once(" of ").unwrap().0.to_owned());
    }
    found
}

/// Whether words are in a text, one after the other.
fn shows(text: &str, words: &[&str]) -> bool {
    let mut rest = text;
    words.iter().all(|word| {
        let found = rest.find(word);
        rest = found.map_or(rest, |at| &rest[at..]);
        found.is_some()
    })
}

#[test]
fn check_says_what_a_cloud_init_leaves_out() {
    oracles::needs(["cloud-init", "cloud-init-25.1", oracles::PYTHON]);
    let mut releases = vec![("22.4", "cloud-init"), ("25.1", "cloud-init-25.1")];
    if Target::Versions.asks("cloud-init 20.4 and 26.2") {
        Target::Versions.needs(["cloud-init-20.4", "cloud-init-26.2"]);
        releases.extend([("20.4", "cloud-init-20.4"), ("26.2", "cloud-init-26.2")]);
    }
    let project = project("cloudInit: true");
    add_tokens(&project);
    let built = project.run(&["build", "--format", "cloudInit"]);
    assert!(built.status.success(), "{}", text(&built.stderr));
    let files: Vec<String> = (0..ROWS.len())
        .map(|row| format!("out/nodes/r-{row}/network-config"))
        .collect();
    let mut wrong = String::new();
    for (release, folder) in releases {
        let modules = oracles::folder()
            .join(folder)
            .join("usr/lib/python3/dist-packages");
        let output = oracles::command(&project.dir, oracles::PYTHON)
            .arg(oracles::source("cloud_init/render_all.py"))
            .args(&files)
            .env("PYTHONPATH", modules)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{release}: {}",
            text(&output.stderr)
        );
        let rendered: Json = serde_json::from_slice(&output.stdout).unwrap();
        for (column, (theirs, ours)) in RENDERERS.iter().enumerate() {
            let said = said(release, ours);
            for (row, (interfaces, what, words)) in ROWS.iter().enumerate() {
                let Some(words) = words[column] else { continue };
                let written = rendered[&files[row]][theirs].as_str();
                let is_there =
                    written.is_some_and(|written| shows(&written.replace(['"', '\''], ""), words));
                let all = [*what, "the network", "the bond or VLAN", "the bridge"];
                let is_said = said
                    .get(&row)
                    .is_some_and(|said| said.iter().any(|said| all.contains(&said.as_str())));
                if is_there == is_said {
                    wrong += &format!(
                        "{release} {theirs}: {what}: written {is_there}, said {is_said}\n  {interfaces}\n{}\n",
                        written.unwrap_or("nothing")
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
