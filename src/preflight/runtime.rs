//! What containerd's configuration names and nobody brings: folders on disks, programs of runtimes, sockets, snapshotters, and the
//! pods' network.

use crate::host_files::{NamedKind, named, uses_internal_loopback};
use crate::kubernetes::runtime::RuntimeKind;
use crate::preflight::{NeedKind, Needs};
use crate::render::RenderedNode;
use crate::render::containerd_files::containerd_texts;
use crate::render::pod_network::{PodNetwork, folders};
use crate::tree::{EntryKind, NodeTree};

/// All that is named and that the tree does not contain.
pub(super) fn needs(baked: &RenderedNode, kind: RuntimeKind, needs: &mut Needs) {
    let tree = &baked.tree;
    for text in containerd_texts(tree) {
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
    }
    network(baked, kind, needs);
}

/// The plugin of every pod, whatever its network (containerd `internal/cri/server/service_linux.go`).
const LOOPBACK: &str = "loopback";

/// The pods' network, or what it needs beside what the payload brings.
fn network(baked: &RenderedNode, kind: RuntimeKind, needs: &mut Needs) {
    let tree = &baked.tree;
    let (configurations, plugins) = folders(tree, kind, &baked.flags);
    let plugins = plugins.join(" or ");
    let Some(network) = PodNetwork::of(tree, kind, &baked.flags) else {
        let why = "no node is Ready without a pod network";
        let what = format!("a CNI configuration in {configurations}, its plugins in {plugins}");
        needs.add(NeedKind::System, what, why);
        return;
    };
    let has_loopback = network.has(tree, LOOPBACK);
    let is_internal = containerd_texts(tree)
        .iter()
        .any(|text| uses_internal_loopback(text));
    if !has_loopback && !is_internal && network.plugins.iter().all(|one| one.name != LOOPBACK) {
        let what = format!("the CNI plugin {LOOPBACK} in {plugins}");
        needs.add(
            NeedKind::System,
            what,
            "the runtime starts it for every pod",
        );
    }
    for plugin in network.missing(tree) {
        let what = format!("the CNI plugin {} in {plugins}", plugin.name);
        let why = format!("{} names it", network.path);
        needs.add(NeedKind::System, what, why);
    }
}

/// Whether the tree has a program of this name in a folder of programs.
fn is_program(tree: &NodeTree, name: &str) -> bool {
    tree.entries().iter().any(|(path, entry)| {
        path.file_name() == name
            && path.as_str().contains("bin/")
            && !matches!(entry.kind, EntryKind::Directory)
    })
}
