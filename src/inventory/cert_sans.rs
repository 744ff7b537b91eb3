//! `certSANs`: what a node's serving certificate may hold beside the node's name and addresses. A cloud's controller gives
//! nodes further names and addresses (ExternalDNS, ExternalIP), and the kubelet asks for all of them.

use std::net::IpAddr;

use crate::inventory::keys::texts;
use crate::kubernetes::names::subdomain;

/// A name or an address in a certificate (RFC 5280, 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CertSan {
    /// A DNS name.
    Name(String),
    /// An address.
    Address(IpAddr),
}

texts! {
    /// A DNS name or an address.
    CertSanText or CertSanInvalid: CertSan = cert_san, r"^[A-Za-z0-9.:-]+$", ["ec2-203-0-113-9.compute.amazonaws.com"];
}

/// An address, or a DNS name. A wildcard is refused: no kubelet asks for one, and it would hold other nodes' names.
fn cert_san(text: &str) -> Result<CertSan, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(CertSan::Address(address));
    }
    let only_digits = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    match subdomain(text) {
        Ok(()) if !only_digits => Ok(CertSan::Name(text.to_owned())),
        _ => Err(format!(
            "must be a DNS name in lower case or an address (for example node-1.example.com or 203.0.113.9); got {text:?}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        for (text, san) in [
            ("203.0.113.9", CertSan::Address([203, 0, 113, 9].into())),
            (
                "fd00::1",
                CertSan::Address("fd00::1".parse().expect("an address")),
            ),
            ("a.example.com", CertSan::Name("a.example.com".to_owned())),
            ("node-1", CertSan::Name("node-1".to_owned())),
        ] {
            assert_eq!(cert_san(text), Ok(san));
        }
        for bad in [
            "",
            "*.example.com",
            "203.0.113",
            "203.0.113.9/24",
            "a_b",
            "A.example.com",
            "https://a",
        ] {
            assert!(cert_san(bad).is_err(), "{bad}");
        }
    }
}
