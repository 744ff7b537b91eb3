//! What an imported project says, decided from the facts; and what the facts do not tell, with where to look.

use std::net::IpAddr;

use globset::Glob;

use crate::error::Result;
use crate::import::ImportRequest;
use crate::import::facts::{Facts, NodeFact};
use crate::import::pods::lowest_api_server;
use crate::import::systems;
use crate::import::write::Decided;
use crate::inventory::host_of;
use crate::inventory::profiles::built_in_profile;
use crate::kubernetes::version::Version;
use crate::project::with_role;
use crate::report::{Finding, Id, Report};
use crate::wording::named;

use anyhow::{Context, bail};

/// A URL that stands where none is known.
const NO_URL: &str = "https://api.example.internal:6443";
/// So many parts of a network are named.
const NAMED: usize = 4;
/// The version of new nodes where none is known.
const NO_VERSION: &str = "v1.34.4";

/// Something that the dumps do not tell, and where it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What is not known.
    pub what: String,
    /// Where to look.
    pub look: String,
}

/// Decides what the project says; what it cannot know is added to `unknown`.
pub fn decide(
    request: &ImportRequest,
    facts: &Facts,
    unknown: &mut Vec<Unknown>,
    report: &mut Report,
) -> Result<Decided> {
    let mut lacks = |what: &str, look: &str| {
        unknown.push(Unknown {
            what: what.to_owned(),
            look: look.to_owned(),
        });
    };
    let name = match request.name.as_ref().or(facts.name.value()) {
        Some(name) => label_of(name),
        None => {
            lacks(
                "the cluster's name",
                "name it with --name; nodes and groups are called by it",
            );
            "kubernetes".to_owned()
        }
    };
    let version = version(request, facts, &mut lacks)?;
    let (url, endpoints) = url(request, facts, &mut lacks, report);
    if facts.ca.best().is_none() {
        let look = "pki/ca.pem is an example: `kubectl config view --raw --minify --flatten` has certificate-authority-data";
        lacks("the cluster's CA", look);
    }
    if facts.services.best().is_none() {
        lacks(
            "the service network",
            "`kubectl -n kube-system get configmap kubeadm-config -o yaml`, or --service-cluster-ip-range of kube-apiserver",
        );
    }
    if facts.pods.best().is_none() {
        // Each node has a part of it.
        let parts = facts
            .nodes
            .values()
            .flat_map(|node| node.pods.iter().cloned());
        let parts: Vec<String> = parts.collect();
        let what = if parts.is_empty() {
            "the pod network".to_owned()
        } else {
            format!(
                "the pod network, of which nodes have {}",
                named(&parts, NAMED)
            )
        };
        lacks(
            &what,
            "--cluster-cidr of kube-controller-manager, or the configuration of the network plug-in",
        );
    }
    if facts.dns.best().is_none() {
        lacks(
            "the DNS server of pods",
            "`kubectl -n kube-system get service kube-dns -o yaml` (network.clusterDNS)",
        );
    }
    if facts.kubelet.is_empty() && facts.configz.is_empty() {
        lacks(
            "the kubelets' settings",
            "`kubectl -n kube-system get configmap kubelet-config -o yaml`",
        );
    }
    if facts.nodes.is_empty() {
        lacks("the nodes", "`kubectl get nodes -o yaml`");
    } else if facts.configz.is_empty() {
        lacks(
            "settings that single kubelets have",
            "`kubectl get --raw /api/v1/nodes/NODE/proxy/configz`, given as --configz NODE=FILE",
        );
    }
    if request.profiles.is_empty() {
        system(facts, &mut lacks);
    }
    let arch = arch(facts, &mut lacks);
    runtime(facts, &mut lacks);
    if let Some(distribution) = distribution(facts) {
        lacks(
            &format!("whether nodes of yours may join {distribution}"),
            "nodebake's nodes join with bootstrap tokens and a kubelet of their own; ask its documentation",
        );
    }
    let api_version = lowest_api_server(facts).map(|(version, _)| version);
    let api_version = api_version.or_else(|| facts.version.value()?.parse().ok());
    Ok(Decided {
        name,
        // A kubelet must not be newer than the API servers.
        version: match &api_version {
            Some(servers) if request.kubernetes.is_none() && *servers < version => servers.clone(),
            _ => version,
        },
        url,
        endpoints,
        api_version,
        arch,
        profiles: profiles(request, facts)?,
        built: built(request, facts, report)?,
    })
}

