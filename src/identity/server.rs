//! The serving certificate of an API server, judged as TLS clients written in Go judge it: kubelets, and programs in pods.
//! Source: crypto/x509, Verify and VerifyHostname.

use std::net::IpAddr;

use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::identity::CaBundle;
use crate::identity::credential::{certificates, is_issued_by};
use crate::timing::rfc3339;

/// A certificate with those that signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCertificate {
    /// DER, the server's own first.
    chain: Vec<Vec<u8>>,
    /// Names in it, in lower case.
    names: Vec<String>,
    /// Addresses in it.
    addresses: Vec<IpAddr>,
}

impl ServerCertificate {
    /// Reads PEM, with any text around the blocks, as `openssl s_client -showcerts` prints it. The error is the rule that
    /// it breaks.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut faults = Vec::new();
        let chain = certificates(text, &mut faults);
        if let Some(fault) = faults.pop() {
            return Err(fault);
        }
        let Some(first) = chain.first() else {
            return Err("must have a certificate as PEM, and has none".to_owned());
        };
        for der in &chain {
            if !matches!(X509Certificate::from_der(der), Ok(([], _))) {
                return Err("has a PEM block that is not an X.509 certificate".to_owned());
            }
        }
        let (names, addresses) = parsed(first).map(|leaf| sans(&leaf)).unwrap_or_default();
        Ok(Self {
            chain,
            names,
            addresses,
        })
    }

    /// Whether a client that calls it by a name or an address believes it.
    pub fn is_for(&self, host: &str) -> bool {
        if let Ok(address) = host.parse::<IpAddr>() {
            return self.addresses.contains(&address.to_canonical());
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let below = host.split_once('.').map(|(_, below)| below);
        self.names.iter().any(|name| {
            let wild = name.strip_prefix("*.");
            *name == host || (wild.is_some() && wild == below)
        })
    }

    /// Names and addresses in it, to be shown.
    pub fn hosts(&self) -> String {
        let addresses = self.addresses.iter().map(ToString::to_string);
        let hosts: Vec<String> = self.names.iter().cloned().chain(addresses).collect();
        if hosts.is_empty() {
            return "no name and no address (clients do not look at its common name)".to_owned();
        }
        hosts.join(", ")
    }

    /// Why no client believes it, whatever it calls it.
    pub fn faults(&self, ca: &CaBundle, at: OffsetDateTime) -> Vec<String> {
        let chain: Vec<_> = self.chain.iter().filter_map(|der| parsed(der)).collect();
        let Some(leaf) = chain.first() else {
            return Vec::new();
        };
        let mut faults = Vec::new();
        let time = |at| rfc3339(at).unwrap_or_default();
        let (begin, end) = (
            leaf.validity().not_before.to_datetime(),
            leaf.validity().not_after.to_datetime(),
        );
        if begin > at {
            faults.push(format!("is not valid before {}", time(begin)));
        }
        if end <= at {
            faults.push(format!("expired at {}", time(end)));
        }
        if !is_issued_by(&chain, ca) {
            let issuer = leaf.issuer();
            faults.push(format!(
                "is not signed by a certificate of apiServer.ca, but by {issuer}"
            ));
        }
        // RFC 5280, 4.2.1.12: without the extension it is for everything.
        let usage = leaf.extended_key_usage().ok().flatten();
        if usage.is_some_and(|usage| !usage.value.server_auth && !usage.value.any) {
            faults.push("is not for servers: its extendedKeyUsage lacks serverAuth".to_owned());
        }
        faults
    }
}

fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate)
}

fn sans(leaf: &X509Certificate<'_>) -> (Vec<String>, Vec<IpAddr>) {
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    let extension = leaf.subject_alternative_name().ok().flatten();
    for san in extension.iter().flat_map(|all| &all.value.general_names) {
        match san {
            GeneralName::DNSName(name) => {
                names.push(name.trim_end_matches('.').to_ascii_lowercase());
            }
            GeneralName::IPAddress(bytes) => {
                let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
                addresses.extend(address.ok().map(|address| address.to_canonical()));
            }
            _ => {}
        }
    }
    (names, addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_go_does() {
        let certificate = ServerCertificate {
            chain: Vec::new(),
            names: vec!["api.example.com".into(), "*.k8s.example.com".into()],
            addresses: vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
        };
        for (host, is) in [
            ("api.example.com", true),
            ("API.example.com.", true),
            ("api.example.org", false),
            ("a.k8s.example.com", true),
            ("a.b.k8s.example.com", false),
            ("k8s.example.com", false),
            ("10.0.0.1", true),
            ("10.0.0.2", false),
            ("fd00:0::1", true),
            ("::ffff:10.0.0.1", true),
        ] {
            assert_eq!(certificate.is_for(host), is, "{host}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for (text, rule) in [
            ("", "has none"),
            (
                "-----BEGIN CERTIFICATE-----\nAQI=\n-----END CERTIFICATE-----\n",
                "not an X.509",
            ),
            ("-----BEGIN CERTIFICATE-----\n\n", "damaged"),
            (
                "-----BEGIN PUBLIC KEY-----\nAQI=\n-----END PUBLIC KEY-----\n",
                "has none",
            ),
        ] {
            let error = ServerCertificate::read(text).expect_err(text);
            assert!(error.contains(rule), "{text}: {error}");
        }
    }
}
