//! The public part of a machine's storage key, as `tpm2_createprimary -C o -G ecc -f tss -o FILE` writes it. systemd makes
//! the key for its TPM credentials by a fixed template (`tpm2_get_legacy_template()` of src/shared/tpm2-util.c, "do not
//! modify"), in the owner hierarchy. So all bytes but the point are known, and each of them is checked: content that
//! is sealed to another key cannot be opened on the node.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use p256::PublicKey;
use sha2::{Digest, Sha256};

use crate::seal::key_fault::KeyFault;
use crate::seal::wire::Reader;

/// The length of a TPM2B_PUBLIC of such a key.
const LENGTH: usize = 92;

// TPM 2.0 Library, Part 2, TPM_ALG_ID and TPM_ECC_CURVE.
const ALG_RSA: u16 = 0x0001;
const ALG_AES: u16 = 0x0006;
/// TPM_ALG_SHA256, the name algorithm.
pub const ALG_SHA256: u16 = 0x000b;
/// TPM_ALG_NULL.
pub const ALG_NULL: u16 = 0x0010;
/// TPM_ALG_ECC.
pub const ALG_ECC: u16 = 0x0023;
const ALG_CFB: u16 = 0x0043;
const CURVE_P256: u16 = 0x0003;

/// How files of tpm2-tools begin that are no TSS structures (lib/files.c of tpm2-tools).
const TOOLS_MAGIC: [u8; 4] = 0xbadc_c0de_u32.to_be_bytes();

/// TPMA_OBJECT (TPM 2.0 Library, Part 2): each attribute's bit and name.
const ATTRIBUTES: [(u32, &str); 11] = [
    (1 << 1, "fixedTPM"),
    (1 << 2, "stClear"),
    (1 << 4, "fixedParent"),
    (1 << 5, "sensitiveDataOrigin"),
    (1 << 6, "userWithAuth"),
    (1 << 7, "adminWithPolicy"),
    (1 << 10, "noDA"),
    (1 << 11, "encryptedDuplication"),
    (1 << 16, "restricted"),
    (1 << 17, "decrypt"),
    (1 << 18, "sign"),
];
/// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted and decrypt.
const WANTED: u32 = 0x0003_0072;
/// What `systemd-tpm2-setup` makes persistent at 0x81000001, and systemd's credentials with the classic ids do not use.
const SRK: u32 = WANTED | 1 << 10;

/// The public part of the storage key of one machine's TPM.
#[derive(Clone, PartialEq, Eq)]
pub struct StorageKey {
    bytes: [u8; LENGTH],
    point: PublicKey,
}

impl StorageKey {
    /// Reads a TPM2B_PUBLIC and checks all of it: structure, algorithms, attributes, and that the point is on the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyFault> {
        other_files(bytes)?;
        let mut reader = Reader(bytes);
        let area = reader.sized().filter(|_| reader.0.is_empty());
        let area = area.ok_or_else(|| {
            let length = bytes.len();
            KeyFault::new(format!(
                "a TPM2B_PUBLIC of a storage key must have {LENGTH} bytes; got {length}"
            ))
        })?;
        let point = public_area(area)?;
        let bytes = bytes.try_into().map_err(|_| cut())?;
        Ok(Self { bytes, point })
    }

    /// Reads a file: the TPM2B_PUBLIC itself, or in base64.
    pub fn from_file(bytes: &[u8]) -> Result<Self, KeyFault> {
        let text = std::str::from_utf8(bytes).ok();
        // A TPM2B_PUBLIC begins with a zero byte.
        match text.filter(|text| !text.is_empty() && !text.contains('\0') && !text.starts_with('-'))
        {
            Some(text) => Self::from_text(text),
            None => Self::from_bytes(bytes),
        }
    }

    /// Reads a TPM2B_PUBLIC in base64, with or without line breaks.
    pub fn from_text(text: &str) -> Result<Self, KeyFault> {
        let digits: String = text.split_whitespace().collect();
        let bytes = BASE64.decode(digits);
        Self::from_bytes(&bytes.map_err(|_| KeyFault::text())?)
    }

    /// The TPM2B_PUBLIC.
    pub fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.bytes
    }

    /// The point, which is on the curve and not the neutral element.
    pub fn point(&self) -> &PublicKey {
        &self.point
    }

    /// The key's x-coordinate.
    pub fn x(&self) -> &[u8] {
        &self.bytes[LENGTH - 66..LENGTH - 34]
    }

    /// The TPM's own name of the key, in hexadecimal: the algorithm, then the SHA-256 digest of the public area.
    /// `tpm2_readpublic` prints the same, so it serves people as a fingerprint.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.bytes[2..]);
        let digits = digest.iter().map(|byte| format!("{byte:02x}"));
        format!("{ALG_SHA256:04x}{}", digits.collect::<String>())
    }
}

impl fmt::Debug for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StorageKey({})", self.fingerprint())
    }
}

