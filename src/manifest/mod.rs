//! What a bundle says of itself: the names of its lists, and what is in them.
//!
//! ```text
//! SHA256SUMS.sig, .sshsig  → SHA256SUMS → every other file, bundle.json and index.json included
//! ```

mod document;
/// SHA256SUMS: a digest and a path in each line.
pub mod sums;
/// Folders of an exchange that is not at its end.
pub mod work_folder;

pub use document::{
    BundleKind, FileRecord, Index, InitramfsRecord, MANIFEST_LIMIT, Manifest, Mark, NodeRecord,
    ReadIndex,
};

/// What every bundle's manifest says first.
pub const API_VERSION: &str = "nodebake/v1";
/// What machines fetch over the network: a folder for each node whose initramfs payload is served, with nothing secret
/// in it.
pub const SERVED: &str = "boot/nodes";
/// The manifest: nodes, files, sizes, digests.
pub const MANIFEST: &str = "bundle.json";
/// Node → files, for programs.
pub const INDEX: &str = "index.json";
/// The digests that are signed.
pub const SUMS: &str = "SHA256SUMS";
/// The raw Ed25519 signature, 64 bytes, for `openssl pkeyutl -rawin`.
pub const SIGNATURE: &str = "SHA256SUMS.sig";
/// The same key's signature for `ssh-keygen -Y verify`: OpenSSL before 3.0 cannot verify Ed25519.
pub const SSH_SIGNATURE: &str = "SHA256SUMS.sshsig";
/// What a node must end up with, for programs.
pub const TREE_JSON: &str = "tree.json";
/// What a node must end up with, for `sha256sum -c` on the node.
pub const TREE_SUMS: &str = "tree.sums";
/// The raw Ed25519 signature over a node's `tree.sums`, which travels with it.
pub const TREE_SIGNATURE: &str = "tree.sums.sig";

/// Whether a name at the top of a bundle is that of a signature that somebody else put beside SHA256SUMS, like
/// `SHA256SUMS.asc` of GnuPG or `SHA256SUMS.sigstore.json`. We do not read it, and do not object to it.
pub fn is_signature_of_others(name: &str) -> bool {
    let ours = [SIGNATURE, SSH_SIGNATURE].contains(&name);
    let rest = name
        .strip_prefix(SUMS)
        .and_then(|rest| rest.strip_prefix('.'));
    !ours && rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('/'))
}

/// The signatures that others put beside a folder's SHA256SUMS, sorted.
pub fn signatures_of_others(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let names = files.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_signature_of_others(name)).collect();
    names.sort();
    names
}

/// Whether a path is that of a node's file among those that machines fetch.
pub fn is_served(path: &str) -> bool {
    path.strip_prefix(SERVED)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// What a receiver without nodebake runs inside the bundle, with `KEY` naming a `sign.pub` that came another way: the
/// signature, the digests, then a look for files that are missing or extra. Its exit code is 0 only when all is well;
/// the last line prints what it objects to. `tr` makes a line break in a hostile file name visible instead of letting
/// it pose as two names; the second `find` shows links and devices, which sha256sum would follow.
pub const RECEIVER_CHECK: &str = r#"openssl pkeyutl -verify -pubin -inkey "$KEY" -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig &&
sha256sum --strict --quiet -c SHA256SUMS &&
! { { cut -c67- SHA256SUMS; find . ! -type d ! -path ./SHA256SUMS ! \( -path './SHA256SUMS.*' ! -path './SHA256SUMS.*/*' \) -print0 | tr '\n\0' '?\n' | cut -c3-; } | LC_ALL=C sort | uniq -u; find . ! -type d ! -type f; } | LC_ALL=C grep ''
"#;
