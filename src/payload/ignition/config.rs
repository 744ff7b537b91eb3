//! One configuration as it is serialised: a tree's entries and units in Ignition's words. In: a tree without objections.
//! Keys are always in the same order, nodes in path order, units in name order.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::error::Result;
use crate::model::output::IgnitionDigest;
use crate::model::output::KernelArgument;
use crate::model::{NodePath, User};
use crate::payload::archive::PRESET;
use crate::payload::assets::url_of;
use crate::payload::gzip::Gzip;
use crate::payload::ignition::data_url::{DataUrl, StreamedUrl};
use crate::payload::ignition::document::{
    Contents, Directory, Dropin, File, Id, KernelArguments, Link, Node, Passwd, PasswdUser,
    ResourceSource, Storage, Systemd, UnitNode, Verification,
};
use crate::payload::{Forms, packed};
use crate::secrets::UserHash;
use crate::tree::{Asset, Content, Entry, EntryKind, NodeTree, Origin, Unit};

/// Assets up to this size are held in memory once for a build, in the smallest form; larger ones are streamed in base64,
/// packed where that pays, and nobody hands those to a platform as user data.
const SMALL_ASSET: u64 = 1024 * 1024;

/// What the contents of a configuration are made with.
pub(super) struct ContentMaker<'a> {
    /// Lends forms that nodes share.
    pub(super) forms: &'a Forms,
    /// The digest beside each content.
    pub(super) digest: IgnitionDigest,
    /// From where assets are fetched; None where they are inside.
    pub(super) assets_url: Option<&'a str>,
    /// Takes the reason when an asset cannot be read while it is streamed.
    pub(super) failure: &'a RefCell<Option<anyhow::Error>>,
}

/// What is written as plain files beside the tree's entries: the preset, and those files of units whose mode or owners
/// are not the usual ones, because `systemd.units` has no key for these. systemd reads them all the same.
pub(super) fn beside_units(tree: &NodeTree) -> BTreeMap<NodePath, Entry> {
    let units = tree.units().iter();
    let files = units.flat_map(|(name, unit)| unit.guarded_entries(name));
    files.chain(preset(tree)).collect()
}

/// The tree's entries and what is written beside them, see [`beside_units`].
pub(super) fn storage<'a>(
    tree: &'a NodeTree,
    beside: &'a BTreeMap<NodePath, Entry>,
    maker: &ContentMaker<'a>,
) -> Storage<'a> {
    let mut storage = Storage::default();
    let mut gzip = Gzip::new();
    for (path, entry) in tree.entries().iter().chain(beside) {
        let node = node(path.as_str(), entry);
        let mode = entry.mode;
        match &entry.kind {
            EntryKind::Directory => storage.directories.push(Directory { node, mode }),
            EntryKind::Symlink(target) => storage.links.push(Link { node, target }),
            EntryKind::File(content) => storage.files.push(File {
                node,
                mode,
                contents: match maker.assets_url.filter(|_| entry.is_asset()) {
                    Some(url) => maker.fetched(url, content),
                    None => maker.contents(content, &mut gzip),
                },
            }),
        }
    }
    storage
}

/// The tree's units.
pub(super) fn systemd(tree: &NodeTree) -> Result<Systemd<'_>> {
    let units = tree.units().iter();
    let units = units.map(|(name, unit)| unit_node(name, unit));
    Ok(Systemd {
        units: units.collect::<Result<_>>()?,
    })
}

/// A preset for the units that must stay off. Ignition writes one for what it enables, but for a disabled unit only if
/// it is enabled already, which a unit that comes with the configuration never is; and where no preset speaks of a unit,
/// systemd's own default on a first boot is to enable it.
pub fn preset(tree: &NodeTree) -> Option<(NodePath, Entry)> {
    let mut text = String::new();
    for (name, unit) in tree.units() {
        if unit.enabled == Some(false) && !unit.masked {
            text.push_str("disable ");
            text.push_str(name);
            text.push('\n');
        }
    }
    if text.is_empty() {
        return None;
    }
    let path = NodePath::parse(PRESET).expect("a constant, absolute and normal");
    let origin = Origin("generator preset".into());
    Some((path, Entry::file(Content::bytes(text), 0o644, origin)))
}

fn node<'a>(path: &'a str, entry: &Entry) -> Node<'a> {
    Node {
        path,
        user: Id { id: entry.user.id },
        group: Id { id: entry.group.id },
        overwrite: !matches!(entry.kind, EntryKind::Directory),
    }
}

impl<'a> ContentMaker<'a> {
    /// The smallest form of an asset that is small enough to be held in memory, made once for all nodes.
    fn small_asset(
        &self,
        asset: &Asset,
        content: &Content,
        gzip: &mut Gzip,
    ) -> Option<Arc<DataUrl>> {
        if asset.size > SMALL_ASSET {
            return None;
        }
        let made = self.forms.data_urls.of_digest(asset.sha256, || {
            let mut bytes = Vec::new();
            content.copy_to(&mut bytes)?;
            Ok(Arc::new(DataUrl::smallest(&bytes, gzip)))
        });
        // Streaming it meets the same error, and reports it.
        made.ok()
    }

