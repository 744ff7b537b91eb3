//! Assets, the large files that are the same for many nodes: whether a payload holds them, or an asset archive beside
//! it that is written once however many nodes share it.

use crate::model::output::Assets;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::model::output::Format;
use crate::model::{NodePath, hex};
use crate::payload::{Destination, Job, Output};
use crate::tree::listing::write_entries;
use crate::tree::{Content, Entry, EntryKind, NodeTree};

/// Where raw files are among what nodes share, by their digests.
const FILES: &str = "files";

/// The entries of a job's tree that a format fetches rather than holds.
pub(super) fn apart<'a>(
    job: &Job<'a>,
    format: Format,
) -> impl Iterator<Item = (&'a NodePath, &'a Entry, &'a Content)> {
    let inside = job.settings.assets(format) == Assets::Inside;
    let entries = job.tree.entries().iter().filter(move |_| !inside);
    entries.filter_map(|(path, entry)| match &entry.kind {
        EntryKind::File(content) if entry.is_asset() => Some((path, entry, content)),
        _ => None,
    })
}

/// Writes the files that nodes fetch by URL, each under its digest.
pub(super) fn serve(job: &Job<'_>, format: Format, out: &mut dyn Output) -> Result<()> {
    if job.settings.assets(format) != Assets::Url {
        return Ok(());
    }
    for (_, _, content) in apart(job, format) {
        let name = format!("{FILES}/{}", hex(&content.sha256()));
        out.file(Destination::Shared, &name, &mut |out| content.copy_to(out))?;
    }
    Ok(())
}

/// The URL of a file: `{sha256}` stands for its digest.
pub(super) fn url_of(url: &str, content: &Content) -> String {
    url.replace("{sha256}", &hex(&content.sha256()))
}

/// The assets of a node, apart from it: the same for all nodes that have the same files, modes and owners.
#[derive(Clone, Debug)]
pub struct AssetArchive {
    /// What it is called in file names; it follows from what the asset archive holds.
    pub name: String,
    /// The assets, with the declared directories above them, so that it may be applied in any order.
    pub tree: NodeTree,
}

impl AssetArchive {
    /// The asset archive of a tree; None where it has no assets.
    pub fn of(tree: &NodeTree) -> Option<Self> {
        if !tree.has_assets() {
            return None;
        }
        let tree = tree.assets();
        let mut list = String::new();
        write_entries(&mut list, "assets", tree.entries().iter());
        let digest = hex(&Sha256::digest(&list));
        let name = format!("assets-{}", &digest[..12]);
        Some(Self { name, tree })
    }

    /// The name of its CD's image.
    pub(super) fn image_name(&self) -> String {
        format!("{}.iso", self.name)
    }

    /// The label of its CD: /dev/disk/by-label has room for 16 characters.
    pub fn label(&self) -> String {
        format!("nb-{}", self.name.trim_start_matches("assets-"))
    }

    /// The asset archive beside a job's payload of a format; None where the payload holds everything.
    pub(super) fn beside(job: &Job<'_>, format: Format) -> Option<Self> {
        match job.settings.assets(format) {
            Assets::Shared => Self::of(job.tree),
            Assets::Inside | Assets::Url | Assets::Iso => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::model::NodePath;
    use crate::tree::{Asset, AssetSource, Content, Entry, Origin};

    fn tree(files: &[(&str, u8, u32)], origin: &str) -> NodeTree {
        let mut tree = NodeTree::default();
        for (at, digest, mode) in files {
            let asset = Asset {
                source: AssetSource::File(PathBuf::from(origin)),
                size: 1,
                sha256: [*digest; 32],
                sha512: [*digest; 64],
            };
            let content = Content::Asset(Arc::new(asset));
            let entry = Entry::file(content, *mode, Origin(origin.into()));
            tree.add(NodePath::parse(at).expect("a good path"), entry)
                .expect("free");
        }
        tree
    }

    #[test]
    fn the_name_follows_from_what_nodes_get() {
        let name = |tree: &NodeTree| AssetArchive::of(tree).map(|archive| archive.name);
        let one = tree(&[("/opt/a", 1, 0o755)], "here");
        assert_eq!(name(&one), name(&tree(&[("/opt/a", 1, 0o755)], "there")));
        for (at, digest, mode) in [
            ("/opt/b", 1, 0o755),
            ("/opt/a", 2, 0o755),
            ("/opt/a", 1, 0o644),
        ] {
            assert_ne!(name(&one), name(&tree(&[(at, digest, mode)], "here")));
        }
        assert_eq!(name(&NodeTree::default()), None);
    }

    #[test]
    fn archive_and_rest_make_the_whole_and_secrets_are_in_no_archive() {
        let mut whole = tree(&[("/opt/bin/a", 1, 0o755), ("/srv/s", 2, 0o600)], "here");
        let mut secret = whole
            .remove(&NodePath::parse("/srv/s").expect("good"))
            .expect("there");
        secret.secret = true;
        let directory = Entry::directory(0o700, Origin("d".into()));
        for (at, entry) in [
            ("/srv/s", secret),
            ("/opt/bin", directory.clone()),
            ("/data", directory),
        ] {
            whole
                .add(NodePath::parse(at).expect("good"), entry)
                .expect("free");
        }
        let paths = |tree: &NodeTree| {
            let paths = tree.entries().keys();
            paths.map(ToString::to_string).collect::<Vec<_>>()
        };
        let archive = AssetArchive::of(&whole).expect("an asset");
        assert_eq!(paths(&archive.tree), ["/opt/bin", "/opt/bin/a"]);
        assert_eq!(
            paths(&whole.without_assets()),
            ["/data", "/opt/bin", "/srv/s"]
        );
    }
}
