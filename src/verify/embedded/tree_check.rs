//! The trees of nodes with the overlay `tree-check`, for those who count before anything is signed.

use std::borrow::Cow;

use sha2::{Digest, Sha512};

use crate::error::Result;
use crate::signing::PublicKey;
use crate::tree::NodeTree;
use crate::tree::listing::TreeListing;
use crate::verify::embedded::beside::{SCRIPT, with_signed_list};

/// Whether a node checks its tree.
pub fn checks_tree(tree: &NodeTree) -> bool {
    tree.get(SCRIPT).is_some()
}

/// A tree as payloads hold it, before it is signed: the signatures are as long as the right ones, and no compressor makes
/// less of them. Without a key nothing can be signed, and nothing is added.
pub fn as_counted<'t>(
    node: &str,
    tree: &'t NodeTree,
    key: Option<&PublicKey>,
) -> Result<Cow<'t, NodeTree>> {
    let Some(key) = key.filter(|_| checks_tree(tree)) else {
        return Ok(Cow::Borrowed(tree));
    };
    let sums = TreeListing::of(node, tree).sums;
    let signature: [u8; 64] = Sha512::digest(&sums).into();
    let ssh = key.armoured(&signature);
    let signatures = (&signature[..], Some(&*ssh));
    Ok(Cow::Owned(with_signed_list(tree, &sums, signatures, key)?))
}
