//! Node trees to pack, a folder that receives payloads, and the comparison of a folder with a tree.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nodebake::error::Result;
use nodebake::model::output::{
    ArchiveSettings, Assets, CloudInit, Format, IgnitionSettings, InitramfsSettings, Secrets,
    Settings,
};
use nodebake::model::{NodePath, Owner, User};
use nodebake::payload::{Destination, NodeFacts, Output};
use nodebake::tree::{Asset, Content, Entry, EntryKind, NodeTree, Origin, Permissions};

/// Contents that some format or reader is known to bend.
pub const NASTY: &[(&str, &[u8])] = &[
    (
        "jinja",
        b"{{ cluster.name }} {% if x %}\n## template: jinja\n",
    ),
    ("tabs", b"\tone\n\t\ttwo\n"),
    ("crlf", b"one\r\ntwo\r\n"),
    ("cr", b"one\rtwo"),
    ("trailing-spaces", b"one  \n   \ntwo \n  \n"),
    ("no-final-newline", b"one\ntwo"),
    ("many-final-newlines", b"one\n\n\n\n"),
    ("only-newlines", b"\n\n\n"),
    ("one-newline", b"\n"),
    ("leading-newlines", b"\n\n  one\ntwo\n"),
    ("leading-spaces", b"    one\n  two\n"),
    ("leading-tab", b"\tone\n"),
    ("spaces-only", b"   "),
    ("nul", b"\0\x01\x02binary\0"),
    ("not-utf8", b"caf\xe9\n"),
    ("documents", b"---\na: 1\n...\n---\n# b\n- c\n"),
    ("yaml-words", b"yes\n"),
    ("percent", b"%41 %zz 100% ?a=b&c#d \\n \\\\ \" ' `$(x)`\n"),
    ("non-ascii", "zażółć 節點 🦀\n".as_bytes()),
    ("nel", "one\u{85}two\n".as_bytes()),
    ("line-separator", "one\u{2028}two\u{2029}\n".as_bytes()),
    ("byte-order-mark", "\u{feff}one\n".as_bytes()),
    ("delete", b"\x7f\x1b[0m\n"),
    ("empty", b""),
];

pub fn path(text: &str) -> NodePath {
    NodePath::parse(text).unwrap()
}

pub fn origin() -> Origin {
    Origin("test".into())
}

fn owner(id: u32, name: &str) -> Owner {
    Owner {
        id,
        name: name.into(),
    }
}

/// A tree with every kind of entry and unit state, and no mode that only some formats support. The asset is in
/// `folder`.
pub fn rich(folder: &Path) -> NodeTree {
    let mut tree = NodeTree::default();
    add_files(&mut tree, folder);
    add_links_and_directories(&mut tree);
    add_units(&mut tree);
    tree
}

fn add_files(tree: &mut NodeTree, folder: &Path) {
    let mut add = |at: &str, entry: Entry| tree.add(path(at), entry).unwrap();
    for (name, bytes) in NASTY {
        let content = Content::bytes(*bytes);
        add(
            &format!("/etc/nasty/{name}"),
            Entry::file(content, 0o640, origin()),
        );
    }
    let long_line = "x".repeat(100_000) + "\n";
    add(
        "/etc/nasty/long-line",
        Entry::file(Content::shared(long_line), 0o644, origin()),
    );
    add(
        "/etc/kubernetes/bootstrap.kubeconfig",
        Entry::secret_file(Content::bytes("token: abcdef.0123456789abcdef\n"), origin()),
    );
    let long = format!("/opt/{}/{}/file", "d".repeat(120), "e".repeat(120));
    for odd in ["/opt/a b/it's \"#\" : x", "/opt/żółć", "/opt/-rf", &long] {
        add(odd, Entry::file(Content::shared("odd\n"), 0o755, origin()));
    }
    let mut daemons = Entry::file(Content::bytes("daemon's\n"), 0o640, origin());
    (daemons.user, daemons.group) = (owner(1, "daemon"), owner(2, "bin"));
    add("/var/lib/daemons/file", daemons);
    let mut unknown = Entry::file(Content::bytes("nobody knows\n"), 0o660, origin());
    (unknown.user, unknown.group) = (owner(61234, "etcd-x"), owner(61235, "etcd-y"));
    add("/var/lib/unknown/file", unknown);
    let source = folder.join("asset.bin");
    let bytes: Vec<u8> = (0..200_001u32)
        .map(|i| (i.wrapping_mul(i) >> 7) as u8)
        .collect();
    fs::write(&source, bytes).unwrap();
    let asset = Content::Asset(Asset::measure(&source).unwrap().into());
    add("/opt/bin/kubelet", Entry::file(asset, 0o755, origin()));
}

