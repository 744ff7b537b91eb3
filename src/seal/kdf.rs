//! The two key derivation functions of TPM 2.0 with SHA-256, each for one block of output, which is all that the wrapper
//! needs.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The first block has this number in both functions.
const FIRST_BLOCK: [u8; 4] = 1u32.to_be_bytes();

/// `KDFa()`: SP 800-108 in counter mode with HMAC (TPM 2.0 Library, Part 1, 9.4.10.2 in version 184, 11.4.10.2 in
/// revision 1.59). `N` is the length of the derived key in bytes, at most 32. `context` is both of the function's
/// contexts, one after the other.
pub fn kdfa<const N: usize>(key: &[u8], label: &str, context: &[u8]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 32, "one block of HMAC-SHA-256") }
    let bits = u32::try_from(N * 8).expect("at most 256");
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&FIRST_BLOCK);
    mac.update(label.as_bytes());
    mac.update(&[0]); // ends the label, and is a part of it
    mac.update(context);
    mac.update(&bits.to_be_bytes());
    let block: Zeroizing<[u8; 32]> = Zeroizing::new(mac.finalize().into_bytes().into());
    let mut out = Zeroizing::new([0; N]);
    out.copy_from_slice(&block[..N]);
    out
}

/// `KDFe()`: the one-step derivation of SP 800-56A with a hash (Part 1, 9.4.10.3 in version 184, 11.4.10.3 in revision
/// 1.59), 256 bits of it. `z` is the x-coordinate of the shared point, `parties` the x-coordinates of the ephemeral key
/// and of the recipient's.
pub fn kdfe(z: &[u8], label: &str, parties: [&[u8]; 2]) -> Zeroizing<[u8; 32]> {
    let hash = Sha256::new()
        .chain_update(FIRST_BLOCK)
        .chain_update(z)
        .chain_update(label.as_bytes())
        .chain_update([0])
        .chain_update(parties[0])
        .chain_update(parties[1]);
    Zeroizing::new(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The vector is go-tpm's (tpm2/kdf_test.go): `"yolo\0"`, "IDENTITY", `"kek\0"`, `"yoyo\0"`, 128 bits.
    #[test]
    fn kdfa_is_that_of_others() {
        let key = kdfa::<16>(b"yolo\0", "IDENTITY", b"kek\0yoyo\0");
        assert_eq!(hex(&*key), "d2d72cc7a8a5eb09e8c79012e2da9f22");
    }

    /// From OpenSSL 3.0: `openssl kdf -keylen 32 -kdfopt mac:HMAC -kdfopt digest:SHA256 -kdfopt mode:counter
    /// -kdfopt hexkey:KEY -kdfopt salt:INTEGRITY KBKDF` with KEY = 00 01 … 1f. For STORAGE `-keylen 16` and
    /// `-kdfopt info:name`.
    #[test]
    fn kdfa_is_the_counter_mode_of_openssl() {
        let key: [u8; 32] = std::array::from_fn(|i| i as u8);
        assert_eq!(
            hex(&*kdfa::<32>(&key, "INTEGRITY", b"")),
            "bacf689f634ece301e1f1b15b072d9c87db6a69585db42b1a0cb8f73ebe2692e"
        );
        assert_eq!(
            hex(&*kdfa::<16>(&key, "STORAGE", b"name")),
            "97f1ccec355e7643a61c69d29ad6404d"
        );
    }

    /// From OpenSSL 3.0: `openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:Z -kdfopt hexinfo:INFO SSKDF` with
    /// Z = 00 01 … 1f and INFO = "DUPLICATE", a zero byte, 32 times aa, 32 times bb.
    #[test]
    fn kdfe_is_the_single_step_of_openssl() {
        let z: [u8; 32] = std::array::from_fn(|i| i as u8);
        let derived = kdfe(&z, "DUPLICATE", [&[0xaa; 32], &[0xbb; 32]]);
        assert_eq!(
            hex(&*derived),
            "4d05902b023f48150dd304f6ae40557b2669b6e3c9baf63eab6e739a700a78a6"
        );
    }
}