/// The distribution that the versions, labels or images of a cluster name, if its nodes join in a way of their own.
fn distribution(facts: &Facts) -> Option<&'static str> {
    const MARKS: [(&str, &str); 5] = [
        ("+k3s", "k3s"),
        ("+k0s", "k0s"),
        ("+rke2", "RKE2"),
        ("-eks-", "EKS"),
        ("-gke.", "GKE"),
    ];
    let of_nodes = facts.nodes.values();
    let of_nodes = of_nodes.filter_map(|node| node.version.as_ref());
    let mut versions = of_nodes.chain(facts.version.value());
    let of_version = versions.find_map(|version| {
        let mut marks = MARKS.iter();
        let found = marks.find(|(mark, _)| version.contains(mark));
        found.map(|(_, name)| *name)
    });
    let images = facts
        .nodes
        .values()
        .filter_map(|node| node.os_image.as_deref());
    let of_image = || {
        images
            .into_iter()
            .find_map(|image| image.starts_with("Talos ").then_some("Talos"))
    };
    let of_labels = || facts.nodes.values().find_map(|node| node.distribution);
    of_version.or_else(of_labels).or_else(of_image)
}

fn version(
    request: &ImportRequest,
    facts: &Facts,
    lacks: &mut impl FnMut(&str, &str),
) -> Result<Version> {
    if let Some(version) = &request.kubernetes {
        return version
            .parse()
            .map_err(|rule: String| anyhow::anyhow!("reading --kubernetes: {rule}"));
    }
    let said = facts.kubelet_version.value().or(facts.version.value());
    let said = said.and_then(|version| version.parse().ok());
    let of_nodes = facts.nodes.values();
    let of_nodes = of_nodes.filter_map(|node| node.version.as_deref()?.parse().ok());
    if let Some(version) = said.or_else(|| of_nodes.max()) {
        return Ok(version);
    }
    lacks(
        "the version of Kubernetes",
        "`kubectl version -o json`; or name it with --kubernetes",
    );
    NO_VERSION
        .parse()
        .map_err(|rule: String| anyhow::anyhow!("reading a version: {rule}"))
}

/// The URL, and the servers behind it where it is one on the node itself.
fn url(
    request: &ImportRequest,
    facts: &Facts,
    lacks: &mut impl FnMut(&str, &str),
    report: &mut Report,
) -> (String, Vec<String>) {
    const LOOK: &str =
        "`kubectl -n kube-public get configmap cluster-info -o yaml`; or name it with --server";
    if let Some(url) = &request.server {
        let url = if url.contains("://") {
            url.clone()
        } else {
            format!("https://{url}")
        };
        return (url, Vec::new());
    }
    let Some(best) = facts.url.best() else {
        lacks("the API server's URL", LOOK);
        return (NO_URL.to_owned(), Vec::new());
    };
    let rest = best.value.strip_prefix("https://").unwrap_or(&best.value);
    if best.value != format!("https://{rest}") || rest.contains(['/', '?', '#', '@']) {
        let rule = format!("must be https://host:port for nodes; got {:?}", best.value);
        let finding = Finding::new(Id::ImportDisagreement, &best.at, "server", rule);
        report.add(finding.help("name the API server itself with --server"));
        lacks("the API server's URL as nodes reach it", LOOK);
        return (NO_URL.to_owned(), Vec::new());
    }
    let host = host_of(if rest.contains(':') && !rest.ends_with(']') {
        rest
    } else {
        &best.value
    });
    let host = host.trim_start_matches("https://");
    let is_loopback =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback());
    if !is_loopback {
        let servers = facts.nodes.values().filter(|node| node.control_plane);
        if servers.clone().count() > 1
            && servers
                .flat_map(|node| &node.addresses)
                .any(|one| one.to_string() == host)
        {
            let rule =
                format!("{host} is one of several control-plane nodes: without it no node joins");
            let finding = Finding::new(Id::ImportDisagreement, &best.at, "server", rule);
            report.add(
                finding.help("name the address of all of them with --server, if there is one"),
            );
        }
        return (best.value.clone(), Vec::new());
    }
    let endpoints = endpoints(facts);
    if best.source == "kubectl config view" || endpoints.is_empty() {
        lacks("the API server's URL as nodes reach it", LOOK);
        return (NO_URL.to_owned(), Vec::new());
    }
    (best.value.clone(), endpoints)
}

/// What a loopback URL needs on each node: the overlay with the proxy.
pub fn proxy(decided: &Decided) -> Option<String> {
    let has_servers = !decided.endpoints.is_empty();
    has_servers.then(|| "overlays: {api-proxy: {}}\n".to_owned())
}

/// The API servers themselves.
fn endpoints(facts: &Facts) -> Vec<String> {
    if !facts.endpoints.is_empty() {
        return facts.endpoints.clone();
    }
    let servers = facts.nodes.values().filter(|node| node.control_plane);
    let first = |node: &NodeFact| node.addresses.first().copied();
    servers
        .filter_map(first)
        .map(|address| match address {
            IpAddr::V4(address) => format!("{address}:6443"),
            IpAddr::V6(address) => format!("[{address}]:6443"),
        })
        .collect()
}

