//! The cluster's CA bundle: read, checked, and written again. What the nodes get is each checked certificate as a plain
//! PEM block and nothing else of the file: comments may say things that belong to nobody on a node, and a block that
//! the checks did not understand must not travel. A file that holds just such blocks stays as it is, byte for byte.

use anyhow::Context;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::error::Result;
use crate::identity::pem::{Block, blocks, push_block, wrapped};
use crate::input;
use crate::model::{Location, hex};
use crate::project_folder::{CERTIFICATES, ProjectFolder};
use crate::report::{Finding, Id, Report};
use crate::timing::rfc3339;

const CERTIFICATE: &str = "CERTIFICATE";

/// Which bundle is read, and what findings say about it.
#[derive(Clone, Copy, Debug)]
pub struct CaSource<'a> {
    /// The file as the user would name it.
    pub name: &'a str,
    /// Where the inventory names the file.
    pub location: &'a Location,
    /// The inventory's field, like `apiServer.ca`.
    pub field: &'a str,
    /// The time at which the certificates must be valid.
    pub at: OffsetDateTime,
}

/// One or more CA certificates: several while the CA is being replaced.
#[derive(Clone, Debug)]
pub struct CaBundle {
    /// PEM blocks of 64 characters a line, in the file's order.
    pub pem: String,
    /// The certificates in the same order.
    pub certificates: Vec<CaCertificate>,
    /// When the last of them expires: until then some certificate of the cluster can be verified.
    pub not_after: OffsetDateTime,
}

/// What is worth knowing of a CA certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaCertificate {
    /// The subject, like `CN=kubernetes`.
    pub subject: String,
    /// From when it is valid.
    pub not_before: OffsetDateTime,
    /// Until when it is valid.
    pub not_after: OffsetDateTime,
    /// Digest of the DER: the fingerprint that `openssl x509 -fingerprint -sha256` prints.
    pub sha256: [u8; 32],
    /// The certificate itself.
    pub der: Vec<u8>,
    /// The bits of its public key, without the algorithm.
    pub public_key: Vec<u8>,
    /// The digest of its SubjectPublicKeyInfo.
    public_key_sha256: [u8; 32],
    line: u32,
}

impl CaCertificate {
    /// What `kubeadm join --discovery-token-ca-cert-hash` takes (cmd/kubeadm/app/util/pubkeypin): the digest of the public key
    /// with its algorithm.
    pub fn pin(&self) -> String {
        format!("sha256:{}", hex(&self.public_key_sha256))
    }
}

impl CaBundle {
    /// Reads and checks a bundle; `None` if it has errors, which are then in the report.
    pub fn load(
        project: &ProjectFolder,
        source: &CaSource<'_>,
        report: &mut Report,
    ) -> Result<Option<Self>> {
        match project.read(source.name, CERTIFICATES) {
            Ok(bytes) => Ok(Self::parse(&bytes, source, report)),
            Err(error) => match input::mistake(&error) {
                Some(flaw) => {
                    let flaw = match flaw.repair {
                        Some(_) => flaw,
                        None => {
                            flaw.with_repair("copy the public CA certificate of the cluster there")
                        }
                    };
                    let file = format!("the CA file {}", source.name);
                    report.add(Finding::of_flaw(
                        source.location,
                        source.field,
                        &file,
                        &flaw,
                    ));
                    Ok(None)
                }
                None => Err(error).with_context(|| format!("reading {}", source.name)),
            },
        }
    }

    /// The subjects of all certificates that can be read, checked or not.
    pub fn subjects(text: &str) -> Vec<String> {
        let subject = |der: Vec<u8>| {
            let (_, certificate) = X509Certificate::from_der(&der).ok()?;
            Some(certificate.subject().to_string())
        };
        let blocks = blocks(text);
        blocks
            .iter()
            .filter_map(|block| subject(block.decode()?))
            .collect()
    }

    /// Checks the bytes of a bundle; `None` if they have errors.
    pub fn parse(bytes: &[u8], source: &CaSource<'_>, report: &mut Report) -> Option<Self> {
        let mut findings = Findings {
            source,
            report,
            is_good: true,
        };
        let bundle = read_bundle(bytes, &mut findings);
        let is_good = findings.is_good;
        bundle.filter(|_| is_good)
    }
}

/// Where findings go, and whether one of them was an error.
struct Findings<'a> {
    source: &'a CaSource<'a>,
    report: &'a mut Report,
    is_good: bool,
}

impl Findings<'_> {
    /// Line 0 means the file as a whole.
    fn error(&mut self, id: Id, line: u32, rule: impl Into<String>, repair: &str) {
        let location = Location::new(self.source.name, line, line.min(1));
        let finding = Finding::new(id, &location, self.source.field, rule);
        self.report.add(finding.help(repair));
        self.is_good = false;
    }

    fn warning(&mut self, id: Id, line: u32, rule: impl Into<String>) {
        let location = Location::new(self.source.name, line, line.min(1));
        self.report
            .add(Finding::new(id, &location, self.source.field, rule));
    }
}

