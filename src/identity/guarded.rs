//! Secrets that must not leave a project in a file that was not declared secret, recognised wherever they may have slipped
//! in. In: the bytes of a file, or which file it is. Out: the worst [`Private`] that it is or holds.
//!
//! Keys of the CA and of the bundle's signer are recognised by their public halves, as PEM, as DER, or as PEM in base64 as
//! a kubeconfig and a Secret hold them; tokens by their digests. Other private keys count only in text: programs such as
//! a kubelet hold the marks of PEM and sample keys, and a file with a zero byte is no text.

use std::collections::HashSet;
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem::Finder;
use sha2::{Digest, Sha256};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::identity::pem::blocks;
use crate::identity::private_key::{LABEL, is_key_of};
use crate::identity::{CaBundle, CaCertificate};
use crate::secrets::TokenStore;

/// How a PEM block with a private key begins, near its end; PGP's label goes on.
const MARKS: [&str; 2] = ["PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"];
/// `-----BEGIN ` in base64: what follows is the base64 of a file of PEM blocks.
const ENCODED_MARK: &str = "LS0tLS1CRUdJTi";
/// How an age identity begins, and how many characters follow at the least: 32 bytes in Bech32.
const AGE_IDENTITY: (&str, usize) = ("AGE-SECRET-KEY-1", 52);
/// Longer than any private key as PEM in base64: RSA of 16,384 bits has 13 KB of PEM.
const LONGEST: usize = 24 * 1024;
/// The shortest private key: 32 bytes, of an elliptic curve.
const SHORTEST: usize = 32;
/// The length of a token's secret half (Kubernetes' cluster-bootstrap/token/api), and of its base64 without padding.
const TOKEN: usize = 16;
const ENCODED_TOKEN: usize = 22;

/// What was found, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Private {
    /// The CA's private key: it signs whole clusters.
    CaKey,
    /// The key that signs bundles.
    SigningKey,
    /// The file of the tokens, or a token in a file that is not made for it.
    Tokens,
    /// Any other private key.
    Key,
}

/// What a project's secrets are recognised by.
pub struct Guarded {
    publics: Vec<(Vec<u8>, Private)>,
    tokens: HashSet<[u8; 32]>,
    /// Device and inode of files that are secret as a whole, be they encrypted or not.
    files: Vec<(u64, u64, Private)>,
    marks: [Finder<'static>; 2],
    encoded_mark: Finder<'static>,
    /// The CA's certificates as kubeconfigs have them, if there is no key among them: what is in every node's file is not
    /// decoded again.
    encoded_ca: Option<String>,
    age_identity: Finder<'static>,
}

/// It says how much it knows and nothing of it.
impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("tokens", &self.tokens.len())
            .finish_non_exhaustive()
    }
}

impl Guarded {
    /// The keys of all certificates of a bundle, and the store's tokens, revoked and expired ones too.
    pub fn new(bundle: &CaBundle, tokens: &TokenStore) -> Self {
        let public = |certificate: &CaCertificate| (certificate.public_key.clone(), Private::CaKey);
        let all = tokens.iter().flat_map(|(_, tokens)| tokens);
        let mut guarded = Self {
            publics: bundle.certificates.iter().map(public).collect(),
            tokens: all
                .map(|token| digest(token.secret.expose().as_bytes()))
                .collect(),
            files: Vec::new(),
            marks: MARKS.map(Finder::new),
            encoded_mark: Finder::new(ENCODED_MARK),
            encoded_ca: None,
            age_identity: Finder::new(AGE_IDENTITY.0),
        };
        if guarded.find(bundle.pem.as_bytes()).is_none() {
            guarded.encoded_ca = Some(STANDARD_NO_PAD.encode(&bundle.pem));
        }
        guarded
    }

    /// Adds the signing key by its public half, a PEM text; what is no such text adds nothing.
    pub fn add_signer(&mut self, pem: &str) {
        let keys = blocks(pem).into_iter().filter_map(|block| block.decode());
        for der in keys {
            if let Ok((_, info)) = SubjectPublicKeyInfo::from_der(&der) {
                let public = info.subject_public_key.data.to_vec();
                self.publics.push((public, Private::SigningKey));
            }
        }
    }

