//! bundle.json and index.json: what a bundle holds, for programs and people. No clock, no machine, no secret.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::manifest::API_VERSION;
use crate::model::{Sha256Digest, hex, named, unhex};

/// The longest bundle.json or index.json that is read, in bytes.
pub const MANIFEST_LIMIT: u64 = 256 * 1024 * 1024;

named! {
    /// What kind of folder it is.
    #[derive(Deserialize)]
    pub enum BundleKind {
        /// Payloads, manifests and trees.
        Bundle = "Bundle",
        /// The first stage of a build with an external signer: trees only.
        TreeBundle = "TreeBundle",
    }
}

/// bundle.json.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// `nodebake/v1`.
    pub api_version: String,
    /// Bundle or TreeBundle.
    pub kind: BundleKind,
    /// The cluster's name.
    pub cluster: String,
    /// The inventory's generation.
    pub generation: u64,
    /// The nodebake that made it.
    pub tool_version: String,
    /// What decides the bytes of compressed payloads beside the tool: library → version.
    pub libraries: BTreeMap<String, String>,
    /// How digests are made.
    pub digest_algorithm: String,
    /// How SHA256SUMS is signed.
    pub signature_algorithm: String,
    /// Files of no node, sorted by path; bundle.json itself and SHA256SUMS cannot be among them.
    pub files: Vec<FileRecord>,
    /// What nodes share, sorted by path: their assets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<FileRecord>,
    /// The nodes, sorted by name.
    pub nodes: Vec<NodeRecord>,
}

impl Manifest {
    /// Every file that the manifest lists.
    pub fn all_files(&self) -> impl Iterator<Item = &FileRecord> {
        let of_nodes = self.nodes.iter().flat_map(|node| &node.files);
        self.files.iter().chain(&self.shared).chain(of_nodes)
    }

    /// One of the files that nodes share.
    pub fn shared(&self, path: &str) -> Option<&FileRecord> {
        let at = self.shared.binary_search_by(|file| (*file.path).cmp(path));
        at.ok().map(|index| &self.shared[index])
    }
}

/// One node in bundle.json.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRecord {
    /// The node's name, which is its folder's name below `nodes/`.
    pub name: String,
    /// SHA-256 of its tree.sums: equal digests mean that the node ends up the same.
    #[serde(with = "hex_digest")]
    pub tree_digest: Sha256Digest,
    /// The version of Kubernetes that its files are for; bundles of the first builds do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<String>,
    /// The public half of its bootstrap token.
    pub token_id: Option<String>,
    /// RFC 3339: booting the node after that needs a new token.
    pub usable_until: Option<String>,
    /// What becomes of its initramfs payload, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initramfs: Option<InitramfsRecord>,
    /// The digests of the trees that its payloads follow, whose paths they remove; empty for a first one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upgrade_from: Vec<String>,
    /// Its files, sorted by path.
    pub files: Vec<FileRecord>,
    /// The paths of what it needs beside them and shares with other nodes, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<Box<str>>,
}

/// A node's initramfs payload in bundle.json.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitramfsRecord {
    /// `diskless`, `copyToRoot` or `coreosLive`.
    pub mode: String,
    /// What the kernel's command line must have for it.
    pub kernel_arguments: Vec<String>,
    /// The bytes of memory that a root in the initramfs needs at least, beside kernel and base initrd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

/// One file in bundle.json.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileRecord {
    /// Relative to the bundle.
    pub path: Box<str>,
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    #[serde(with = "hex_digest")]
    pub sha256: Sha256Digest,
    /// Holds a secret: its mode is 0600, and whoever copies it should keep it so.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secret: bool,
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// What marks a folder as ours.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    api_version: String,
    kind: String,
}

impl Mark {
    /// Whether this marks a folder of a kind.
    pub fn is(&self, kind: BundleKind) -> bool {
        self.api_version == API_VERSION && self.kind == kind.name()
    }
}

/// index.json as it is written: node → file name → path.
pub struct Index<'a>(pub &'a [NodeRecord]);

impl Serialize for Index<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|node| (&node.name, IndexNode(node))))
    }
}

struct IndexNode<'a>(&'a NodeRecord);

impl Serialize for IndexNode<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, path) in self.0.index() {
            map.serialize_entry(&name, path)?;
        }
        map.end()
    }
}

impl NodeRecord {
    /// What index.json says of the node: names and paths. An asset archive is called `assets.tar.gz` and an extension
    /// `sysext.tar.gz` whatever their own names are, so that programs find them.
    pub fn index(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        let files = self.files.iter();
        let files = files.map(|file| (file.name().into(), &*file.path));
        let shared = self.shared.iter().map(|path| {
            let name = path.split_once('/').map_or(&**path, |(_, name)| name);
            let name = match name.find('.') {
                Some(dot) if name.starts_with("assets-") => {
                    format!("assets{}", &name[dot..]).into()
                }
                // `nodebake-DIGEST.sysext.tar.gz`, whose name is the extension's.
                Some(dot) if name.starts_with("nodebake-") => name[dot + 1..].into(),
                _ => name.into(),
            };
            (name, &**path)
        });
        files.chain(shared)
    }
}

impl FileRecord {
    /// The last component of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// index.json as it is read.
pub type ReadIndex = BTreeMap<String, BTreeMap<String, String>>;

mod hex_digest {
    use super::{Deserializer, HexVisitor, Serializer, Sha256Digest, hex};

    pub fn serialize<S: Serializer>(
        digest: &Sha256Digest,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(digest))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Sha256Digest, D::Error> {
        deserializer.deserialize_str(HexVisitor)
    }
}

struct HexVisitor;

impl serde::de::Visitor<'_> for HexVisitor {
    type Value = Sha256Digest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("64 lower-case hexadecimal digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Sha256Digest, E> {
        unhex(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}