/// The role and the operating system that most workers have, unless the user names profiles.
fn profiles(request: &ImportRequest, facts: &Facts) -> Result<Vec<String>> {
    let mut profiles = request.profiles.clone();
    for name in &profiles {
        built_in_profile(name)?;
    }
    if profiles.is_empty() {
        let image = systems::image(facts);
        let system = image.and_then(|image| systems::profile_of(&image.value));
        // Packages of kubeadm and the kubelet need a /usr that can be written.
        if facts.kubeadm && !matches!(system.as_deref(), Some("flatcar" | "fedora-coreos")) {
            profiles.push("kubeadm".to_owned());
        }
        profiles.extend(system);
    }
    Ok(with_role(profiles))
}

/// What is not known of the operating system of new nodes.
fn system(facts: &Facts, lacks: &mut impl FnMut(&str, &str)) {
    let Some(image) = systems::image(facts) else {
        if !facts.nodes.is_empty() {
            let look = "`kubectl get nodes -o yaml` has it; put its profile behind the role: `nodebake profile` lists them";
            lacks("the operating system of new nodes", look);
        }
        return;
    };
    let value = &image.value;
    if systems::profile_of(value).is_none() {
        let look = "none is built in: write what its image needs into a profile of your own, or give new nodes a system that `nodebake profile` lists";
        lacks(&format!("the profile of {value}"), look);
    }
    let profile = systems::profile_of(value);
    let mut others = image
        .others
        .iter()
        .filter(|(_, other)| systems::profile_of(other) != profile);
    if let Some((name, other)) = others.next() {
        let what = format!("whether new nodes have {value}, as most nodes, or {other}, as {name}");
        lacks(
            &what,
            "the profile of the system is in `profiles`; a node takes another one in its own",
        );
    }
}

/// Whether the nodes run another runtime than containerd, which new nodes get.
fn runtime(facts: &Facts, lacks: &mut impl FnMut(&str, &str)) {
    let runtime = systems::runtime(facts).map(|most| most.value);
    if let Some(runtime) = runtime.filter(|runtime| !runtime.starts_with("containerd://")) {
        let look = "nodebake sets up containerd; for another one set kubelet.config.containerRuntimeEndpoint, and see nodebake-preflight";
        lacks(
            &format!("whether new nodes run {runtime}, as most nodes"),
            look,
        );
    }
}

/// The machine of new nodes: that of most workers.
fn arch(facts: &Facts, lacks: &mut impl FnMut(&str, &str)) -> Option<String> {
    let machine = systems::machine(facts)?;
    if !systems::is_buildable(&machine.value) {
        let what = format!("how to build nodes for {}", machine.value);
        lacks(
            &what,
            "nodebake does not; `os.arch` is amd64 unless you change it",
        );
        return None;
    }
    Some(machine.value)
}

/// The nodes that are built from now on. A control plane is not: nodebake builds workers.
fn built(request: &ImportRequest, facts: &Facts, report: &mut Report) -> Result<Vec<String>> {
    let mut built = facts.planned.clone();
    for text in &request.built {
        let glob = Glob::new(text).with_context(|| format!("reading --build {text}"))?;
        let glob = glob.compile_matcher();
        let mut is_known = false;
        for node in facts
            .nodes
            .values()
            .filter(|node| glob.is_match(&node.name))
        {
            is_known = true;
            if node.control_plane {
                let rule = format!(
                    "{} has an API server, and nodebake builds workers: it is not built",
                    node.name
                );
                report.add(Finding::new(Id::ImportNodeSkipped, &node.at, "", rule));
            } else if !built.contains(&node.name) {
                built.push(node.name.clone());
            }
        }
        if !is_known {
            bail!("reading --build {text}: there is no such node among those that were read");
        }
    }
    Ok(built)
}

/// A name that is a DNS label, out of one that may be anything (`arn:aws:eks:…:cluster/prod`).
fn label_of(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = name.rsplit_once('@').map_or(name, |(_, name)| name);
    let mut label = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        let fits = c.is_ascii_lowercase() || c.is_ascii_digit();
        match c {
            c if fits => label.push(c),
            _ if label.ends_with('-') || label.is_empty() => {}
            _ => label.push('-'),
        }
        if label.len() == 63 {
            break;
        }
    }
    let label = label.trim_end_matches('-');
    if label.is_empty() {
        "kubernetes".to_owned()
    } else {
        label.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_a_label() {
        for (name, label) in [
            ("prod-eu1", "prod-eu1"),
            ("arn:aws:eks:eu-1:1:cluster/Prod_A", "prod-a"),
            ("admin@lab", "lab"),
            ("cluster.local", "cluster-local"),
            ("___", "kubernetes"),
            (&"a".repeat(80), &"a".repeat(63)),
        ] {
            assert_eq!(label_of(name), label, "{name}");
        }
    }
}