    /// Adds a file that is secret as a whole.
    pub fn add_file(&mut self, file: &Metadata, what: Private) {
        self.files.push((file.dev(), file.ino(), what));
    }

    /// What a file is by itself, whatever its name: links of both kinds lead to the same one.
    pub fn file(&self, file: &Metadata) -> Option<Private> {
        let mut files = self.files.iter();
        let (_, _, what) = files.find(|(dev, ino, _)| (*dev, *ino) == (file.dev(), file.ino()))?;
        Some(*what)
    }

    /// The worst that is among these bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<Private> {
        let is_text = memchr::memchr(0, bytes).is_none();
        self.look(bytes, true, is_text)
    }

    /// A reader for a file that is too big for memory.
    pub fn scan(&self) -> Scan<'_> {
        Scan {
            guarded: self,
            window: Vec::new(),
            is_first: true,
            is_text: true,
            found: None,
        }
    }

    fn look(&self, bytes: &[u8], is_first: bool, is_text: bool) -> Option<Private> {
        let der = is_first.then(|| self.der(bytes)).flatten();
        let has_mark = self.marks.iter().any(|mark| mark.find(bytes).is_some());
        let pem = has_mark.then(|| self.pem(bytes, is_text)).flatten();
        let token = (is_text && self.has_token(bytes)).then_some(Private::Tokens);
        let age = (is_text && self.has_age_identity(bytes)).then_some(Private::Key);
        let all = [der, pem, self.encoded(bytes, is_text), token, age];
        all.into_iter().flatten().min()
    }

    /// A value of base64 is on one line wherever the PEM of a key is kept in one.
    fn encoded(&self, bytes: &[u8], is_text: bool) -> Option<Private> {
        let starts = self.encoded_mark.find_iter(bytes);
        let found = starts.filter_map(|start| {
            let run = run(&bytes[start..], LONGEST, is_base64);
            let ca = self.encoded_ca.as_ref().map(String::as_bytes);
            if ca == Some(&bytes[start..start + run]) {
                return None;
            }
            // What is cut off by the limit may end amid four characters.
            let whole = run - run % 4;
            let decoded = STANDARD_NO_PAD.decode(&bytes[start..start + run]);
            let decoded = decoded.or_else(|_| STANDARD_NO_PAD.decode(&bytes[start..start + whole]));
            self.pem(&decoded.ok()?, is_text)
        });
        found.min()
    }

    fn pem(&self, bytes: &[u8], is_text: bool) -> Option<Private> {
        let text = unwrapped(&String::from_utf8_lossy(bytes));
        let found = blocks(&text).into_iter().filter_map(|block| {
            if block.label.ends_with("PRIVATE KEY BLOCK") && block.is_whole() {
                return is_text.then_some(Private::Key);
            }
            if !block.label.ends_with(LABEL) {
                return None;
            }
            let der = block.decode();
            let known = der.as_ref().and_then(|der| self.known(block.label, der));
            let is_key = der.is_some_and(|der| der.len() >= SHORTEST) || block.has_headers();
            known.or((is_text && is_key).then_some(Private::Key))
        });
        found.min()
    }

    fn der(&self, bytes: &[u8]) -> Option<Private> {
        if bytes.first() != Some(&0x30) || bytes.len() >= LONGEST {
            return None;
        }
        let labels = [LABEL, "RSA PRIVATE KEY", "EC PRIVATE KEY"];
        labels
            .iter()
            .filter_map(|label| self.known(label, bytes))
            .min()
    }

    fn known(&self, label: &str, der: &[u8]) -> Option<Private> {
        let publics = self.publics.iter();
        let known = publics.filter(|(public, _)| is_key_of(label, der, public));
        known.map(|(_, what)| *what).min()
    }

    /// Words of a token's length, as they are and in base64 as Secrets have them.
    fn has_token(&self, bytes: &[u8]) -> bool {
        if self.tokens.is_empty() {
            return false;
        }
        let plain = |word: &[u8]| {
            let parts = word.split(|byte| matches!(byte, b'+' | b'/'));
            let mut parts =
                parts.filter(|part| part.len() == TOKEN && part.iter().all(is_of_token));
            parts.any(|part| self.tokens.contains(&digest(part)))
        };
        let encoded = |word: &[u8]| {
            word.len() == ENCODED_TOKEN
                && STANDARD_NO_PAD
                    .decode(word)
                    .is_ok_and(|secret| self.tokens.contains(&digest(&secret)))
        };
        words(bytes, TOKEN).any(|word| plain(word) || encoded(word))
    }

    fn has_age_identity(&self, bytes: &[u8]) -> bool {
        let (mark, least) = AGE_IDENTITY;
        let mut starts = self.age_identity.find_iter(bytes);
        starts.any(|start| {
            let is_bech32 = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            run(&bytes[start + mark.len()..], least, is_bech32) == least
        })
    }
}

