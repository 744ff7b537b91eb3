//! The request itself (PKCS #10, RFC 2986): subject, names, key, signature. What Go's parser, which the API server and
//! the signers use, would see otherwise than ours is refused rather than guessed.

use std::collections::HashSet;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::asn1_rs::{Header, Oid};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::{ParsedCriAttribute, X509CriAttribute};
use x509_parser::extensions::{ExtendedKeyUsage, GeneralName, KeyUsage, ParsedExtension};
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::oid_registry::{
    OID_PKCS9_EXTENSION_REQUEST, OID_X509_COMMON_NAME, OID_X509_ORGANIZATION_NAME,
};
use x509_parser::prelude::{FromDer, X509Extension};
use x509_parser::x509::X509Name;

use crate::identity::blocks;
use crate::review::key::{KeyVerdict, Signature, key, signature};

const LABEL: &str = "CERTIFICATE REQUEST";
const UNREADABLE: &str = "the requested extensions cannot be read";

/// A name that a certificate is to be good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum San {
    Dns(String),
    Ip(IpAddr),
    /// E-mail, URI and what else there is: no kubelet asks for it.
    Other(&'static str),
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Asked {
    pub common_names: Vec<String>,
    pub organisations: Vec<String>,
    /// What else is in the subject.
    pub other_subject: Option<String>,
    pub sans: Vec<San>,
    /// It wants to be a certificate authority.
    pub is_authority: bool,
    /// The first attribute that no kubelet sends.
    pub other_attribute: Option<String>,
    /// The first extension that no kubelet asks for.
    pub other_extension: Option<String>,
    pub has_client_auth: bool,
    pub has_server_auth: bool,
    pub key: KeyVerdict,
    pub signature: Signature,
    /// The key as it is written.
    pub public_key: Vec<u8>,
}

/// Reads a request, PEM in base64. The error is the reason why it cannot be reviewed.
pub(super) fn read(base64: &str) -> Result<Asked, &'static str> {
    with_request(base64, |request| {
        let info = &request.certification_request_info;
        let key = key(&info.subject_pki);
        let mut asked = Asked {
            common_names: Vec::new(),
            organisations: Vec::new(),
            other_subject: None,
            sans: Vec::new(),
            is_authority: false,
            other_attribute: None,
            other_extension: None,
            has_client_auth: false,
            has_server_auth: false,
            signature: match key {
                KeyVerdict::Sound(kind) => signature(request, kind),
                KeyVerdict::Weak(_) | KeyVerdict::Unchecked(_) => {
                    Signature::Unchecked("its key is unfit")
                }
            },
            key,
            public_key: info.subject_pki.raw.to_vec(),
        };
        asked.read_subject(&info.subject)?;
        asked.read_attributes(info.attributes())?;
        Ok(asked)
    })
}

/// The key of a request, as it is written.
pub(super) fn public_key(base64: &str) -> Option<Vec<u8>> {
    let raw = |request: &X509CertificationRequest<'_>| {
        Ok(request.certification_request_info.subject_pki.raw.to_vec())
    };
    with_request(base64, raw).ok()
}

fn with_request<T>(
    base64: &str,
    then: impl FnOnce(&X509CertificationRequest<'_>) -> Result<T, &'static str>,
) -> Result<T, &'static str> {
    let pem = STANDARD
        .decode(base64)
        .map_err(|_| "the request is not base64")?;
    let pem = String::from_utf8(pem).map_err(|_| "the request is not PEM")?;
    // One block only: readers differ in which of several they take.
    let blocks = blocks(&pem);
    let [block] = &blocks[..] else {
        return Err("the request is not one PEM block");
    };
    if block.label != LABEL || pem.matches("-----BEGIN").count() != 1 {
        return Err("the request is not one PEM block CERTIFICATE REQUEST");
    }
    let der = block.decode().ok_or("the PEM block is damaged")?;
    match X509CertificationRequest::from_der(&der) {
        Ok(([], request)) => then(&request),
        _ => Err("the request is not PKCS #10"),
    }
}

