//! Keys that other tools have for what an inventory says in other words: cloud-init, kubeadm, kubespray, netplan.

use crate::model::Location;

/// A key of another tool: its name, where it is, and what to write instead.
pub type ForeignKey<'a> = (&'a str, &'a Location, &'static str);

/// What to do with all keys that are cloud-init's alone.
const PARTS: &str = "put cloud-init's own keys into a file of output.cloudInit.parts";

/// cloud-init's, in any map (its module reference).
const CLOUD_INIT: &[(&str, &str)] = &[
    ("apt", PARTS),
    ("bootcmd", PARTS),
    ("ca_certs", PARTS),
    ("chpasswd", PARTS),
    ("disable_root", PARTS),
    ("disk_setup", PARTS),
    ("final_message", PARTS),
    ("fqdn", "write it as hostname"),
    ("fs_setup", PARTS),
    ("growpart", PARTS),
    ("locale", PARTS),
    ("manage_etc_hosts", PARTS),
    ("mounts", PARTS),
    ("ntp", PARTS),
    ("package_update", PARTS),
    ("package_upgrade", PARTS),
    ("packages", PARTS),
    ("power_state", PARTS),
    ("preserve_hostname", PARTS),
    ("runcmd", PARTS),
    ("snap", PARTS),
    ("ssh_authorized_keys", "write it as users.NAME.sshKeys"),
    ("ssh_pwauth", PARTS),
    ("timezone", PARTS),
    (
        "write_files",
        "write it as files, or put it into a file of output.cloudInit.parts",
    ),
    ("yum_repos", PARTS),
];

/// kubeadm's and the kubelet's, in any map (kubeadm.k8s.io/v1beta4).
const KUBEADM: &[(&str, &str)] = &[
    (
        "clusterConfiguration",
        "write its parts as name, kubernetes, apiServer and network",
    ),
    ("controlPlaneEndpoint", "write it as apiServer.url"),
    ("dnsDomain", "write it as network.clusterDomain"),
    ("kubeletConfiguration", "write it as kubelet.config"),
    ("kubeletExtraArgs", "write it as kubelet.flags"),
    ("kubernetesVersion", "write it as kubernetes"),
    (
        "nodeRegistration",
        "write it as kubelet.flags, labels and taints",
    ),
    ("podSubnet", "write it as network.podCIDRs"),
    ("serviceSubnet", "write it as network.serviceCIDRs"),
    (
        "systemReserved",
        "write it as kubelet.config.systemReserved",
    ),
];

const ADDRESS: &str = "write it as addresses: [ADDRESS]";

/// cloud-init's, of a file (its module write_files).
const WRITE_FILES: &[(&str, &str)] = &[
    (
        "encoding",
        "remove it: give base64 as a file of the project by source",
    ),
    (
        "owner",
        "write it as user: {name: NAME, id: NUMBER} and group: {name: NAME, id: NUMBER}",
    ),
    ("permissions", "write it as mode"),
];

const HASH: &str = "write it as passwordHashFile, a file of the project that holds the hash alone";

/// cloud-init's and Butane's, of a user: the inventory is no place for a secret.
const USERS: &[(&str, &str)] = &[
    ("hashed_passwd", HASH),
    ("passwd", HASH),
    ("password", HASH),
    ("passwordHash", HASH),
    ("password_hash", HASH),
    ("plain_text_passwd", HASH),
];

/// kubespray's, of a host (its docs/ansible/inventory.md).
const KUBESPRAY: &[(&str, &str)] = &[
    ("access_ip", ADDRESS),
    ("ansible_host", ADDRESS),
    ("ip", ADDRESS),
    ("node_labels", "write it as labels"),
    ("node_taints", "write it as taints"),
];

const DHCP: &str = "write it as dhcp: ipv4, ipv6 or both";
const GATEWAYS: &str = "write it as gateways: [ADDRESS]";
const DRIVER: &str =
    "remove it: nodebake writes no such setting; put a file of netplan's into `files`";

