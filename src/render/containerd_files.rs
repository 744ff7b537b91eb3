//! The files of containerd's configuration in a tree: the main one, and what it imports.

use std::collections::BTreeSet;

use globset::GlobBuilder;

use crate::host_files::containerd_imports;
use crate::model::NodePath;
use crate::tree::{Content, EntryKind, NodeTree};

/// containerd's configuration.
pub const CONFIG: &str = "/etc/containerd/config.toml";
/// The usual folders of what it imports.
const IMPORTED: [&str; 2] = ["/etc/containerd/conf.d/", "/etc/containerd/config.d/"];

/// containerd's configuration and what it imports.
pub fn containerd_texts(tree: &NodeTree) -> Vec<String> {
    let others = imported(tree);
    let files = tree.entries().iter().filter(|(path, _)| {
        let path = path.as_str();
        let is_usual = IMPORTED.iter().any(|folder| path.starts_with(folder));
        path == CONFIG
            || (is_usual && path.ends_with(".toml"))
            || others.iter().any(|other| other == path)
    });
    files
        .filter_map(|(_, entry)| text_of(&entry.kind))
        .collect()
}

/// containerd's configuration and what it imports, as far as the tree has them, in the order in which containerd reads
/// them: each file's imports come after all files before (`LoadConfig`).
pub fn in_order(tree: &NodeTree) -> Vec<(NodePath, String)> {
    let mut read = Vec::new();
    let mut known = BTreeSet::new();
    let mut pending: Vec<String> = vec![CONFIG.to_owned()];
    while !pending.is_empty() {
        let path = pending.remove(0);
        let entry = tree.entries().get_key_value(path.as_str());
        let text = entry.and_then(|(at, entry)| Some((at.clone(), text_of(&entry.kind)?)));
        let Some((path, text)) = text else { continue };
        if !known.insert(path.clone()) {
            continue;
        }
        for import in containerd_imports(&text) {
            if import.contains('*') {
                pending.extend(matching(tree, &import));
            } else {
                pending.push(import);
            }
        }
        read.push((path, text));
    }
    read
}

/// The paths of the tree that a pattern fits, as Go's filepath.Glob finds them: a star ends at a slash.
fn matching(tree: &NodeTree, pattern: &str) -> Vec<String> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    let Ok(glob) = glob.map(|glob| glob.compile_matcher()) else {
        return Vec::new();
    };
    let paths = tree.entries().keys().map(|path| path.as_str());
    let paths = paths.filter(|path| glob.is_match(path) && *path != CONFIG);
    paths.map(str::to_owned).collect()
}

/// The files that the configuration imports from elsewhere than the usual folders.
pub fn imported(tree: &NodeTree) -> Vec<String> {
    let text = tree.get(CONFIG).and_then(|entry| text_of(&entry.kind));
    let imports = containerd_imports(&text.unwrap_or_default());
    let is_usual = |import: &String| IMPORTED.iter().any(|folder| import.starts_with(folder));
    let mut found = Vec::new();
    for import in imports.iter().filter(|import| !is_usual(import)) {
        found.extend(matching(tree, import));
    }
    found
}

/// The text of a file that is no asset.
pub fn text_of(kind: &EntryKind) -> Option<String> {
    match kind {
        EntryKind::File(Content::Blob(blob)) => {
            Some(String::from_utf8_lossy(blob.bytes()).into_owned())
        }
        _ => None,
    }
}
