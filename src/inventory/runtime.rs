//! Where the container runtime pulls images from: the proxies on the way, registries with their mirrors and CAs.

use std::iter;

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Shaped, choices, keys, texts};
use crate::inventory::registry_access::Access;
use crate::inventory::shape::{Rule, Shape};
use crate::inventory::text::{PemFile, checked, made_of};
use crate::model::Spanned;
use crate::report::Id;

/// The name for all registries that have no entry of their own.
pub const DEFAULT: &str = "_default";

keys! {
    /// HTTP proxies for pulling images.
    #[derive(Clone, Debug)]
    pub struct Proxies: "proxies" {
        /// for http URLs
        "httpProxy" => http: Option<ProxyUrl>,
        /// for https URLs
        "httpsProxy" => https: Option<ProxyUrl>,
        /// hosts, domains and networks that are reached directly, beside the cluster's own
        "noProxy" => no_proxy: Vec<NoProxy>,
    }

    /// A registry, by the name that images begin with.
    #[derive(Clone, Debug)]
    pub struct Registry: "registry", by host: Spanned<RegistryHost>, as Registry = registry {
        /// the server's own URL, where it is not https://HOST
        "server" => server: Option<RegistryUrl>,
        /// CA certificates of the registry, a file of the project
        "ca" => ca: Option<Spanned<PemFile>>,
        /// whether it is at the site, so that nodes of `airgap` reach it
        "onSite" => on_site: bool = false,
        /// servers that are asked before the registry, in order
        "mirrors" => mirrors: Vec<Mirror>,
        then access: Access,
    }

    /// A mirror of a registry.
    #[derive(Clone, Debug)]
    pub struct Mirror: "mirror" {
        /// its URL
        "url" => url: RegistryUrl,
        /// its CA certificates, a file of the project
        "ca" => ca: Option<Spanned<PemFile>>,
        /// what it may do
        "capabilities" => capabilities: Vec<Capability> = ["pull", "resolve"],
        /// whether the URL is the whole root of the API, without /v2
        "overridePath" => override_path: bool = false,
        then access: Access,
    }
}

texts! {
    /// A release of containerd: its major and minor version.
    ContainerdVersion or VersionInvalid: (u32, u32) = version, r"^v*[12]\.[0-9]+(\.[0-9]+)*$", ["1.7", "2.1"];
    /// A container image with its registry.
    Image or NameInvalid: String = image, r"^[A-Za-z0-9._:@-]*/[A-Za-z0-9._/:@-]*$", ["registry.k8s.io/pause:3.10"];
    /// An HTTP proxy.
    ProxyUrl or UrlInvalid: String = proxy_url, r"^(https?|socks5)://[^/@\s]+(/\S*)?$", ["http://proxy.example.com:3128"];
    /// What is reached without a proxy.
    NoProxy or NameInvalid: String = no_proxy, r"^[A-Za-z0-9.\-_*:/\[\]]+$", [".example.com"];
    /// A registry's name in images, `_default` for all others.
    RegistryHost or NameInvalid: String = registry_host, r"^(_default|[A-Za-z0-9.-]+(:\+?[0-9]+)?)$", ["docker.io"];
}

choices! {
    /// What a mirror may do.
    Capability: &'static str = [("pull", "pull"), ("resolve", "resolve"), ("push", "push")];
}

/// A server of images.
pub enum RegistryUrl {}

/// What is pulled over plain http can be exchanged on the way, which is worth a warning.
impl Shaped for RegistryUrl {
    type Value = String;
    const SHAPE: Shape = Shape::Text(&Rule {
        pattern: r"^https?://[^/@\s]+(/\S*)?$",
        examples: &["https://mirror.example.com/hub"],
        template: false,
    });

    fn read(at: &Cursor<'_>) -> Option<String> {
        let url = at.parse(Id::UrlInvalid, |text| url(text, &["https://", "http://"]))?;
        if url.starts_with("http://") {
            let warning = at
                .location()
                .finding(Id::RegistryPlainHttp, "images would travel in the clear");
            at.add(warning.help("give the server a certificate, and its CA in `ca`"));
        }
        Some(url)
    }
}

fn version(text: &str) -> Result<(u32, u32), String> {
    let rule = || {
        format!("must be a version of containerd (for example \"1.7\" or \"2.1\"); got {text:?}")
    };
    let mut parts = text.trim_start_matches('v').split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return Err(rule());
    };
    if parts.any(|part| part.is_err()) {
        return Err(rule());
    }
    match (major, minor) {
        // Files of version 2, and with them runc's SystemdCgroup, came with 1.3; 2 is the newest major there is.
        (1, 3..) | (2, _) => Ok((major, minor)),
        _ => Err(format!(
            "containerd {major}.{minor} is not known here; 1.3 to 2.x are"
        )),
    }
}

