//! What the overlay `tree-check` needs beside its own files: the signed list of the node's tree, the signature, the key.
//! They come into payloads after the tree is signed, so they are no part of it.

use anyhow::anyhow;

use crate::error::Result;
use crate::model::NodePath;
use crate::signing::PublicKey;
use crate::tree::{Content, Entry, NodeTree, Origin};

/// The overlay's script, which tells a tree that is to be checked.
pub const SCRIPT: &str = "/etc/nodebake/check";

/// What the check reads beside it: the list, its signature, the key, and the signature for ssh-keygen.
pub const BESIDE: [&str; 4] = [
    "/etc/nodebake/tree.sums",
    "/etc/nodebake/tree.sums.sig",
    "/etc/nodebake/sign.pub",
    "/etc/nodebake/tree.sums.sshsig",
];

/// The tree with what the check reads: the list with its two signatures, of which the second may be missing.
pub fn with_signed_list(
    tree: &NodeTree,
    sums: &[u8],
    (signature, ssh): (&[u8], Option<&str>),
    key: &PublicKey,
) -> Result<NodeTree> {
    let mut tree = tree.clone();
    let pem = key.to_pem();
    let contents = [sums, signature, pem.as_bytes()].into_iter();
    let contents = contents.chain(ssh.map(str::as_bytes));
    for (file, bytes) in BESIDE.into_iter().zip(contents) {
        let path = NodePath::parse(file).map_err(anyhow::Error::msg)?;
        let origin = Origin("generator tree-check".into());
        let entry = Entry::file(Content::bytes(bytes), 0o644, origin);
        tree.add(path, entry).map_err(|_| {
            anyhow!("{file} is declared already, and belongs to the check of the tree")
        })?;
    }
    Ok(tree)
}
