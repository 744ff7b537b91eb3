//! The public half: what a receiver verifies with.

use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePublicKey, EncodePublicKey};
use ed25519_dalek::{Signature, VerifyingKey};

use crate::error::Result;
use crate::input::{self, Limit};
use crate::manifest::{SIGNATURE, SSH_SIGNATURE};
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::signing::sshsig;
use crate::signing::sshsig::{NAMESPACE, PRINCIPAL};

/// The longest key file that is read.
pub const KEY_LIMIT: Limit = Limit::kib(16);

/// An Ed25519 public key that is fit to trust: not one of the weak points under which a signature fits any message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key that `key` is.
    pub fn new(key: VerifyingKey) -> Self {
        Self(key)
    }

    /// Reads a PEM file (SubjectPublicKeyInfo, as `openssl pkey -pubout` writes it). What is wrong with it is a finding
    /// that names the file `shown`; `None` then.
    pub fn load(file: &Path, shown: &str, report: &mut Report) -> Result<Option<Self>> {
        let location = Location::file(shown);
        let read = match input::read_or_pipe(file, KEY_LIMIT) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                report.add(
                    Finding::new(
                        Id::PublicKeyInvalid,
                        &location,
                        "",
                        "the public key is missing",
                    )
                    .help("name its file; whoever signed has it"),
                );
                return Ok(None);
            }
            read => report
                .take(read, shown)
                .with_context(|| format!("reading {shown}"))?,
        };
        let Some((bytes, _)) = read else {
            return Ok(None);
        };
        match Self::from_pem(&String::from_utf8_lossy(&bytes)) {
            Ok(key) => Ok(Some(key)),
            Err(rule) => {
                report.add(Finding::new(Id::PublicKeyInvalid, &location, "", rule).help(
                    "write it with `openssl pkey -in sign.key -pubout`, which begins with BEGIN PUBLIC KEY",
                ));
                Ok(None)
            }
        }
    }

    /// Reads PEM text; the error is the rule that it breaks.
    pub fn from_pem(text: &str) -> std::result::Result<Self, &'static str> {
        if text.contains("PRIVATE KEY-----") {
            return Err("this is a private key, where the public one is asked for");
        }
        let key = VerifyingKey::from_public_key_pem(text)
            .map_err(|_| "the public key must be an Ed25519 key in PEM (SubjectPublicKeyInfo)")?;
        if key.is_weak() {
            return Err(
                "the public key is a weak point, under which one signature fits every message",
            );
        }
        Ok(Self(key))
    }

    /// The key as PEM (SubjectPublicKeyInfo), with a line feed at the end.
    pub fn to_pem(&self) -> String {
        self.0
            .to_public_key_pem(LineEnding::LF)
            .expect("32 bytes always encode")
    }

    /// What is between the first and the last line of [`Self::to_pem`]: one line, for command lines.
    pub fn to_line(&self) -> String {
        let pem = self.to_pem();
        pem.lines()
            .filter(|line| !line.starts_with("-----"))
            .collect()
    }

    /// Reads such a line; the error is the rule that it breaks.
    pub fn from_line(line: &str) -> std::result::Result<Self, &'static str> {
        let line = line.trim();
        Self::from_pem(&format!(
            "-----BEGIN PUBLIC KEY-----\n{line}\n-----END PUBLIC KEY-----\n"
        ))
    }

    /// The line for `ssh-keygen -Y verify -f`: good for our namespace only.
    pub fn allowed_signers(&self) -> String {
        let blob = BASE64.encode(sshsig::key_blob(self.0.as_bytes()));
        format!("{PRINCIPAL} namespaces=\"{NAMESPACE}\" ssh-ed25519 {blob}\n")
    }

    /// Whether a line of an `allowed_signers` file is about this key, whatever else the line says.
    pub fn is_among(&self, signers: &str) -> bool {
        let blob = BASE64.encode(sshsig::key_blob(self.0.as_bytes()));
        let words = |line: &str| line.split_whitespace().any(|word| word == blob);
        signers
            .lines()
            .any(|line| !line.starts_with('#') && words(line))
    }

    /// A signature of this key in the form of an SSHSIG. What was signed for that is not the message itself.
    pub fn armoured(&self, signature: &[u8; 64]) -> String {
        sshsig::armour(self.0.as_bytes(), signature)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether a raw signature fits a message. Strict: no malleable signatures, no weak points.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }

    /// Whether an armoured SSHSIG of this key, in our namespace, fits a message.
    pub fn verifies_ssh(&self, message: &[u8], text: &str) -> bool {
        sshsig::unarmour(text, self.0.as_bytes()).is_some_and(|(hash, signature)| {
            self.verifies(&sshsig::signed_bytes(message, hash), &signature)
        })
    }

    /// Checks a bundle's signatures over SHA256SUMS. One is enough, since a signer may make only one of them, but each
    /// that is there must fit: a receiver may look at either. The error is what is wrong.
    pub fn check(
        &self,
        sums: &[u8],
        raw: Option<&[u8]>,
        ssh: Option<&[u8]>,
    ) -> std::result::Result<(), (&'static str, String)> {
        if raw.is_none() && ssh.is_none() {
            return Err((SIGNATURE, "the bundle is not signed".into()));
        }
        if raw.is_some_and(|raw| !self.verifies(sums, raw)) {
            return Err((SIGNATURE, NO_FIT.into()));
        }
        if ssh.is_some_and(|ssh| !self.verifies_ssh(sums, &String::from_utf8_lossy(ssh))) {
            return Err((SSH_SIGNATURE, NO_FIT.into()));
        }
        Ok(())
    }
}

const NO_FIT: &str = "the signature does not fit SHA256SUMS and this public key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_points_are_refused() {
        // The neutral element: with it a signature exists that fits every message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let weak = VerifyingKey::from_bytes(&neutral).expect("a point all the same");
        let pem = PublicKey(weak).to_pem();
        assert!(
            PublicKey::from_pem(&pem)
                .expect_err("weak")
                .contains("weak")
        );
    }

    #[test]
    fn other_formats_are_refused() {
        for text in [
            "",
            "ssh-ed25519 AAAA",
            "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n",
            // X25519, which shares the curve but not the use
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n-----END PUBLIC KEY-----\n",
        ] {
            assert!(PublicKey::from_pem(text).is_err(), "{text}");
        }
    }
}
