//! The forms of user-data.

use serde::Serialize;

/// A form of user-data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fallback {
    /// As people read it.
    Plain,
    /// Each file in the smaller of its form and gzip in base64.
    PackedFiles,
    /// The whole plain document in gzip, which cloud-init knows by its first bytes.
    Gzip,
    /// A small document with the secrets, which fetches the rest by URL and digest.
    Fetched,
}
