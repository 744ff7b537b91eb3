//! kube-proxy beside the kubelet: it finds its own Node by the node's name, and treats what is not of the pods' networks as
//! foreign. In: a finished tree. Out: findings.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::host_files::{Fault, yaml_fields};
use crate::model::{FieldLocation, NodePath};
use crate::plan::NodePlan;
use crate::render::NodeRendering;
use crate::render::containerd_files::text_of;
use crate::report::Id;
use crate::tree::{NodeTree, Position};

const PROGRAM: &str = "kube-proxy";
/// What its configuration file is (kubernetes `pkg/proxy/apis/config`).
pub(super) const KIND: &str = "KubeProxyConfiguration";

/// A setting of kube-proxy's: its value, and where it is, if that is a file.
struct Setting {
    value: String,
    at: Option<(NodePath, String, Position)>,
}

/// What kube-proxy is told.
#[derive(Default)]
struct KubeProxy {
    unit: String,
    name: Option<Setting>,
    networks: Option<Setting>,
}

impl NodeRendering<'_> {
    /// Finds a kube-proxy that looks for another Node, or has other networks for pods.
    pub(super) fn check_kube_proxy(&mut self, node: &NodePlan, hostname: &str) {
        for proxy in of_units(self.builder.so_far()) {
            let name = match &proxy.name {
                Some(setting) => Some(setting.value.trim().to_lowercase()),
                // The machine's own name, where that is ours to set.
                None => self
                    .class
                    .hostname
                    .is_some()
                    .then(|| hostname.to_lowercase()),
            };
            if let Some(name) = name.filter(|name| !name.is_empty() && *name != node.name) {
                // The same text for all nodes that it is wrong for.
                let rule = format!(
                    "kube-proxy looks for the Node {name}, and the kubelet registers another name"
                );
                let help =
                    "write hostnameOverride: \"{{ node.name }}\" into kube-proxy's configuration";
                self.disagrees(node, &proxy, proxy.name.as_ref(), (rule, help));
            }
            let pods = &node_networks(&self.renderer.pod_networks);
            let Some(told) = &proxy.networks else {
                continue;
            };
            let networks: BTreeSet<IpNet> = told
                .value
                .split(',')
                .filter_map(|text| text.trim().parse().ok())
                .map(|network: IpNet| network.trunc())
                .collect();
            if !pods.is_empty() && !networks.is_empty() && networks != *pods {
                let all: Vec<String> = pods.iter().map(ToString::to_string).collect();
                let rule = format!(
                    "kube-proxy has {} as the pods' network, and network.podCIDRs is {}",
                    told.value,
                    all.join(",")
                );
                let help = "write clusterCIDR: '{{ cluster.network.podCIDRs | join(sep=\",\") }}'";
                self.disagrees(node, &proxy, Some(told), (rule, help));
            }
        }
    }

    fn disagrees(
        &mut self,
        node: &NodePlan,
        proxy: &KubeProxy,
        setting: Option<&Setting>,
        (rule, help): (String, &str),
    ) {
        let at = setting.and_then(|setting| setting.at.as_ref());
        let in_file = at.and_then(|(path, text, position)| {
            let location = self.builder.text_location(path)?;
            let fault = Fault::at(Id::KubeProxyDisagrees, *position, rule.clone()).help(help);
            Some(self.finding(location, path, text, &fault, false))
        });
        let finding = in_file.unwrap_or_else(|| {
            let at = node.class.spec.kubernetes.location.at.clone();
            let location = FieldLocation::new(at, format!("units.{}", proxy.unit));
            location.finding(Id::KubeProxyDisagrees, rule).help(help)
        });
        self.builder.fail([finding]);
    }
}

fn node_networks(networks: &[IpNet]) -> BTreeSet<IpNet> {
    networks.iter().map(IpNet::trunc).collect()
}

/// Each kube-proxy that a unit starts. A flag wins over the file for the name, and counts without a file for the networks
/// (cmd/kube-proxy/app/options.go).
fn of_units(tree: &NodeTree) -> Vec<KubeProxy> {
    let units = tree.units().iter();
    let units = units.filter(|(name, unit)| name.contains(PROGRAM) && !unit.masked);
    let mut found = Vec::new();
    for (name, unit) in units {
        for command in unit.effective().commands("ExecStart") {
            let is_it = |word: &String| word.rsplit('/').next() == Some(PROGRAM);
            let Some(at) = command.iter().position(is_it) else {
                continue;
            };
            let words = &command[at + 1..];
            let flag = |flag: &str| {
                let given = words.iter().position(|word| word == flag);
                let next = given.and_then(|at| words.get(at + 1)).cloned();
                let joined = format!("{flag}=");
                let joined = words.iter().find_map(|word| word.strip_prefix(&joined));
                next.or_else(|| joined.map(str::to_owned))
            };
            let setting = |value| Setting { value, at: None };
            let mut proxy = KubeProxy {
                unit: name.clone(),
                name: flag("--hostname-override").map(setting),
                networks: None,
            };
            match flag("--config") {
                Some(path) => {
                    let [name, networks] =
                        of_file(tree, &path, ["hostnameOverride", "clusterCIDR"]);
                    proxy.name = proxy.name.or(name);
                    proxy.networks = networks;
                }
                None => proxy.networks = flag("--cluster-cidr").map(setting),
            }
            found.push(proxy);
        }
    }
    found
}

fn of_file<const N: usize>(tree: &NodeTree, path: &str, keys: [&str; N]) -> [Option<Setting>; N] {
    let entry = tree.entries().get_key_value(path);
    let text = entry.and_then(|(at, entry)| Some((at, text_of(&entry.kind)?)));
    let Some((path, text)) = text else {
        return keys.map(|_| None);
    };
    yaml_fields(&text, keys).map(|field| {
        let (value, position) = field?;
        Some(Setting {
            value,
            at: Some((path.clone(), text.clone(), position)),
        })
    })
}
