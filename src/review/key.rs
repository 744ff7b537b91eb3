//! The key in a request, and the proof that the requestor has its private half. A signature proves that only where
//! the key is sound: with a point of small order, or an exponent of 1, anybody can make one that fits.

use ed25519_dalek::{Signature as Ed25519Signature, VerifyingKey};
use x509_parser::asn1_rs::{Any, Oid, Tag, oid};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::error::X509Error;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_PKCS1_RSAENCRYPTION, OID_PKCS1_RSASSAPSS, OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA,
    OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA, OID_SHA1_WITH_RSA, OID_SIG_ECDSA_WITH_SHA256,
    OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512, OID_SIG_ED25519,
};
use x509_parser::public_key::{PublicKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::wording::counted;

/// Bits. Below 2048 a key can be broken (NIST SP 800-131A).
const SHORTEST_RSA: usize = 2048;
/// Bits. Go's TLS, which the API server is made with, refuses longer ones (`crypto/tls`, CVE-2023-29409).
const LONGEST_RSA: usize = 8192;
/// The least exponent of FIPS 186-5, A.1.1, and the one that everybody uses.
const LEAST_EXPONENT: u64 = 65_537;
/// The greatest exponent that Go reads.
const GREATEST_EXPONENT: u64 = (1 << 31) - 1;
/// A modulus that one of the primes below this divides is no product of two large ones.
const SMALL_PRIMES: u64 = 256;
const P224: Oid<'static> = oid!(1.3.132.0.33);

/// How good a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyVerdict {
    Sound(KeyKind),
    /// It proves nothing, or no signer takes it.
    Weak(String),
    /// Signers may take it, and we cannot check what is signed with it.
    Unchecked(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Rsa,
    Ecdsa,
    Ed25519,
}

/// How the signature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    Good,
    /// Not made with the key in the request.
    Broken,
    /// Made in a way that we cannot check, or that signers do not take.
    Unchecked(&'static str),
}

/// Checks the key: a kubelet makes ECDSA keys on P-256, older ones RSA keys. Go reads these and P-384, Ed25519, P-224
/// and P-521 (`crypto/x509`, parsePublicKey), so that Kubernetes' signers take no others.
pub(super) fn key(info: &SubjectPublicKeyInfo<'_>) -> KeyVerdict {
    let algorithm = &info.algorithm.algorithm;
    let found = if info.subject_public_key.unused_bits != 0 {
        Err("a key that is not a whole number of bytes".into())
    } else if *algorithm == OID_PKCS1_RSAENCRYPTION {
        rsa(info)
    } else if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        ecdsa(info)
    } else if *algorithm == OID_SIG_ED25519 {
        ed25519(info)
    } else {
        Err("a key that is neither ECDSA nor RSA nor Ed25519".into())
    };
    found.unwrap_or_else(KeyVerdict::Weak)
}

fn is_null(parameters: Option<&Any<'_>>) -> bool {
    parameters.is_some_and(|found| found.tag() == Tag::Null && found.data.is_empty())
}

fn rsa(info: &SubjectPublicKeyInfo<'_>) -> Result<KeyVerdict, String> {
    const UNREADABLE: &str = "an RSA key that cannot be read";
    let Ok(PublicKey::RSA(key)) = info.parsed() else {
        return Err(UNREADABLE.into());
    };
    // Go insists on the NULL of RFC 3279, 2.3.1, and takes no negative number.
    let is_negative = |number: &[u8]| number.first().is_none_or(|first| first & 0x80 != 0);
    if !is_null(info.algorithm.parameters.as_ref()) || is_negative(key.modulus) {
        return Err(UNREADABLE.into());
    }
    let bits = bits(key.modulus);
    if bits < SHORTEST_RSA {
        return Err(format!(
            "an RSA key of {}; it must have at least {SHORTEST_RSA}",
            counted(bits, "bit")
        ));
    }
    exponent(&key)?;
    if bits > LONGEST_RSA {
        return Ok(KeyVerdict::Unchecked(format!(
            "an RSA key of {}; API servers take at most {LONGEST_RSA}",
            counted(bits, "bit")
        )));
    }
    match smallest_divisor(key.modulus) {
        Some(prime) => Err(format!("an RSA key whose modulus is divisible by {prime}")),
        None => Ok(KeyVerdict::Sound(KeyKind::Rsa)),
    }
}

fn exponent(key: &RSAPublicKey<'_>) -> Result<(), String> {
    let range = format!("an odd number from {LEAST_EXPONENT} to {GREATEST_EXPONENT}");
    match key.try_exponent() {
        Ok(exponent)
            if (LEAST_EXPONENT..=GREATEST_EXPONENT).contains(&exponent) && exponent % 2 == 1 =>
        {
            Ok(())
        }
        Ok(exponent) => Err(format!(
            "an RSA key with the exponent {exponent}; it must be {range}"
        )),
        Err(_) => Err(format!("an RSA key whose exponent is not {range}")),
    }
}

fn bits(number: &[u8]) -> usize {
    let leading = number.iter().take_while(|byte| **byte == 0).count();
    let number = &number[leading..];
    let first = number.first().map_or(0, |first| first.leading_zeros());
    number.len() * 8 - first as usize
}

/// The least prime below [`SMALL_PRIMES`] that divides a number.
fn smallest_divisor(number: &[u8]) -> Option<u64> {
    // The first that divides is a prime: a product's own factors come before it.
    // Four bytes at a time: a dump holds thousands of keys.
    let word = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte))
    };
    let divides = |divisor: &u64| {
        let fold = |rest: u64, bytes: &[u8]| ((rest << (8 * bytes.len())) + word(bytes)) % divisor;
        number.chunks(4).fold(0, fold) == 0
    };
    let odd = (3..SMALL_PRIMES).step_by(2);
    std::iter::once(2).chain(odd).find(divides)
}

