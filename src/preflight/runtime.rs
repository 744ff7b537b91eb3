//! What containerd's configuration names and nobody brings: folders on disks, programs of runtimes, sockets, snapshotters, and the
//! pods' network.

use crate::host_files::{CniFolders, NamedKind, cni_folders, named};
use crate::model::NodePath;
use crate::preflight::{NeedKind, Needs};
use crate::tree::{Content, EntryKind, NodeTree};

const CONFIG: &str = "/etc/containerd/config.toml";
/// The folders of what it imports.
const IMPORTED: [&str; 2] = ["/etc/containerd/conf.d/", "/etc/containerd/config.d/"];
const CONFIGURATIONS: &str = "/etc/cni/net.d";
const PLUGINS: &str = "/opt/cni/bin";

/// All that is named and that the tree does not contain.
pub(super) fn needs(tree: &NodeTree, needs: &mut Needs) {
    let mut cni = CniFolders::default();
    for text in texts(tree) {
        for named in named(&text) {
            // Where links of the tree lead, or the name itself.
            let missing = match named.kind {
                NamedKind::Snapshotter => Some(format!("the snapshotter {}", named.what)),
                NamedKind::Program if !named.what.starts_with('/') => {
                    (!is_program(tree, &named.what)).then_some(named.what)
                }
                _ => tree.missing(&named.what),
            };
            let Some(what) = missing else { continue };
            let why = match named.kind {
                NamedKind::Folder => "a folder, on a disk that is mounted before containerd starts",
                NamedKind::Snapshotter => {
                    "its plugin, and the file system or the pool that it works on"
                }
                NamedKind::Program => "a program that it starts",
                NamedKind::File => "it must be there when a pod starts",
            };
            let why = format!("containerd's {}: {why}", named.setting);
            needs.add(NeedKind::System, what, why);
        }
        let own = cni_folders(&text);
        cni.configurations = cni.configurations.or(own.configurations);
        cni.plugins.extend(own.plugins);
    }
    network(tree, &cni, needs);
}

/// The pods' network, where nobody brings it.
fn network(tree: &NodeTree, cni: &CniFolders, needs: &mut Needs) {
    let folder = cni.configurations.as_deref().unwrap_or(CONFIGURATIONS);
    let prefix = format!("{}/", folder.trim_end_matches('/'));
    let brings_network = |path: &NodePath| path.as_str().starts_with(&prefix);
    if tree.entries().keys().any(brings_network) {
        return;
    }
    let plugins = match cni.plugins.as_slice() {
        [] => PLUGINS.to_owned(),
        all => all.join(" or "),
    };
    let why = "no node is Ready without a pod network";
    let what = format!("a CNI configuration in {folder}, its plugins in {plugins}");
    needs.add(NeedKind::System, what, why);
}

/// Whether the tree has a program of this name in a folder of programs.
fn is_program(tree: &NodeTree, name: &str) -> bool {
    tree.entries().iter().any(|(path, entry)| {
        path.file_name() == name
            && path.as_str().contains("bin/")
            && !matches!(entry.kind, EntryKind::Directory)
    })
}

/// The configuration and what it imports.
fn texts(tree: &NodeTree) -> Vec<String> {
    let files = tree.entries().iter().filter(|(path, _)| {
        let path = path.as_str();
        let is_imported = IMPORTED.iter().any(|folder| path.starts_with(folder));
        path == CONFIG || (is_imported && path.ends_with(".toml"))
    });
    let text = |kind: &EntryKind| match kind {
        EntryKind::File(Content::Blob(blob)) => {
            Some(String::from_utf8_lossy(blob.bytes()).into_owned())
        }
        _ => None,
    };
    files.filter_map(|(_, entry)| text(&entry.kind)).collect()
}