fn image(text: &str) -> Result<String, String> {
    let good = made_of(text, "._-/:@") && is_reference(text);
    checked(text, good, || {
        format!(
            "must be an image with its registry (for example registry.k8s.io/pause:3.10); got {text:?}"
        )
    })
}

/// Source: distribution/reference, reference.go: what containerd cannot read it cannot pull.
fn is_reference(text: &str) -> bool {
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    let is_digest = |digest: &str| {
        digest.split_once(':').is_some_and(|(kind, hex)| {
            let long = if kind == "sha256" { 64..=64 } else { 32..=256 };
            let mut all = hex.chars();
            long.contains(&hex.len()) && all.all(|c| matches!(c, '0'..='9' | 'a'..='f'))
        })
    };
    let Some((_, rest)) = name.split_once('/') else {
        return false;
    };
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (rest, None),
    };
    let is_tag = |tag: &str| {
        let first = tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        first && tag.len() <= 128 && made_of(tag, "._-")
    };
    path.split('/').all(is_component) && tag.is_none_or(is_tag) && digest.is_none_or(is_digest)
}

/// Small letters and digits, with one dot, one or two `_`, or dashes between them.
fn is_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut separators = text.split(is_word).filter(|between| !between.is_empty());
    let is_separator =
        |between: &str| matches!(between, "." | "_" | "__") || between.chars().all(|c| c == '-');
    text.starts_with(is_word) && text.ends_with(is_word) && separators.all(is_separator)
}

fn no_proxy(text: &str) -> Result<String, String> {
    checked(text, made_of(text, ".-_*:/[]"), || {
        format!("must be a host, a domain or a network; got {text:?}")
    })
}

fn proxy_url(text: &str) -> Result<String, String> {
    url(text, &["http://", "https://", "socks5://"])
}

/// A URL that may be in a file which everybody on the node may read.
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
    if !authority.is_empty() && rest.chars().all(fits) {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("must be a URL with a host".to_owned())
    }
}

impl Registry {
    /// How it and its mirrors are spoken to.
    pub fn accesses(&self) -> impl Iterator<Item = &Access> {
        let of_mirrors = self.mirrors.iter().map(|mirror| &mirror.access);
        iter::once(&self.access).chain(of_mirrors)
    }

    /// Whether nodes get a password or a private key for it.
    pub fn has_secrets(&self) -> bool {
        self.accesses()
            .any(|access| access.login.is_some() || access.client.is_some())
    }
}

/// Images of `_default` come from servers of any name, and a login is for one.
fn registry(registry: Registry, at: &Cursor<'_>) -> Option<Registry> {
    if let Some(login) = &registry.access.login
        && registry.server.is_none()
        && registry.host.value == DEFAULT
    {
        let finding = login.location.finding(
            Id::FieldMissing,
            "a login needs a server, and _default has none of its own",
        );
        at.add(
            finding
                .help("set `server`, or move the login to the mirror or registry that it is for"),
        );
    }
    Some(registry)
}

fn registry_host(host: &str) -> Result<String, String> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        Some(_) => "",
        None => host,
    };
    checked(host, host == DEFAULT || made_of(name, ".-"), || {
        format!(
            "must be a registry (for example docker.io or registry.example.com:5000) or _default; got {host:?}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_what_a_runtime_can_pull() {
        let digest = "a".repeat(64);
        for (text, good) in [
            ("registry.k8s.io/pause:3.10", true),
            ("registry.k8s.io/pause", true),
            ("Registry.example.com:5000/a/b_c/d-e.f:v1_x", true),
            ("localhost/pause:3", true),
            (&format!("r.example/pause@sha256:{digest}"), true),
            (&format!("r.example/pause:3.10@sha256:{digest}"), true),
            ("r.example/pause@sha256:abc", false),
            ("docker.io/Pause:3", false),
            ("r.example/pause:", false),
            ("r.example/pause:-1", false),
            ("r.example//pause:3", false),
            ("r.example/pause-:3", false),
            ("r.example/a..b:3", false),
            ("pause:3.10", false),
        ] {
            assert_eq!(image(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn versions_and_hosts_are_checked() {
        assert_eq!(version("1.7"), Ok((1, 7)));
        assert_eq!(version("v2.1.4"), Ok((2, 1)));
        assert_eq!(version("1.3.10"), Ok((1, 3)));
        for bad in ["2", "1.2", "3.0", "1.x", "latest"] {
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