    /// A large asset, packed where that pays: Ignition takes all of a configuration into memory.
    fn streamed(&self, asset: &Asset, content: &Content) -> (&'static str, ResourceSource<'a>) {
        let packed = &self.forms.packed_assets;
        let packed = packed
            .of_digest(asset.sha256, || packed::gzip(asset))
            .unwrap_or_else(|error| {
                self.failure.borrow_mut().get_or_insert(error);
                None
            });
        let (compression, content) = match packed {
            Some(packed) => ("gzip", packed),
            None => ("", content.clone()),
        };
        let url = StreamedUrl::new(content, self.failure);
        (compression, ResourceSource::Streamed(url))
    }

    /// What Ignition fetches, and checks before it is written.
    fn fetched(&self, url: &str, content: &Content) -> Contents<'a> {
        Contents {
            compression: "",
            source: ResourceSource::Fetched(url_of(url, content)),
            verification: self
                .digest
                .of_fetched(content)
                .map(|hash| Verification { hash }),
        }
    }

    fn contents(&self, content: &'a Content, gzip: &mut Gzip) -> Contents<'a> {
        let (compression, source) = match content {
            Content::Asset(asset) => match self.small_asset(asset, content, gzip) {
                Some(url) => (
                    if url.gzip { "gzip" } else { "" },
                    ResourceSource::Made(url),
                ),
                None => self.streamed(asset, content),
            },
            Content::Blob(blob) => {
                let url = self.forms.data_urls.of(content, blob, || {
                    Arc::new(DataUrl::smallest(blob.bytes(), gzip))
                });
                (
                    if url.gzip { "gzip" } else { "" },
                    ResourceSource::Made(url),
                )
            }
        };
        Contents {
            compression,
            source,
            verification: self.digest.of(content).map(|hash| Verification { hash }),
        }
    }
}

fn unit_node<'a>(name: &'a str, unit: &'a Unit) -> Result<UnitNode<'a>> {
    let dropins = unit.dropins.iter();
    let dropins = dropins.filter(|(file, _)| !unit.is_guarded(Some(file)));
    let dropins = dropins.map(|(file, (content, _))| {
        Ok(Dropin {
            name: file,
            contents: text(name, content)?,
        })
    });
    let contents = match &unit.text {
        // Masked is a link to /dev/null where the text would be.
        Some((content, _)) if !unit.masked && !unit.is_guarded(None) => Some(text(name, content)?),
        _ => None,
    };
    Ok(UnitNode {
        name,
        // A masked unit has no state, and a preset for it would only be confusing.
        enabled: unit.enabled.filter(|_| !unit.masked),
        mask: unit.masked,
        contents,
        dropins: dropins.collect::<Result<_>>()?,
    })
}

fn text<'a>(name: &str, content: &'a Content) -> Result<&'a str> {
    let Content::Blob(blob) = content else {
        bail!("writing unit {name}: an asset is not the text of a unit")
    };
    std::str::from_utf8(blob.bytes()).with_context(|| format!("writing unit {name}"))
}

/// The users that the inventory names. Their groups must be the image's: declaring one that is there already stops
/// older Ignitions (groupadd: group exists), and nobody here knows which are. Without users there are their passwords alone:
/// Ignition puts users of one name together.
pub(super) fn passwd<'a>(users: Option<&'a [User]>, passwords: &'a [UserHash]) -> Passwd<'a> {
    let hash_of = |name: &str| {
        let found = passwords.iter().find(|password| password.user == name);
        found.map(|password| password.hash.expose())
    };
    let users = match users {
        Some(users) => users
            .iter()
            .map(|user| user_of(user, hash_of(&user.name)))
            .collect(),
        None => passwords.iter().map(only_password).collect(),
    };
    Passwd { users }
}

fn user_of<'a>(user: &'a User, password_hash: Option<&'a str>) -> PasswdUser<'a> {
    PasswdUser {
        name: &user.name,
        password_hash,
        uid: user.uid,
        groups: &user.groups,
        shell: user.shell.as_deref(),
        home_dir: user.home.as_deref(),
        system: user.system,
        ssh_authorized_keys: &user.ssh_keys,
    }
}

fn only_password(password: &UserHash) -> PasswdUser<'_> {
    PasswdUser {
        name: &password.user,
        password_hash: Some(password.hash.expose()),
        uid: None,
        groups: &[],
        shell: None,
        home_dir: None,
        system: false,
        ssh_authorized_keys: &[],
    }
}

/// The kernel's command line, as far as it is set.
pub(super) fn kernel_arguments(arguments: &[KernelArgument]) -> KernelArguments<'_> {
    let of = |wanted: bool| {
        let some = arguments
            .iter()
            .filter(move |argument| argument.wanted == wanted);
        some.map(|argument| argument.text.as_str()).collect()
    };
    KernelArguments {
        should_exist: of(true),
        should_not_exist: of(false),
    }
}