/// Files that people have instead.
fn other_files(bytes: &[u8]) -> Result<(), KeyFault> {
    let fault = if bytes.is_empty() {
        KeyFault::new("must not be empty")
    } else if bytes.starts_with(b"-----BEGIN") {
        KeyFault::format("must be a TPM2B_PUBLIC; got PEM")
    } else if bytes.starts_with(&TOOLS_MAGIC) {
        KeyFault::format("must be a TPM2B_PUBLIC; got a context of tpm2-tools")
    } else if bytes.len() == LENGTH - 2 && bytes.starts_with(&ALG_ECC.to_be_bytes()) {
        KeyFault::format("must begin with the size, as a TPM2B_PUBLIC; got a TPMT_PUBLIC")
    } else {
        return Ok(());
    };
    Err(fault)
}

/// The area's end came too early.
fn cut() -> KeyFault {
    KeyFault::new("must be a complete TPM2B_PUBLIC; it ends too early, or too late")
}

/// Reads a TPMT_PUBLIC (TPM 2.0 Library, Part 2) and returns its point.
fn public_area(area: &[u8]) -> Result<PublicKey, KeyFault> {
    let mut reader = Reader(area);
    match reader.u16().ok_or_else(cut)? {
        ALG_ECC => {}
        ALG_RSA => return Err(KeyFault::new("must be an ECC key; got an RSA key")),
        other => {
            return Err(KeyFault::new(format!(
                "must be an ECC key (algorithm 0x0023); got algorithm 0x{other:04x}"
            )));
        }
    }
    number(reader.u16(), ALG_SHA256, "the name algorithm", "SHA-256")?;
    attributes(reader.u32().ok_or_else(cut)?)?;
    if !reader.sized().ok_or_else(cut)?.is_empty() {
        let rule = "must have no authorization policy; it has one, as endorsement keys have";
        return Err(KeyFault::new(rule));
    }
    number(reader.u16(), ALG_AES, "the symmetric algorithm", "AES")?;
    number(reader.u16(), 128, "the symmetric key's length", "128 bits")?;
    number(reader.u16(), ALG_CFB, "the symmetric mode", "CFB")?;
    number(reader.u16(), ALG_NULL, "the scheme", "null")?;
    number(reader.u16(), CURVE_P256, "the curve", "P-256")?;
    number(
        reader.u16(),
        ALG_NULL,
        "the key derivation function",
        "null",
    )?;
    let x = coordinate(&mut reader)?;
    let y = coordinate(&mut reader)?;
    if !reader.0.is_empty() {
        return Err(cut());
    }
    // SEC 1, 2.3.3: an uncompressed point.
    let mut point = [4; 65];
    point[1..33].copy_from_slice(x);
    point[33..].copy_from_slice(y);
    PublicKey::from_sec1_bytes(&point)
        .map_err(|_| KeyFault::new("the point must be on the curve P-256; it is not"))
}

fn number(got: Option<u16>, wanted: u16, subject: &str, name: &str) -> Result<(), KeyFault> {
    match got.ok_or_else(cut)? {
        got if got == wanted => Ok(()),
        got => Err(KeyFault::new(format!(
            "{subject} must be {name} (0x{wanted:04x}); got 0x{got:04x}"
        ))),
    }
}

fn attributes(got: u32) -> Result<(), KeyFault> {
    if got == WANTED {
        return Ok(());
    }
    if got == SRK {
        let rule = "must be the key of systemd's credentials, without the attribute noDA; \
                    got a storage root key, as `systemd-analyze srk` prints it";
        return Err(KeyFault::new(rule));
    }
    let names = |bits: u32| {
        let set = ATTRIBUTES.iter().filter(|(bit, _)| bits & bit != 0);
        let names: Vec<&str> = set.map(|(_, name)| *name).collect();
        names.join(", ")
    };
    let mut rule = format!("the attributes must be {}", names(WANTED));
    let (missing, more) = (WANTED & !got, got & !WANTED);
    let known: u32 = ATTRIBUTES.iter().map(|(bit, _)| bit).sum();
    if missing != 0 {
        rule += &format!("; missing: {}", names(missing));
    }
    if more & known != 0 {
        rule += &format!("; got also {}", names(more));
    }
    if more & !known != 0 {
        rule += &format!("; got reserved bits 0x{:08x}", more & !known);
    }
    Err(KeyFault::new(rule))
}

