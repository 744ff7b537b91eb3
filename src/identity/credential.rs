//! Certificates with their keys that were issued for nodes: read from the project, and checked before anything is baked.
//! Who issued them does not matter: `pki issue`, or any other CA that wrote one PEM file with both in it.

use std::io;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use anyhow::Context;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::identity::CaBundle;
use crate::identity::authority::{Leaf, Purpose};
use crate::identity::pem::{blocks, push_block};
use crate::identity::private_key::{LABEL, PrivateKey};
use crate::input::Limit;
use crate::model::Location;
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Id, Report};
use crate::secrets::{Secret, check_access};
use crate::timing::rfc3339;

const CERTIFICATE: &str = "CERTIFICATE";
const ISSUE: &str = "run `nodebake pki issue`";
/// Longer than a chain of certificates with their key, in bytes.
const LIMIT: Limit = Limit::kib(256);

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The certificate and its issuers, as PEM blocks and nothing else.
    pub certificates: String,
    /// Its key, as PEM.
    pub key: Secret,
    /// From when it is valid.
    pub not_before: OffsetDateTime,
    /// Until when it is valid.
    pub not_after: OffsetDateTime,
}

impl Credential {
    fn new(ders: &[Vec<u8>], leaf: &X509Certificate<'_>, key: &PrivateKey) -> Self {
        let mut certificates = String::new();
        for der in ders {
            push_block(&mut certificates, CERTIFICATE, der);
        }
        Self {
            certificates,
            key: key.to_pem(),
            not_before: leaf.validity().not_before.to_datetime(),
            not_after: leaf.validity().not_after.to_datetime(),
        }
    }

    /// Both in one text, as the kubelet's own store has them.
    pub fn to_pem(&self) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(self.certificates.clone().into_bytes());
        text.extend_from_slice(self.key.expose().as_bytes());
        text
    }
}

/// What a certificate is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// What must be in it.
    pub leaf: &'a Leaf,
    /// The cluster's CA.
    pub ca: &'a CaBundle,
    /// The time at which it is checked.
    pub at: OffsetDateTime,
    /// How long it must be valid after that.
    pub boot_within: Duration,
}

/// A certificate that was read, and what is to be said of it. Without errors there always is one.
#[derive(Debug, Default)]
pub struct CheckedCredential {
    /// The certificate, if it could be read.
    pub credential: Option<Credential>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

impl CheckedCredential {
    /// Reads and checks a file; `name` is what findings call it.
    pub fn load(project: &ProjectFolder, name: &str, expected: &Expectation<'_>) -> Result<Self> {
        let reading = || format!("reading {}", project.join(name).display());
        let location = Location::file(name);
        let mut report = Report::default();
        let read = match project.read_secret(name, LIMIT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let rule = format!(
                    "the certificate of {} is missing",
                    expected.leaf.common_name
                );
                let finding = Finding::new(Id::CertificateMissing, &location, "", rule).help(ISSUE);
                return Ok(Self {
                    credential: None,
                    findings: vec![finding],
                });
            }
            read => report.take(read, name).with_context(reading)?,
        };
        let Some((bytes, facts)) = read else {
            return Ok(Self {
                credential: None,
                findings: report.into_findings(),
            });
        };
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let mut checked = Self::parse(text, &location, expected);
        let user = rustix::process::geteuid().as_raw();
        check_access(facts.mode(), facts.uid(), user, name, &mut report);
        checked.findings.extend(report.into_findings());
        Ok(checked)
    }

    /// Checks the text of a file.
    pub fn parse(text: &str, location: &Location, expected: &Expectation<'_>) -> Self {
        let mut faults = Vec::new();
        let ders = certificates(text, &mut faults);
        let parsed: Vec<X509Certificate<'_>> = ders
            .iter()
            .map_while(|der| X509Certificate::from_der(der).ok())
            .map(|(_, certificate)| certificate)
            .collect();
        let mut credential = None;
        let mut warning = None;
        match (parsed.first(), PrivateKey::from_pem(text, None)) {
            (Some(leaf), Ok(key)) if parsed.len() == ders.len() => {
                if !key.is_of(&leaf.public_key().subject_public_key.data) {
                    faults.push("the private key is not the certificate's".to_owned());
                }
                faults.extend(misfits(leaf, expected));
                warning = (!is_issued_by(&parsed, expected.ca)).then_some(FOREIGN);
                credential = Some(Credential::new(&ders, leaf, &key));
            }
            (Some(_), Err((rule, _))) => faults.push(rule.to_owned()),
            _ => faults.push("there is no certificate in it that can be read".to_owned()),
        }
        let errors = faults
            .into_iter()
            .map(|rule| Finding::new(Id::CertificateInvalid, location, "", rule).help(ISSUE));
        let warnings = warning.map(|rule| Finding::new(Id::CertificateForeign, location, "", rule));
        Self {
            credential,
            findings: errors.chain(warnings).collect(),
        }
    }
}