/// netplan's, in an interface (netplan(5)).
const NETPLAN: &[(&str, &str)] = &[
    ("accept-ra", "write it as acceptRA"),
    ("dhcp-identifier", DRIVER),
    ("dhcp4", DHCP),
    ("dhcp4-overrides", DRIVER),
    ("dhcp6", DHCP),
    ("dhcp6-overrides", DRIVER),
    ("gateway4", GATEWAYS),
    ("gateway6", GATEWAYS),
    ("interfaces", "write it as members of bond or bridge"),
    ("link", "write it as vlan: {link: NAME, id: NUMBER}"),
    ("link-local", DRIVER),
    ("macaddress", "write it as mac"),
    ("match", "write its macaddress as mac"),
    (
        "nameservers",
        "write it as dns: {servers: [ADDRESS], search: [DOMAIN]}",
    ),
    ("parameters", "write them as keys of bond or bridge"),
    ("renderer", "write it as os.network"),
    (
        "routing-policy",
        "write it as rules: [{from: NETWORK, table: NUMBER, priority: NUMBER}]",
    ),
    (
        "set-name",
        "write the name as the interface's key, beside its mac",
    ),
    ("wakeonlan", "write it as wakeOnLan"),
];

/// The tool that has a key, and what says the same here. `of` is the map that the key is in.
pub fn elsewhere(of: &str, key: &str) -> Option<(&'static str, &'static str)> {
    let netplan = if of == "interface" { NETPLAN } else { &[] };
    let files = if of == "file" { WRITE_FILES } else { &[] };
    let users = if of == "user" { USERS } else { &[] };
    let tools = [
        ("cloud-init", files),
        ("cloud-init or Butane", users),
        ("cloud-init", CLOUD_INIT),
        ("kubeadm", KUBEADM),
        ("kubespray", KUBESPRAY),
        ("netplan", netplan),
    ];
    tools.into_iter().find_map(|(tool, keys)| {
        let found = keys.iter().find(|(foreign, _)| *foreign == key)?;
        Some((tool, found.1))
    })
}

/// What to write instead of several keys: each advice once, with the keys that it is for where they differ.
pub fn repairs(keys: &[ForeignKey<'_>]) -> String {
    let mut all: Vec<(&'static str, Vec<&str>)> = Vec::new();
    for (key, _, ours) in keys {
        match all.iter_mut().find(|(known, _)| known == ours) {
            Some((_, names)) => names.push(key),
            None => all.push((ours, vec![key])),
        }
    }
    match all.as_slice() {
        [(only, _)] => (*only).to_owned(),
        _ => {
            let advice = all
                .iter()
                .map(|(ours, keys)| format!("{}: {ours}", keys.join(", ")));
            advice.collect::<Vec<_>>().join("; ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{CLUSTER, LAYER, NODES};

    /// What is advised is a key of ours, and what is foreign is none.
    #[test]
    fn advice_names_keys_that_there_are() {
        let known = |key: &str| {
            let tables = [CLUSTER, LAYER].into_iter().chain(NODES);
            tables.into_iter().any(|table| table.field(key).is_some())
        };
        for (key, advice) in CLOUD_INIT.iter().chain(KUBEADM) {
            assert!(!known(key), "{key} is a key of ours");
            let Some(ours) = advice.strip_prefix("write it as ") else {
                continue;
            };
            let first = ours.split(['.', ',', ' ']).next().unwrap_or_default();
            assert!(known(first), "{key}: {advice}");
        }
    }

    #[test]
    fn advice_is_given_once() {
        let at = Location::file("f");
        let keys = [("a", &at, "do x"), ("b", &at, "do x"), ("c", &at, "do y")];
        assert_eq!(repairs(&keys[..2]), "do x");
        assert_eq!(repairs(&keys), "a, b: do x; c: do y");
    }
}
