//! Sealing: secrets that only one machine's TPM opens. In: the public part of that TPM's storage key (92 bytes), a
//! sealing seed, a name and the content. Out: a credential as `systemd-creds decrypt` and `LoadCredentialEncrypted=`
//! open it. No TPM and no network is needed for it. This room knows no inventory and no file.
//!
//! # How a credential is made
//!
//! 1. A random key of 32 bytes becomes a TPM object of its own ([`import`]): a KEYEDHASH object, which a TPM unseals.
//! 2. The object is wrapped for import below the storage key, as TPM2_Duplicate of another TPM would wrap it: TPM 2.0
//!    Library, Part 1, "Duplication" (21.3 in version 184; 23.3 in revision 1.59), outer wrapper only. Only the TPM
//!    with the private part of the storage key can import it.
//! 3. The SHA-256 digest of the random key encrypts the content in systemd's format ([`credential`]).
//!
//! All primitives are crates; this room only composes them as the specification says. TPM structures are a few fixed
//! bytes here, so there is no library for them.
//!
//! # Why the same input may give the same bytes
//!
//! The same input must give the same bundle, and sealing needs four random values: the object's key, its obfuscation
//! value, the ephemeral key of the wrapper, and the nonce of AES-GCM. They come from the *sealing seed*, 32 random
//! bytes that are kept with the tokens:
//!
//! ```text
//! PRK   = HKDF-Extract(salt = seed, IKM = label ‖ len(storage key) ‖ storage key ‖ len(name) ‖ name ‖ len(content) ‖ content)
//! value = HKDF-Expand(PRK, info = what the value is for)
//! ```
//!
//! - *No input is used twice with different content.* The storage key, the name and the whole content go into the
//!   extraction, each after its length, so two different inputs never have the same encoding. HMAC-SHA-256 gives each of
//!   them a PRK of its own (but for a collision of SHA-256), and with it a key, a nonce and an ephemeral key of its own.
//!   If one bit of the content changes, all four values change. So no key and nonce of AES-GCM ever meets a second
//!   plaintext, and no ephemeral key meets a second storage key. Deterministic ECDSA (RFC 6979) draws its nonces in
//!   the same way.
//! - *Each value has one use.* The `info` of HKDF (RFC 5869, 3.2) differs for each.
//! - *Equal credentials show that nothing changed*, and nothing else: an observer cannot guess content without the seed.
//! - *If the seed becomes known*, an attacker can test guesses of the whole content, since the content is a part of the
//!   input. A credential with a bootstrap token or a private key cannot be guessed. So the seed alone opens no such
//!   credential; it is guarded like the tokens all the same, and it can be exchanged at any time: then each credential
//!   gets other bytes, and the old ones still open.
//! - *If the same content is sealed to the same machine under the same name*, the credential is the same one. Neither
//!   systemd nor a TPM keeps a memory of what it imported.
//!
//! The other way, to keep finished credentials beside the tokens, was not taken: `build` would write into the project,
//! and a fresh checkout would have other bytes.

mod credential;
mod drawn;
mod import;
mod kdf;
mod key_fault;
mod storage_key;
mod wire;

pub use credential::{CONTENT_LIMIT, Sealed, seal, seal_for_size};
pub use drawn::SealingSeed;
pub use import::Import;
pub use key_fault::KeyFault;
pub use storage_key::StorageKey;