const FOREIGN: &str =
    "no certificate of apiServer.ca signed it, so it is good only where another CA is trusted";

/// The certificates of a PEM text; a block that cannot be read is a fault.
pub(super) fn certificates(text: &str, faults: &mut Vec<String>) -> Vec<Vec<u8>> {
    let mut ders = Vec::new();
    for block in blocks(text) {
        match block.decode() {
            Some(der) if block.label == CERTIFICATE => ders.push(der),
            None if !block.label.ends_with(LABEL) => {
                faults.push("a PEM block in it is damaged".to_owned());
            }
            _ => {}
        }
    }
    ders
}

/// All that makes a certificate unfit for what it is wanted for.
fn misfits(found: &X509Certificate<'_>, expected: &Expectation<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let wanted = expected.leaf;
    let time = |at| rfc3339(at).unwrap_or_default();
    let (begin, end) = (
        found.validity().not_before.to_datetime(),
        found.validity().not_after.to_datetime(),
    );
    if begin > expected.at {
        faults.push(format!(
            "the certificate is not valid before {}, and the clock says {}",
            time(begin),
            time(expected.at)
        ));
    }
    if end <= expected.at {
        faults.push(format!("the certificate expired at {}", time(end)));
    } else if end < expected.at + expected.boot_within {
        faults.push(format!(
            "the certificate ends at {}, before the node's time to boot is over",
            time(end)
        ));
    }
    let subject = found.subject();
    let common: Vec<&str> = subject
        .iter_common_name()
        .filter_map(|v| v.as_str().ok())
        .collect();
    let groups: Vec<&str> = subject
        .iter_organization()
        .filter_map(|v| v.as_str().ok())
        .collect();
    let group = wanted.organization.as_deref();
    if common != [wanted.common_name.as_str()] || !groups.iter().copied().eq(group) {
        let group = group
            .map(|group| format!(" of {group}"))
            .unwrap_or_default();
        faults.push(format!(
            "the certificate is for {subject}, and must be for {}{group}",
            wanted.common_name
        ));
    }
    if !has_purpose(found, wanted.purpose) {
        let usage = match wanted.purpose {
            Purpose::Client => "clientAuth",
            Purpose::Serving => "serverAuth",
        };
        faults.push(format!("the certificate is not for {usage}"));
    }
    faults.extend(missing_names(found, wanted));
    faults
}

/// RFC 5280, 4.2.1.3 and 4.2.1.12: what is not limited is allowed, but Go wants the extended usage said.
fn has_purpose(found: &X509Certificate<'_>, purpose: Purpose) -> bool {
    let extended = found.extended_key_usage().ok().flatten();
    let extended = extended.is_some_and(|usage| match purpose {
        Purpose::Client => usage.value.client_auth,
        Purpose::Serving => usage.value.server_auth,
    });
    let usage = found.key_usage().ok().flatten();
    extended && usage.is_none_or(|usage| usage.value.digital_signature())
}

/// The node's names and addresses by which nobody could call it.
fn missing_names(found: &X509Certificate<'_>, wanted: &Leaf) -> Option<String> {
    let extension = found.subject_alternative_name().ok().flatten();
    let sans = extension.map(|extension| &extension.value.general_names);
    let sans = sans.map(Vec::as_slice).unwrap_or_default();
    let has_name = |name: &str| {
        let is = |san: &GeneralName<'_>| matches!(san, GeneralName::DNSName(own) if *own == name);
        sans.iter().any(is)
    };
    let has_address = |address: IpAddr| {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let is =
            |san: &GeneralName<'_>| matches!(san, GeneralName::IPAddress(own) if *own == bytes);
        sans.iter().any(is)
    };
    let names = wanted.names.iter().filter(|name| !has_name(name)).cloned();
    let addresses = wanted
        .addresses
        .iter()
        .filter(|address| !has_address(**address));
    let missing: Vec<String> = names.chain(addresses.map(ToString::to_string)).collect();
    (!missing.is_empty()).then(|| format!("the certificate lacks {}", missing.join(", ")))
}

