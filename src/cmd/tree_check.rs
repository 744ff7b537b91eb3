//! What the overlay `tree-check` needs beside its own files, for builds and for those who count before.

use std::borrow::Cow;
use std::path::Path;

use sha2::{Digest, Sha512};

use crate::bundle::{PublicKey, Signer};
pub use crate::carried::{BESIDE, SCRIPT, with_signed_list};
use crate::cmd::project::{SIGN_KEY, SIGN_PUB};
use crate::error::Result;
use crate::report::Report;
use crate::tree::NodeTree;
use crate::tree::listing::TreeListing;

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
