//! Bonds, VLANs and bridges on a kernel that has them all: udev and systemd-networkd configure a machine with four network
//! cards by our files, and by those that netplan makes of ours. The kernel must have what the inventory asks for.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::console::Console;
use super::{needs_machines, shell, unpacked};
use crate::node::links::baked;
use crate::support::fixture::text;
use crate::support::oracles::{self, Target};

const NETWORKD: &str = "/lib/systemd/systemd-networkd";

const INTERFACES: &str = "    macs: [\"52:54:00:00:01:01\", \"52:54:00:00:01:02\", \"52:54:00:00:01:03\", \"52:54:00:00:01:04\"]\n    interfaces:\n      \
    lan1: {mac: \"52:54:00:00:01:01\"}\n      lan2: {mac: \"52:54:00:00:01:02\"}\n      \
    lan3: {mac: \"52:54:00:00:01:03\"}\n      lan4: {mac: \"52:54:00:00:01:04\", mtu: 1400, addresses: [10.4.0.1/24]}\n      \
    bond0: {bond: {members: [lan1, lan2], arpInterval: 500, arpIpTargets: [10.0.0.254], arpValidate: active, primary: lan2}}\n      \
    bond0.5: {vlan: {id: 5, link: bond0}, mtu: 1400}\n      \
    bond1: {bond: {members: [lan3], mode: 802.3ad, lacpRate: fast, hashPolicy: layer3+4}, mtu: 1450, addresses: [10.8.0.1/24]}\n      \
    br0: {bridge: {members: [bond0], stp: true, forwardDelay: 2}, addresses: [10.0.0.1/24], gateways: [10.0.0.254]}\n      \
    br5: {bridge: {members: [bond0.5]}, mtu: 1400, addresses: [10.5.0.1/24, \"fd05::1/64\"], \
    routes: [{to: 0.0.0.0/0, via: 10.5.0.254, table: 100}, {to: 10.9.0.0/16, via: 172.31.1.1, onLink: true, table: 100}, \
    {to: \"fd09::/48\", via: \"fd05::2\", metric: 7}], rules: [{from: 10.5.0.0/24, table: 100, priority: 90}, \
    {from: 10.7.0.0/16, to: 10.8.0.0/16, table: 100, priority: 91}, {to: \"fd08::/48\", table: 254, priority: 90}]}\n";

/// What the kernel has then: of each interface what is asked for.
fn expected() -> Json {
    let bond = json!({
        "mode": "active-backup", "miimon": 0, "arp_interval": 500, "arp_ip_target": ["10.0.0.254"], "arp_validate": "active",
        "primary": "lan2", "active_slave": "lan2",
    });
    let lacp = json!({"mode": "802.3ad", "miimon": 100, "ad_lacp_rate": "fast", "xmit_hash_policy": "layer3+4"});
    json!({
        "lan1": {"mac": "52:54:00:00:01:01", "mtu": 1500, "addresses": [], "master": "bond0"},
        // All ports of a bond have its address.
        "lan2": {"mac": "52:54:00:00:01:01", "mtu": 1500, "addresses": [], "master": "bond0"},
        "lan3": {"mac": "52:54:00:00:01:03", "mtu": 1450, "addresses": [], "master": "bond1"},
        "lan4": {"mac": "52:54:00:00:01:04", "mtu": 1400, "addresses": ["10.4.0.1/24", "fe80"]},
        "bond0": {"mac": "52:54:00:00:01:01", "mtu": 1500, "addresses": [], "master": "br0", "bond": bond},
        "bond0.5": {"mac": "52:54:00:00:01:01", "mtu": 1400, "addresses": [], "master": "br5", "vlan": {"id": 5}, "on": "bond0"},
        "bond1": {"mac": "52:54:00:00:01:03", "mtu": 1450, "addresses": ["10.8.0.1/24", "fe80"], "bond": lacp},
        "br0": {
            "mac": "52:54:00:00:01:01", "mtu": 1500, "addresses": ["10.0.0.1/24", "fe80"],
            "bridge": {"stp_state": 1, "forward_delay": 200},
        },
        "br5": {
            "mac": "52:54:00:00:01:01", "mtu": 1400, "addresses": ["10.5.0.1/24", "fd05::1/64", "fe80"],
            "bridge": {"stp_state": 0},
        },
        "routes": [
            "10.9.0.0/16 via 172.31.1.1 on br5 metric 0 table 100 onlink",
            "default via 10.0.0.254 on br0 metric 0 table main",
            "default via 10.5.0.254 on br5 metric 0 table 100",
            "fd09::/48 via fd05::2 on br5 metric 7 table main",
        ],
        "rules": ["90 from 10.5.0.0/24 to all in 100", "90 from all to fd08::/48 in main", "91 from 10.7.0.0/16 to 10.8.0.0/16 in 100"],
    })
}