fn add_links_and_directories(tree: &mut NodeTree) {
    let mut add = |at: &str, entry: Entry| tree.add(path(at), entry).unwrap();
    add("/var/lib/kubelet", Entry::directory(0o750, origin()));
    add(
        "/var/lib/kubelet/plugins",
        Entry::directory(0o700, origin()),
    );
    let mut owned = Entry::directory(0o755, origin());
    (owned.user, owned.group) = (owner(1, "daemon"), owner(61235, "etcd-y"));
    add("/var/lib/daemons", owned);
    add("/data/one two", Entry::directory(0o777, origin()));
    add("/opt/current", Entry::symlink("a b", origin()));
    add(
        "/opt/links/deep/dangling",
        Entry::symlink("../../nowhere", origin()),
    );
    add(
        "/etc/linked.conf",
        Entry::symlink("/etc/nasty/tabs", origin()),
    );
    let mut foreign = Entry::symlink("-x", origin());
    foreign.user = owner(1, "daemon");
    add("/opt/-link", foreign);
}

fn add_units(tree: &mut NodeTree) {
    let service = |needs: &str| {
        Content::bytes(format!(
            "[Unit]\nDescription=test: {{{{ x }}}} %n\n{needs}\n[Service]\nType=oneshot\nExecStart=/bin/true \\\n  --v=2\n\n[Install]\nWantedBy=multi-user.target\n"
        ))
    };
    let mut declare = |name: &str, text: Option<Content>, enabled: Option<bool>, masked: bool| {
        let unit = tree.unit_mut(name);
        unit.text = text.map(|text| (text, origin()));
        (unit.enabled, unit.masked) = (enabled, masked);
    };
    declare(
        "a-kubelet.service",
        Some(service("After=z-runtime.service")),
        Some(true),
        false,
    );
    declare("z-runtime.service", Some(service("")), Some(true), false);
    declare("off.service", Some(service("")), Some(false), false);
    declare("plain.service", Some(service("")), None, false);
    declare("many@.service", Some(service("")), None, false);
    declare("systemd-timesyncd.service", None, None, true);
    declare("systemd-networkd.service", None, Some(true), false);
    tree.unit_mut("systemd-networkd.service").dropins.insert(
        "10-test.conf".into(),
        (Content::shared("[Service]\nEnvironment=A=1\n"), origin()),
    );
    let guarded = |mode| Permissions {
        mode,
        ..Permissions::default()
    };
    let enabled = tree.unit_mut("a-kubelet.service");
    enabled.permissions.insert(None, guarded(0o600));
    let with_dropin = tree.unit_mut("systemd-networkd.service");
    let dropin = Some("10-test.conf".to_owned());
    with_dropin.permissions.insert(dropin, guarded(0o640));
}

/// An enabled instance of the template that [`rich`] has: Ignition's engine asks a running systemd for its version
/// before it enables one, so not every test can have it.
pub fn add_instance(tree: &mut NodeTree) {
    tree.unit_mut("many@one.service").enabled = Some(true);
}

/// Entries with setuid, setgid and sticky bits, which Ignition supports since specification 3.6.
pub fn add_special_bits(tree: &mut NodeTree) {
    let suid = Entry::file(Content::bytes("x"), 0o6755, origin());
    tree.add(path("/opt/suid"), suid).unwrap();
    let sticky = Entry::directory(0o1777, origin());
    tree.add(path("/var/sticky"), sticky).unwrap();
}

/// What [`rich`] asks `systemctl is-enabled` to say.
pub const STATES: &[(&str, &str)] = &[
    ("a-kubelet.service", "enabled"),
    ("z-runtime.service", "enabled"),
    ("off.service", "disabled"),
    ("systemd-timesyncd.service", "masked"),
    ("systemd-networkd.service", "enabled"),
];

