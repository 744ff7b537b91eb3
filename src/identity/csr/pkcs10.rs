//! The request itself (PKCS #10, RFC 2986): subject, names, key, signature. What Go's parser, which the API server and
//! the signers use, would see otherwise than ours is refused rather than guessed.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::asn1_rs::Header;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::{ParsedCriAttribute, X509CriAttribute};
use x509_parser::error::X509Error;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_PKCS1_SHA1WITHRSA, OID_PKCS9_EXTENSION_REQUEST, OID_SHA1_WITH_RSA, OID_SIG_ED25519,
    OID_X509_COMMON_NAME, OID_X509_EXT_SUBJECT_ALT_NAME, OID_X509_ORGANIZATION_NAME,
};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use crate::identity::pem::blocks;

const LABEL: &str = "CERTIFICATE REQUEST";
/// Bits. Below 2048 an RSA key can be broken; above 8192 a request is there to cost time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A name that a certificate is to be good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum San {
    Dns(String),
    Ip(IpAddr),
    /// E-mail, URI and what else there is: no kubelet asks for it.
    Other(&'static str),
}

/// How the signature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    Good,
    /// Not made with the key in the request.
    Broken,
    /// Made in a way that we cannot judge, or that signers do not take.
    Unfit(&'static str),
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Asked {
    pub common_names: Vec<String>,
    pub organisations: Vec<String>,
    pub sans: Vec<San>,
    pub key_fault: Option<String>,
    pub signature: Signature,
}

/// Reads a request, PEM in base64. The error is the reason why it cannot be judged.
pub(super) fn read(base64: &str) -> Result<Asked, &'static str> {
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
    let Ok(([], request)) = X509CertificationRequest::from_der(&der) else {
        return Err("the request is not PKCS #10");
    };
    let info = &request.certification_request_info;
    let mut asked = Asked {
        common_names: Vec::new(),
        organisations: Vec::new(),
        sans: Vec::new(),
        key_fault: key_fault(&request),
        signature: Signature::Good,
    };
    // All of them: the first of a repeated attribute is not what every reader takes.
    for attribute in info.subject.iter_attributes() {
        let values = if *attribute.attr_type() == OID_X509_COMMON_NAME {
            &mut asked.common_names
        } else if *attribute.attr_type() == OID_X509_ORGANIZATION_NAME {
            &mut asked.organisations
        } else {
            continue;
        };
        let text = attribute
            .as_str()
            .map_err(|_| "a name in the subject is no plain text")?;
        values.push(text.to_owned());
    }
    for attribute in info.iter_attributes() {
        asked.sans.extend(sans(attribute)?);
    }
    if asked.key_fault.is_none() {
        asked.signature = signature(&request);
    }
    Ok(asked)
}

/// The alternative names of an attribute.
fn sans(attribute: &X509CriAttribute<'_>) -> Result<Vec<San>, &'static str> {
    const UNREADABLE: &str = "the requested extensions cannot be read";
    if attribute.oid != OID_PKCS9_EXTENSION_REQUEST {
        return Ok(Vec::new());
    }
    let ParsedCriAttribute::ExtensionRequest(requested) = attribute.parsed_attribute() else {
        return Err(UNREADABLE);
    };
    // A SET may hold several values, of which the parser reads the first: the value ends where that one does.
    let (rest, header) = Header::from_der(attribute.value).map_err(|_| UNREADABLE)?;
    if header.length().definite().ok() != Some(rest.len()) {
        return Err(UNREADABLE);
    }
    let mut found = Vec::new();
    for extension in &requested.extensions {
        if extension.oid != OID_X509_EXT_SUBJECT_ALT_NAME {
            continue;
        }
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else {
            return Err(UNREADABLE);
        };
        for name in &names.general_names {
            found.push(san(name).ok_or(UNREADABLE)?);
        }
    }
    Ok(found)
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

/// What is wrong with the key: a kubelet makes ECDSA keys on P-256, older ones RSA keys.
fn key_fault(request: &X509CertificationRequest<'_>) -> Option<String> {
    let key = &request.certification_request_info.subject_pki;
    let algorithm = &key.algorithm.algorithm;
    if *algorithm == OID_PKCS1_RSAENCRYPTION {
        return match key.parsed() {
            Ok(PublicKey::RSA(rsa)) if RSA_BITS.contains(&rsa.key_size()) => None,
            Ok(PublicKey::RSA(rsa)) => Some(format!(
                "an RSA key of {} bits; {} to {} are taken",
                rsa.key_size(),
                RSA_BITS.start(),
                RSA_BITS.end()
            )),
            _ => Some("a key that cannot be read".into()),
        };
    }
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = key.algorithm.parameters.as_ref();
        let curve = curve.and_then(|curve| curve.as_oid().ok());
        let is_known = curve.is_some_and(|c| c == OID_EC_P256 || c == OID_NIST_EC_P384);
        return (!is_known).then(|| "an ECDSA key on another curve than P-256 or P-384".into());
    }
    (*algorithm != OID_SIG_ED25519)
        .then(|| "a key that is neither ECDSA nor RSA nor Ed25519".into())
}

fn signature(request: &X509CertificationRequest<'_>) -> Signature {
    let algorithm = &request.signature_algorithm.algorithm;
    if *algorithm == OID_PKCS1_SHA1WITHRSA || *algorithm == OID_SHA1_WITH_RSA {
        return Signature::Unfit("it is signed with SHA-1");
    }
    match request.verify_signature() {
        Ok(()) => Signature::Good,
        Err(X509Error::SignatureUnsupportedAlgorithm) => {
            Signature::Unfit("it is signed by an unusual algorithm")
        }
        Err(_) => Signature::Broken,
    }
}
