//! What becomes of an initramfs payload's files at boot: how each mode arranges them for its kind of initrd.

use crate::model::output::Mode;
use std::collections::BTreeMap;

use crate::error::Result;
use crate::model::{NodePath, Owner};
use crate::payload::{AssetArchive, Objection, Selection};
use crate::report::Id;
use crate::tree::listing::write_entries;
use crate::tree::{Content, Entry, EntryKind, NodeTree, Origin};

/// The program that makes a root of the initramfs on which containers can start.
pub const INIT_SHIM: &str = "/usr/lib/nodebake/init";
/// The last file of a node's own initramfs payload for such a root, with the name of the asset archive that must be
/// there too.
pub const NEEDS: &str = "/usr/lib/nodebake/needs";
/// The last file of an asset archive for such a root, with its name.
pub const HERE: &str = "/usr/lib/nodebake/assets";
/// The folder of what is copied.
pub const COPY: &str = "/nodebake/copy";
/// Where the Ignition of a CoreOS live system looks.
pub const CONFIG: &str = "/config.ign";

impl Mode {
    /// What the kernel's command line must have for it.
    pub fn kernel_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Diskless => &["rdinit=/usr/lib/nodebake/init"],
            Self::CopyToRoot => &[],
            // As coreos-installer says the same of what `pxe customize` makes.
            Self::CoreosLive => &["ignition.firstboot", "ignition.platform.id=metal"],
        }
    }

    /// The path that tells an initrd which has such an initramfs payload already.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Diskless => INIT_SHIM,
            Self::CopyToRoot => "/nodebake/copy/copy",
            Self::CoreosLive => CONFIG,
        }
    }
}

const INIT_SHIM_SCRIPT: &str = include_str!("init.sh");
const COPY_SCRIPT: &str = include_str!("copy.sh");
/// One program, of a part for each subject.
const APPLY_SCRIPT: &str = concat!(
    include_str!("../root.sh"),
    "\n",
    include_str!("apply/mounts.sh"),
    "\n",
    include_str!("apply/labels.sh"),
    "\n",
    include_str!("apply/take_back.sh"),
    "\n",
    include_str!("apply/put.sh"),
    "\n",
    include_str!("apply/main.sh"),
);
const LABEL_SCRIPT: &str = include_str!("label.sh");
const LABEL_UNIT: &str = include_str!("label.service");
const ORDER_SCRIPT: &str = include_str!("order.sh");
const COPY_UNIT: &str = include_str!("copy.service");

/// Files of the initramfs payload that are not the node's.
type Members = BTreeMap<NodePath, Entry>;

/// Adds the program that makes containers possible, and what it checks first: the kernel goes on without an archive
/// that a boot loader was not told of. The secret payload is over the public one and needs none of its own. The path
/// of the member that is to be the last.
pub(super) fn add_init_shim(
    members: &mut Members,
    selection: Selection,
    archive: Option<&str>,
) -> Result<Option<NodePath>> {
    match selection {
        Selection::Secrets => Ok(None),
        Selection::Whole | Selection::Public => {
            add(members, INIT_SHIM, INIT_SHIM_SCRIPT, 0o755)?;
            let needs = archive.map(|name| format!("{name}\n")).unwrap_or_default();
            add_last(members, NEEDS, &needs).map(Some)
        }
    }
}

/// What an initramfs payload of a mode brings for itself, wherever it is the same in all of them: by path. The names of
/// asset archives, and the lists of what is copied, are its own.
pub fn brought(mode: Mode) -> Result<BTreeMap<NodePath, Entry>> {
    let mut members = Members::new();
    match mode {
        Mode::Diskless => add(&mut members, INIT_SHIM, INIT_SHIM_SCRIPT, 0o755)?,
        Mode::CopyToRoot => add_copiers(&mut members, Selection::Public, None)?,
        Mode::CoreosLive => {}
    }
    Ok(members)
}

