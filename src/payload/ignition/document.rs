//! An Ignition configuration as it is serialised, field by field in this order.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::model::output::IgnitionSpec;
use crate::payload::ignition::data_url::{DataUrl, StreamedUrl};

#[derive(Serialize)]
pub(super) struct Config<'a> {
    pub(super) ignition: HttpHeader<'a>,
    #[serde(
        rename = "kernelArguments",
        skip_serializing_if = "KernelArguments::is_empty"
    )]
    pub(super) kernel_arguments: KernelArguments<'a>,
    #[serde(skip_serializing_if = "Passwd::is_empty")]
    pub(super) passwd: Passwd<'a>,
    #[serde(skip_serializing_if = "Storage::is_empty")]
    pub(super) storage: Storage<'a>,
    #[serde(skip_serializing_if = "Systemd::is_empty")]
    pub(super) systemd: Systemd<'a>,
}

#[derive(Serialize)]
pub(super) struct HttpHeader<'a> {
    pub(super) version: IgnitionSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) config: Option<HeaderConfig<'a>>,
}

#[derive(Serialize)]
pub(super) struct HeaderConfig<'a> {
    pub(super) merge: &'a [Merge<'a>],
}

/// A configuration that Ignition fetches, or finds here, and merges over this one.
#[derive(Serialize)]
pub(super) struct Merge<'a> {
    /// How messages call it.
    #[serde(skip)]
    pub(super) name: Cow<'a, str>,
    /// Since 3.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compression: Option<&'static str>,
    pub(super) source: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verification: Option<Verification>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KernelArguments<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) should_exist: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) should_not_exist: Vec<&'a str>,
}

impl KernelArguments<'_> {
    fn is_empty(&self) -> bool {
        self.should_exist.is_empty() && self.should_not_exist.is_empty()
    }
}

#[derive(Default, Serialize)]
pub(super) struct Passwd<'a> {
    pub(super) users: Vec<PasswdUser<'a>>,
}

impl Passwd<'_> {
    fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

/// What is not said is left to the image's `useradd`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PasswdUser<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(super) groups: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shell: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) home_dir: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) system: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(super) ssh_authorized_keys: &'a [String],
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
    pub(super) source: ResourceSource<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verification: Option<Verification>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ResourceSource<'a> {
    Made(#[serde(serialize_with = "url")] Arc<DataUrl>),
    Streamed(StreamedUrl<'a>),
    Fetched(String),
}

fn url<S: Serializer>(url: &Arc<DataUrl>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&url.url)
}

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