impl Asked {
    /// All of it: the first of a repeated attribute is not what every reader takes.
    fn read_subject(&mut self, subject: &X509Name<'_>) -> Result<(), &'static str> {
        for rdn in subject.iter() {
            if rdn.iter().count() > 1 {
                note(&mut self.other_subject, || {
                    "several attributes in one part".into()
                });
            }
        }
        for attribute in subject.iter_attributes() {
            let kind = attribute.attr_type();
            let values = if *kind == OID_X509_COMMON_NAME {
                &mut self.common_names
            } else if *kind == OID_X509_ORGANIZATION_NAME {
                &mut self.organisations
            } else {
                note(&mut self.other_subject, || {
                    format!("the attribute {}", name_of(kind))
                });
                continue;
            };
            let text = attribute
                .as_str()
                .map_err(|_| "a name in the subject is not plain text")?;
            values.push(text.to_owned());
        }
        for (values, name) in [(&self.common_names, "CN"), (&self.organisations, "O")] {
            if values.len() > 1 {
                note(&mut self.other_subject, || {
                    format!("the attribute {name} twice")
                });
            }
        }
        Ok(())
    }

    fn read_attributes(&mut self, attributes: &[X509CriAttribute<'_>]) -> Result<(), &'static str> {
        let mut lists = 0;
        let mut seen = HashSet::new();
        for attribute in attributes {
            if attribute.oid != OID_PKCS9_EXTENSION_REQUEST {
                note(&mut self.other_attribute, || name_of(&attribute.oid));
                continue;
            }
            lists += 1;
            let ParsedCriAttribute::ExtensionRequest(requested) = attribute.parsed_attribute()
            else {
                return Err(UNREADABLE);
            };
            // A SET may hold several values, of which the parser reads the first: the value ends where that one does.
            let (rest, header) = Header::from_der(attribute.value).map_err(|_| UNREADABLE)?;
            if header.length().definite().ok() != Some(rest.len()) {
                return Err(UNREADABLE);
            }
            for extension in &requested.extensions {
                // Go refuses a request that asks for an extension twice.
                if !seen.insert(extension.oid.clone()) {
                    note(&mut self.other_extension, || {
                        format!("{} twice", name_of(&extension.oid))
                    });
                }
                self.read_extension(extension)?;
            }
        }
        if lists > 1 {
            note(&mut self.other_attribute, || {
                "extensionRequest twice".into()
            });
        }
        Ok(())
    }

    fn read_extension(&mut self, extension: &X509Extension<'_>) -> Result<(), &'static str> {
        let mut is_kubelets = true;
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                ends_with_its_value(extension)?;
                for name in &names.general_names {
                    self.sans.push(san(name).ok_or(UNREADABLE)?);
                }
            }
            ParsedExtension::BasicConstraints(constraints) => {
                self.is_authority |= constraints.ca;
                is_kubelets = constraints.path_len_constraint.is_none();
            }
            ParsedExtension::KeyUsage(usage) => {
                self.is_authority |= usage.key_cert_sign() || usage.crl_sign();
                is_kubelets = is_kubelets_usage(usage);
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                self.has_client_auth |= usage.client_auth;
                self.has_server_auth |= usage.server_auth;
                is_kubelets = is_for_tls(usage);
            }
            ParsedExtension::ParseError { .. } => return Err(UNREADABLE),
            _ => is_kubelets = false,
        }
        if !is_kubelets {
            note(&mut self.other_extension, || name_of(&extension.oid));
        }
        Ok(())
    }
}

/// Keeps the first thing that was found.
fn note(found: &mut Option<String>, what: impl FnOnce() -> String) {
    found.get_or_insert_with(what);
}

/// A short name, or the number. It is ours: a stranger chooses among known names only.
fn name_of(oid: &Oid<'_>) -> String {
    oid2abbrev(oid, oid_registry()).map_or_else(|_| oid.to_id_string(), str::to_owned)
}

/// What comes after the names is seen by some readers and not by others.
fn ends_with_its_value(extension: &X509Extension<'_>) -> Result<(), &'static str> {
    let (rest, header) = Header::from_der(extension.value).map_err(|_| UNREADABLE)?;
    if header.length().definite().ok() == Some(rest.len()) {
        Ok(())
    } else {
        Err(UNREADABLE)
    }
}

/// `digital signature` and `key encipherment` are what signers give a kubelet.
fn is_kubelets_usage(usage: &KeyUsage) -> bool {
    let others = [
        usage.non_repudiation(),
        usage.data_encipherment(),
        usage.key_agreement(),
        usage.encipher_only(),
        usage.decipher_only(),
    ];
    !others.contains(&true)
}

fn is_for_tls(usage: &ExtendedKeyUsage<'_>) -> bool {
    let others = [
        usage.any,
        usage.code_signing,
        usage.email_protection,
        usage.time_stamping,
        usage.ocsp_signing,
        !usage.other.is_empty(),
    ];
    !others.contains(&true)
}

fn san(name: &GeneralName<'_>) -> Option<San> {
    Some(match name {
        GeneralName::DNSName(name) => San::Dns((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            San::Ip(
                v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
                    .ok()?,
            )
        }
        GeneralName::RFC822Name(_) => San::Other("an e-mail address"),
        GeneralName::URI(_) => San::Other("a URI"),
        GeneralName::Invalid(..) => return None,
        _ => San::Other("a name of an unusual kind"),
    })
}
