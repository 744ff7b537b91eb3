//! Registries in the configuration of containerd 1.3 and 1.4, which read no `hosts.toml`: the tables `registry.mirrors` and
//! `registry.configs` of the CRI plugin. In: registries. Out: TOML, and what these releases cannot be told. Source:
//! containerd/cri, `pkg/config/config.go` and `pkg/server/image_pull.go` of release/1.3 and release/1.4.

use std::fmt::Write;

use crate::compile::registries::{Names, host_of, server};
use crate::inventory::{Access, DEFAULT_REGISTRY, Registry};
use crate::model::Spanned;
use crate::report::{Finding, Id};

/// The plugin in files of version 2, which these releases read.
const REGISTRY: &str = "plugins.\"io.containerd.grpc.v1.cri\".registry";
/// The registry that is there without a word, so that what is said of all others does not count for it.
const KNOWN: (&str, &str) = ("docker.io", "https://registry-1.docker.io");

/// How one server is spoken to, with TLS.
struct Server<'r> {
    registry: &'r Registry,
    url: String,
    names: Names,
    ca: Option<&'r Spanned<String>>,
    access: &'r Access,
}

impl<'r> Server<'r> {
    /// All servers of a registry: its mirrors in order, then its own.
    fn all(registry: &'r Registry) -> Vec<Self> {
        let mirrors = registry.mirrors.iter().enumerate();
        let mirrors = mirrors.map(|(index, mirror)| Self {
            registry,
            url: mirror.url.clone(),
            names: Names::of_mirror(registry, index),
            ca: mirror.ca.as_ref(),
            access: &mirror.access,
        });
        let own = server(registry).map(|url| Self {
            registry,
            url,
            names: Names::own(registry),
            ca: registry.ca.as_ref(),
            access: &registry.access,
        });
        mirrors.chain(own).collect()
    }

    fn has_tls(&self) -> bool {
        self.ca.is_some() || self.access.client.is_some() || self.access.skip_verify
    }

    /// What its table says, by the project's files.
    fn tls(&self) -> (Option<&str>, Option<(&str, &str)>, bool) {
        let client = self.access.client.as_ref();
        let client = client.map(|client| (&*client.certificate.value, &*client.key.value));
        (
            self.ca.map(|ca| &*ca.value),
            client,
            self.access.skip_verify,
        )
    }
}

/// The tables.
pub fn tables(registries: &[Registry]) -> String {
    let mut text = String::new();
    for registry in registries {
        let endpoints = endpoints(registry);
        if registry.host.value == DEFAULT_REGISTRY {
            push_mirrors(&mut text, "*", &endpoints);
            if registries.iter().all(|other| other.host.value != KNOWN.0) {
                let known = [KNOWN.1.to_owned()];
                let all: Vec<String> = endpoints.iter().chain(&known).cloned().collect();
                push_mirrors(&mut text, KNOWN.0, &all);
            }
        } else {
            push_mirrors(&mut text, &registry.host.value, &endpoints);
        }
    }
    let mut hosts: Vec<String> = Vec::new();
    for server in registries.iter().flat_map(Server::all) {
        let host = host_of(&server.url);
        if server.has_tls() && !hosts.iter().any(|known| known == host) {
            hosts.push(host.to_owned());
            push_tls(&mut text, host, &server);
        }
    }
    text
}

fn push_mirrors(text: &mut String, host: &str, endpoints: &[String]) {
    let quoted: Vec<String> = endpoints.iter().map(|url| format!("\"{url}\"")).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "  [{REGISTRY}.mirrors.\"{host}\"]\n    endpoint = [{}]",
        quoted.join(", ")
    );
}

fn push_tls(text: &mut String, host: &str, server: &Server<'_>) {
    let _ = writeln!(text, "  [{REGISTRY}.configs.\"{host}\".tls]");
    if server.ca.is_some() {
        let _ = writeln!(text, "    ca_file = \"{}\"", server.names.ca);
    }
    if server.access.client.is_some() {
        let _ = writeln!(text, "    cert_file = \"{}\"", server.names.certificate);
        let _ = writeln!(text, "    key_file = \"{}\"", server.names.key);
    }
    if server.access.skip_verify {
        let _ = writeln!(text, "    insecure_skip_verify = true");
    }
}

/// The servers of a registry, as these releases ask them one after another. They add the registry's own one at the end.
fn endpoints(registry: &Registry) -> Vec<String> {
    let mirrors = registry.mirrors.iter();
    let mirrors = mirrors.map(|mirror| endpoint(&mirror.url, mirror.override_path));
    let own = server(registry).map(|url| endpoint(&url, false));
    mirrors.chain(own).collect()
}

/// A URL with the root of the API in it: these releases add /v2 to a URL without a path only.
fn endpoint(url: &str, is_whole: bool) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match (rest.contains('/'), is_whole) {
        (false, true) => format!("{url}/"),
        (true, false) if !url.ends_with("/v2") => format!("{url}/v2"),
        _ => url.to_owned(),
    }
}

