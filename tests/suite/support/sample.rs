//! Trees to pack: one with everything in it, and as many made from a seed as one likes; and what is in a folder
//! after unpacking, in the same words.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use nodebake::model::{NodePath, Owner, Sha256Digest, hex};
use nodebake::tree::{Asset, Content, Entry, EntryKind, NodeTree, Origin};
use sha2::{Digest, Sha256};

use crate::support::oracles;

pub fn path(text: &str) -> NodePath {
    NodePath::parse(text).unwrap()
}

pub fn origin() -> Origin {
    Origin("overlay test".into())
}

pub fn owner(id: u32, name: &str) -> Owner {
    Owner {
        id,
        name: name.into(),
    }
}

/// What is said of one path: type, mode, owners, and the content's digest or the link's target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub kind: char,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub body: String,
}

/// Rows by path without a leading slash.
pub type Rows = BTreeMap<String, Row>;

pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256Digest::from(Sha256::digest(bytes)))
}

pub fn row(entry: &Entry) -> Row {
    let (kind, body) = match &entry.kind {
        EntryKind::File(content) => {
            let mut bytes = Vec::new();
            content.copy_to(&mut bytes).unwrap();
            ('f', digest(&bytes))
        }
        EntryKind::Directory => ('d', String::new()),
        EntryKind::Symlink(target) => ('l', target.clone()),
    };
    Row {
        kind,
        mode: entry.mode,
        uid: entry.user.id,
        gid: entry.group.id,
        body,
    }
}

/// What the tree declares, units as files; not what archives add.
pub fn declared(tree: &NodeTree) -> Rows {
    let all = tree.materialised();
    all.iter()
        .map(|(path, entry)| (path.relative().to_owned(), row(entry)))
        .collect()
}

/// What archives add for a tree's enabled units: links and the preset, spelt out by the test.
pub fn with_activation(tree: &NodeTree, links: &[(&str, &str)], preset: &str) -> Rows {
    let mut rows = declared(tree);
    let mut add = |path: &str, entry: Entry| {
        assert!(
            rows.insert(path.to_owned(), row(&entry)).is_none(),
            "{path}"
        );
    };
    for (link, target) in links {
        add(link, Entry::symlink(*target, origin()));
    }
    if !preset.is_empty() {
        let text = Content::bytes(preset);
        let path = "etc/systemd/system-preset/10-nodebake.preset";
        add(path, Entry::file(text, 0o644, origin()));
    }
    rows
}

/// What is in a folder, the folder itself left out. Links are not followed.
pub fn unpacked(root: &Path) -> Rows {
    let mut rows = Rows::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for item in fs::read_dir(&folder).unwrap() {
            let item = item.unwrap().path();
            let about = fs::symlink_metadata(&item).unwrap();
            let (kind, body) = if about.is_dir() {
                open.push(item.clone());
                ('d', String::new())
            } else if about.is_symlink() {
                let target = fs::read_link(&item).unwrap();
                ('l', target.to_str().unwrap().to_owned())
            } else {
                ('f', digest(&fs::read(&item).unwrap()))
            };
            let name = item.strip_prefix(root).unwrap().to_str().unwrap();
            let row = Row {
                kind,
                mode: about.mode() & 0o7777,
                uid: about.uid(),
                gid: about.gid(),
                body,
            };
            rows.insert(name.to_owned(), row);
        }
    }
    rows
}

/// Whether this process may give files away; elsewhere unpacked owners cannot be compared.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Ends the running test as ignored where files of mode 0000 cannot be read back.
pub fn needs_any_mode() {
    oracles::needs_root();
}

/// Asserts that each expected row is there and that nothing else is, but for directories above an expected path.
pub fn assert_same(who: &str, expected: &Rows, mut found: Rows) {
    if !is_root() {
        for (path, row) in &mut found {
            if let Some(expected) = expected.get(path) {
                (row.uid, row.gid) = (expected.uid, expected.gid);
                // Whoever cannot give a file away drops its set-id bits too.
                row.mode |= expected.mode & 0o7000;
            }
        }
    }
    for (path, row) in expected {
        assert_eq!(found.get(path), Some(row), "{who}: {path}");
    }
    for (path, row) in &found {
        let above = format!("{path}/");
        let is_parent = row.kind == 'd' && expected.keys().any(|other| other.starts_with(&above));
        assert!(
            expected.contains_key(path) || is_parent,
            "{who} made {path}"
        );
    }
}

