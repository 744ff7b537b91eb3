//! The text of an imported project: its inventory as people would write it, profiles, and what could not be known.

use std::fmt::Write;
use std::net::IpAddr;

use crate::import::facts::{Facts, NodeFact};
use crate::import::settings::{SHARED, Settings};
use crate::import::systems::is_buildable;
use crate::kubernetes::names::subdomain;
use crate::kubernetes::version::Version;
use crate::yaml::push_quoted;

/// Comments of the inventory begin behind so many characters, and a space.
const COMMENTS: usize = 35;

/// What was decided about the project before it is written.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Its name.
    pub name: String,
    /// The version of its nodes.
    pub version: Version,
    /// The URL of the API server.
    pub url: String,
    /// The servers behind a loopback URL.
    pub endpoints: Vec<String>,
    /// The version of the API servers, where it is known.
    pub api_version: Option<Version>,
    /// The machine of new nodes, where it is known.
    pub arch: Option<String>,
    /// The profiles of all nodes.
    pub profiles: Vec<String>,
    /// The names of the nodes that the project builds from now on.
    pub built: Vec<String>,
}

impl Decided {
    /// The machine of new nodes, where it is not the one that goes without saying.
    fn other_arch(&self) -> Option<&str> {
        self.arch.as_deref().filter(|arch| *arch != "amd64")
    }
}

/// The part of the inventory above the nodes.
pub fn head(decided: &Decided, facts: &Facts, profiles: &[&str]) -> String {
    let mut out = String::new();
    let line = |out: &mut String, text: String, comment: &str| commented(out, &text, comment);
    line(&mut out, "apiVersion: nodebake/v1".to_owned(), "");
    line(&mut out, "kind: Cluster".to_owned(), "");
    line(&mut out, format!("name: {}", decided.name), "");
    line(
        &mut out,
        "generation: 1".to_owned(),
        "bump it to provision nodes again",
    );
    let version = format!("kubernetes: {}", decided.version);
    line(&mut out, version, "of nodes that say nothing else");
    line(&mut out, "apiServer:".to_owned(), "");
    line(&mut out, format!("  url: {}", scalar(&decided.url)), "");
    if !decided.endpoints.is_empty() {
        let servers = "the servers behind the proxy on each node";
        line(
            &mut out,
            format!("  endpoints: {}", list(&decided.endpoints)),
            servers,
        );
    }
    line(&mut out, "  ca: pki/ca.pem".to_owned(), "");
    if let Some(version) = &decided.api_version {
        line(
            &mut out,
            format!("  version: {version}"),
            "no kubelet may be newer",
        );
    }
    line(&mut out, "network:".to_owned(), "");
    let domain = facts.domain.value().map_or("cluster.local", String::as_str);
    line(&mut out, format!("  clusterDomain: {}", scalar(domain)), "");
    for (key, claims) in [
        ("clusterDNS", &facts.dns),
        ("serviceCIDRs", &facts.services),
        ("podCIDRs", &facts.pods),
    ] {
        if let Some(values) = claims.value().filter(|values| !values.is_empty()) {
            line(&mut out, format!("  {key}: {}", list(values)), "");
        }
    }
    line(&mut out, "tokens:".to_owned(), "");
    line(&mut out, "  ttl: 90d".to_owned(), "how long a token lives");
    line(
        &mut out,
        "  bootWithin: 24h".to_owned(),
        "how long after the build a node may still boot",
    );
    line(
        &mut out,
        "  approval: review".to_owned(),
        "client CSRs are approved by a person, not by the controller",
    );
    for text in &facts.further {
        out.push_str(text);
    }
    if let Some(arch) = decided.other_arch() {
        line(&mut out, format!("os: {{arch: {}}}", scalar(arch)), "");
    }
    let names: Vec<String> = decided
        .profiles
        .iter()
        .map(String::as_str)
        .chain(profiles.iter().copied())
        .map(str::to_owned)
        .collect();
    line(&mut out, format!("profiles: {}", list(&names)), "");
    out
}

/// The whole inventory.
pub fn inventory(decided: &Decided, facts: &Facts, settings: &Settings) -> String {
    let mut out = String::from(
        "# yaml-language-server: $schema=schemas/cluster.schema.json\n\
         # Made by `nodebake import`. Add your new nodes at the end, then run `nodebake token create` and `nodebake build`.\n",
    );
    let shared: &[&str] = if settings.shared.is_empty() {
        &[]
    } else {
        &[SHARED]
    };
    out.push_str(&head(decided, facts, shared));
    let nodes: Vec<&NodeFact> = facts.nodes.values().collect();
    if nodes.is_empty() {
        out.push_str(
            "nodes:\n  - name: worker-1                  # an example: the input has no nodes\n",
        );
        return out;
    }
    out.push_str("nodes:\n");
    if nodes.iter().any(|node| !decided.built.contains(&node.name)) {
        out.push_str(
            "  # Nodes with `managed: false` are there already: they get no payload, no token and no Secret. To build one again,\n\
             \x20 # remove that line and the marks in front of those below it.\n",
        );
    }
    for node in nodes {
        out.push_str(&item(node, decided, settings));
    }
    out
}