fn ecdsa(info: &SubjectPublicKeyInfo<'_>) -> Result<KeyVerdict, String> {
    const CURVES: &str = "P-256 or P-384";
    // Curves that are written out are none that Go reads: their base point may be anything (CVE-2020-0601).
    let curve = info.algorithm.parameters.as_ref();
    let Some(curve) = curve.and_then(|curve| curve.as_oid().ok()) else {
        return Err(format!("an ECDSA key without a named curve; use {CURVES}"));
    };
    let coordinate = if curve == OID_EC_P256 {
        32
    } else if curve == OID_NIST_EC_P384 {
        48
    } else if curve == OID_NIST_EC_P521 || curve == P224 {
        let rule = format!("an ECDSA key on a curve that is not checked here; use {CURVES}");
        return Ok(KeyVerdict::Unchecked(rule));
    } else {
        return Err(format!(
            "an ECDSA key on a curve that signers refuse; use {CURVES}"
        ));
    };
    // Go reads uncompressed points only. Whether the point is on the curve, checking the signature finds out.
    let point = &info.subject_public_key.data;
    if point.first() == Some(&4) && point.len() == 1 + 2 * coordinate {
        Ok(KeyVerdict::Sound(KeyKind::Ecdsa))
    } else {
        Err("an ECDSA key that is not an uncompressed point of its curve".into())
    }
}

/// RFC 8032, 5.1.3 takes only canonical encodings, and RFC 8410 no parameters. With a key of small order the signature
/// (R of small order, s = 0) is good for many messages, by some libraries for all.
fn ed25519(info: &SubjectPublicKeyInfo<'_>) -> Result<KeyVerdict, String> {
    const UNREADABLE: &str = "an Ed25519 key that cannot be read";
    let key = verifying_key(info).ok_or(UNREADABLE)?;
    if info.algorithm.parameters.is_some() {
        return Err(UNREADABLE.into());
    }
    let point = key.to_edwards();
    if point.compress().as_bytes() != key.as_bytes() {
        return Err("an Ed25519 key that is not written canonically".into());
    }
    if key.is_weak() || !point.is_torsion_free() {
        Err("an Ed25519 key with a part of small order: its signatures prove nothing".into())
    } else {
        Ok(KeyVerdict::Sound(KeyKind::Ed25519))
    }
}

fn verifying_key(info: &SubjectPublicKeyInfo<'_>) -> Option<VerifyingKey> {
    let bytes = <&[u8; 32]>::try_from(&*info.subject_public_key.data).ok()?;
    VerifyingKey::from_bytes(bytes).ok()
}

/// Checks the signature of a request whose key is sound. The algorithm must be the key's: a reader that goes by the
/// algorithm alone would take one key for another.
pub(super) fn signature(request: &X509CertificationRequest<'_>, kind: KeyKind) -> Signature {
    const UNUSUAL: Signature = Signature::Unchecked("it is signed by an unusual algorithm");
    let named = &request.signature_algorithm;
    let is = |known: &[Oid<'_>]| known.contains(&named.algorithm);
    let parameters = named.parameters.as_ref();
    let of = if is(&[OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA]) {
        return Signature::Unchecked("it is signed with SHA-1");
    } else if is(&[
        OID_PKCS1_SHA256WITHRSA,
        OID_PKCS1_SHA384WITHRSA,
        OID_PKCS1_SHA512WITHRSA,
    ]) {
        if parameters.is_some() && !is_null(parameters) {
            return UNUSUAL;
        }
        KeyKind::Rsa
    } else if is(&[OID_PKCS1_RSASSAPSS]) {
        KeyKind::Rsa
    } else if parameters.is_some() {
        return UNUSUAL;
    } else if is(&[OID_SIG_ED25519]) {
        KeyKind::Ed25519
    } else if is(&[
        OID_SIG_ECDSA_WITH_SHA256,
        OID_SIG_ECDSA_WITH_SHA384,
        OID_SIG_ECDSA_WITH_SHA512,
    ]) {
        KeyKind::Ecdsa
    } else {
        return UNUSUAL;
    };
    if of != kind || request.signature_value.unused_bits != 0 {
        return Signature::Broken;
    }
    if kind == KeyKind::Ed25519 {
        return strict_ed25519(request);
    }
    match request.verify_signature() {
        Ok(()) => Signature::Good,
        Err(X509Error::SignatureUnsupportedAlgorithm) => UNUSUAL,
        Err(_) => Signature::Broken,
    }
}

fn strict_ed25519(request: &X509CertificationRequest<'_>) -> Signature {
    let info = &request.certification_request_info;
    let signature = Ed25519Signature::from_slice(&request.signature_value.data);
    let (Some(key), Ok(signature)) = (verifying_key(&info.subject_pki), signature) else {
        return Signature::Broken;
    };
    match key.verify_strict(info.raw, &signature) {
        Ok(()) => Signature::Good,
        Err(_) => Signature::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_divisor_of_a_number_is_found_at_any_length() {
        for (number, divisor) in [
            (vec![0, 5 * 7], Some(5)),
            (vec![1, 0, 0, 0, 0], Some(2)),
            // 2^32 + 1 = 641 · 6700417; 2^40 - 1 and 2^64 + 1.
            (vec![1, 0, 0, 0, 1], None),
            (vec![0xff; 5], Some(3)),
            (vec![1, 0, 0, 0, 0, 0, 0, 0, 1], None),
            (vec![0xfb], Some(251)),
        ] {
            assert_eq!(smallest_divisor(&number), divisor, "{number:?}");
        }
        assert_eq!((bits(&[0, 1]), bits(&[0, 0xff, 0]), bits(&[0])), (1, 16, 0));
    }
}
