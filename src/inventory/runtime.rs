//! The container runtime: which containerd the image has, the proxies that it pulls through, registries with their
//! mirrors and CAs.

use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::model::{FieldLocation, Spanned};

/// A sandbox image that any kubelet and any containerd can use.
const SANDBOX_IMAGE: &str = "registry.k8s.io/pause:3.10";

/// What is known of containerd.
#[derive(Clone, Debug)]
pub struct Containerd {
    /// Major and minor version, if somebody said.
    pub version: Option<Spanned<(u32, u32)>>,
    /// The image of the pause container, which must be there before any pod.
    pub sandbox_image: Spanned<String>,
    /// Whether containers get SELinux labels.
    pub selinux: bool,
}

impl Containerd {
    /// The version of its configuration file. 2 is what 1.x reads, and 2.x migrates; only 2.x reads 3.
    pub fn config_version(&self) -> u32 {
        match &self.version {
            Some(version) if version.value.0 >= 2 => 3,
            _ => 2,
        }
    }
}

/// HTTP proxies for pulling images.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// For http URLs.
    pub http: Option<String>,
    /// For https URLs.
    pub https: Option<String>,
    /// What is reached without a proxy, beside the cluster's own networks and names.
    pub no_proxy: Vec<String>,
    /// Where they are set.
    pub location: Option<FieldLocation>,
}

/// A registry, by the name that images begin with.
#[derive(Clone, Debug)]
pub struct Registry {
    /// `docker.io`, `registry.example.com:5000`, or `_default` for all others.
    pub host: Spanned<String>,
    /// The server's own URL, where it differs from https://HOST.
    pub server: Option<String>,
    /// A file of CA certificates for the registry itself, relative to the project.
    pub ca: Option<Spanned<String>>,
    /// Asked before the registry, in order.
    pub mirrors: Vec<Mirror>,
}

/// A mirror of a registry.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// Its URL.
    pub url: String,
    /// A file of CA certificates, relative to the project.
    pub ca: Option<Spanned<String>>,
    /// `pull`, `resolve`, `push`.
    pub capabilities: Vec<&'static str>,
    /// Whether the URL's path is the whole API root, without `/v2`.
    pub override_path: bool,
}

/// Reads `containerd`; what is not said has the default.
pub fn containerd(at: Option<&Cursor<'_>>, fallback: &FieldLocation) -> Containerd {
    let mut containerd = Containerd {
        version: None,
        sandbox_image: Spanned {
            value: SANDBOX_IMAGE.to_owned(),
            location: fallback.clone(),
        },
        selinux: false,
    };
    let Some(fields) = at.and_then(|at| at.fields()) else {
        return containerd;
    };
    containerd.version = fields
        .optional("version")
        .and_then(|at| at.parse_at(version));
    if let Some(image) = fields
        .optional("sandboxImage")
        .and_then(|at| at.parse_at(image))
    {
        containerd.sandbox_image = image;
    }
    let selinux = fields.optional("selinux").and_then(|at| at.bool());
    containerd.selinux = selinux.unwrap_or(false);
    fields.finish();
    containerd
}

fn version(text: &str) -> Result<(u32, u32), String> {
    let rule = || format!("{text:?} is no version of containerd like \"1.7\" or \"2.1\"");
    let mut parts = text.trim_start_matches('v').split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return Err(rule());
    };
    if parts.any(|part| part.is_err()) {
        return Err(rule());
    }
    match (major, minor) {
        // hosts.toml came with 1.5, and 2 is the newest major there is.
        (1, 5..) | (2, _) => Ok((major, minor)),
        _ => Err(format!(
            "containerd {major}.{minor} is not known here; 1.5 to 2.x are"
        )),
    }
}

fn image(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    match !text.is_empty() && text.chars().all(fits) && text.contains('/') {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text:?} is no image like {SANDBOX_IMAGE}, with its registry"
        )),
    }
}

/// Reads `proxies`.
pub fn proxies(at: &Cursor<'_>) -> Option<Proxies> {
    let fields = at.fields()?;
    let proxy = |key| fields.optional(key).and_then(|at| at.parse(proxy_url));
    let proxies = Proxies {
        http: proxy("httpProxy"),
        https: proxy("httpsProxy"),
        no_proxy: fields
            .list("noProxy")
            .iter()
            .filter_map(|item| item.parse(no_proxy))
            .collect(),
        location: Some(at.location()),
    };
    fields.finish();
    Some(proxies)
}

