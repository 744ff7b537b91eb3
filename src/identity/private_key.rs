//! Private keys in PEM, in every form that openssl writes: PKCS#8 (RFC 5208), plain or encrypted; PKCS#1 (RFC 8017) for
//! RSA; SEC1 (RFC 5915) for elliptic curves. All become PKCS#8, which is what can sign.

use std::fmt;

use anyhow::Context;
use pkcs8::der::asn1::{
    AnyRef, BitStringRef, ContextSpecific, ObjectIdentifier, OctetStringRef, UintRef,
};
use pkcs8::der::{self, Encode, Reader, SliceReader, Tag, TagMode, TagNumber};
use pkcs8::pkcs5::pbes2;
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rcgen::{KeyPair, PublicKeyData};
use zeroize::Zeroizing;

use crate::error::Result;
use crate::identity::pem::{Block, blocks, push_block};
use crate::secrets::Secret;

/// What the label of every block with a private key ends in.
pub(super) const LABEL: &str = "PRIVATE KEY";
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
/// RFC 8017, appendix A.1.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 5480, 2.1.1.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// How often a passphrase is hashed (PBKDF2 with HMAC-SHA-256): what OWASP asks for. Not scrypt, because OpenSSL
/// refuses sound parameters of it for the memory that they take.
const ROUNDS: u32 = 600_000;

/// What is wrong with a key: the rule that it breaks, and the repair.
pub type Fault = (&'static str, &'static str);

/// A private key that can sign. Its bytes are wiped when it is dropped and never show.
pub struct PrivateKey(Zeroizing<KeyPair>);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(<hidden>)")
    }
}

impl PrivateKey {
    /// A new key (ECDSA, P-256: what the kubelet itself makes) from the operating system's randomness.
    pub fn generate() -> Result<Self> {
        let pair = KeyPair::generate().context("making a private key")?;
        Ok(Self(Zeroizing::new(pair)))
    }

    /// Reads the only private key of a PEM text; what else the text holds, like a certificate, is passed over.
    pub fn from_pem(text: &str, passphrase: Option<&Secret>) -> std::result::Result<Self, Fault> {
        let blocks = blocks(text);
        let mut keys = blocks.iter().filter(|block| block.label.ends_with(LABEL));
        let Some(block) = keys.next() else {
            return Err(("there is no private key in it", AS_PEM));
        };
        if keys.next().is_some() {
            return Err(("it holds several private keys", "leave one of them in it"));
        }
        Self::from_pkcs8(to_pkcs8(block, passphrase)?)
    }

    fn from_pkcs8(der: Zeroizing<Vec<u8>>) -> std::result::Result<Self, Fault> {
        let pair = KeyPair::try_from(der.as_slice()).map_err(|_| UNFIT)?;
        Ok(Self(Zeroizing::new(pair)))
    }

    /// Whether it belongs to a certificate's public key (the bits of its SubjectPublicKeyInfo).
    pub fn is_of(&self, public: &[u8]) -> bool {
        self.0.der_bytes() == public
    }

    /// PEM of PKCS#8, which Go, openssl and everything else reads.
    pub fn to_pem(&self) -> Secret {
        let mut text = String::new();
        push_block(&mut text, LABEL, self.0.serialized_der());
        text.into()
    }

    /// PEM of PKCS#8, encrypted with a passphrase (PBES2: PBKDF2, AES-256-CBC), as `openssl pkcs8 -topk8` has it.
    pub fn to_encrypted_pem(&self, passphrase: &Secret) -> Result<Secret> {
        let making = "encrypting a private key";
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        getrandom::fill(&mut salt).context(making)?;
        getrandom::fill(&mut iv).context(making)?;
        let how = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv);
        let how = how.map_err(anyhow::Error::msg).context(making)?;
        let key = PrivateKeyInfoRef::try_from(self.0.serialized_der());
        let key = key.map_err(anyhow::Error::msg).context(making)?;
        let encrypted = key.encrypt_with_params(how, passphrase.expose());
        let encrypted = encrypted.map_err(anyhow::Error::msg).context(making)?;
        let mut text = String::new();
        push_block(&mut text, ENCRYPTED, encrypted.as_bytes());
        Ok(text.into())
    }

    /// PEM of the public half (SubjectPublicKeyInfo).
    pub fn public_pem(&self) -> String {
        let mut text = String::new();
        push_block(&mut text, "PUBLIC KEY", &self.0.subject_public_key_info());
        text
    }

    /// What rcgen signs with.
    pub(super) fn pair(&self) -> &KeyPair {
        &self.0
    }
}

const AS_PEM: &str = "give it as PEM, as `openssl pkey` writes it";
const DAMAGED: Fault = ("the private key is damaged", "copy it again");
const UNFIT: Fault = (
    "the private key is damaged or of a kind that cannot be used here",
    "RSA of 2048 to 4096 bits, ECDSA on P-256 or P-384, and Ed25519 can be",
);

/// The DER of one block as PKCS#8.
fn to_pkcs8(
    block: &Block<'_>,
    passphrase: Option<&Secret>,
) -> std::result::Result<Zeroizing<Vec<u8>>, Fault> {
    if block.has_headers() {
        let rule = "the private key is encrypted in openssl's own old way";
        return Err((
            rule,
            "write it as `openssl pkcs8 -topk8 -in OLD -out NEW` does",
        ));
    }
    let der = Zeroizing::new(block.decode().ok_or(DAMAGED)?);
    match block.label {
        LABEL => Ok(der),
        "RSA PRIVATE KEY" => wrap(RSA, AnyRef::NULL, &der),
        "EC PRIVATE KEY" => {
            let key = Sec1::read(&der).map_err(|_| DAMAGED)?;
            let curve = key.curve.ok_or(UNFIT)?;
            wrap(EC, AnyRef::from(&curve), &der)
        }
        ENCRYPTED => decrypt(&der, passphrase),
        _ => Err((
            "the private key is in a format that is not known here",
            AS_PEM,
        )),
    }
}