fn digest(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// What the secret half of a token consists of.
fn is_of_token(byte: &u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// How many of the first bytes are of a kind, `most` at the most.
fn run(bytes: &[u8], most: usize, is_one: impl Fn(&u8) -> bool) -> usize {
    bytes
        .iter()
        .take(most)
        .take_while(|byte| is_one(byte))
        .count()
}

/// The words of base64's characters that have at least so many. Such a word holds every byte at that distance behind the end
/// of the one before it, so most bytes are never looked at.
fn words(bytes: &[u8], least: usize) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let probe = from + least - 1;
            if !is_base64(bytes.get(probe)?) {
                from = probe + 1;
                continue;
            }
            let before = bytes[from..probe].iter().rposition(|byte| !is_base64(byte));
            let start = before.map_or(from, |at| from + at + 1);
            let end = probe + run(&bytes[probe..], usize::MAX, is_base64);
            from = end;
            if end - start >= least {
                return Some(&bytes[start..end]);
            }
        }
    })
}

/// PEM as it is after YAML and JSON are read: indented, in quotes, with escaped line feeds.
fn unwrapped(text: &str) -> String {
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let text = text.replace("-----BEGIN ", "\n-----BEGIN ");
    let mut lines = String::with_capacity(text.len());
    for line in text.lines().map(str::trim) {
        let line = if line.starts_with("-----END ") {
            line.trim_end_matches(|c: char| c != '-')
        } else {
            line
        };
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}

/// Looks at a file piece by piece.
#[derive(Debug)]
pub struct Scan<'g> {
    guarded: &'g Guarded,
    window: Vec<u8>,
    is_first: bool,
    is_text: bool,
    found: Option<Private>,
}

