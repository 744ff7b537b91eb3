//! A key of 32 bytes as an object that one TPM can import: what TPM2_Duplicate makes on another TPM, made without any
//! (TPM 2.0 Library, Part 1, "Duplication", 21.3 in version 184, 23.3 in revision 1.59). There is no inner wrapper, so the
//! symmetric algorithm of TPM2_Import is TPM_ALG_NULL.

use aes::Aes128;
use cfb_mode::Encryptor;
use cfb_mode::cipher::KeyIvInit;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdh::diffie_hellman;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::seal::drawn::Drawn;
use crate::seal::kdf::{kdfa, kdfe};
use crate::seal::storage_key::{ALG_NULL, ALG_SHA256, StorageKey};
use crate::seal::wire::sized;

/// TPM_ALG_KEYEDHASH: the type of an object that only holds data.
const ALG_KEYEDHASH: u16 = 0x0008;
/// TPMA_OBJECT with noDA alone. Without userWithAuth the object opens by its policy only; with fixedTPM or fixedParent
/// no TPM would import it (Part 3, TPM2_Import).
const ATTRIBUTES: u32 = 0x0400;
/// The policy is that of a session in which nothing was asked, all zero bytes. systemd opens a policy session always, and
/// an object without a policy would not unseal in one.
pub const POLICY: [u8; 32] = [0; 32];

/// The three arguments of TPM2_Import, as `tpm2_import` reads them from files.
pub struct Import {
    /// TPM2B_PRIVATE: the encrypted sensitive area (`-i`).
    pub private: Vec<u8>,
    /// TPM2B_PUBLIC: the object's public area (`-u`).
    pub public: Vec<u8>,
    /// TPM2B_ENCRYPTED_SECRET: the ephemeral public key (`-s`).
    pub seed: Vec<u8>,
}

/// Wraps the drawn key for the TPM that has the private part of `parent`.
pub fn wrap(parent: &StorageKey, drawn: &Drawn) -> Import {
    wrap_by(share(parent, drawn), drawn)
}

/// The same without the two multiplications on the curve, which take nearly all the time: no TPM can import it.
pub fn stand_in(drawn: &Drawn) -> Import {
    // As random as a point, so that it compresses as little.
    let mut point = [0; 64];
    let key: [u8; 16] = std::array::from_fn(|i| drawn.key[i]);
    Encryptor::<Aes128>::new((&key).into(), &[0; 16].into()).encrypt(&mut point);
    let (x, y) = point.split_at(32);
    let seed = Zeroizing::new([0; 32]);
    wrap_by((seed, sized(&[sized(x), sized(y)].concat())), drawn)
}

fn wrap_by((seed, encrypted_seed): (Zeroizing<[u8; 32]>, Vec<u8>), drawn: &Drawn) -> Import {
    let public = public_area(drawn);
    // Part 1, "Names": the name algorithm, then the digest of the public area.
    let name = [&ALG_SHA256.to_be_bytes()[..], &Sha256::digest(&public)].concat();

    // Part 1, "Outer Duplication Wrapper" (21.3.2.3, 23.3.2.3).
    let mut sensitive = sensitive_area(drawn);
    let key = kdfa::<16>(&seed[..], "STORAGE", &name);
    Encryptor::<Aes128>::new((&*key).into(), &[0; 16].into()).encrypt(&mut sensitive);
    let key = kdfa::<32>(&seed[..], "INTEGRITY", b"");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key[..]).expect("HMAC takes keys of any length");
    mac.update(&sensitive);
    mac.update(&name);
    let integrity = sized(&mac.finalize().into_bytes());

    Import {
        private: sized(&[&integrity[..], &sensitive].concat()),
        public: sized(&public),
        seed: encrypted_seed,
    }
}

/// TPMT_PUBLIC of a KEYEDHASH object without a scheme. Its `unique` is the digest of the obfuscation value and the data
/// (Part 1, "Symmetric Key and Data Objects").
fn public_area(drawn: &Drawn) -> Vec<u8> {
    let unique = Sha256::new()
        .chain_update(&drawn.obfuscation[..])
        .chain_update(&drawn.key[..])
        .finalize();
    [
        &ALG_KEYEDHASH.to_be_bytes()[..],
        &ALG_SHA256.to_be_bytes(),
        &ATTRIBUTES.to_be_bytes(),
        &sized(&POLICY),
        &ALG_NULL.to_be_bytes(),
        &sized(&unique),
    ]
    .concat()
}

/// TPM2B_SENSITIVE: the type, an empty authorization value, the obfuscation value and the data.
fn sensitive_area(drawn: &Drawn) -> Zeroizing<Vec<u8>> {
    let parts = [
        Zeroizing::new(ALG_KEYEDHASH.to_be_bytes().to_vec()),
        Zeroizing::new(sized(&[])),
        Zeroizing::new(sized(&drawn.obfuscation[..])),
        Zeroizing::new(sized(&drawn.key[..])),
    ];
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut area = Zeroizing::new(Vec::with_capacity(length));
    for part in &parts {
        area.extend_from_slice(part);
    }
    Zeroizing::new(sized(&area))
}

/// A seed that the TPM can compute too, and the ephemeral point from which it does (Part 1, "ECDH", "Secret Sharing": B.6
/// in version 184).
fn share(parent: &StorageKey, drawn: &Drawn) -> (Zeroizing<[u8; 32]>, Vec<u8>) {
    let scalar = drawn.ephemeral.to_nonzero_scalar();
    let shared = diffie_hellman(scalar, parent.point().as_affine());
    let point = drawn.ephemeral.public_key().to_encoded_point(false);
    // An uncompressed point has the byte 4, then its coordinates.
    let (x, y) = (&point.as_bytes()[1..33], &point.as_bytes()[33..]);
    let seed = kdfe(shared.raw_secret_bytes(), "DUPLICATE", [x, parent.x()]);
    (seed, sized(&[sized(x), sized(y)].concat()))
}
