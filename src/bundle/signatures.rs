//! Who vouches for a bundle, and the two-stage build: trees first, signed elsewhere, then the payloads that were made
//! from exactly those trees.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;

use crate::error::Result;
use crate::manifest::Manifest;
use crate::manifest::{BundleKind, MANIFEST};
use crate::model::{Sha256Digest, hex};
use crate::report::Id;
use crate::signing::{PublicKey, Signer};
use crate::verify::Verdict;
use crate::verify::check;

/// Who signs what a [`crate::bundle::BundleBuilder`] makes.
#[derive(Debug)]
pub enum SignatureSource {
    /// Nobody yet: see [`crate::bundle::attach`] and [`crate::bundle::sign`].
    Unsigned,
    /// This key: every node's tree.sums, and SHA256SUMS at the end.
    Key(Arc<Signer>),
    /// The trees were signed elsewhere: each node's must be among them, and its signature is carried over. SHA256SUMS
    /// is left unsigned.
    Trees(SignedTrees),
}

impl SignatureSource {
    /// The signature over a node's tree.sums, once it is allowed at all.
    pub(super) fn tree(
        &self,
        node: &str,
        digest: &Sha256Digest,
        sums: &[u8],
    ) -> Result<Option<[u8; 64]>> {
        match self {
            Self::Unsigned => Ok(None),
            Self::Key(signer) => Ok(Some(signer.sign(sums))),
            Self::Trees(trees) => trees.signature(node, digest),
        }
    }

    /// An SSHSIG over other bytes, like a tree's list for ssh-keygen: only the key itself can make one.
    pub fn ssh(&self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Key(signer) => Some(signer.sign_ssh(bytes)),
            Self::Unsigned | Self::Trees(_) => None,
        }
    }

    /// The key that a node's tree.sums verifies with, where there is a signature at all.
    pub fn public(&self) -> Option<&PublicKey> {
        match self {
            Self::Unsigned => None,
            Self::Key(signer) => Some(signer.public()),
            Self::Trees(trees) => Some(&trees.key),
        }
    }

    /// Whether a finished node of before is what this source would sign: the same tree, signed or not alike.
    pub(super) fn would_reuse(&self, node: &str, digest: &Sha256Digest, signed: bool) -> bool {
        match self {
            Self::Unsigned => !signed,
            Self::Key(_) => signed,
            Self::Trees(trees) => trees
                .signature(node, digest)
                .is_ok_and(|signature| signature.is_some() == signed),
        }
    }

    /// Refuses a bundle for another cluster or generation than the signed trees', or with nodes left out.
    pub(super) fn complete(&self, manifest: &Manifest) -> Result<()> {
        let Self::Trees(trees) = self else {
            return Ok(());
        };
        if (&trees.cluster, trees.generation) != (&manifest.cluster, manifest.generation) {
            bail!(
                "the signed trees are of cluster {}, generation {}: run the first stage again",
                trees.cluster,
                trees.generation
            );
        }
        let mut left_out = trees.nodes.keys().filter(|name| {
            manifest
                .nodes
                .binary_search_by(|node| node.name.as_str().cmp(name))
                .is_err()
        });
        match left_out.next() {
            None => Ok(()),
            Some(name) => {
                bail!(
                    "the signed trees hold node {name}, the plan does not: run the first stage again"
                )
            }
        }
    }
}

/// A TreeBundle whose signature verified.
#[derive(Debug)]
pub struct SignedTrees {
    key: Box<PublicKey>,
    cluster: String,
    generation: u64,
    nodes: BTreeMap<String, (Sha256Digest, Option<[u8; 64]>)>,
}

/// What came of opening a first stage's folder.
#[derive(Debug)]
pub enum Trees {
    /// It is complete and signed.
    Verified(SignedTrees),
    /// It is not, for the reasons listed.
    Refused(Verdict),
}

impl SignedTrees {
    /// Verifies a first stage's folder: its signature over SHA256SUMS, that it is complete, and every `tree.sums.sig`
    /// that the signer left in a node's folder.
    pub fn open(folder: &Path, key: &PublicKey) -> Result<Trees> {
        let mut checked = check(folder, Some(key), None)?;
        if let Some(manifest) = &checked.manifest
            && manifest.kind != BundleKind::TreeBundle
        {
            let rule = "is not a TreeBundle, the outcome of a first stage";
            checked
                .verdict
                .add(Id::VerifyManifestInvalid, MANIFEST, rule);
        }
        match checked.manifest {
            Some(manifest) if checked.verdict.is_good() => {
                let mut signatures = checked.tree_signatures;
                let nodes = manifest
                    .nodes
                    .into_iter()
                    .map(|node| {
                        let signature = signatures.remove(&node.name);
                        (node.name, (node.tree_digest, signature))
                    })
                    .collect();
                Ok(Trees::Verified(Self {
                    key: Box::new(key.clone()),
                    cluster: manifest.cluster,
                    generation: manifest.generation,
                    nodes,
                }))
            }
            _ => Ok(Trees::Refused(checked.verdict)),
        }
    }

    /// The nodes in order.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// The signature for a node's tree, if there is one; an error when the tree is not the one that was signed.
    fn signature(&self, node: &str, digest: &Sha256Digest) -> Result<Option<[u8; 64]>> {
        match self.nodes.get(node) {
            Some((signed, signature)) if signed == digest => Ok(*signature),
            Some((signed, _)) => bail!(
                "node {node}'s tree is {}, the signed one is {}: run the first stage again",
                hex(digest),
                hex(signed)
            ),
            None => bail!("node {node} is not among the signed trees: run the first stage again"),
        }
    }
}
