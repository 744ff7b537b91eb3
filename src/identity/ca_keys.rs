//! The CA's private key, recognised wherever it may have slipped in: it signs whole clusters, and no node needs it. In:
//! the bytes of a file. Out: whether the key of one of the cluster's CA certificates is among them, as PEM, as DER, or as PEM in base64 as a
//! kubeconfig and a Secret hold it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem::Finder;

use crate::identity::pem::blocks;
use crate::identity::private_key::{LABEL, is_key_of};
use crate::identity::{CaBundle, CaCertificate};

/// How a PEM block with a private key begins, near its end.
const MARK: &str = "PRIVATE KEY-----";
/// `-----BEGIN ` in base64: what follows is the base64 of a file of PEM blocks.
const ENCODED_MARK: &str = "LS0tLS1CRUdJTi";
/// Longer than any private key as PEM in base64: RSA of 16,384 bits has 13 KB of PEM.
const LONGEST: usize = 24 * 1024;

/// What the CA's keys are recognised by.
#[derive(Debug)]
pub struct CaKeys {
    publics: Vec<Vec<u8>>,
    mark: Finder<'static>,
    encoded_mark: Finder<'static>,
}

impl CaKeys {
    /// Of all certificates of a bundle.
    pub fn of(bundle: &CaBundle) -> Self {
        let public = |certificate: &CaCertificate| certificate.public_key.clone();
        Self {
            publics: bundle.certificates.iter().map(public).collect(),
            mark: Finder::new(MARK),
            encoded_mark: Finder::new(ENCODED_MARK),
        }
    }

    /// Whether a private key of the CA is among these bytes.
    pub fn are_in(&self, bytes: &[u8]) -> bool {
        self.is_der(bytes) || self.is_text(bytes)
    }

    /// A reader for a file that is too big for memory.
    pub fn scan(&self) -> KeyScan<'_> {
        KeyScan {
            keys: self,
            window: Vec::new(),
            is_first: true,
            found: false,
        }
    }

    fn is_text(&self, bytes: &[u8]) -> bool {
        (self.mark.find(bytes).is_some() && self.is_pem(bytes)) || self.is_encoded(bytes)
    }

    /// A value of base64 is on one line wherever the PEM of a key is kept in one.
    fn is_encoded(&self, bytes: &[u8]) -> bool {
        let mut starts = self.encoded_mark.find_iter(bytes);
        starts.any(|start| {
            let is_base64 =
                |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            let run = bytes[start..]
                .iter()
                .take(LONGEST)
                .take_while(is_base64)
                .count();
            let decoded = STANDARD_NO_PAD.decode(&bytes[start..start + run]);
            decoded.is_ok_and(|text| self.is_pem(&text))
        })
    }

    fn is_pem(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        let found = blocks(&text);
        let keys = found.iter().filter(|block| block.label.ends_with(LABEL));
        keys.filter_map(|block| Some((block.label, block.decode()?)))
            .any(|(label, der)| self.is_one(label, &der))
    }

    fn is_der(&self, bytes: &[u8]) -> bool {
        let is_sequence = bytes.first() == Some(&0x30) && bytes.len() < LONGEST;
        let labels = [LABEL, "RSA PRIVATE KEY", "EC PRIVATE KEY"];
        is_sequence && labels.iter().any(|label| self.is_one(label, bytes))
    }

    fn is_one(&self, label: &str, der: &[u8]) -> bool {
        let mut publics = self.publics.iter();
        publics.any(|public| is_key_of(label, der, public))
    }
}

/// Looks at a file piece by piece.
#[derive(Debug)]
pub struct KeyScan<'k> {
    keys: &'k CaKeys,
    window: Vec<u8>,
    is_first: bool,
    found: bool,
}

impl KeyScan<'_> {
    /// Looks at the next piece, and at the end of the one before it once more: a key may lie across.
    pub fn push(&mut self, piece: &[u8]) {
        self.window.extend_from_slice(piece);
        self.found |= match self.is_first {
            true => self.keys.are_in(&self.window),
            false => self.keys.is_text(&self.window),
        };
        self.is_first = false;
        let old = self.window.len().saturating_sub(LONGEST);
        drop(self.window.drain(..old));
    }

    /// Whether a private key of the CA was among the pieces.
    pub fn found(&self) -> bool {
        self.found
    }
}