fn read_bundle(bytes: &[u8], findings: &mut Findings<'_>) -> Option<CaBundle> {
    const AS_PEM: &str = "give the CA certificate as PEM";
    if bytes.iter().all(u8::is_ascii_whitespace) {
        findings.error(Id::CaInvalid, 0, "the CA file is empty", AS_PEM);
        return None;
    }
    // Comments may be in any encoding; blocks are ASCII.
    let text = String::from_utf8_lossy(bytes);
    // "PRIVATE KEY" anywhere ends the reading, whole block or not.
    if let Some(line) = text
        .lines()
        .position(|line| line.contains("PRIVATE KEY-----"))
    {
        let line = u32::try_from(line + 1).unwrap_or(u32::MAX);
        let repair = "take the key out of the project, and consider it known";
        findings.error(
            Id::CaHoldsKey,
            line,
            "the CA file holds a private key; nodes need the certificate only",
            repair,
        );
        return None;
    }
    let blocks = blocks(&text);
    if blocks.is_empty() {
        let (rule, repair) = match wrapped(bytes) {
            Some((is, repair)) => (format!("the CA file is not PEM, but {is}"), repair),
            None => (
                "the CA file is not PEM".to_owned(),
                "convert it with `openssl x509 -inform DER -in FILE -out ca.pem`",
            ),
        };
        findings.error(Id::CaInvalid, 0, rule, repair);
        return None;
    }
    let mut pem = String::with_capacity(bytes.len());
    let mut certificates = Vec::new();
    for block in &blocks {
        certificates.extend(read_block(block, &mut pem, findings));
    }
    if certificates.is_empty() && findings.is_good {
        findings.error(Id::CaInvalid, 0, "the CA file holds no certificate", AS_PEM);
    }
    check_validity(&certificates, findings);
    let not_after = certificates
        .iter()
        .map(|certificate| certificate.not_after)
        .max()?;
    Some(CaBundle {
        pem,
        certificates,
        not_after,
    })
}

fn read_block(
    block: &Block<'_>,
    pem: &mut String,
    findings: &mut Findings<'_>,
) -> Option<CaCertificate> {
    const COPY_AGAIN: &str = "copy the CA certificate again";
    if block.label != CERTIFICATE {
        let rule = "a block that is not a CERTIFICATE is left out, as Kubernetes ignores it";
        findings.warning(Id::CaQuestionable, block.line, rule);
        return None;
    }
    let Some(der) = block.decode() else {
        findings.error(
            Id::CaInvalid,
            block.line,
            "the PEM block is damaged",
            COPY_AGAIN,
        );
        return None;
    };
    let Ok(([], certificate)) = X509Certificate::from_der(&der) else {
        findings.error(
            Id::CaInvalid,
            block.line,
            "the PEM block is not an X.509 certificate",
            COPY_AGAIN,
        );
        return None;
    };
    if let Some(rule) = why_no_ca(&certificate) {
        findings.error(
            Id::CaInvalid,
            block.line,
            rule,
            "give the certificate that signs the API server's",
        );
    }
    push_block(pem, CERTIFICATE, &der);
    Some(CaCertificate {
        subject: certificate.subject().to_string(),
        not_before: certificate.validity().not_before.to_datetime(),
        not_after: certificate.validity().not_after.to_datetime(),
        sha256: Sha256::digest(&der).into(),
        public_key: certificate.public_key().subject_public_key.data.to_vec(),
        public_key_sha256: Sha256::digest(certificate.public_key().raw).into(),
        der: der.clone(),
        line: block.line,
    })
}

/// RFC 5280, 4.2.1.9 and 4.2.1.3: what makes a certificate one that may sign others.
fn why_no_ca(certificate: &X509Certificate<'_>) -> Option<&'static str> {
    match certificate.basic_constraints() {
        Err(_) => return Some("the certificate's basicConstraints cannot be read"),
        Ok(Some(extension)) if extension.value.ca => {}
        Ok(_) => {
            return Some("the certificate is not a CA's (basicConstraints CA:TRUE is missing)");
        }
    }
    match certificate.key_usage() {
        Err(_) => Some("the certificate's keyUsage cannot be read"),
        Ok(Some(extension)) if !extension.value.key_cert_sign() => {
            Some("the certificate may not sign others (keyUsage lacks keyCertSign)")
        }
        Ok(_) => None,
    }
}

/// A certificate out of its time is an error if no other one is good, and a warning beside a good one: while a CA is
/// being replaced, the old one may end or the new one may not have begun.
fn check_validity(certificates: &[CaCertificate], findings: &mut Findings<'_>) {
    let at = findings.source.at;
    let is_valid = |c: &CaCertificate| (c.not_before..=c.not_after).contains(&at);
    let any_valid = certificates.iter().any(is_valid);
    for certificate in certificates
        .iter()
        .filter(|certificate| !is_valid(certificate))
    {
        let time = |at| rfc3339(at).unwrap_or_default();
        let rule = if at > certificate.not_after {
            format!(
                "the CA certificate expired at {}",
                time(certificate.not_after)
            )
        } else {
            format!(
                "the CA certificate is not valid before {}, and the clock says {}",
                time(certificate.not_before),
                time(at)
            )
        };
        let repair = if at > certificate.not_after {
            "give the CA certificate that is in use"
        } else {
            "set the clock of this machine, or give the CA certificate that is in use"
        };
        if any_valid {
            findings.warning(Id::CaQuestionable, certificate.line, rule)
        } else {
            findings.error(Id::CaInvalid, certificate.line, rule, repair)
        }
    }
}