/// The JSON texts of a word on the console.
fn said(console: &str, word: &str) -> Vec<Json> {
    let begin = format!("NODE {word} ");
    let lines = console.lines().filter_map(|line| line.split_once(&begin));
    let lists = lines.map(|(_, json)| serde_json::from_str::<Vec<Json>>(json).unwrap());
    lists.flatten().collect()
}

/// The same of what a machine printed. Options are those that `expected` has of the interface.
fn found(console: &str, expected: &Json) -> Json {
    let mut all = serde_json::Map::new();
    for link in said(console, "links") {
        let name = link["ifname"].as_str().unwrap();
        if name == "lo" {
            continue;
        }
        let address = |one: &Json| match one["local"].as_str().unwrap() {
            local if local.starts_with("fe80:") => "fe80".to_owned(),
            local => format!("{local}/{}", one["prefixlen"]),
        };
        let mut addresses: Vec<String> = link["addr_info"]
            .as_array()
            .unwrap()
            .iter()
            .map(address)
            .collect();
        addresses.sort();
        let mut state = json!({"mac": link["address"], "mtu": link["mtu"], "addresses": addresses});
        for (key, of) in [("master", "master"), ("on", "link")] {
            if let Some(other) = link.get(of) {
                state[key] = other.clone();
            }
        }
        if let Some(kind) = link["linkinfo"]["info_kind"].as_str() {
            let asked = expected[name][kind].as_object().into_iter().flatten();
            let options =
                asked.map(|(key, _)| (key.clone(), link["linkinfo"]["info_data"][key].clone()));
            state[kind] = Json::Object(options.collect());
        }
        all.insert(name.to_owned(), state);
    }
    let text = |at: &Json, or: &str| at.as_str().unwrap_or(or).to_owned();
    let mut routes: Vec<String> = said(console, "routes")
        .iter()
        .filter(|route| route.get("gateway").is_some())
        .map(|route| {
            let on_link = route["flags"]
                .as_array()
                .unwrap()
                .contains(&json!("onlink"));
            format!(
                "{} via {} on {} metric {} table {}{}",
                text(&route["dst"], ""),
                text(&route["gateway"], ""),
                text(&route["dev"], ""),
                route["metric"].as_u64().unwrap_or(0),
                text(&route["table"], "main"),
                if on_link { " onlink" } else { "" },
            )
        })
        .collect();
    routes.sort();
    let kernels = [0, 32766, 32767];
    let net = |rule: &Json, side: &str| match rule.get(format!("{side}len")) {
        Some(len) => format!("{}/{len}", text(&rule[side], "")),
        None => text(&rule[side], "all"),
    };
    let mut rules: Vec<String> = said(console, "rules")
        .iter()
        .filter(|rule| !kernels.contains(&rule["priority"].as_i64().unwrap()))
        .map(|rule| {
            format!(
                "{} from {} to {} in {}",
                rule["priority"],
                net(rule, "src"),
                net(rule, "dst"),
                text(&rule["table"], "")
            )
        })
        .collect();
    rules.sort();
    all.insert("routes".to_owned(), json!(routes));
    all.insert("rules".to_owned(), json!(rules));
    Json::Object(all)
}

