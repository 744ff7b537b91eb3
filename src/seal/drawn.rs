//! The values that sealing would draw at random, drawn from the sealing seed. The argument why that is safe is in the
//! documentation of the room.

use std::fmt;

use hkdf::{Hkdf, HkdfExtract};
use p256::SecretKey;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::seal::storage_key::StorageKey;

/// What the values are for, and the version of the way in which they are drawn.
const LABEL: &[u8] = b"nodebake sealed credential 1\0";

/// 32 random bytes from which all other random values of sealing come. To be guarded like the tokens.
#[derive(Clone)]
pub struct SealingSeed(Zeroizing<[u8; 32]>);

impl SealingSeed {
    /// The seed of these bytes, which must come from the operating system's generator.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for SealingSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hidden>")
    }
}

/// The values for one credential, wiped when dropped.
pub struct Drawn {
    /// What the TPM unseals.
    pub key: Zeroizing<[u8; 32]>,
    /// Hides the key in its object's public part.
    pub obfuscation: Zeroizing<[u8; 32]>,
    /// The ephemeral key of the wrapper.
    pub ephemeral: SecretKey,
    /// The nonce of AES-GCM.
    pub nonce: [u8; 12],
}

impl Drawn {
    /// Draws the values. All that makes one credential differ from another goes in, each part after its length.
    pub fn new(seed: &SealingSeed, key: &StorageKey, name: &str, content: &[u8]) -> Self {
        let mut extract = HkdfExtract::<Sha256>::new(Some(&seed.0[..]));
        extract.input_ikm(LABEL);
        for part in [&key.as_bytes()[..], name.as_bytes(), content] {
            extract.input_ikm(&(part.len() as u64).to_be_bytes());
            extract.input_ikm(part);
        }
        let (mut pseudorandom, hkdf) = extract.finalize();
        pseudorandom.zeroize();
        Self {
            key: expand(&hkdf, "key"),
            obfuscation: expand(&hkdf, "obfuscation"),
            ephemeral: scalar(&hkdf),
            nonce: *expand(&hkdf, "nonce"),
        }
    }
}

fn expand<const N: usize>(hkdf: &Hkdf<Sha256>, info: &str) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    hkdf.expand(info.as_bytes(), &mut out[..])
        .expect("HKDF gives up to 8160 bytes");
    out
}

/// A private key by testing candidates (FIPS 186-5, A.2.2): nearly always the first one is in the range.
fn scalar(hkdf: &Hkdf<Sha256>) -> SecretKey {
    let candidates = (0..=u32::MAX).map(|i| expand::<32>(hkdf, &format!("ephemeral {i}")));
    let mut keys = candidates.filter_map(|bytes| SecretKey::from_slice(&bytes[..]).ok());
    keys.next()
        .expect("of 4 billion candidates all but a few are in the range")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::storage_key::tests::good;

    /// The x-coordinate stays, the point becomes its negative: another key.
    fn other_key() -> StorageKey {
        let y = "b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a";
        let mut bytes = good();
        bytes[60..].copy_from_slice(&crate::seal::storage_key::tests::bytes(y));
        StorageKey::from_bytes(&bytes).expect("on the curve too")
    }

    fn values(seed: u8, key: &StorageKey, name: &str, content: &[u8]) -> [Vec<u8>; 4] {
        let drawn = Drawn::new(&SealingSeed::new([seed; 32]), key, name, content);
        [
            drawn.key.to_vec(),
            drawn.obfuscation.to_vec(),
            drawn.ephemeral.to_bytes().to_vec(),
            drawn.nonce.to_vec(),
        ]
    }

    /// No value of one credential is a value of another one, whatever differs, and parts never run into each other.
    #[test]
    fn each_difference_changes_all_values() {
        let key = StorageKey::from_bytes(&good()).expect("a storage key");
        let all = [
            values(1, &key, "name", b"content"),
            values(2, &key, "name", b"content"),
            values(1, &other_key(), "name", b"content"),
            values(1, &key, "nam", b"content"),
            values(1, &key, "nam", b"econtent"),
            values(1, &key, "name", b"Content"),
            values(1, &key, "name", b"content\0"),
            values(1, &key, "name", b""),
        ];
        let mut distinct: Vec<&Vec<u8>> = all.iter().flatten().collect();
        let count = distinct.len();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), count);
        assert_eq!(values(1, &key, "name", b"content"), all[0]);
    }
}
