//! Kinds of text that several keys have, and text that may be a template.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::inventory::keys::texts;
use crate::inventory::kinds::plain;
use crate::kubernetes::version::Version;
use crate::model::{FieldLocation, NodePath};

texts! {
    /// Any text.
    Any: String = plain, "", [];
    /// Any text, shared by those who copy it.
    Shared: Arc<str> = |text: &str| Ok::<_, String>(text.into()), "", [];
    /// The name of a profile.
    ProfileName: String = plain, r"^[^./\\][^/\\]*$", ["worker"];
    /// A file of the project.
    ProjectFile: String = plain, "", ["files/kubelet"];
    /// A PEM file of the project.
    PemFile: String = plain, "", ["pki/ca.pem"];
    /// A path on the node.
    PathOnNode or PathInvalid: NodePath = NodePath::parse, r"^/.", ["/usr"];
    /// A release of Kubernetes.
    Release or VersionInvalid: Version = str::parse, r"^v?1\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)([-+][0-9A-Za-z.+-]+)?$", ["v1.34.4"];
    /// The API server: a URL without a slash at its end.
    HttpsUrl or UrlInvalid: String = |text: &str| https_url(text).map(|(url, _)| url),
        r"^https://[^/?#@\s]+/*$", ["https://api.example.com:6443"];
    /// A DNS domain.
    Domain: String = plain, "", ["cluster.local"];
    /// An IP address.
    Address or AddressInvalid: IpAddr = address, r"^[0-9A-Fa-f:.]+$", ["10.20.4.11", "fd00::11"];
    /// A network.
    Cidr or CidrInvalid: IpNet = cidr, r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$", ["10.254.0.0/16"];
    /// A MAC address.
    Mac or MacInvalid: String = mac, r"^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$", ["52:54:00:12:34:56"];
}

/// Declares kinds of text that may be templates: their pattern and examples.
macro_rules! templates {
    ($($(#[$doc:meta])* $name:ident: $pattern:expr, $examples:tt;)*) => {$(
        $(#[$doc])*
        pub enum $name {}

        impl $crate::inventory::keys::TextKind for $name {
            type Parsed = $crate::inventory::text::Text;
            const LOOK: &'static $crate::inventory::shape::Rule =
                &$crate::inventory::shape::Rule { pattern: $pattern, examples: &$examples, template: true };
            const ID: $crate::report::Id = $crate::report::Id::ValueTypeWrong;

            fn parse(
                text: &str,
                location: impl FnOnce() -> $crate::model::FieldLocation,
            ) -> Result<Self::Parsed, String> {
                Ok($crate::inventory::text::Text { text: text.into(), location: location() })
            }
        }
    )*};
}

pub(crate) use templates;

/// Text that may be a template: it is one if it holds `{{`, `{%` or `{#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As written.
    pub text: Arc<str>,
    /// Where.
    pub location: FieldLocation,
}

impl Text {
    /// Whether it must be rendered.
    pub fn is_template(&self) -> bool {
        Self::looks_like_template(&self.text)
    }

    /// Whether a text has a mark of templates.
    pub fn looks_like_template(text: &str) -> bool {
        ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
    }

    /// Whether it is the template that the profile `worker` has for host names: the node's name, without rendering.
    pub fn is_node_name(&self) -> bool {
        let inner = self.text.trim().strip_prefix("{{");
        let inner = inner.and_then(|text| text.strip_suffix("}}"));
        inner.is_some_and(|text| text.trim() == "node.name")
    }
}

/// The text where it is `good`, else the rule that it breaks.
pub fn checked<R: ToString>(
    text: &str,
    good: bool,
    rule: impl FnOnce() -> R,
) -> Result<String, String> {
    if good {
        Ok(text.to_owned())
    } else {
        Err(rule().to_string())
    }
}

/// Whether a text has ASCII letters, digits and `further` characters only, at least one of them.
pub fn made_of(text: &str, further: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || further.contains(c);
    !text.is_empty() && text.chars().all(fits)
}

/// The URL without a trailing slash, and its host.
pub fn https_url(text: &str) -> Result<(String, String), String> {
    let Some(rest) = text.strip_prefix("https://") else {
        return Err("must be an https:// URL: tokens would travel in the clear".to_owned());
    };
    let authority = rest.trim_end_matches('/');
    if authority.contains(['/', '?', '#', '@']) {
        return Err("must be https://host[:port] without a path, query or user".to_owned());
    }
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed
                .split_once(']')
                .ok_or("the bracket is not closed")?;
            let _: std::net::Ipv6Addr = host
                .parse()
                .map_err(|_| format!("{host:?} is not an IPv6 address"))?;
            check_port(port)?;
            host
        }
        None if authority.matches(':').count() > 1 => {
            return Err("an IPv6 address must be in brackets".to_owned());
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            check_port(&authority[end..])?;
            &authority[..end]
        }
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("has no usable host".to_owned());
    }
    Ok((format!("https://{authority}"), host.to_owned()))
}

fn check_port(text: &str) -> Result<(), String> {
    match text.strip_prefix(':') {
        None if text.is_empty() => Ok(()),
        Some(port) if port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(()),
        _ => Err(format!("{text:?} is not a port")),
    }
}

/// An IP address.
fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("must be an IP address; got {text:?}"))
}

/// A network in CIDR notation without host bits.
pub fn cidr(text: &str) -> Result<IpNet, String> {
    let net: IpNet = text.parse().map_err(|_| {
        format!("must be a CIDR (for example 10.254.0.0/16 or fd00::/108); got {text:?}")
    })?;
    if net.trunc() == net {
        Ok(net)
    } else {
        Err(format!(
            "{text} has host bits set; the network is {}",
            net.trunc()
        ))
    }
}

/// A MAC address in lower case with colons.
fn mac(text: &str) -> Result<String, String> {
    let bytes: Vec<&str> = text.split([':', '-']).collect();
    let is_byte =
        |part: &&str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mac = bytes.join(":").to_ascii_lowercase();
    checked(&mac, bytes.len() == 6 && bytes.iter().all(is_byte), || {
        format!("must be a MAC address (for example 52:54:00:12:34:56); got {text:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_https_with_a_host() {
        for (good, host) in [
            ("https://127.0.0.1:8443", "127.0.0.1"),
            ("https://[fd00::1]:6443/", "fd00::1"),
            ("https://api.example.com", "api.example.com"),
        ] {
            assert_eq!(https_url(good).expect(good).1, host);
        }
        for bad in [
            "http://a",
            "https://",
            "https://a/b",
            "https://fd00::1",
            "https://[fd00::1",
            "https://a:0",
            "https://a:x",
            "https://u@a",
        ] {
            assert!(https_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn host_bits_in_a_cidr_are_refused() {
        assert!(cidr("10.254.0.0/16").is_ok());
        assert_eq!(
            cidr("10.254.1.0/16").expect_err("host bits"),
            "10.254.1.0/16 has host bits set; the network is 10.254.0.0/16"
        );
        assert!(cidr("10.254.0.0/33").is_err());
        assert!(cidr("10.254.0.0").is_err());
    }
}
