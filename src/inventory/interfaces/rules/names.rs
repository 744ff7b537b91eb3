//! Names that an interface of the inventory cannot have, or better has not.

use crate::inventory::interfaces::written::View;
use crate::report::Id;

/// The loopback device; folders beside those of interfaces in /proc/sys/net/*/conf, which systemd refuses as names; names
/// of paths; a file of the bonding driver beside its devices in /sys/class/net.
const RESERVED: [&str; 6] = ["lo", "all", "default", ".", "..", "bonding_masters"];

/// How names begin that pod networks and container runtimes give to their devices. They are told to network managers as
/// unmanaged, and their programs take such a device for their own.
const OF_POD_NETWORKS: [&str; 16] = [
    "cali",
    "cilium",
    "cni",
    "docker",
    "dummy0",
    "flannel",
    "kube-",
    "lxc",
    "nodelocaldns",
    "ovn-k8s-",
    "podman",
    "tunl",
    "veth",
    "vxlan.calico",
    "weave",
    "wireguard.cali",
];

pub(super) fn check(view: &View<'_>) {
    for seen in &view.list {
        let name = &seen.interface.name;
        let at = || seen.at.key_location();
        if RESERVED.contains(&name.as_str()) || name.bytes().all(|byte| byte.is_ascii_digit()) {
            let rule =
                format!("must not be a name that the kernel or systemd reserves; got {name}");
            let finding = at().finding(Id::InterfaceNameReserved, rule);
            seen.add(finding.help("give the interface a name like lan0"));
            continue;
        }
        if let Some(prefix) = OF_POD_NETWORKS.iter().find(|of| name.starts_with(**of)) {
            let rule = format!(
                "{name} begins like a device of a pod network or a container runtime ({prefix}…)"
            );
            let finding = at().finding(Id::InterfaceNameTaken, rule);
            seen.add(finding.help("give the interface a name like lan0"));
        }
        // Wireless cards need wpa_supplicant and a profile of another type.
        let is_wireless =
            name.starts_with("wlan") || name.starts_with("wlp") || name.starts_with("wlx");
        if is_wireless && seen.interface.mac.is_none() {
            let rule =
                format!("{name} is a wireless card, and its radio network cannot be set here");
            let finding = at().finding(Id::InterfaceWireless, rule);
            seen.add(finding.help("configure it by files of your own, and leave it out here"));
        }
    }
}
