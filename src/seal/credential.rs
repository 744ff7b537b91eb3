//! systemd's format of an encrypted credential, with the key in a TPM (src/shared/creds-util.c of systemd, `struct
//! encrypted_credential_header` and those that follow it). systemd 255 and newer import the key; older ones cannot.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::seal::drawn::{Drawn, SealingSeed};
use crate::seal::import::{Import, POLICY, stand_in, wrap};
use crate::seal::storage_key::{ALG_ECC, ALG_SHA256, StorageKey};

/// `CRED_AES256_GCM_BY_TPM2_HMAC`: the key is in the TPM alone, and parameters on the bus are encrypted.
const BY_TPM2_HMAC: [u8; 16] = [
    0x0c, 0x7c, 0xc0, 0x7b, 0x11, 0x76, 0x45, 0x91, 0x9c, 0x4b, 0x0b, 0xea, 0x08, 0xbc, 0x20, 0xfe,
];
/// `USEC_INFINITY`: no time is set.
const NO_TIME: u64 = u64::MAX;

/// The most bytes that systemd takes as the content of a credential: `CREDENTIAL_SIZE_MAX`.
pub const CONTENT_LIMIT: usize = 1024 * 1024;

/// Content that one machine opens.
pub struct Sealed {
    /// The credential's file: base64 on one line. It is not a secret.
    pub text: String,
    /// The same key for `tpm2_import` and `tpm2_unseal`: its SHA-256 digest encrypts the content.
    pub import: Import,
}

/// Seals content under a name to the machine with this storage key. The same input gives the same bytes. The error is the
/// rule that the name or the content breaks.
pub fn seal(
    seed: &SealingSeed,
    key: &StorageKey,
    name: &str,
    content: &[u8],
) -> Result<Sealed, &'static str> {
    check(name, content)?;
    let drawn = Drawn::new(seed, key, name, content);
    let import = wrap(key, &drawn);
    let text = text(&drawn, &import, name, content);
    Ok(Sealed { text, import })
}

/// The length of the file that [`seal`] makes, by a file of the same length that compresses as badly and that nothing
/// opens: checking thousands of nodes needs no more, and sealing would take most of its time.
pub fn seal_for_size(
    seed: &SealingSeed,
    key: &StorageKey,
    name: &str,
    content: &[u8],
) -> Result<String, &'static str> {
    check(name, content)?;
    let drawn = Drawn::new(seed, key, name, content);
    Ok(text(&drawn, &stand_in(&drawn), name, content))
}

fn check(name: &str, content: &[u8]) -> Result<(), &'static str> {
    if !is_name(name) {
        return Err("must be a valid name of a systemd credential (systemd.exec(5))");
    }
    if content.len() > CONTENT_LIMIT {
        return Err("a credential of systemd must have at most 1 MiB");
    }
    Ok(())
}

/// The file: base64 on one line.
fn text(drawn: &Drawn, import: &Import, name: &str, content: &[u8]) -> String {
    let header = header(drawn, import);
    let encrypted = encrypt(drawn, &header, name, content);
    BASE64.encode([header, encrypted].concat()) + "\n"
}

/// `credential_name_valid()`: a file's name that is printable ASCII and has no colon.
fn is_name(name: &str) -> bool {
    let is_good = |byte: u8| (b' '..0x7f).contains(&byte) && byte != b'/' && byte != b':';
    (1..=255).contains(&name.len()) && name.bytes().all(is_good) && !matches!(name, "." | "..")
}

/// Everything before the content, in the clear and authenticated.
fn header(drawn: &Drawn, import: &Import) -> Vec<u8> {
    let blob = [&import.private[..], &import.public, &import.seed].concat();
    let mut out = BY_TPM2_HMAC.to_vec();
    let nonce = &drawn.nonce;
    // The key's size, the cipher's block size, the nonce's, the tag's.
    for size in [32, 1, nonce.len(), 16] {
        push_size(&mut out, size);
    }
    out.extend(nonce);
    align(&mut out);
    out.extend(0u64.to_le_bytes()); // no PCR
    out.extend(ALG_SHA256.to_le_bytes()); // the bank that no PCR is from
    out.extend(ALG_ECC.to_le_bytes()); // the template of the storage key
    push_size(&mut out, blob.len());
    push_size(&mut out, POLICY.len());
    out.extend(blob);
    out.extend(POLICY);
    align(&mut out);
    out
}

/// The metadata and the content, encrypted, and the tag.
fn encrypt(drawn: &Drawn, header: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    // A size that is enough from the start: a buffer that grows would leave copies behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(64 + name.len() + content.len()));
    plain.extend(NO_TIME.to_le_bytes()); // made at
    plain.extend(NO_TIME.to_le_bytes()); // valid until
    push_size(&mut plain, name.len());
    plain.extend_from_slice(name.as_bytes());
    align(&mut plain);
    plain.extend_from_slice(content);
    let key: Zeroizing<[u8; 32]> = Zeroizing::new(Sha256::digest(&drawn.key[..]).into());
    let payload = Payload {
        msg: &plain,
        aad: header,
    };
    Aes256Gcm::new((&*key).into())
        .encrypt(&Nonce::from(drawn.nonce), payload)
        .expect("AES-GCM takes up to 64 GiB")
}

/// A number of four bytes, little-endian as all of systemd's header.
fn push_size(out: &mut Vec<u8>, size: usize) {
    let size = u32::try_from(size).expect("sizes here are below 2 MiB");
    out.extend(size.to_le_bytes());
}

/// Each part of the format begins at a multiple of eight bytes.
fn align(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(8), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::storage_key::tests::good;

    fn sealed(name: &str, content: &[u8]) -> Result<Sealed, &'static str> {
        let key = StorageKey::from_bytes(&good()).expect("a storage key");
        seal(&SealingSeed::new([7; 32]), &key, name, content)
    }

    /// The bytes are a promise: a change of them makes all users' bundles differ.
    #[test]
    fn the_same_input_gives_the_bytes_of_all_releases() {
        let text = sealed("bootstrap-kubeconfig", b"content")
            .expect("sealed")
            .text;
        let digest = Sha256::digest(text.as_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "c72e3a01f846b970d7ad4c88847cf73faeb921bcfd65bc495213945339bf4506"
        );
    }

    #[test]
    fn the_one_for_its_size_has_the_size_and_is_another() {
        let key = StorageKey::from_bytes(&good()).expect("a storage key");
        for length in [0, 1, 100, 5000] {
            let content = vec![b'x'; length];
            let seed = SealingSeed::new([7; 32]);
            let other = seal_for_size(&seed, &key, "a", &content).expect("a text");
            let real = sealed("a", &content).expect("sealed").text;
            assert_eq!(other.len(), real.len());
            assert_ne!(other, real);
        }
    }

    #[test]
    fn names_are_those_of_systemd() {
        for good in ["a", "tmpfiles.extra", "a b", &"n".repeat(255)] {
            assert!(sealed(good, b"").is_ok(), "{good}");
        }
        let long = "n".repeat(256);
        for bad in ["", ".", "..", "a/b", "a:b", "a\n", "ä", "\x7f", &long] {
            assert!(sealed(bad, b"").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn content_has_systemds_limit() {
        assert!(sealed("a", &vec![0; CONTENT_LIMIT]).is_ok());
        assert!(sealed("a", &vec![0; CONTENT_LIMIT + 1]).is_err());
    }
}
