//! Registries, their mirrors and CAs as containerd's `hosts.toml` files (containerd, docs/hosts.md).

use std::fmt::Write;

use crate::inventory::{Mirror, Registry};
use crate::model::Spanned;

/// Where containerd looks for them; its `config_path` must name this folder.
pub const FOLDER: &str = "/etc/containerd/certs.d";

/// One file of CA certificates: its path on the node and where in the project it comes from.
pub struct CaFile<'r> {
    /// On the node.
    pub path: String,
    /// In the project.
    pub source: &'r Spanned<String>,
}

/// The path of a registry's `hosts.toml`, and its text.
pub fn hosts(registry: &Registry) -> (String, String) {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let server = match (&registry.server, registry.host.value.as_str()) {
        (Some(server), _) => Some(server.clone()),
        (None, "_default") => None,
        // The one registry whose server has another name than its images.
        (None, "docker.io") => Some("https://registry-1.docker.io".to_owned()),
        (None, host) => Some(format!("https://{host}")),
    };
    if let Some(server) = server {
        let _ = writeln!(text, "server = \"{server}\"");
    }
    if registry.ca.is_some() {
        let _ = writeln!(text, "ca = \"{}\"", own_ca(registry));
    }
    for (index, mirror) in registry.mirrors.iter().enumerate() {
        push_mirror(&mut text, registry, index, mirror);
    }
    (format!("{}/hosts.toml", folder(registry)), text)
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
    if mirror.ca.is_some() {
        let _ = writeln!(text, "  ca = \"{}\"", mirror_ca(registry, index));
    }
    if mirror.override_path {
        let _ = writeln!(text, "  override_path = true");
    }
}

/// The CA files that a registry's `hosts.toml` names.
pub fn ca_files(registry: &Registry) -> Vec<CaFile<'_>> {
    let own = registry.ca.iter().map(|source| CaFile {
        path: own_ca(registry),
        source,
    });
    let of_mirrors = registry.mirrors.iter().enumerate();
    let of_mirrors = of_mirrors.filter_map(|(index, mirror)| {
        Some(CaFile {
            path: mirror_ca(registry, index),
            source: mirror.ca.as_ref()?,
        })
    });
    own.chain(of_mirrors).collect()
}

fn folder(registry: &Registry) -> String {
    format!("{FOLDER}/{}", registry.host.value)
}

fn own_ca(registry: &Registry) -> String {
    format!("{}/ca.pem", folder(registry))
}

fn mirror_ca(registry: &Registry, index: usize) -> String {
    format!("{}/mirror-{}.pem", folder(registry), index + 1)
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
            mirrors: vec![
                Mirror {
                    url: "https://a.example.com/hub".to_owned(),
                    ca: Some(at("pki/a.pem")),
                    capabilities: vec!["pull", "resolve"],
                    override_path: true,
                },
                Mirror {
                    url: "https://b.example.com".to_owned(),
                    ca: None,
                    capabilities: vec!["pull"],
                    override_path: false,
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
        let files = ca_files(&registry);
        assert_eq!(files.len(), 1);
        assert_eq!(
            files[0].path,
            "/etc/containerd/certs.d/docker.io/mirror-1.pem"
        );
    }
}
