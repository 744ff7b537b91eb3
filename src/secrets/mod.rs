//! Secrets: the bootstrap tokens of all nodes, created offline and kept in one file. In: secrets.yaml, plain or as an
//! age file, or the same from stdin. Out: a [`TokenStore`], and findings that never hold a secret. This room knows no
//! file or path on a node.

mod document;
mod encryption;
mod file;
mod file_access;
mod import;
mod list;
mod placeholder;
mod read;
mod rotate;
mod sealing_seed;
mod secret;
mod source;
mod store;
mod token;
mod user_hash;

pub use encryption::Keys;
pub use file::{LOCK_SUFFIX, StoreLock};
pub use file_access::check_access;
pub use import::{Imported, LeftOut, Owners};
pub use list::{Listing, created_text};
pub use placeholder::of_secrets;
pub use rotate::{Ended, Expiring, Rotated};
pub use secret::Secret;
pub use source::{
    Change, IDENTITY_VARIABLE, SecretsChoice, check_recipients, encrypt, project_tokens,
    tokens_if_there,
};
pub use store::{CreatedToken, TokenStore, TokenTerms};
pub use token::{Token, is_id, is_secret};
pub use user_hash::{UserHash, is_user_hash};

/// The file of a project that holds its tokens.
pub const SECRETS_FILE: &str = "secrets.yaml";
/// The same file, encrypted with age for `tokens.recipients`.
pub const ENCRYPTED_FILE: &str = "secrets.yaml.age";