/// One node.
pub fn item(node: &NodeFact, decided: &Decided, settings: &Settings) -> String {
    let mut out = String::new();
    let mut words = Vec::new();
    if node.control_plane {
        words.push("control plane".to_owned());
    }
    words.extend(node.version.clone());
    words.extend(node.notes.iter().cloned());
    commented(
        &mut out,
        &format!("  - name: {}", scalar(&node.name)),
        &words.join("; "),
    );
    let is_built = decided.built.contains(&node.name);
    if !is_built {
        out.push_str("    managed: false\n");
    }
    let mark = if is_built { "" } else { "# " };
    if !node.control_plane {
        let other = node.version.as_deref().filter(|version| {
            let version = version.parse::<Version>();
            version.is_ok_and(|version| version != decided.version)
        });
        if let Some(version) = other {
            _ = writeln!(out, "    {mark}kubernetes: {version}");
        }
        if settings.of_node.contains_key(&node.name) {
            _ = writeln!(out, "    {mark}profiles: [{}]", scalar(&node.name));
        }
        if let Some(arch) = node.arch.as_deref()
            && arch != decided.other_arch().unwrap_or("amd64")
            && is_buildable(arch)
        {
            _ = writeln!(out, "    {mark}os: {{arch: {}}}", scalar(arch));
        }
        if let Some(id) = &node.provider_id {
            _ = writeln!(
                out,
                "    {mark}kubelet: {{config: {{providerID: {}}}}}",
                scalar(id)
            );
        }
    }
    if !node.addresses.is_empty() {
        let addresses = one_of_each(&node.addresses);
        _ = writeln!(out, "    addresses: {}", list(&addresses));
    }
    let names: Vec<String> = sans(node);
    if !names.is_empty() {
        _ = writeln!(out, "    certSANs: {}", list(&names));
    }
    if !node.macs.is_empty() {
        _ = writeln!(out, "    macs: {}", list(&node.macs));
    }
    for (key, map) in [("labels", &node.labels), ("taints", &node.taints)] {
        if !map.is_empty() {
            let pairs = map.iter();
            let pairs = pairs.map(|(key, value)| format!("{}: {}", scalar(key), scalar(value)));
            _ = writeln!(
                out,
                "    {key}: {{{}}}",
                pairs.collect::<Vec<_>>().join(", ")
            );
        }
    }
    out
}

/// A node has one address of each family at most; further ones are addresses that its certificate may have.
fn one_of_each(addresses: &[IpAddr]) -> Vec<String> {
    let mut kept: Vec<IpAddr> = Vec::new();
    for address in addresses {
        if !kept
            .iter()
            .any(|known| known.is_ipv4() == address.is_ipv4())
        {
            kept.push(*address);
        }
    }
    kept.iter().map(ToString::to_string).collect()
}

/// Further names and addresses of a node.
fn sans(node: &NodeFact) -> Vec<String> {
    let kept = one_of_each(&node.addresses);
    let further = node.addresses.iter().map(ToString::to_string);
    let further = further.filter(|address| !kept.contains(address));
    let names = node.names.iter().map(|name| name.to_ascii_lowercase());
    let names = names.filter(|name| {
        *name != node.name && (name.parse::<IpAddr>().is_ok() || subdomain(name).is_ok())
    });
    let mut all: Vec<String> = Vec::new();
    for one in further.chain(names) {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// A line with a comment behind it.
fn commented(out: &mut String, text: &str, comment: &str) {
    if comment.is_empty() {
        out.push_str(text);
    } else {
        _ = write!(out, "{text:<COMMENTS$} # {comment}");
        // A line break of somebody else's would end the comment.
        if comment.contains(char::is_control) {
            let start = out.len() - comment.len();
            let clean = comment.replace(char::is_control, " ");
            out.replace_range(start.., &clean);
        }
    }
    out.push('\n');
}

/// A list on one line.
pub fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| scalar(value)).collect();
    format!("[{}]", values.join(", "))
}

/// A text as a key or value on a line; in quotes where it must be.
pub fn scalar(text: &str) -> String {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    // A colon inside is a part of a plain text where no space follows, but not at its end.
    let url = text.starts_with("https://") && !text.ends_with(':');
    let fits = |c: char| plain(c) || url && matches!(c, ':');
    let is_address = text.parse::<std::net::Ipv4Addr>().is_ok()
        || text.split_once('/').is_some_and(|(address, length)| {
            address.parse::<std::net::Ipv4Addr>().is_ok() && length.parse::<u8>().is_ok()
        });
    if is_address || starts && text.chars().all(fits) && !is_word(text) {
        return text.to_owned();
    }
    let mut quoted = String::new();
    push_quoted(&mut quoted, text);
    quoted
}

/// Words that some reader of YAML takes for something else than text.
fn is_word(text: &str) -> bool {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    words.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_as_they_were() {
        for (text, written) in [
            ("ssd", "ssd"),
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.0/16", "10.0.0.0/16"),
            ("fd00::1", "\"fd00::1\""),
            ("https://a.example:6443", "https://a.example:6443"),
            ("https://[fd00::1]:6443", "\"https://[fd00::1]:6443\""),
            (
                "node-role.kubernetes.io/worker",
                "node-role.kubernetes.io/worker",
            ),
            ("a:NoSchedule", "\"a:NoSchedule\""),
            ("yes", "\"yes\""),
            ("5", "\"5\""),
            ("1.5", "\"1.5\""),
            ("", "\"\""),
            ("a\n# b", "\"a\\n# b\""),
        ] {
            assert_eq!(scalar(text), written);
            let back: String = crate::yaml::read(&scalar(text)).expect(text);
            assert_eq!(back, text);
        }
    }
}