/// A machine's root: busybox, udev, systemd-networkd and their libraries, the modules, and the files of one folder.
fn pack(folder: &Path, files: &Path) {
    let modules = "virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net \
        llc stp mrp garp 8021q tls bonding bridge";
    let script = format!(
        r#"rm -rf root; umask 022
        mkdir -p root/bin root/dev root/proc root/sys root/run root/etc/systemd root/modules root/lib/udev/rules.d root/lib/systemd/network
        cp "$(command -v busybox-static)" root/bin/busybox
        for tool in sh mount mkdir sleep cat grep sed insmod poweroff chown; do ln -s busybox root/bin/$tool; done
        cp {init} root/init; chmod 755 root/init
        for module in {modules}; do
            cp "$(find {kernel}/lib/modules -name "$module.ko")" root/modules/
            # As systemd's modprobe.d has it: else the kernel makes a bond0 of its own.
            case $module in bonding) echo "bonding max_bonds=0" ;; *) echo "$module" ;; esac
        done >root/modules/list
        add() {{
            mkdir -p "root${{2%/*}}"; cp "$1" "root$2"
            ldd "$1" | grep -o '/[^ ]*\.so[^ ]*' | while read -r library; do
                mkdir -p "root${{library%/*}}"; cp -L "$library" "root$library"; done
        }}
        add {NETWORKD} {NETWORKD}
        add "$(readlink -f "$(command -v ip)")" /bin/ip
        add {udev}/bin/udevadm /bin/udevadm
        ln -s ../../bin/udevadm root/lib/systemd/systemd-udevd
        cp {udev}/lib/udev/rules.d/*net*.rules {udev}/lib/udev/rules.d/50-udev-default.rules root/lib/udev/rules.d/
        cp {udev}/lib/systemd/network/99-default.link root/lib/systemd/network/
        echo 0123456789abcdef0123456789abcdef >root/etc/machine-id
        printf 'root:x:0:0::/:/bin/sh\nsystemd-network:x:998:998::/:/bin/sh\n' >root/etc/passwd
        printf 'root:x:0:\nsystemd-network:x:998:\n' >root/etc/group
        cp -r {files} root/etc/systemd/network
        (cd root; find . | LC_ALL=C sort | cpio -o -H newc --quiet) >base"#,
        init = oracles::source("networks/machine.sh").display(),
        kernel = unpacked("kernel").display(),
        udev = unpacked("udev").display(),
        files = files.display(),
    );
    shell(folder, &script);
}

#[test]
fn bonds_vlans_and_bridges_are_what_the_inventory_asks_for() {
    needs_machines();
    Target::Boots.needs(["ip", "netplan-generate", NETWORKD]);
    let (_project, networkd) = baked(INTERFACES, "networkd");
    let (_other, netplan) = baked(INTERFACES, "netplan");
    let option = ["--root-dir", netplan.to_str().unwrap()];
    let output = oracles::run(&netplan, "netplan-generate", &option);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // Two cards on one cable with a machine that answers ARP, and two for themselves.
    let cables = "-netdev user,id=answers,net=10.0.0.0/24,host=10.0.0.254,restrict=on -netdev hubport,id=hub,hubid=0,netdev=answers \
        -netdev hubport,id=n1,hubid=0 -device virtio-net-pci,netdev=n1,mac=52:54:00:00:01:02 \
        -netdev hubport,id=n2,hubid=0 -device virtio-net-pci,netdev=n2,mac=52:54:00:00:01:01 \
        -netdev hubport,id=n3,hubid=1 -device virtio-net-pci,netdev=n3,mac=52:54:00:00:01:03 \
        -netdev hubport,id=n4,hubid=2 -device virtio-net-pci,netdev=n4,mac=52:54:00:00:01:04";
    let cables: Vec<&str> = cables.split_whitespace().collect();
    for files in [
        networkd.join("etc/systemd/network"),
        netplan.join("run/systemd/network"),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        pack(scratch.path(), &files);
        let console = Console::of(scratch.path(), "base", "", &cables).to_string();
        assert!(
            !console.contains("NODE trouble"),
            "{}: {console}",
            files.display()
        );
        let expected = expected();
        let found = found(&console, &expected);
        assert_eq!(found, expected, "{}: {found:#}", files.display());
    }
}
