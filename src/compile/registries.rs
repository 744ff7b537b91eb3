//! Registries, their mirrors and CAs as containerd's `hosts.toml` files (containerd, docs/hosts.md).

/// Registries for a containerd that reads no such files.
pub mod tables;

use std::fmt::Write;

use crate::inventory::{Access, DEFAULT_REGISTRY, Mirror, Registry};
use crate::model::Spanned;

/// Where containerd looks for them; its `config_path` must name this folder.
pub const FOLDER: &str = "/etc/containerd/certs.d";

/// A file that `hosts.toml` names: its path on the node and where in the project it comes from.
pub struct NamedFile<'r> {
    /// On the node.
    pub path: String,
    /// In the project.
    pub source: &'r Spanned<String>,
    /// What it holds.
    pub kind: FileKind,
}

/// What a file holds that `hosts.toml` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Certificates.
    Certificate,
    /// A private key.
    Key,
}

/// The path of a registry's `hosts.toml`, and its text.
pub fn hosts(registry: &Registry) -> (String, String) {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if let Some(server) = server(registry) {
        let _ = writeln!(text, "server = \"{server}\"");
    }
    let names = Names::own(registry);
    if registry.ca.is_some() {
        let _ = writeln!(text, "ca = \"{}\"", names.ca);
    }
    push_access(&mut text, &registry.access, &names, "header", "");
    for (index, mirror) in registry.mirrors.iter().enumerate() {
        push_mirror(&mut text, registry, index, mirror);
    }
    (format!("{}/hosts.toml", folder(registry)), text)
}

/// The URL of the registry itself; None for `_default`, whose servers have the names of images.
pub fn server(registry: &Registry) -> Option<String> {
    match (&registry.server, registry.host.value.as_str()) {
        (Some(server), _) => Some(server.clone()),
        (None, DEFAULT_REGISTRY) => None,
        // The one registry whose server has another name than its images.
        (None, "docker.io") => Some("https://registry-1.docker.io".to_owned()),
        (None, host) => Some(format!("https://{host}")),
    }
}

/// The host of a URL, as containerd asks for a login to it.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// Keys of a table come before the tables in it.
fn push_access(text: &mut String, access: &Access, names: &Names, header: &str, indent: &str) {
    if access.client.is_some() {
        let _ = writeln!(
            text,
            "{indent}client = [[\"{}\", \"{}\"]]",
            names.certificate, names.key
        );
    }
    if access.skip_verify {
        let _ = writeln!(text, "{indent}skip_verify = true");
    }
    if access.headers.is_empty() {
        return;
    }
    let _ = writeln!(text, "{indent}[{header}]");
    for (name, values) in &access.headers {
        let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        let _ = writeln!(text, "{indent}  {} = [{}]", quoted(name), values.join(", "));
    }
}

/// A string of TOML. What a header may hold needs two escapes, and tabs stay.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn push_mirror(text: &mut String, registry: &Registry, index: usize, mirror: &Mirror) {
    let capabilities: Vec<String> = mirror
        .capabilities
        .iter()
        .map(|capability| format!("\"{capability}\""))
        .collect();
    let gap = if text.is_empty() { "" } else { "\n" };
    let _ = writeln!(
        text,
        "{gap}[host.\"{}\"]\n  capabilities = [{}]",
        mirror.url,
        capabilities.join(", ")
    );
    let names = Names::of_mirror(registry, index);
    if mirror.ca.is_some() {
        let _ = writeln!(text, "  ca = \"{}\"", names.ca);
    }
    if mirror.override_path {
        let _ = writeln!(text, "  override_path = true");
    }
    let header = format!("host.\"{}\".header", mirror.url);
    push_access(text, &mirror.access, &names, &header, "  ");
}

/// The files that a registry's `hosts.toml` names.
pub fn named_files(registry: &Registry) -> Vec<NamedFile<'_>> {
    let mut files = Vec::new();
    push_files(
        &mut files,
        Names::own(registry),
        registry.ca.as_ref(),
        &registry.access,
    );
    for (index, mirror) in registry.mirrors.iter().enumerate() {
        let names = Names::of_mirror(registry, index);
        push_files(&mut files, names, mirror.ca.as_ref(), &mirror.access);
    }
    files
}

fn push_files<'r>(
    files: &mut Vec<NamedFile<'r>>,
    names: Names,
    ca: Option<&'r Spanned<String>>,
    access: &'r Access,
) {
    let client = access.client.as_ref();
    let certificate = FileKind::Certificate;
    let all = [
        (names.ca, ca, certificate),
        (
            names.certificate,
            client.map(|client| &client.certificate),
            certificate,
        ),
        (names.key, client.map(|client| &client.key), FileKind::Key),
    ];
    files.extend(
        all.into_iter().filter_map(|(path, source, kind)| {
            source.map(|source| NamedFile { path, source, kind })
        }),
    );
}

fn folder(registry: &Registry) -> String {
    format!("{FOLDER}/{}", registry.host.value)
}

/// Paths on the node of the files that `hosts.toml` names.
struct Names {
    ca: String,
    certificate: String,
    key: String,
}

impl Names {
    fn own(registry: &Registry) -> Self {
        let folder = folder(registry);
        Self {
            ca: format!("{folder}/ca.pem"),
            certificate: format!("{folder}/client.pem"),
            key: format!("{folder}/client.key"),
        }
    }

    fn of_mirror(registry: &Registry, index: usize) -> Self {
        let mirror = format!("{}/mirror-{}", folder(registry), index + 1);
        Self {
            ca: format!("{mirror}.pem"),
            certificate: format!("{mirror}-client.pem"),
            key: format!("{mirror}-client.key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FieldLocation, Location};

    fn at(text: &str) -> Spanned<String> {
        Spanned {
            value: text.to_owned(),
            location: FieldLocation::new(Location::file("t"), ""),
        }
    }

    #[test]
    fn mirrors_come_in_order_with_their_cas() {
        let registry = Registry {
            on_site: false,
            host: at("docker.io"),
            server: None,
            ca: None,
            access: Access::default(),
            mirrors: vec![
                Mirror {
                    url: "https://a.example.com/hub".to_owned(),
                    ca: Some(at("pki/a.pem")),
                    capabilities: vec!["pull", "resolve"],
                    override_path: true,
                    access: Access::default(),
                },
                Mirror {
                    url: "https://b.example.com".to_owned(),
                    ca: None,
                    capabilities: vec!["pull"],
                    override_path: false,
                    access: Access::default(),
                },
            ],
        };
        let (path, text) = hosts(&registry);
        assert_eq!(path, "/etc/containerd/certs.d/docker.io/hosts.toml");
        assert_eq!(
            text,
            "server = \"https://registry-1.docker.io\"\n\n\
             [host.\"https://a.example.com/hub\"]\n  capabilities = [\"pull\", \"resolve\"]\n  \
             ca = \"/etc/containerd/certs.d/docker.io/mirror-1.pem\"\n  override_path = true\n\n\
             [host.\"https://b.example.com\"]\n  capabilities = [\"pull\"]\n"
        );
        let files = named_files(&registry);
        assert_eq!(files.len(), 1);
        assert_eq!(
            files[0].path,
            "/etc/containerd/certs.d/docker.io/mirror-1.pem"
        );
    }
}