const UNIT: &str = "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n";

/// The enablement links that [`rich`] asks for.
pub const RICH_LINKS: [(&str, &str); 6] = [
    (
        "etc/systemd/system/alias.service",
        "/etc/systemd/system/kubelet.service",
    ),
    (
        "etc/systemd/system/multi-user.target.wants/images-own.service",
        "/usr/lib/systemd/system/images-own.service",
    ),
    (
        "etc/systemd/system/multi-user.target.wants/kubelet.service",
        "/etc/systemd/system/kubelet.service",
    ),
    (
        "etc/systemd/system/multi-user.target.wants/worker@a.service",
        "/usr/lib/systemd/system/worker@.service",
    ),
    (
        "etc/systemd/system/multi-user.target.wants/worker@b-1.service",
        "/usr/lib/systemd/system/worker@.service",
    ),
    (
        "etc/systemd/system/node.target.requires/kubelet.service",
        "/etc/systemd/system/kubelet.service",
    ),
];

/// The preset that [`rich`] asks for.
pub const RICH_PRESET: &str = "disable chatty.service\nenable images-own.service\n\
    enable kubelet.service\ndisable swap.target\nenable worker@.service a b-1\n";

/// One tree with everything that a tree may hold; its asset is in `folder`.
pub fn rich(folder: &Path) -> NodeTree {
    let mut tree = NodeTree::default();
    add_files(&mut tree, folder);
    let mut add = |text: &str, entry: Entry| tree.add(path(text), entry).unwrap();
    add("/data/k8s", Entry::directory(0o755, origin()));
    add("/srv/team", Entry::directory(0o2775, origin()));
    add("/var/lib/drop", Entry::directory(0o1777, origin()));
    let mut owned = Entry::directory(0o700, origin());
    (owned.user, owned.group) = (owner(2379, "etcd"), owner(3_000_000_000, "far"));
    add("/var/lib/etcd", owned);
    add("/etc/short", Entry::symlink("../usr/share/a b", origin()));
    let far = format!("/usr/share/{}", "t/".repeat(70));
    add("/etc/long", Entry::symlink(far, origin()));
    add_units(&mut tree);
    tree
}

fn add_files(tree: &mut NodeTree, folder: &Path) {
    let mut add = |text: &str, entry: Entry| tree.add(path(text), entry).unwrap();
    let file = |text: &str, mode| Entry::file(Content::bytes(text), mode, origin());
    add("/etc/kubernetes/bootstrap.kubeconfig", {
        Entry::secret_file(Content::bytes("token: abcdef.0123456789abcdef\n"), origin())
    });
    add("/etc/empty", file("", 0o644));
    add("/etc/with space/and  two", file("spaces\n", 0o640));
    add("/etc/größe/日本", file("non-ASCII\n", 0o644));
    add(
        "/etc/dev-disk-by\\x2dlabel.conf",
        file("backslash\n", 0o644),
    );
    add("/usr/bin/setuid", file("#!/bin/sh\n", 0o4755));
    add("/opt/cni/bin/bridge", file("plug-in\n", 0o755));
    let part = "ordner-mit-überlangem-namen";
    add(
        &format!("/opt/over-100/{}", [part; 4].join("/")),
        file("over 100\n", 0o644),
    );
    add(
        &format!("/opt/over-255/{}", [part; 12].join("/")),
        file("over 255\n", 0o644),
    );
    add(
        &format!("/opt/{}", "n".repeat(101)),
        file("no split\n", 0o644),
    );
    add(
        &format!("/opt/{}", "n".repeat(255)),
        file("NAME_MAX\n", 0o644),
    );
    let source = folder.join("asset");
    let bytes: Vec<u8> = (0..300_001u32)
        .map(|n| ((u64::from(n) * u64::from(n)) >> 7) as u8)
        .collect();
    fs::write(&source, bytes).unwrap();
    let asset = Content::Asset(Arc::new(Asset::measure(&source).unwrap()));
    add(
        "/usr/local/bin/kubelet",
        Entry::file(asset, 0o755, origin()),
    );
}

