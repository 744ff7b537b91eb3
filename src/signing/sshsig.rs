//! OpenSSH signatures (PROTOCOL.sshsig in OpenSSH's source): framing only, the Ed25519 signature itself is dalek's.
//! In: a public key, a signature and a message. Out: the armoured text, byte for byte as `ssh-keygen -Y sign` writes it.
//!
//! Our own framing: `ssh-key` 0.6 has the same bytes, but brings an older `ed25519-dalek` beside ours; 0.7 is a release
//! candidate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256, Sha512};

/// What the signature is for: `ssh-keygen -Y verify -n` must name it, so a signature made by the same key for another
/// purpose (git, a file of one's own) does not count.
pub const NAMESPACE: &str = "nodebake";
/// The identity that an `allowed_signers` line gives to the key (`ssh-keygen -Y verify -I`).
pub const PRINCIPAL: &str = "nodebake";

const MAGIC: &[u8] = b"SSHSIG";
const KEY_TYPE: &[u8] = b"ssh-ed25519";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// The digest inside the framing: ssh-keygen writes SHA-512 unless told otherwise.
#[derive(Clone, Copy)]
pub enum Hash {
    /// `-O hashalg=sha256`.
    Sha256,
    /// The default, and what we write.
    Sha512,
}

impl Hash {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Sha256 => b"sha256",
            Self::Sha512 => b"sha512",
        }
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// Appends RFC 4251's `string`: a big-endian length, then the bytes.
fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("a key, a digest or a constant is short");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// The public key as OpenSSH writes it on the wire.
pub fn key_blob(public: &[u8; 32]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(51);
    put(&mut blob, KEY_TYPE);
    put(&mut blob, public);
    blob
}

/// The bytes that Ed25519 signs in place of the message.
pub fn signed_bytes(message: &[u8], hash: Hash) -> Vec<u8> {
    let mut signed = MAGIC.to_vec();
    put(&mut signed, NAMESPACE.as_bytes());
    put(&mut signed, b""); // reserved
    put(&mut signed, hash.name());
    put(&mut signed, &hash.digest(message));
    signed
}

/// The blob up to the 64 bytes of the signature; all of it is known beforehand, so checking is a comparison.
fn before_signature(public: &[u8; 32], hash: Hash) -> Vec<u8> {
    let mut blob = MAGIC.to_vec();
    blob.extend_from_slice(&1_u32.to_be_bytes());
    put(&mut blob, &key_blob(public));
    put(&mut blob, NAMESPACE.as_bytes());
    put(&mut blob, b""); // reserved
    put(&mut blob, hash.name());
    let framed = 4 + KEY_TYPE.len() as u32 + 4 + 64;
    blob.extend_from_slice(&framed.to_be_bytes());
    put(&mut blob, KEY_TYPE);
    blob.extend_from_slice(&64_u32.to_be_bytes());
    blob
}

/// The armoured signature: base64 in lines of 70, as ssh-keygen breaks them.
pub fn armour(public: &[u8; 32], signature: &[u8; 64]) -> String {
    let mut blob = before_signature(public, Hash::Sha512);
    blob.extend_from_slice(signature);
    let encoded = BASE64.encode(blob);
    let mut text = format!("{BEGIN}\n");
    for line in encoded.as_bytes().chunks(70) {
        text.extend(line.iter().map(|&byte| char::from(byte)));
        text.push('\n');
    }
    text.push_str(END);
    text.push('\n');
    text
}

/// Takes an armoured signature apart: which digest it uses and its 64 bytes. `None` when it is not an SSHSIG of this
/// key in our namespace; whether it fits a message is for the caller to check.
pub fn unarmour(text: &str, public: &[u8; 32]) -> Option<(Hash, [u8; 64])> {
    let body = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let encoded: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let blob = BASE64.decode(encoded).ok()?;
    [Hash::Sha512, Hash::Sha256].into_iter().find_map(|hash| {
        let signature = blob.strip_prefix(before_signature(public, hash).as_slice())?;
        Some((hash, signature.try_into().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_armoured_comes_apart_again() {
        let text = armour(&[7; 32], &[9; 64]);
        assert!(text.lines().all(|line| line.len() <= 70));
        let (hash, signature) = unarmour(&text, &[7; 32]).expect("our own");
        assert!(matches!(hash, Hash::Sha512));
        assert_eq!(signature, [9; 64]);
    }

    #[test]
    fn another_key_or_a_broken_text_is_refused() {
        let text = armour(&[7; 32], &[9; 64]);
        assert!(unarmour(&text, &[8; 32]).is_none());
        for cut in 0..text.len() - 1 {
            assert!(unarmour(&text[..cut], &[7; 32]).is_none(), "{cut}");
        }
        let longer =
            BASE64.encode([before_signature(&[7; 32], Hash::Sha512), vec![9; 65]].concat());
        assert!(unarmour(&format!("{BEGIN}\n{longer}\n{END}\n"), &[7; 32]).is_none());
    }
}
