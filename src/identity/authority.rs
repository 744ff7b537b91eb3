//! A certificate authority: a CA certificate with its key, and what it signs. The subject, the usages and the validity
//! are those of kube-controller-manager's own signers (kubernetes `pkg/controller/certificates/authority`). In: who
//! the certificate is for. Out: a certificate with a new key, checked once more by another library.

use std::net::IpAddr;

use anyhow::{Context, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm, SigningKey,
};
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::error::Result;
use crate::identity::pem::push_block;
use crate::identity::private_key::{Fault, PrivateKey};
use crate::secrets::Secret;
use crate::timing::whole_seconds;

const CERTIFICATE: &str = "CERTIFICATE";
/// How far back a certificate begins, because clocks differ: what kube-controller-manager does.
const BACKDATE: Duration = Duration::minutes(5);
/// How far back a CA begins: further than anything that it will sign.
const CA_BACKDATE: Duration = Duration::DAY;

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To say who one is: `clientAuth`.
    Client,
    /// To be called by name or address: `serverAuth`.
    Serving,
}

/// A certificate that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Who it is, to Kubernetes the user.
    pub common_name: String,
    /// To Kubernetes the user's group.
    pub organization: Option<String>,
    /// What it is for.
    pub purpose: Purpose,
    /// DNS names.
    pub names: Vec<String>,
    /// IP addresses.
    pub addresses: Vec<IpAddr>,
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Issued {
    /// The certificate, and the issuer's where that one is not the root: PEM.
    pub certificates: String,
    /// Its key.
    pub key: PrivateKey,
    /// Until when it is valid.
    pub not_after: OffsetDateTime,
}

impl Issued {
    /// Certificates and key in one text, as the kubelet's own store has them.
    pub fn to_pem(&self) -> Secret {
        (self.certificates.clone() + self.key.to_pem().expose()).into()
    }
}

/// A CA certificate with its key.
#[derive(Debug)]
pub struct Authority {
    certificate: Vec<u8>,
    issuer: Issuer<'static, PrivateKey>,
    not_after: OffsetDateTime,
    is_root: bool,
}

impl SigningKey for PrivateKey {
    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, rcgen::Error> {
        self.pair().sign(message)
    }
}

impl PublicKeyData for PrivateKey {
    fn der_bytes(&self) -> &[u8] {
        self.pair().der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.pair().algorithm()
    }
}

impl Authority {
    /// A new CA, as kubeadm's own is but for its key, which is ECDSA's. It is valid for `lifetime` from `now`.
    pub fn generate(
        name: &str,
        now: OffsetDateTime,
        lifetime: std::time::Duration,
    ) -> Result<Self> {
        let making = "making a CA";
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.serial_number = Some(serial()?);
        let now = whole_seconds(now);
        params.not_before = now.checked_sub(CA_BACKDATE).context(making)?;
        params.not_after = now
            .checked_add(lifetime.try_into().context(making)?)
            .context(making)?;
        let not_after = params.not_after;
        let key = PrivateKey::generate()?;
        let certificate = params.self_signed(&key).context(making)?;
        Ok(Self {
            certificate: certificate.der().to_vec(),
            issuer: Issuer::new(params, key),
            not_after,
            is_root: true,
        })
    }

