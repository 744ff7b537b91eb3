//! The private half: making it, reading it, signing with it. Its bytes are wiped when dropped and never show in
//! `Debug`, errors or findings.

use std::fmt;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;
use ed25519_dalek::ed25519::pkcs8::KeypairBytes;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use crate::error::Result;
use crate::input;
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::signing::public_key::{KEY_LIMIT, PublicKey};
use crate::signing::{pair, sshsig};

/// An Ed25519 private key. It signs deterministically: the same bytes always get the same signature.
pub struct Signer {
    key: SigningKey,
    public: PublicKey,
}

impl Signer {
    fn new(key: SigningKey) -> Self {
        let public = PublicKey::new(key.verifying_key());
        Self { key, public }
    }

    /// A new key from the operating system's randomness.
    pub fn generate() -> Result<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).context("asking the operating system for randomness")?;
        Ok(Self::new(SigningKey::from_bytes(&seed)))
    }

    /// Reads a PEM file (PKCS#8, unencrypted). A file that is missing, readable by others, somebody else's or in a
    /// foreign format, or that is not of the pair that is beside it, is a finding that names it `shown`; `None` then.
    pub fn load(file: &Path, shown: &str, report: &mut Report) -> Result<Option<Self>> {
        let location = Location::file(shown);
        let read = match input::read_or_pipe(file, KEY_LIMIT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                report.add(
                    Finding::new(Id::SigningKeyMissing, &location, "", "the signing key is missing").help(
                        "make one with `nodebake key generate`, or build with --unsigned and sign elsewhere",
                    ),
                );
                return Ok(None);
            }
            read => report
                .take(read, shown)
                .with_context(|| format!("reading {shown}"))?,
        };
        let Some((bytes, metadata)) = read else {
            return Ok(None);
        };
        if let Some(finding) = tightness(&location, &metadata) {
            report.add(finding);
            return Ok(None);
        }
        match std::str::from_utf8(&bytes).map_or(Err(FOREIGN), Self::from_pem) {
            Ok(signer) => {
                let mut beside = Report::default();
                pair::check(file, shown, &signer.public, &mut beside)?;
                let good = !beside.has_errors();
                report.merge(beside);
                Ok(good.then_some(signer))
            }
            Err((rule, repair)) => {
                report.add(Finding::new(Id::SigningKeyInvalid, &location, "", rule).help(repair));
                Ok(None)
            }
        }
    }

    fn from_pem(text: &str) -> std::result::Result<Self, (&'static str, &'static str)> {
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
            return Err((
                "the signing key is encrypted",
                "decrypt it with `openssl pkey -in sign.key`, or build with --unsigned and sign elsewhere",
            ));
        }
        SigningKey::from_pkcs8_pem(text)
            .map(Self::new)
            .map_err(|_| FOREIGN)
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The 64 bytes of an Ed25519 signature over a message (RFC 8032, no prehash).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// An armoured SSHSIG over a message, in our namespace.
    pub fn sign_ssh(&self, message: &[u8]) -> String {
        let signed = sshsig::signed_bytes(message, sshsig::Hash::Sha512);
        sshsig::armour(self.public.as_bytes(), &self.sign(&signed))
    }

    /// PEM of PKCS#8 version 1: OpenSSL 3.0 cannot read version 2, which also holds the public key.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let pair = KeypairBytes {
            secret_key: self.key.to_bytes(),
            public_key: None,
        };
        pair.to_pkcs8_pem(LineEnding::LF)
            .expect("32 bytes always encode")
    }
}

/// Only the public half shows.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

const FOREIGN: (&str, &str) = (
    "the signing key must be an Ed25519 key in PEM (PKCS#8), which begins with BEGIN PRIVATE KEY",
    "make one with `nodebake key generate` or `openssl genpkey -algorithm ed25519`",
);

/// Who else could read or change the key.
fn tightness(location: &Location, metadata: &Metadata) -> Option<Finding> {
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        let rule = format!("the signing key's mode is {mode:04o}: only its owner may read it");
        return Some(
            Finding::new(Id::SigningKeyExposed, location, "", rule)
                .help(format!("run `chmod 600 {location}`")),
        );
    }
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() != us {
        let rule = format!(
            "the signing key belongs to user {}, who could change it; nodebake runs as user {us}",
            metadata.uid()
        );
        return Some(
            Finding::new(Id::SigningKeyExposed, location, "", rule)
                .help(format!("run `chown {us} {location}`")),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::create;
    use crate::signing::generate_keys;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn load(file: &Path) -> (Option<Signer>, String) {
        let mut report = Report::default();
        let signer = Signer::load(file, "keys/sign.key", &mut report).expect("readable");
        (signer, report.to_string())
    }

    #[test]
    fn a_generated_key_signs_what_its_public_half_verifies() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let files = generate_keys(&folder.path().join("keys")).expect("generated");
        let (signer, findings) = load(&files.private);
        let signer = signer.expect(&findings);
        assert!(files.key.verifies(b"text", &signer.sign(b"text")));
        assert!(!files.key.verifies(b"texu", &signer.sign(b"text")));
        assert!(files.key.verifies_ssh(b"text", &signer.sign_ssh(b"text")));
        assert!(!files.key.verifies_ssh(b"texu", &signer.sign_ssh(b"text")));
        let secret = fs::read_to_string(&files.private).expect("text");
        assert!(!format!("{signer:?}").contains(secret.lines().nth(1).expect("a line")));
    }

    #[test]
    fn a_loose_missing_or_foreign_key_is_a_finding() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let files = generate_keys(folder.path()).expect("generated");
        for mode in [0o640, 0o604, 0o620, 0o660] {
            fs::set_permissions(&files.private, Permissions::from_mode(mode)).expect("ours");
            let (signer, findings) = load(&files.private);
            assert!(signer.is_none());
            assert!(
                findings.contains(&format!("mode is {mode:04o}")),
                "{findings}"
            );
            assert!(findings.starts_with("error: keys/sign.key: "), "{findings}");
        }
        assert!(load(&folder.path().join("none")).1.contains("is missing"));
        let foreign = folder.path().join("foreign");
        for (text, word) in [
            ("", "Ed25519"),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nAA==\n-----END OPENSSH PRIVATE KEY-----\n",
                "Ed25519",
            ),
            (&*"x".repeat(20_000), "16 KiB, the limit"),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
                "encrypted",
            ),
        ] {
            let _ = fs::remove_file(&foreign);
            create::new_file(&foreign, 0o600, text.as_bytes()).expect("written");
            assert!(load(&foreign).1.contains(word), "{text}");
        }
    }
}
