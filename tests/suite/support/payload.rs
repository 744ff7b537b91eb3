//! Payloads of trees in a folder, and what a node that took one must have.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nodebake::model::output::{Format, Settings};
use nodebake::payload::{Forms, Job, NodeFacts};
use nodebake::tree::{EntryKind, NodeTree};

use super::oracles;
use super::trees::{self, Folder};

/// Writes one format of a tree into a folder below `at` and returns that.
pub fn package(
    at: &Path,
    format: Format,
    tree: &NodeTree,
    facts: &NodeFacts,
    settings: &Settings,
) -> PathBuf {
    let folder = tempfile::tempdir_in(at).unwrap().keep();
    let job = Job {
        tree,
        facts,
        settings,
    };
    format
        .write(&job, &Forms::default(), &mut Folder(folder.clone()))
        .unwrap();
    folder
}

pub fn rich(at: &Path, format: Format) -> (NodeTree, PathBuf) {
    let tree = trees::rich(at);
    let folder = package(at, format, &tree, &trees::facts(), &trees::settings());
    (tree, folder)
}

pub fn files(tree: &NodeTree) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for (path, entry) in tree.entries() {
        if let EntryKind::File(content) = &entry.kind {
            let mut bytes = Vec::new();
            content.copy_to(&mut bytes).unwrap();
            files.insert(path.to_string(), (entry.mode, bytes));
        }
    }
    files
}

/// The image's own units, as far as the rich tree speaks of them.
pub fn units_of_the_image(root: &Path) {
    let folder = root.join("usr/lib/systemd/system");
    fs::create_dir_all(&folder).unwrap();
    for name in ["systemd-networkd.service", "systemd-timesyncd.service"] {
        let text = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
        fs::write(folder.join(name), text).unwrap();
    }
}

pub fn assert_states(root: &Path, folder: &Path) {
    oracles::needs(["systemctl"]);
    let root_option = format!("--root={}", root.display());
    for (unit, state) in trees::STATES {
        let output = oracles::run(folder, "systemctl", &[&root_option, "is-enabled", unit]);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            *state,
            "{unit}"
        );
    }
}