    /// A CA that exists. Its key must belong to the certificate.
    pub fn new(certificate: &[u8], key: PrivateKey) -> std::result::Result<Self, Fault> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| UNFIT)?;
        if !key.is_of(&parsed.public_key().subject_public_key.data) {
            return Err((
                "the key is not the CA certificate's",
                "give the key that belongs to it",
            ));
        }
        let not_after = parsed.validity().not_after.to_datetime();
        let is_root = parsed.subject().as_raw() == parsed.issuer().as_raw();
        Ok(Self {
            certificate: certificate.to_vec(),
            issuer: Issuer::from_ca_cert_der(&certificate.into(), key).map_err(|_| UNFIT)?,
            not_after,
            is_root,
        })
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> String {
        pem(&self.certificate)
    }

    /// Its key.
    pub fn key(&self) -> &PrivateKey {
        self.issuer.key()
    }

    /// Until when it is valid.
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// Signs a certificate with a new key. It ends after `lifetime`, but not later than the CA.
    pub fn issue(
        &self,
        leaf: &Leaf,
        now: OffsetDateTime,
        lifetime: std::time::Duration,
    ) -> Result<Issued> {
        let issuing = || format!("issuing the certificate of {}", leaf.common_name);
        let mut params = params(leaf).with_context(issuing)?;
        let now = whole_seconds(now);
        let until = lifetime
            .try_into()
            .ok()
            .and_then(|span| now.checked_add(span));
        params.not_before = now.checked_sub(BACKDATE).with_context(issuing)?;
        params.not_after = until.with_context(issuing)?.min(self.not_after);
        if params.not_after <= now {
            bail!(
                "issuing the certificate of {}: it would end at once",
                leaf.common_name
            );
        }
        let not_after = params.not_after;
        let key = PrivateKey::generate()?;
        let made = params.signed_by(&key, &self.issuer).with_context(issuing)?;
        self.check(made.der()).with_context(issuing)?;
        let mut certificates = pem(made.der());
        if !self.is_root {
            push_block(&mut certificates, CERTIFICATE, &self.certificate);
        }
        Ok(Issued {
            certificates,
            key,
            not_after,
        })
    }

    /// What was signed must lead back to the CA. rcgen writes the issuer's name again, and cannot say some names: one
    /// with the same attribute twice would come out shorter, and nobody would find the issuer.
    fn check(&self, der: &[u8]) -> Result<()> {
        let parsed = |der| X509Certificate::from_der(der).map(|(_, certificate)| certificate);
        let (ours, made) = (parsed(&self.certificate)?, parsed(der)?);
        if made.issuer().as_raw() != ours.subject().as_raw() {
            bail!("the CA's name cannot be written again as it is; issue with openssl");
        }
        made.verify_signature(Some(ours.public_key()))
            .context("checking the signature")
    }
}

const UNFIT: Fault = (
    "nothing can be issued with this CA certificate: its name has attributes that cannot be written again",
    "issue with openssl",
);

fn pem(der: &[u8]) -> String {
    let mut text = String::new();
    push_block(&mut text, CERTIFICATE, der);
    text
}

fn params(leaf: &Leaf) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    // In the order in which Go writes them.
    if let Some(organization) = &leaf.organization {
        name.push(DnType::OrganizationName, organization);
    }
    name.push(DnType::CommonName, &leaf.common_name);
    params.distinguished_name = name;
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    // Key encipherment is for RSA keys, and ours are not.
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![match leaf.purpose {
        Purpose::Client => ExtendedKeyUsagePurpose::ClientAuth,
        Purpose::Serving => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    for name in &leaf.names {
        let san = name.as_str().try_into().context("reading a DNS name")?;
        params.subject_alt_names.push(SanType::DnsName(san));
    }
    let addresses = leaf.addresses.iter().copied().map(SanType::IpAddress);
    params.subject_alt_names.extend(addresses);
    params.serial_number = Some(serial()?);
    Ok(params)
}

/// RFC 5280, 4.1.2.2: unique, positive, at most 20 bytes. 127 random bits are all of that.
fn serial() -> Result<SerialNumber> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("asking the operating system for randomness")?;
    bytes[0] &= 0x7f;
    Ok(SerialNumber::from_slice(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = time::macros::datetime!(2030-06-01 12:00 UTC);
    const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

    fn leaf() -> Leaf {
        Leaf {
            common_name: "system:node:a".into(),
            organization: Some("system:nodes".into()),
            purpose: Purpose::Serving,
            names: vec!["a".into()],
            addresses: vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
        }
    }

    #[test]
    fn nothing_outlives_its_ca_and_two_are_never_the_same() {
        let ca = Authority::generate("ca", NOW, DAY).unwrap();
        let one = ca.issue(&leaf(), NOW, DAY * 365).unwrap();
        let other = ca.issue(&leaf(), NOW, DAY / 2).unwrap();
        assert_eq!(one.not_after, NOW + DAY);
        assert_eq!(other.not_after, NOW + DAY / 2);
        assert_ne!(one.certificates, other.certificates);
        assert!(!one.key.is_of(other.key.der_bytes()));
        let late = ca.issue(&leaf(), NOW + DAY, DAY).unwrap_err();
        assert!(
            format!("{late:#}").contains("would end at once"),
            "{late:#}"
        );
    }

    #[test]
    fn a_key_of_another_ca_is_refused_and_no_key_shows() {
        let ca = Authority::generate("ca", NOW, DAY).unwrap();
        let key = PrivateKey::generate().unwrap();
        let shown = format!("{ca:?} {key:?}");
        assert!(!shown.contains(&key.to_pem().expose()[40..60]), "{shown}");
        let (rule, _) = Authority::new(&ca.certificate, key).unwrap_err();
        assert!(rule.contains("is not the CA certificate's"), "{rule}");
    }
}
