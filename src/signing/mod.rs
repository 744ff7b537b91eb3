//! Keys that sign bundles: Ed25519, with signatures for openssl and for ssh-keygen.

mod key_files;
mod pair;
mod private_key;
mod public_key;
mod sshsig;

pub use key_files::{KeyFiles, generate_keys};
pub use private_key::Signer;
pub use public_key::PublicKey;
pub use sshsig::{NAMESPACE, PRINCIPAL};