fn decrypt(
    der: &[u8],
    passphrase: Option<&Secret>,
) -> std::result::Result<Zeroizing<Vec<u8>>, Fault> {
    let Some(passphrase) = passphrase else {
        let rule = "the private key is encrypted, and there is no passphrase";
        return Err((rule, "give it with --passphrase-file"));
    };
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| {
        let rule = "the private key is encrypted in a way that is not known here";
        (rule, "write it as `openssl pkcs8 -topk8 -v2 aes256` does")
    })?;
    let plain = info.decrypt(passphrase.expose()).map_err(|_| {
        let rule = "the private key cannot be decrypted with this passphrase";
        (rule, "give the passphrase that it was encrypted with")
    })?;
    Ok(Zeroizing::new(plain.as_bytes().to_vec()))
}

/// PKCS#8 around a key of an older form.
fn wrap(
    oid: ObjectIdentifier,
    parameters: AnyRef<'_>,
    key: &[u8],
) -> std::result::Result<Zeroizing<Vec<u8>>, Fault> {
    let algorithm = AlgorithmIdentifierRef {
        oid,
        parameters: Some(parameters),
    };
    let key = OctetStringRef::new(key).map_err(|_| DAMAGED)?;
    let whole = PrivateKeyInfoRef::new(algorithm, key).to_der();
    Ok(Zeroizing::new(whole.map_err(|_| DAMAGED)?))
}

/// ECPrivateKey of RFC 5915: the secret number, and what is known beside it.
struct Sec1<'a> {
    secret: &'a OctetStringRef,
    curve: Option<ObjectIdentifier>,
    public: Option<BitStringRef<'a>>,
}

impl<'a> Sec1<'a> {
    fn read(der: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        reader.sequence(|fields| {
            let _version = fields.decode::<u8>()?;
            let secret = fields.decode()?;
            let curve = ContextSpecific::decode_explicit(fields, TagNumber(0))?;
            let public = ContextSpecific::decode_explicit(fields, TagNumber(1))?;
            Ok(Self {
                secret,
                curve: curve.map(|curve| curve.value),
                public: public.map(|public| public.value),
            })
        })
    }

    /// The key again, with a public half of somebody's choice.
    fn with_public(&self, public: &[u8]) -> der::Result<Vec<u8>> {
        let public = ContextSpecific {
            tag_number: TagNumber(1),
            tag_mode: TagMode::Explicit,
            value: BitStringRef::from_bytes(public)?,
        };
        let mut content = Zeroizing::new(Vec::new());
        1_u8.encode_to_vec(&mut content)?;
        self.secret.encode_to_vec(&mut content)?;
        public.encode_to_vec(&mut content)?;
        AnyRef::new(Tag::Sequence, &content)?.to_der()
    }
}

/// Whether the DER of a private key, in any of the plain forms, belongs to a public key (the bits of its
/// SubjectPublicKeyInfo). Kinds that cannot sign here are told apart all the same.
pub(super) fn is_key_of(label: &str, der: &[u8], public: &[u8]) -> bool {
    let is_rsa = |der| rsa_public(der).is_ok_and(|found| found == public);
    let is_ec = |der, curve| Sec1::read(der).is_ok_and(|key| is_point_of(&key, curve, public));
    match (label, PrivateKeyInfoRef::try_from(der)) {
        ("RSA PRIVATE KEY", _) => is_rsa(der),
        ("EC PRIVATE KEY", _) => is_ec(der, None),
        (_, Err(_)) => false,
        (_, Ok(info)) => match info.algorithm.oid {
            RSA => is_rsa(info.private_key.as_bytes()),
            EC => is_ec(
                info.private_key.as_bytes(),
                info.algorithm.parameters_oid().ok(),
            ),
            _ => PrivateKey::from_pkcs8(Zeroizing::new(der.to_vec()))
                .is_ok_and(|key| key.is_of(public)),
        },
    }
}

/// RSAPublicKey (RFC 8017, A.1.1) of an RSAPrivateKey.
fn rsa_public(der: &[u8]) -> der::Result<Vec<u8>> {
    let mut reader = SliceReader::new(der)?;
    let mut content = Vec::new();
    let _rest = reader.sequence(|fields| {
        let _version = fields.decode::<u8>()?;
        for _ in ["modulus", "publicExponent"] {
            fields
                .decode::<UintRef<'_>>()?
                .encode_to_vec(&mut content)?;
        }
        fields.read_slice(fields.remaining_len())
    })?;
    AnyRef::new(Tag::Sequence, &content)?.to_der()
}

/// Whether a secret number belongs to a point. A key that does not say its own point is tried with this one: what
/// reads it checks that the two fit.
fn is_point_of(key: &Sec1<'_>, curve: Option<ObjectIdentifier>, public: &[u8]) -> bool {
    if let Some(own) = key.public {
        return own.as_bytes() == Some(public);
    }
    let Some(curve) = key.curve.or(curve) else {
        return false;
    };
    let tried = key.with_public(public).map(Zeroizing::new);
    let wrapped = tried
        .ok()
        .and_then(|der| wrap(EC, AnyRef::from(&curve), &der).ok());
    wrapped.is_some_and(|der| PrivateKey::from_pkcs8(der).is_ok())
}