/// What a tree declares where an initramfs payload for such a root has files of its own.
pub(super) fn taken(tree: &NodeTree) -> Vec<Objection> {
    let rule = "the initramfs payload has a file of its own there; choose another path";
    let taken = [INIT_SHIM, NEEDS, HERE]
        .into_iter()
        .filter(|path| at(path).is_ok_and(|path| tree.entries().contains_key(&path)));
    taken
        .map(|path| Objection::new(Id::InitramfsPathTaken, path, rule))
        .collect()
}

/// Adds to an asset archive of a root in the initramfs what says that all of it is there.
pub(super) fn add_here(members: &mut Members, name: &str) -> Result<NodePath> {
    add_last(members, HERE, &format!("{name}\n"))
}

fn add_last(members: &mut Members, path: &str, text: &str) -> Result<NodePath> {
    add(members, path, text, 0o644)?;
    at(path)
}

/// The archive for files that are copied: their contents in a folder of their own, and a list of what is to become of
/// them, in the grammar of tree.sums. Directories and links are in the list only.
///
/// The list is to be the last member, whose path is returned: it is not there when not all that it lists is.
pub(super) fn copied(whose: &str, list: &str, members: Members) -> Result<(Members, NodePath)> {
    let mut list_text = String::new();
    write_entries(&mut list_text, whose, members.iter());
    let mut copied = Members::new();
    for (path, entry) in members {
        if let EntryKind::File(_) = entry.kind {
            let path = at(&format!("{COPY}/root{path}"))?;
            let hidden = Entry {
                mode: 0o600,
                user: Owner::root(),
                group: Owner::root(),
                ..entry
            };
            copied.insert(path, hidden);
        }
    }
    let last = add_last(&mut copied, &format!("{COPY}/list.{list}"), &list_text)?;
    Ok((copied, last))
}

/// The list of an asset archive's files.
pub(super) const ASSETS: &str = "assets";

/// The list of a part's files.
pub(super) fn list_of(selection: Selection) -> &'static str {
    match selection {
        Selection::Secrets => "secrets",
        Selection::Whole | Selection::Public => "files",
    }
}

/// Adds what copies the files, and the name of the asset archive without which nothing is copied: a boot loader that
/// was not told of it would start a node without its programs. The secret payload is over the public one and needs
/// none of it.
pub(super) fn add_copiers(
    copied: &mut Members,
    selection: Selection,
    archive: Option<&AssetArchive>,
) -> Result<()> {
    if selection == Selection::Secrets {
        return Ok(());
    }
    if let Some(archive) = archive {
        let head = format!("#nodebake-tree\t1\t{}\n", archive.name);
        add(copied, &format!("{COPY}/needs.{ASSETS}"), &head, 0o644)?;
    }
    let unit = "nodebake-copy.service";
    let folder = "/etc/systemd/system";
    for (path, text, mode) in [
        (format!("{COPY}/copy"), COPY_SCRIPT, 0o755),
        (format!("{COPY}/apply"), APPLY_SCRIPT, 0o644),
        (format!("{COPY}/label"), LABEL_SCRIPT, 0o644),
        (
            format!("{folder}/nodebake-label.service"),
            LABEL_UNIT,
            0o644,
        ),
        ("/conf/conf.d/nodebake".to_owned(), ORDER_SCRIPT, 0o644),
        (format!("{folder}/{unit}"), COPY_UNIT, 0o644),
    ] {
        add(copied, &path, text, mode)?;
    }
    // Required: an initrd that could not copy the files must not switch to a root without them.
    let link = at(&format!("{folder}/initrd.target.requires/{unit}"))?;
    copied.insert(link, Entry::symlink(format!("../{unit}"), origin()));
    Ok(())
}

fn add(members: &mut Members, path: &str, text: &str, mode: u32) -> Result<()> {
    match members.insert(at(path)?, Entry::file(Content::bytes(text), mode, origin())) {
        None => Ok(()),
        Some(taken) => anyhow::bail!(
            "{} declares a file that the initramfs payload needs for itself",
            taken.origin
        ),
    }
}

fn at(path: &str) -> Result<NodePath> {
    NodePath::parse(path).map_err(anyhow::Error::msg)
}

/// The origin of what the initramfs payload brings for itself.
pub(super) fn origin() -> Origin {
    Origin("generator initramfs".into())
}