impl Scan<'_> {
    /// Looks at the next piece, and at the end of the one before it once more: a key may cross the border of two pieces.
    pub fn push(&mut self, piece: &[u8]) {
        self.window.extend_from_slice(piece);
        self.is_text &= memchr::memchr(0, piece).is_none();
        let seen = self.guarded.look(&self.window, self.is_first, self.is_text);
        self.found = self.found.into_iter().chain(seen).min();
        self.is_first = false;
        let old = self.window.len().saturating_sub(LONGEST);
        drop(self.window.drain(..old));
    }

    /// The worst that was among the pieces.
    pub fn found(&self) -> Option<Private> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use time::macros::datetime;

    use super::*;
    use crate::identity::private_key::PrivateKey;
    use crate::report::Report;
    use crate::secrets::Keys;

    const TOKENS: &str = "apiVersion: nodebake/v1\nkind: Secrets\ntokens:\n  a:\n    - {id: abcdef, secret: testonlysecret00, epoch: 1, created: 2026-01-01T00:00:00Z, expires: 2036-01-01T00:00:00Z}\n";

    fn guarded(signer: Option<&PrivateKey>) -> Guarded {
        let mut report = Report::default();
        let tokens = TokenStore::read(&mut TOKENS.as_bytes(), "s", &Keys::default(), &mut report);
        let none = CaBundle {
            pem: String::new(),
            certificates: Vec::new(),
            not_after: datetime!(2036-01-01 0:00 UTC),
        };
        let mut guarded = Guarded::new(&none, &tokens.expect("tokens"));
        if let Some(signer) = signer {
            guarded.add_signer(&signer.public_pem());
        }
        guarded
    }

    #[test]
    fn keys_are_found_in_every_wrapping() {
        let key = PrivateKey::generate().expect("randomness");
        let pem = key.to_pem();
        let pem = pem.expose();
        let indented: String = pem.lines().map(|line| format!("    {line}\n")).collect();
        let wrapped = [
            pem.to_owned(),
            format!("#!/bin/sh\ncat <<X\n{pem}X\n"),
            format!("write_files:\n- content: |\n{indented}"),
            format!("{{\"key\": {}}}", serde_json::to_string(pem).expect("text")),
            format!("client-key-data: {}\n", STANDARD.encode(pem)),
            pem.replace('\n', "\r\n"),
        ];
        for text in &wrapped {
            assert_eq!(
                guarded(None).find(text.as_bytes()),
                Some(Private::Key),
                "{text}"
            );
            let known = guarded(Some(&key)).find(text.as_bytes());
            assert_eq!(known, Some(Private::SigningKey), "{text}");
            // In a program only a key that is known counts.
            let program = format!("\u{7f}ELF\0{text}\0");
            assert_eq!(guarded(None).find(program.as_bytes()), None);
            let known = guarded(Some(&key)).find(program.as_bytes());
            assert_eq!(known, Some(Private::SigningKey), "{text}");
        }
    }

    #[test]
    fn other_private_keys_and_tokens_are_found() {
        let age = format!("x AGE-SECRET-KEY-1{} y", "Q".repeat(58));
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        let pgp = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQHY\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n";
        let encoded = format!("token-secret: {}\n", STANDARD.encode("testonlysecret00"));
        for (text, what) in [
            (age.as_str(), Private::Key),
            (old, Private::Key),
            (pgp, Private::Key),
            (TOKENS, Private::Tokens),
            ("token: abcdef.testonlysecret00", Private::Tokens),
            (&encoded, Private::Tokens),
        ] {
            assert_eq!(guarded(None).find(text.as_bytes()), Some(what), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_secret_is_let_through() {
        let age = format!("AGE-SECRET-KEY-1{}", "Q".repeat(40));
        for text in [
            "",
            "-----BEGIN PRIVATE KEY-----\n$KEY\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "begins with -----BEGIN PRIVATE KEY----- and is text",
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n",
            "abcdef.<hidden> testonlysecret01 xtestonlysecret00 testonlysecret000",
            &age,
        ] {
            assert_eq!(guarded(None).find(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn words_of_some_length_are_all_found() {
        // Every arrangement of words and gaps that fits into a few bytes.
        for bits in 0..1_u32 << 12 {
            let byte = |at: u32| if bits >> at & 1 == 1 { b'a' } else { b'-' };
            let text: Vec<u8> = (0..12).map(byte).collect();
            for least in 1..6 {
                let split = text.split(|byte| !is_base64(byte));
                let expected = split.filter(|word| word.len() >= least);
                assert!(words(&text, least).eq(expected), "{bits:b} {least}");
            }
        }
    }

    #[test]
    fn a_key_across_two_pieces_is_found() {
        let key = PrivateKey::generate().expect("randomness");
        let pem = key.to_pem();
        let text = format!("{}{}", "x\n".repeat(50_000), pem.expose());
        let guarded = guarded(None);
        for cut in [100_010, 100_100, 100_200] {
            let mut scan = guarded.scan();
            scan.push(&text.as_bytes()[..cut]);
            scan.push(&text.as_bytes()[cut..]);
            assert_eq!(scan.found(), Some(Private::Key), "{cut}");
        }
    }
}
