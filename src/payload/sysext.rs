//! A node's programs as a system extension (systemd-sysext(8)): the tree of one, as a tarball from which mkosi,
//! mksquashfs or tar make the image or folder that the node merges over its `/usr` and `/opt`. Nodes with the same
//! programs share it.

use crate::model::output::Sysext;
use anyhow::anyhow;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::model::{NodePath, hex};
use crate::payload::{Destination, Job, Objection, Output, tarball};
use crate::report::Id;
use crate::tree::listing::write_entries;
use crate::tree::{Content, Entry, NodeTree, Origin};

/// Where archives of container images are: data that the node imports, which no extension holds.
const IMAGES: &str = "/var/lib/nodebake/images/";

impl Sysext {
    /// The extension-release file (os-release(5)): systemd merges nothing where this does not fit the system.
    fn release(&self, arch: &str) -> String {
        let mut text = format!("ID={}\n", self.id);
        for (key, value) in [
            ("VERSION_ID", &self.version_id),
            ("SYSEXT_LEVEL", &self.level),
        ] {
            if let Some(value) = value {
                text += &format!("{key}={value}\n");
            }
        }
        text + &format!("ARCHITECTURE={}\n", architecture(arch))
    }
}

/// systemd's name of a machine (ConditionArchitecture= in systemd.unit(5)).
fn architecture(go: &str) -> &str {
    match go {
        "386" => "x86",
        "amd64" => "x86-64",
        "ppc64le" => "ppc64-le",
        same => same,
    }
}

/// Writes the extension of a node that has programs, where the inventory asks for it.
pub fn package(job: &Job<'_>, out: &mut dyn Output) -> Result<()> {
    let Some((name, tree)) = extension(job)? else {
        return Ok(());
    };
    let compression = job.settings.tarball.compression;
    let file = format!("{name}.sysext.tar{}", compression.suffix());
    out.file(Destination::Shared, &file, &mut |out| {
        tarball::write(&tree, compression, out)
    })
}

/// Assets that no extension can hold.
pub fn check(job: &Job<'_>) -> Vec<Objection> {
    if job.settings.sysext.is_none() {
        return Vec::new();
    }
    let assets = job
        .tree
        .entries()
        .iter()
        .filter(|(_, entry)| entry.is_asset());
    let outside =
        assets.filter(|(path, _)| !Sysext::holds(path) && !path.as_str().starts_with(IMAGES));
    let objection = |(path, _): (&NodePath, &Entry)| {
        let rule = "a system extension holds /usr and /opt only";
        Objection::new(Id::SysextOutside, path.as_str(), rule).asked_by("output.sysext")
    };
    outside.map(objection).collect()
}

/// The extension's name, which follows from what it holds, and its tree. Unlike a payload it is no image's to keep as
/// it is, so the folders are listed, whatever program unpacks it.
fn extension(job: &Job<'_>) -> Result<Option<(String, NodeTree)>> {
    let Some(sysext) = &job.settings.sysext else {
        return Ok(None);
    };
    let assets = job.tree.assets();
    let mut tree = NodeTree::default();
    for (path, entry) in assets.entries() {
        if entry.is_asset() && Sysext::holds(path) {
            install(&mut tree, &assets, path, entry.clone())?;
        }
    }
    if tree.entries().is_empty() {
        return Ok(None);
    }
    let release = sysext.release(&job.facts.arch);
    let mut list = release.clone();
    write_entries(&mut list, "sysext", tree.entries().iter());
    let name = format!("nodebake-{}", &hex(&Sha256::digest(&list))[..12]);
    let path = at(&format!(
        "/usr/lib/extension-release.d/extension-release.{name}"
    ))?;
    let entry = Entry::file(Content::bytes(release), 0o644, origin());
    install(&mut tree, &assets, &path, entry)?;
    Ok(Some((name, tree)))
}

/// Adds an entry and the folders above it, as the node declares them or root's with 0755.
fn install(tree: &mut NodeTree, declared: &NodeTree, path: &NodePath, entry: Entry) -> Result<()> {
    for above in path.ancestors() {
        if tree.get(above).is_none() {
            let declared = declared.get(above).cloned();
            let folder = declared.unwrap_or_else(|| Entry::directory(0o755, origin()));
            add(tree, at(above)?, folder)?;
        }
    }
    add(tree, path.clone(), entry)
}

fn add(tree: &mut NodeTree, path: NodePath, entry: Entry) -> Result<()> {
    tree.add(path, entry)
        .map_err(|conflict| anyhow!("making the system extension: {}", conflict.rule))
}

fn origin() -> Origin {
    Origin("generator sysext".into())
}

fn at(path: &str) -> Result<NodePath> {
    NodePath::parse(path).map_err(anyhow::Error::msg)
}
