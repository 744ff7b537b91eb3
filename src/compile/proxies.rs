//! Proxies for pulling images, as a drop-in of the unit that pulls them. The kubelet gets none: it talks to the API server.

use crate::inventory::{Cluster, Proxies};

/// The drop-in's name.
pub const DROPIN: &str = "10-nodebake-proxies.conf";

/// What is never asked for through a proxy: the node itself, services, pods, the API server. Go's HTTP client, which
/// containerd uses, takes networks as well as names (golang.org/x/net/http/httpproxy).
fn no_proxy(proxies: &Proxies, cluster: &Cluster) -> String {
    let network = &cluster.network;
    let mut list: Vec<String> = ["localhost", "127.0.0.0/8", "::1"]
        .map(str::to_owned)
        .into();
    let cidrs = network.service_cidrs.iter().chain(&network.pod_cidrs);
    list.extend(cidrs.map(|cidr| cidr.value.to_string()));
    list.push(".svc".to_owned());
    list.push(format!(".{}", network.cluster_domain));
    list.push(cluster.api_server.host().clone());
    list.extend(proxies.no_proxy.iter().cloned());
    let mut seen = std::collections::HashSet::new();
    list.retain(|item| seen.insert(item.clone()));
    list.join(",")
}

/// The drop-in's text; None without a proxy.
pub fn dropin(proxies: &Proxies, cluster: &Cluster) -> Option<String> {
    let named = [
        ("HTTP_PROXY", proxies.http.clone()),
        ("HTTPS_PROXY", proxies.https.clone()),
    ];
    let mut lines: Vec<(&str, String)> = named
        .into_iter()
        .filter_map(|(name, url)| Some((name, url?)))
        .collect();
    if lines.is_empty() {
        return None;
    }
    lines.push(("NO_PROXY", no_proxy(proxies, cluster)));
    let mut text = "[Service]\n".to_owned();
    for (name, value) in lines {
        // systemd expands specifiers here, and URLs may hold escapes.
        let value = value.replace('%', "%%");
        text.push_str(&format!("Environment=\"{name}={value}\"\n"));
    }
    Some(text)
}