fn add_units(tree: &mut NodeTree) {
    let install =
        "[Install]\nWantedBy=multi-user.target\nRequiredBy=node.target\nAlias=alias.service\n";
    let unit = tree.unit_mut("kubelet.service");
    unit.text = Some((Content::bytes(format!("{UNIT}{install}")), origin()));
    unit.enabled = Some(true);
    let dropin = (Content::bytes("[Service]\nNice=1\n"), origin());
    unit.dropins.insert("10-nice.conf".into(), dropin);
    let chatty = tree.unit_mut("chatty.service");
    let wanted = "[Install]\nWantedBy=multi-user.target\n";
    chatty.text = Some((Content::bytes(format!("{UNIT}{wanted}")), origin()));
    chatty.enabled = Some(false);
    tree.unit_mut("swap.target").masked = true;
    tree.unit_mut("images-own.service").enabled = Some(true);
    tree.unit_mut("worker@a.service").enabled = Some(true);
    tree.unit_mut("worker@b-1.service").enabled = Some(true);
}

/// A small generator (xorshift64*) with a fixed seed: the same trees in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn name(&mut self) -> String {
        const PIECES: [&str; 12] = [
            "a",
            "b",
            "-",
            "..x",
            " ",
            "é",
            "日",
            "a\\x2d",
            "%2f",
            "'\"",
            "etc",
            "long-piece-of-a-name",
        ];
        let most = [2, 4, 12][self.below(3)];
        let count = 1 + self.below(most);
        let mut name: String = (0..count)
            .map(|_| PIECES[self.below(PIECES.len())])
            .collect();
        while name.len() > 250 {
            name.pop();
        }
        name
    }

    fn bytes(&mut self) -> Vec<u8> {
        // One size in sixteen spans two of the compressors' blocks.
        let length = match self.below(16) {
            0 => 70_000,
            other => [0, 1, 511, 512, 513, 5000][other % 6],
        };
        // A repeated draw, so that compressors have something to find.
        let pattern: Vec<u8> = (0..97).map(|_| self.below(256) as u8).collect();
        pattern.into_iter().cycle().take(length).collect()
    }

    fn entry(&mut self) -> Entry {
        let mode = [0o644, 0o600, 0o755, 0o2775, 0o1777, 0o4755, 0o000, 0o7777][self.below(8)];
        let mut entry = match self.below(4) {
            0 => Entry::directory(mode, origin()),
            1 => {
                let target = (0..=self.below(14)).map(|_| self.name());
                Entry::symlink(target.collect::<Vec<_>>().join("/"), origin())
            }
            _ => Entry::file(Content::bytes(self.bytes()), mode, origin()),
        };
        // 4294967295 is "no such id" to chown(2), so one less is the highest.
        let ids = [0, 1, 1000, 0o7_777_777, 0o10_000_000, u32::MAX - 1];
        entry.user.id = ids[self.below(ids.len())];
        entry.group.id = ids[self.below(ids.len())];
        entry
    }

    /// A tree without units, some of its paths below directories that it declares.
    pub fn tree(&mut self) -> NodeTree {
        let mut tree = NodeTree::default();
        let mut folders = vec![String::new()];
        for _ in 0..self.below(25) {
            let mut text = folders[self.below(folders.len())].clone();
            for _ in 0..=self.below(5) {
                text = format!("{text}/{}", self.name());
            }
            let entry = self.entry();
            let Ok(path) = NodePath::parse(&text) else {
                continue; // a name of ".." by chance, or too long a path
            };
            let is_folder = matches!(entry.kind, EntryKind::Directory);
            if tree.add(path, entry).is_ok() && is_folder {
                folders.push(text);
            }
        }
        tree
    }
}
