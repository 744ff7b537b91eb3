//! What the overlay `tree-check` needs beside its own files: the signed list of the node's tree, the signature, the key.
//! They come into payloads after the tree is signed, so they are no part of it.

use std::borrow::Cow;
use std::path::Path;

use anyhow::anyhow;
use sha2::{Digest, Sha512};

use crate::bundle::{PublicKey, Signer};
use crate::cmd::project::{SIGN_KEY, SIGN_PUB};
use crate::error::Result;
use crate::node::listing::TreeListing;
use crate::node::{Content, Entry, NodePath, NodeTree, Origin};
use crate::report::Report;

/// The overlay's script, which tells a tree that is to be checked.
pub const SCRIPT: &str = "/etc/nodebake/check";

/// What the check reads beside it: the list, its signature, the key, and the signature for ssh-keygen.
pub const BESIDE: [&str; 4] = [
    "/etc/nodebake/tree.sums",
    "/etc/nodebake/tree.sums.sig",
    "/etc/nodebake/sign.pub",
    "/etc/nodebake/tree.sums.sshsig",
];

/// Whether a node checks its tree.
pub fn is_asked_for(tree: &NodeTree) -> bool {
    tree.get(SCRIPT).is_some()
}

/// The key that a build in a project would sign trees with, for those who count; what is wrong with it is said elsewhere.
pub fn key(project: &Path) -> Result<Option<PublicKey>> {
    let mut unsaid = Report::default();
    let path = project.join(SIGN_KEY);
    if path.symlink_metadata().is_ok()
        && let Some(signer) = Signer::load(&path, SIGN_KEY, &mut unsaid)?
    {
        return Ok(Some(signer.public().clone()));
    }
    let path = project.join(SIGN_PUB);
    match path.symlink_metadata() {
        Ok(_) => PublicKey::load(&path, SIGN_PUB, &mut unsaid),
        Err(_) => Ok(None),
    }
}

/// A tree as payloads hold it, for those who count before anything is signed: the signatures are as long as the right
/// ones, and no compressor makes less of them. Without a key nothing can be signed, and nothing is added.
pub fn as_counted<'t>(
    node: &str,
    tree: &'t NodeTree,
    key: Option<&PublicKey>,
) -> Result<Cow<'t, NodeTree>> {
    let Some(key) = key.filter(|_| is_asked_for(tree)) else {
        return Ok(Cow::Borrowed(tree));
    };
    let sums = TreeListing::of(node, tree).sums;
    let signature: [u8; 64] = Sha512::digest(&sums).into();
    let ssh = key.armoured(&signature);
    let signatures = (&signature[..], Some(&*ssh));
    Ok(Cow::Owned(with_signed_list(tree, &sums, signatures, key)?))
}

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