/// What containerd 1.3 and 1.4 cannot be told, or would do otherwise than it was written. `minor` is theirs.
pub fn findings(registries: &[Registry], minor: u32) -> Vec<Finding> {
    let mut findings = Vec::new();
    let servers: Vec<Server<'_>> = registries.iter().flat_map(Server::all).collect();
    for registry in registries {
        findings.extend(unread(registry, minor));
        if minor == 3 {
            findings.extend(spreading_login(registry));
        }
    }
    for (index, server) in servers.iter().enumerate() {
        let at = &server.registry.host.location;
        let host = host_of(&server.url);
        let mut before = servers[..index].iter();
        let other = before.find(|other| host_of(&other.url) == host && other.has_tls());
        if server.has_tls() && other.is_some_and(|other| other.tls() != server.tls()) {
            let rule = format!(
                "containerd 1.{minor} has one CA and one certificate for a host; {host} has two"
            );
            let finding = at.finding(Id::FieldsExclusive, rule);
            findings.push(finding.help("write the same CA and certificate at both"));
        }
        if minor == 3 && server.has_tls() && !server.url.starts_with("https://") {
            let rule = format!(
                "containerd 1.3 pulls nothing from {host}, which has TLS settings and no https URL"
            );
            let finding = at.finding(Id::RegistrySettingUnread, rule);
            findings.push(finding.help("write an https URL, or no ca, client and skipVerify"));
        }
    }
    findings
}

/// Settings that no table has.
fn unread(registry: &Registry, minor: u32) -> Vec<Finding> {
    let mut rules = Vec::new();
    if registry.accesses().any(|access| !access.headers.is_empty()) {
        rules.push((
            format!("containerd 1.{minor} sends no headers for one server"),
            "remove headers",
        ));
    }
    for mirror in &registry.mirrors {
        let can = |what: &str| mirror.capabilities.contains(&what);
        if !(can("pull") && can("resolve")) {
            let rule = format!(
                "containerd 1.{minor} both resolves at each mirror and pulls from it; {} may not",
                mirror.url
            );
            rules.push((rule, "remove the mirror, or its capabilities"));
        }
    }
    // Nothing is missing without a server for all names, but its CA has no host then.
    let own = &registry.access;
    let has_own = registry.ca.is_some() || own.client.is_some() || own.skip_verify;
    if server(registry).is_none() && has_own {
        let rule = format!("containerd 1.{minor} has TLS settings for single hosts only");
        rules.push((rule, "write them at the registries and mirrors themselves"));
    }
    let host = &registry.host;
    let is_elsewhere = |url: &String| host_of(url) != host.value;
    if host.value != DEFAULT_REGISTRY && registry.server.as_ref().is_some_and(is_elsewhere) {
        let rule = format!(
            "containerd 1.{minor} also asks https://{}, where `server` has not the image",
            host.value
        );
        rules.push((rule, "bake an image with containerd 1.5 or newer"));
    }
    let finding = |(rule, help): (String, &str)| {
        host.location
            .finding(Id::RegistrySettingUnread, rule)
            .help(help)
    };
    rules.into_iter().map(finding).collect()
}

/// containerd 1.3 keeps the first login that it finds for all servers that it asks after that one (`registryHosts`).
fn spreading_login(registry: &Registry) -> Option<Finding> {
    let servers = Server::all(registry);
    let first = servers.iter().find(|one| one.access.login.is_some())?;
    let login = first.access.login.as_ref()?;
    let host = host_of(&first.url);
    let after = servers
        .iter()
        .skip_while(|one| one.access.login.is_none())
        .filter(|one| login_of(one.access) != login_of(first.access));
    let mut others: Vec<&str> = after.map(|one| host_of(&one.url)).collect();
    // Unless a server has the registry's name, containerd adds the one that has.
    let own = match (registry.host.value.as_str(), &registry.server) {
        (DEFAULT_REGISTRY, _) => "the registry of the image",
        (name, None) if name == KNOWN.0 => host_of(KNOWN.1),
        (name, _) => name,
    };
    if !servers.iter().any(|one| host_of(&one.url) == own) {
        others.push(own);
    }
    others.retain(|other| *other != host);
    others.dedup();
    if others.is_empty() {
        return None;
    }
    let rule = format!(
        "containerd 1.3 sends the login of {host} to servers that it asks later, too: {}",
        others.join(", ")
    );
    let finding = login.location.finding(Id::RegistryLoginSpreads, rule);
    Some(finding.help("bake an image with containerd 1.4 or newer, or remove the login"))
}

/// A login by the project's files.
fn login_of(access: &Access) -> Option<[Option<&str>; 3]> {
    let login = &access.login.as_ref()?.value;
    Some([
        login.username.as_deref(),
        login.password.as_ref().map(|at| &*at.value),
        login.auth.as_ref().map(|at| &*at.value),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gets_the_root_of_the_api_where_containerd_adds_none() {
        for (url, is_whole, expected) in [
            ("https://m.example.com", false, "https://m.example.com"),
            ("https://m.example.com", true, "https://m.example.com/"),
            (
                "https://m.example.com/hub",
                false,
                "https://m.example.com/hub/v2",
            ),
            (
                "https://m.example.com/hub/v2",
                false,
                "https://m.example.com/hub/v2",
            ),
            (
                "https://m.example.com/hub",
                true,
                "https://m.example.com/hub",
            ),
        ] {
            assert_eq!(endpoint(url, is_whole), expected, "{url} {is_whole}");
        }
    }
}