fn no_proxy(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_*:/[]".contains(c);
    match !text.is_empty() && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is no host, domain or network")),
    }
}

fn proxy_url(text: &str) -> Result<String, String> {
    url(text, &["http://", "https://", "socks5://"])
}

/// A URL that can stand in a file which everybody on the node may read.
fn url(text: &str, schemes: &[&str]) -> Result<String, String> {
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    let Some(rest) = rest else {
        return Err(format!("must begin with {}", schemes.join(" or ")));
    };
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        // Without the URL itself: it holds a password.
        return Err("must hold no user or password: everybody on the node can read it".to_owned());
    }
    let fits = |c: char| c.is_ascii_graphic() && !"\"\\'<>`{}|^".contains(c);
    match !authority.is_empty() && rest.chars().all(fits) {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err("is no URL with a host".to_owned()),
    }
}

/// Reads one entry of `registries`.
pub fn registry(host: &Arc<str>, at: &Cursor<'_>) -> Option<Registry> {
    if let Err(rule) = registry_host(host) {
        at.key_error(rule);
        return None;
    }
    let fields = at.fields()?;
    let server = fields.optional("server").and_then(|at| server(&at));
    let ca = fields.optional("ca").and_then(|at| at.string_at());
    let mirrors = fields.list("mirrors");
    let mirrors = mirrors.iter().filter_map(mirror).collect();
    fields.finish();
    Some(Registry {
        host: Spanned {
            value: host.to_string(),
            location: at.key_location(),
        },
        server,
        ca,
        mirrors,
    })
}

fn registry_host(host: &str) -> Result<(), String> {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.parse::<u16>().is_ok() {
            name
        } else {
            ""
        }
    });
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    match host == "_default" || (!name.is_empty() && name.chars().all(fits)) {
        true => Ok(()),
        false => Err(format!(
            "{host:?} is no registry like docker.io or registry.example.com:5000, nor _default"
        )),
    }
}

/// What is pulled over plain http can be exchanged on the way, which is worth a warning.
fn server(at: &Cursor<'_>) -> Option<String> {
    let url = at.parse(|text| url(text, &["https://", "http://"]))?;
    if url.starts_with("http://") {
        let warning = at.location().warning("images would travel in the clear");
        at.add(warning.repair("give the server a certificate, and its CA in `ca`"));
    }
    Some(url)
}

fn mirror(at: &Cursor<'_>) -> Option<Mirror> {
    const CAPABILITIES: [(&str, &str); 3] =
        [("pull", "pull"), ("resolve", "resolve"), ("push", "push")];
    let fields = at.fields()?;
    let url = fields.required("url").and_then(|at| server(&at));
    let ca = fields.optional("ca").and_then(|at| at.string_at());
    let capabilities = fields.optional("capabilities").map(|list| {
        let items = list.items();
        let known = items.iter().filter_map(|item| item.choice(&CAPABILITIES));
        known.collect()
    });
    let override_path = fields.optional("overridePath").and_then(|at| at.bool());
    fields.finish();
    Some(Mirror {
        url: url?,
        ca,
        capabilities: capabilities.unwrap_or_else(|| vec!["pull", "resolve"]),
        override_path: override_path.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_hosts_are_checked() {
        assert_eq!(version("1.7"), Ok((1, 7)));
        assert_eq!(version("v2.1.4"), Ok((2, 1)));
        for bad in ["2", "1.4", "3.0", "1.x", "latest"] {
            assert!(version(bad).is_err(), "{bad}");
        }
        for good in ["docker.io", "r.example.com:5000", "_default", "10.0.0.1:80"] {
            assert!(registry_host(good).is_ok(), "{good}");
        }
        for bad in ["https://docker.io", "docker.io/library", "a:b", "", ":80"] {
            assert!(registry_host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_url_never_holds_a_password_nor_says_it() {
        let rule = proxy_url("http://u:hunter2@proxy:3128").expect_err("a password");
        assert!(!rule.contains("hunter2"), "{rule}");
        assert_eq!(
            proxy_url("http://proxy:3128/").as_deref(),
            Ok("http://proxy:3128")
        );
        for bad in [
            "proxy:3128",
            "http://",
            "http://a b",
            "http://a\"b",
            "ftp://a",
        ] {
            assert!(proxy_url(bad).is_err(), "{bad}");
        }
    }
}
