//! kubeadm's ClusterConfiguration, v1beta1 to v1beta4. What is taken from it is the same in all of them, but for `extraArgs`:
//! maps, and from v1beta4 on lists of `name` and `value`.

use crate::import::facts::Facts;
use crate::import::values::{at, invalid, text};
use crate::model::Location;
use crate::report::Report;
use crate::yaml::{Located, Value};

/// The port of an API server where none is named.
const PORT: u16 = 6443;

/// Takes what a ClusterConfiguration says.
pub fn read(tree: &Located, source: &str, facts: &mut Facts, report: &mut Report) {
    let location = |path: &[&str]| at(tree, path).map_or(&tree.location, |at| &at.location);
    let said = |path: &[&str]| text(tree, path).filter(|text| !text.trim().is_empty());
    if let Some(name) = said(&["clusterName"]).filter(|name| *name != "kubernetes") {
        facts
            .name
            .add(0, name.to_owned(), location(&["clusterName"]), source);
    }
    if let Some(version) = said(&["kubernetesVersion"]) {
        // `ci/latest` and the like: what is after the slash.
        let version = version.rsplit('/').next().unwrap_or(version);
        let at = location(&["kubernetesVersion"]);
        // `stable-1.34` and the like are what somebody asked for, and no version of the cluster.
        let is_wish = ["stable", "latest"]
            .iter()
            .any(|wish| version.starts_with(wish));
        if version.starts_with(['v', '1']) {
            facts.version.add(0, version.to_owned(), at, source);
        } else if !is_wish {
            let rule = format!("must be a version; got {version:?}");
            report.add(invalid(at, "kubernetesVersion", rule));
        }
    }
    if let Some(endpoint) = said(&["controlPlaneEndpoint"]) {
        let at = location(&["controlPlaneEndpoint"]);
        facts.url.add(1, url_of(endpoint), at, source);
    }
    let network = |key: &str| {
        said(&["networking", key]).map(|text| (list(text), location(&["networking", key])))
    };
    if let Some((cidrs, at)) = network("serviceSubnet") {
        facts.services.add(0, cidrs, at, source);
    }
    if let Some((cidrs, at)) = network("podSubnet") {
        facts.pods.add(0, cidrs, at, source);
    }
    if let Some(domain) = said(&["networking", "dnsDomain"]) {
        let at = location(&["networking", "dnsDomain"]);
        facts.domain.add(2, domain.to_owned(), at, source);
    }
    let argument = |of: &str, name: &str| extra_argument(tree.get(of)?.get("extraArgs")?, name);
    let further = [
        ("apiServer", "service-cluster-ip-range"),
        ("controllerManager", "cluster-cidr"),
    ];
    for (of, name) in further {
        let Some((value, at)) = argument(of, name) else {
            continue;
        };
        let claims = if of == "apiServer" {
            &mut facts.services
        } else {
            &mut facts.pods
        };
        claims.add(2, list(&value), &at, format!("{source} (extraArgs)"));
    }
}

/// An argument of either form; the last one counts.
fn extra_argument(arguments: &Located, name: &str) -> Option<(String, Location)> {
    let found = match &arguments.value {
        Value::Map(map) => map.get(name).map(|field| &field.value)?,
        Value::List(items) => {
            let mut items = items.iter().rev();
            items
                .find(|item| text(item, &["name"]) == Some(name))?
                .get("value")?
        }
        _ => return None,
    };
    Some((found.as_str()?.to_owned(), found.location.clone()))
}

/// Comma-separated words.
pub fn list(text: &str) -> Vec<String> {
    let words = text.split(',').map(str::trim);
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `controlPlaneEndpoint` as a URL: it may have a scheme, lack a port, and be an IPv6 address.
fn url_of(endpoint: &str) -> String {
    let endpoint = endpoint
        .trim()
        .trim_start_matches("https://")
        .trim_end_matches('/');
    if endpoint.parse::<std::net::Ipv6Addr>().is_ok() {
        return format!("https://[{endpoint}]:{PORT}");
    }
    let after = endpoint
        .rsplit_once(']')
        .map_or(endpoint, |(_, after)| after);
    if after.contains(':') {
        format!("https://{endpoint}")
    } else {
        format!("https://{endpoint}:{PORT}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_become_urls() {
        for (endpoint, url) in [
            ("api.example.com:6443", "https://api.example.com:6443"),
            ("api.example.com", "https://api.example.com:6443"),
            (
                "https://api.example.com:443/",
                "https://api.example.com:443",
            ),
            ("fd00::1", "https://[fd00::1]:6443"),
            ("[fd00::1]", "https://[fd00::1]:6443"),
            ("[fd00::1]:8443", "https://[fd00::1]:8443"),
        ] {
            assert_eq!(url_of(endpoint), url);
        }
    }
}