/// Whether a chain ends at the cluster's CA. A signature of a kind that cannot be checked here passes.
pub(super) fn is_issued_by(chain: &[X509Certificate<'_>], ca: &CaBundle) -> bool {
    let roots: Vec<X509Certificate<'_>> = ca
        .certificates
        .iter()
        .filter_map(|root| X509Certificate::from_der(&root.der).ok())
        .map(|(_, root)| root)
        .collect();
    let signed = |child: &X509Certificate<'_>, parent: &X509Certificate<'_>| {
        use x509_parser::error::X509Error;
        let is_named = child.issuer().as_raw() == parent.subject().as_raw();
        let verdict = child.verify_signature(Some(parent.public_key()));
        is_named
            && matches!(
                verdict,
                Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm)
            )
    };
    // A bundle that could not be read has its finding.
    if roots.is_empty() {
        return true;
    }
    for (index, link) in chain.iter().enumerate() {
        if roots.iter().any(|root| signed(link, root)) {
            return true;
        }
        match chain.get(index + 1) {
            Some(next) if signed(link, next) => {}
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Authority, CaSource};

    const NOW: OffsetDateTime = time::macros::datetime!(2030-06-01 12:00 UTC);
    const DAY: Duration = Duration::from_secs(86_400);

    fn leaf() -> Leaf {
        Leaf {
            common_name: "system:node:a".into(),
            organization: Some("system:nodes".into()),
            purpose: Purpose::Serving,
            names: vec!["a".into()],
            addresses: vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
        }
    }

    fn bundle(ca: &Authority) -> CaBundle {
        let location = Location::file("cluster.yaml");
        let source = CaSource {
            name: "ca.pem",
            location: &location,
            field: "apiServer.ca",
            at: NOW,
        };
        CaBundle::parse(ca.pem().as_bytes(), &source, &mut Report::default()).unwrap()
    }

    fn said(text: &str, leaf: &Leaf, ca: &Authority, at: OffsetDateTime) -> String {
        let expected = Expectation {
            leaf,
            ca: &bundle(ca),
            at,
            boot_within: DAY,
        };
        let checked = CheckedCredential::parse(text, &Location::file("x.pem"), &expected);
        let mut report = Report::default();
        checked
            .findings
            .into_iter()
            .for_each(|finding| report.add(finding));
        report.to_string()
    }

    #[test]
    fn a_certificate_must_be_the_nodes_for_its_purpose_and_its_time() {
        let ca = Authority::generate("ca", NOW, DAY * 100).unwrap();
        let good = ca.issue(&leaf(), NOW, DAY * 10).unwrap().to_pem();
        assert_eq!(said(good.expose(), &leaf(), &ca, NOW), "");
        for (part, change) in [
            (
                "is for O=system:nodes, CN=system:node:a, and must be for system:node:b of system:nodes",
                {
                    let change: fn(&mut Leaf) = |leaf| leaf.common_name = "system:node:b".into();
                    change
                },
            ),
            ("must be for system:node:a\n", |leaf| {
                leaf.organization = None
            }),
            ("is not for clientAuth", |leaf| {
                leaf.purpose = Purpose::Client
            }),
            ("lacks b, 10.0.0.2", |leaf| {
                leaf.names.push("b".into());
                leaf.addresses.push("10.0.0.2".parse().unwrap());
            }),
        ] {
            let mut wanted = leaf();
            change(&mut wanted);
            let said = said(good.expose(), &wanted, &ca, NOW).replace("; run", "\n; run");
            assert!(
                said.contains(part) && said.starts_with("error: x.pem: "),
                "{part}: {said}"
            );
        }
        for (at, part) in [
            (NOW - DAY, "is not valid before 2030-06-01T11:55:00Z"),
            (NOW + DAY * 10, "expired at 2030-06-11T12:00:00Z"),
            (
                NOW + DAY * 19 / 2,
                "ends at 2030-06-11T12:00:00Z, before the node's time to boot",
            ),
        ] {
            let said = said(good.expose(), &leaf(), &ca, at);
            assert!(said.contains(part), "{part}: {said}");
        }
    }

    #[test]
    fn certificate_and_key_must_be_there_and_belong_together() {
        let ca = Authority::generate("ca", NOW, DAY * 100).unwrap();
        let issue = || ca.issue(&leaf(), NOW, DAY * 10).unwrap();
        let (one, other) = (issue(), issue());
        let key = one.key.to_pem();
        for (text, part) in [
            (String::new(), "there is no certificate in it"),
            (one.certificates.clone(), "there is no private key in it"),
            (key.expose().to_owned(), "there is no certificate in it"),
            (
                other.certificates.clone() + key.expose(),
                "is not the certificate's",
            ),
            (
                one.to_pem().expose().to_owned() + key.expose(),
                "several private keys",
            ),
            (one.to_pem().expose().replacen("\nMI", "\n!!", 1), "damaged"),
        ] {
            let said = said(&text, &leaf(), &ca, NOW);
            assert!(said.contains(part), "{part}: {said}");
            assert!(!said.contains(&key.expose()[40..80]), "{said}");
        }
    }

    #[test]
    fn another_ca_is_worth_a_warning() {
        let ca = Authority::generate("ca", NOW, DAY * 100).unwrap();
        // The same name, so that only the signature tells.
        let foreign = Authority::generate("ca", NOW, DAY * 100).unwrap();
        let pem = foreign.issue(&leaf(), NOW, DAY * 10).unwrap().to_pem();
        let said = said(pem.expose(), &leaf(), &ca, NOW);
        assert!(
            said.starts_with("warning: x.pem: no certificate of apiServer.ca"),
            "{said}"
        );
    }
}