pub fn facts() -> NodeFacts {
    NodeFacts {
        cluster: "kubernetes".into(),
        generation: 3,
        name: "gpu-1.example.com".into(),
        hostname: "gpu-1.example.com".into(),
        network: None,
        users: std::sync::Arc::default(),
        passwords: std::sync::Arc::default(),
        arch: "amd64".into(),
        kernel_arguments: Vec::new(),
        user_files: std::sync::Arc::default(),
        merges: std::sync::Arc::default(),
        removals: None,
    }
}

/// A user with everything that can be said of one, and one with nothing.
pub fn users() -> std::sync::Arc<Vec<User>> {
    let core = User {
        name: "core".into(),
        uid: Some(1234),
        groups: vec!["adm".into(), "made-anew".into()],
        shell: Some("/bin/sh".into()),
        home: Some("/var/home/core".into()),
        system: false,
        sudo: None,
        ssh_keys: vec![
            format!("restrict,command=\"echo a\" {SSH_KEY} me@example.com"),
            SSH_KEY.into(),
        ],
        password_hash: None,
    };
    let plain = User {
        name: "plain".into(),
        system: true,
        ..User::default()
    };
    vec![core, plain].into()
}

/// As `openssl passwd -6 -salt saltsalt hunter2` prints it.
pub const PASSWORD_HASH: &str = "$6$saltsalt$8iYtNHxjWRl.NF6oNZ5tF.iKFlQREaXBLlSmZKP6dy9l5z3vsooWNW0/GZ6Nej73/TFug6pIPSqbJoCT6dfnj.";

/// A public key whose other half nobody has.
pub const SSH_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEIt/gB17M99Oy+25s8Mpip2flkQFa4hZghPaHHp6gG";

pub fn settings() -> Settings {
    let archive = ArchiveSettings {
        assets: Assets::Inside,
        ..ArchiveSettings::default()
    };
    Settings {
        formats: Format::ALL.to_vec(),
        tarball: archive,
        initramfs: InitramfsSettings {
            archive,
            ..InitramfsSettings::default()
        },
        ignition: IgnitionSettings::default(),
        cloud_init: CloudInit::default(),
        secrets: Secrets::Inline,
        credential: false,
        sysext: None,
        pxe: None,
        assets_url: None,
    }
}

/// Receives payloads as a bundle does.
pub struct Folder(pub PathBuf);

impl Output for Folder {
    fn file(
        &mut self,
        place: Destination,
        name: &str,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let mode = if place == Destination::Secret {
            0o600
        } else {
            0o644
        };
        let path = match place {
            Destination::Shared => self.0.join("shared").join(name),
            Destination::Node | Destination::Secret | Destination::Served => self.0.join(name),
        };
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = fs::OpenOptions::new();
        options
            .write(true)
            .create_new(place != Destination::Shared)
            .create(true)
            .mode(mode);
        write(&mut options.open(path)?)
    }
}

/// Everything in which a folder, to which a payload was applied, differs from the tree; owners only when `owners`
/// (a test without root cannot set them).
pub fn differences(root: &Path, tree: &NodeTree, owners: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (at, entry) in tree.materialised() {
        if let Some(what) = difference(&root.join(at.relative()), &entry, owners) {
            found.push(format!("{at}: {what}"));
        }
    }
    found
}

fn difference(at: &Path, entry: &Entry, owners: bool) -> Option<String> {
    let Ok(seen) = at.symlink_metadata() else {
        return Some("is missing".into());
    };
    if owners && (seen.uid(), seen.gid()) != (entry.user.id, entry.group.id) {
        return Some(format!("is owned by {}:{}", seen.uid(), seen.gid()));
    }
    let mode = seen.mode() & 0o7777;
    let right = match &entry.kind {
        EntryKind::Symlink(target) => {
            return (fs::read_link(at).ok()? != Path::new(target))
                .then(|| "leads elsewhere".into());
        }
        EntryKind::Directory => seen.is_dir(),
        EntryKind::File(content) => {
            let mut bytes = Vec::new();
            content.copy_to(&mut bytes).unwrap();
            seen.is_file() && fs::read(at).unwrap() == bytes
        }
    };
    if !right {
        return Some("is of another kind or content".into());
    }
    (mode != entry.mode).then(|| format!("has mode {mode:04o} and not {:04o}", entry.mode))
}