/// A TPM writes coordinates with all their bytes, leading zeros included (TPM 2.0 Library, Part 1, "ECC Point Padding").
fn coordinate<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], KeyFault> {
    let bytes = reader.sized().ok_or_else(cut)?;
    if bytes.len() == 32 {
        return Ok(bytes);
    }
    Err(KeyFault::new(format!(
        "a coordinate of the point must have 32 bytes; got {}",
        bytes.len()
    )))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The fixed bytes, without the point.
    const HEAD: &str = "005a0023000b00030072000000060080004300100003001000 20";
    /// The generator of P-256 (SP 800-186, 3.2.1.3).
    const X: &str = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    const Y: &str = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

    pub fn bytes(hex: &str) -> Vec<u8> {
        let digits: String = hex.split_whitespace().collect();
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
        (0..digits.len()).step_by(2).map(byte).collect()
    }

    pub fn good() -> Vec<u8> {
        bytes(&format!("{HEAD}{X}0020{Y}"))
    }

    fn fault(bytes: &[u8]) -> String {
        StorageKey::from_bytes(bytes).expect_err("wrong").rule
    }

    #[test]
    fn the_template_of_systemd_is_read() {
        let key = StorageKey::from_bytes(&good()).expect("a storage key");
        assert_eq!(key.as_bytes()[..], good());
        assert_eq!(key.x(), bytes(X));
        assert_eq!(key.fingerprint().len(), 68);
        assert!(key.fingerprint().starts_with("000b"));
    }

    #[test]
    fn a_file_may_be_in_base64() {
        let text = BASE64.encode(good());
        let lines = format!("{}\n{}\n", &text[..76], &text[76..]);
        for file in [text.as_bytes(), lines.as_bytes(), &good()] {
            let key = StorageKey::from_file(file).expect("a storage key");
            assert_eq!(key.as_bytes()[..], good());
        }
        for (wrong, word) in [
            (&b"not base64!"[..], "base64"),
            (b"AAAA", "got 3"),
            (b"-----BEGIN PUBLIC KEY-----", "PEM"),
            (b"", "empty"),
            (&good()[..91], "must have 92 bytes; got 91"),
        ] {
            let fault = StorageKey::from_file(wrong).expect_err("wrong").rule;
            assert!(fault.contains(word), "{fault}");
        }
    }

    #[test]
    fn each_byte_of_the_head_is_checked() {
        for at in 0..26 {
            for bit in 0..8 {
                let mut changed = good();
                changed[at] ^= 1 << bit;
                assert!(StorageKey::from_bytes(&changed).is_err(), "{at} {bit}");
            }
        }
    }

    #[test]
    fn no_other_length_is_read() {
        for length in 0..good().len() {
            assert!(
                StorageKey::from_bytes(&good()[..length]).is_err(),
                "{length}"
            );
        }
        let longer = [good(), vec![0]].concat();
        assert_eq!(
            fault(&longer),
            "a TPM2B_PUBLIC of a storage key must have 92 bytes; got 93"
        );
        // With the size that fits.
        for length in 2..90 {
            let mut cut = good()[..2 + length].to_vec();
            cut[1] = length as u8;
            assert!(StorageKey::from_bytes(&cut).is_err(), "{length}");
        }
        let mut longer = longer;
        longer[1] += 1;
        assert!(fault(&longer).contains("too late"), "{}", fault(&longer));
    }

    #[test]
    fn the_point_is_on_the_curve() {
        for (x, y) in [
            (X, X),
            ("00", "00"),
            (X, "00"),
            // P itself, which is zero but not reduced
            (
                "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
                Y,
            ),
        ] {
            let pad = |hex: &str| format!("{hex:0>64}");
            let changed = bytes(&format!("{HEAD}{}0020{}", pad(x), pad(y)));
            assert!(fault(&changed).contains("on the curve"), "{x} {y}");
        }
    }

    #[test]
    fn other_keys_and_files_are_named() {
        let area = good()[2..].to_vec();
        let with = |at: usize, hex: &str| {
            let mut changed = good();
            let new = bytes(hex);
            changed[at..at + new.len()].copy_from_slice(&new);
            changed
        };
        for (wrong, word) in [
            (Vec::new(), "empty"),
            (b"-----BEGIN PUBLIC KEY-----\n".to_vec(), "PEM"),
            (bytes("badcc0de00000001"), "context of tpm2-tools"),
            (area, "begin with the size"),
            (with(2, "0001"), "RSA"),
            (with(2, "0008"), "algorithm 0x0008"),
            (with(4, "000c"), "name algorithm must be SHA-256"),
            (with(6, "00030472"), "systemd-analyze srk"),
            (with(6, "00030032"), "missing: userWithAuth"),
            (with(6, "00040072"), "got also sign"),
            (with(6, "80030072"), "reserved bits 0x80000000"),
            (with(20, "0004"), "the curve must be P-256"),
        ] {
            assert!(fault(&wrong).contains(word), "{}: {word}", fault(&wrong));
        }
    }

    #[test]
    fn a_coordinate_without_its_zeros_is_named() {
        let mut short = bytes(&format!("{HEAD}{X}"));
        short.extend(bytes(&format!("001f{}", &Y[2..])));
        short[1] -= 1;
        assert!(fault(&short).contains("must have 32 bytes; got 31"));
    }
}
