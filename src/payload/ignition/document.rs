//! An Ignition configuration as it is serialised, field by field in this order.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::payload::IgnitionSpec;
use crate::payload::ignition::data_url::{DataUrl, StreamedUrl};

#[derive(Serialize)]
pub(super) struct Config<'a> {
    pub(super) ignition: Header<'a>,
    #[serde(skip_serializing_if = "Storage::is_empty")]
    pub(super) storage: Storage<'a>,
    #[serde(skip_serializing_if = "Systemd::is_empty")]
    pub(super) systemd: Systemd<'a>,
}

#[derive(Serialize)]
pub(super) struct Header<'a> {
    #[serde(serialize_with = "version")]
    pub(super) version: IgnitionSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) config: Option<HeaderConfig<'a>>,
}

#[derive(Serialize)]
pub(super) struct HeaderConfig<'a> {
    pub(super) merge: [&'a Merge; 1],
}

/// A configuration that Ignition fetches and lays over this one.
#[derive(Serialize)]
pub(super) struct Merge {
    pub(super) source: String,
    pub(super) verification: Verification,
}

fn version<S: Serializer>(
    spec: &IgnitionSpec,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("3.{}.0", spec.minor))
}

#[derive(Default, Serialize)]
pub(super) struct Storage<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) directories: Vec<Directory<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<File<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) links: Vec<Link<'a>>,
}

impl Storage<'_> {
    fn is_empty(&self) -> bool {
        self.directories.is_empty() && self.files.is_empty() && self.links.is_empty()
    }
}

/// What files, directories and links have in common. Owners are ids: names need an account in the image, ids do not.
#[derive(Serialize)]
pub(super) struct Node<'a> {
    pub(super) path: &'a str,
    pub(super) user: Id,
    pub(super) group: Id,
    /// Files and links replace what the image has. A directory must not: Ignition would delete what is in it.
    pub(super) overwrite: bool,
}

#[derive(Serialize)]
pub(super) struct Id {
    pub(super) id: u32,
}

#[derive(Serialize)]
pub(super) struct Directory<'a> {
    #[serde(flatten)]
    pub(super) node: Node<'a>,
    pub(super) mode: u32,
}

#[derive(Serialize)]
pub(super) struct File<'a> {
    #[serde(flatten)]
    pub(super) node: Node<'a>,
    pub(super) mode: u32,
    pub(super) contents: Contents<'a>,
}

#[derive(Serialize)]
pub(super) struct Contents<'a> {
    /// Always there: a configuration that is merged over this one would else inherit the value.
    pub(super) compression: &'static str,
    pub(super) source: Source<'a>,
    pub(super) verification: Verification,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Source<'a> {
    Made(#[serde(serialize_with = "url")] Arc<DataUrl>),
    Streamed(StreamedUrl<'a>),
}

fn url<S: Serializer>(url: &Arc<DataUrl>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&url.url)
}

/// SHA-512, the only digest that every specification knows, of the bytes after decompression, in lower case: Ignition
/// compares it as a string.
#[derive(Serialize)]
pub(super) struct Verification {
    pub(super) hash: String,
}

#[derive(Serialize)]
pub(super) struct Link<'a> {
    #[serde(flatten)]
    pub(super) node: Node<'a>,
    pub(super) target: &'a str,
}

#[derive(Default, Serialize)]
pub(super) struct Systemd<'a> {
    pub(super) units: Vec<UnitNode<'a>>,
}

impl Systemd<'_> {
    fn is_empty(&self) -> bool {
        self.units.is_empty()
    }
}

#[derive(Serialize)]
pub(super) struct UnitNode<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) enabled: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) mask: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contents: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dropins: Vec<Dropin<'a>>,
}

#[derive(Serialize)]
pub(super) struct Dropin<'a> {
    pub(super) name: &'a str,
    pub(super) contents: &'a str,
}
