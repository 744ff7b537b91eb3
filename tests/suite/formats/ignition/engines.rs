//! The real engines over scratch roots: every specification that they read, secrets inside, beside and fetched, and
//! roots in which something is already.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nodebake::model::output::{Format, IgnitionSpec, Secrets, Settings};
use nodebake::payload::{NodeFacts, UserConfig};
use nodebake::secrets::UserHash;
use nodebake::tree::NodeTree;
use serde_json::json;

use crate::formats::ignition::pointer::fetched;
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::trees;

/// Debian's engine, which reads up to 3.3, and the newest, which `make conformance` builds.
pub fn engines(minor: u8) -> Vec<&'static str> {
    let old = "ignition-engine-2.14";
    let new = "ignition-engine";
    let mut found = Vec::new();
    if minor <= 3 && oracles::present(old) {
        found.push(old);
    }
    if oracles::conformance(new) {
        found.push(new);
    }
    found
}

/// A scratch root in a folder, with the accounts that names are looked up in.
pub fn root_of(folder: &Path) -> PathBuf {
    let root = folder.join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    for file in ["passwd", "group"] {
        fs::copy(format!("/etc/{file}"), root.join("etc").join(file)).unwrap();
    }
    root
}

/// A web server on the loopback interface that serves folders under a name until it is dropped.
pub struct Served {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    address: std::net::SocketAddr,
    folders: Arc<Mutex<Vec<(String, PathBuf)>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Served {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let folders = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&folders);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if !answer(&stream.unwrap(), &known.lock().unwrap()) {
                    return;
                }
            }
        });
        Self {
            base: format!("http://{address}"),
            address,
            folders,
            thread: Some(thread),
        }
    }

    pub fn folder(&self, name: &str, folder: &Path) {
        let mut folders = self.folders.lock().unwrap();
        folders.push((name.to_owned(), folder.to_owned()));
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(self.address) {
            let _ = stream.write_all(b"QUIT\r\n\r\n");
        }
        self.thread.take().map(thread::JoinHandle::join);
    }
}

/// Answers one request; false for the one that ends the server.
fn answer(stream: &TcpStream, folders: &[(String, PathBuf)]) -> bool {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request).unwrap();
    if request.starts_with("QUIT") {
        return false;
    }
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 2 {
        line.clear();
    }
    let path = request.split_whitespace().nth(1).unwrap_or_default();
    let file = path[1..].split_once('/').and_then(|(name, file)| {
        let (_, folder) = folders.iter().find(|(known, _)| known == name)?;
        fs::read(folder.join(file)).ok()
    });
    let (status, body) = match file {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", Vec::new()),
    };
    let mut writer = stream;
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    writer.write_all(head.as_bytes()).unwrap();
    writer.write_all(&body).unwrap();
    true
}

/// A configuration of a user's that merges both parts.
fn merge_both(folder: &Path) {
    let sources = ["config.ign", "config.secrets.ign"].map(|part| {
        let bytes = fs::read(folder.join(part)).unwrap();
        json!({"source": format!("data:;base64,{}", STANDARD.encode(bytes))})
    });
    let both = json!({"ignition": {"version": "3.0.0", "config": {"merge": sources}}});
    fs::write(folder.join("config.ign"), both.to_string()).unwrap();
}

/// How a configuration comes to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Whole,
    TwoParts,
    Fetched,
    FetchedInParts,
}

impl Way {
    fn settings(self, minor: u8, served: &Served) -> Settings {
        let mut settings = match self {
            Self::Whole => trees::settings(),
            Self::TwoParts => Settings {
                secrets: Secrets::Separate,
                ..trees::settings()
            },
            Self::Fetched => fetched(&served.base, Secrets::Inline),
            Self::FetchedInParts => fetched(&served.base, Secrets::Separate),
        };
        settings.ignition.spec = Some(IgnitionSpec { minor });
        settings
    }
}

/// A configuration of a user's in the oldest specification.
const SITE: &str = r#"{"ignition": {"version": "3.0.0"}, "storage": {
    "files": [{"path": "/etc/site", "mode": 420, "contents": {"source": "data:,site%0A"}}]
}}"#;

#[test]
fn every_spec_makes_the_tree_whichever_way_it_comes() {
    oracles::needs_root();
    let site = UserConfig::read(&"site.ign".into(), SITE, false).unwrap();
    let site: Arc<[Arc<UserConfig>]> = vec![Arc::new(site)].into();
    let ways = [Way::Whole, Way::TwoParts, Way::Fetched, Way::FetchedInParts];
    for minor in 0..=6 {
        for engine in engines(minor) {
            for (way, merges) in ways.iter().flat_map(|way| [(way, false), (way, true)]) {
                let scratch = tempfile::tempdir().unwrap();
                let mut tree = trees::rich(scratch.path());
                if minor == 6 {
                    trees::add_special_bits(&mut tree);
                }
                let mut facts = trees::facts();
                if merges {
                    facts.merges = site.clone();
                }
                let served = Served::new();
                let settings = way.settings(minor, &served);
                let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
                served.folder("gpu-1.example.com", &folder);
                if *way == Way::TwoParts {
                    merge_both(&folder);
                }
                let root = root_of(&folder);
                super::apply(&folder, engine);
                let what = format!("{engine}, 3.{minor}.0, {way:?}, {merges}");
                assert_eq!(trees::differences(&root, &tree, true), [""; 0], "{what}");
                let site = fs::read_to_string(root.join("etc/site")).ok();
                assert_eq!(site.as_deref(), merges.then_some("site\n"), "{what}");
            }
        }
    }
}

/// Files and links are replaced whatever they are in the image; a directory keeps what is in it, and gets our mode.
#[test]
fn what_the_image_has_at_our_paths_is_replaced_and_directories_keep_their_content() {
    oracles::needs_root();
    for engine in engines(0) {
        let scratch = tempfile::tempdir().unwrap();
        let tree = trees::rich(scratch.path());
        let facts = trees::facts();
        let folder = package(
            scratch.path(),
            Format::Ignition,
            &tree,
            &facts,
            &trees::settings(),
        );
        let root = root_of(&folder);
        let at = |path: &str| root.join(path);
        for parent in [
            "etc/nasty/crlf",
            "etc/systemd/system/plain.service.d",
            "opt/links/deep",
            "var/lib/kubelet",
        ] {
            fs::create_dir_all(at(parent)).unwrap();
        }
        // A file and a link to elsewhere where files go, a folder too; a file and a folder where links go.
        fs::write(at("etc/nasty/tabs"), "the image's").unwrap();
        fs::write(at("etc/nasty/crlf/inside"), "the image's").unwrap();
        fs::write(at("etc/victim"), "untouched").unwrap();
        symlink("../victim", at("etc/nasty/jinja")).unwrap();
        fs::write(at("opt/current"), "the image's").unwrap();
        fs::create_dir(at("opt/links/deep/dangling")).unwrap();
        // Units of the image's maker in the administrator's folder.
        fs::write(at("etc/systemd/system/a-kubelet.service"), "old").unwrap();
        symlink("/dev/null", at("etc/systemd/system/z-runtime.service")).unwrap();
        fs::write(at("etc/systemd/system/systemd-timesyncd.service"), "old").unwrap();
        // A directory with something in it.
        fs::write(at("var/lib/kubelet/kept"), "the image's").unwrap();
        fs::set_permissions(at("var/lib/kubelet"), fs::Permissions::from_mode(0o777)).unwrap();
        super::apply(&folder, engine);
        assert_eq!(trees::differences(&root, &tree, true), [""; 0], "{engine}");
        let read = |path: &str| fs::read_to_string(at(path)).unwrap();
        assert_eq!(read("etc/victim"), "untouched");
        assert_eq!(read("var/lib/kubelet/kept"), "the image's");
    }
}

/// We write no label of SELinux: the engine has all that it made relabelled by the image's policy.
#[test]
fn all_that_is_written_is_relabelled() {
    let engine = "ignition-engine-2.14";
    oracles::needs_root();
    oracles::needs([engine]);
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let facts = trees::facts();
    let settings = trees::settings();
    let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
    root_of(&folder);
    super::apply(&folder, engine);
    let said = fs::read_to_string(folder.join("relabelled")).unwrap();
    let prefix = folder.join("root").display().to_string();
    let relabelled: Vec<&str> = said
        .split('\0')
        .map(|path| path.strip_prefix(&prefix).unwrap_or(path))
        .filter(|path| path.len() > 1)
        .collect();
    for at in tree.materialised().keys() {
        let covers = |folder: &&str| {
            let rest = at.as_str().strip_prefix(*folder);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        assert!(relabelled.iter().any(covers), "{at}: {relabelled:?}");
    }
}

/// Users get their number, shell, home, keys, password, and groups of the image.
#[test]
fn users_are_made_with_their_groups_and_keys() {
    oracles::needs_root();
    for engine in engines(0) {
        let scratch = tempfile::tempdir().unwrap();
        let mut users = trees::users().to_vec();
        users[0].groups = vec!["adm".into(), "dialout".into()];
        let password = UserHash {
            user: "core".into(),
            hash: trees::PASSWORD_HASH.into(),
        };
        let facts = NodeFacts {
            users: users.into(),
            passwords: vec![password].into(),
            ..trees::facts()
        };
        let folder = package(
            scratch.path(),
            Format::Ignition,
            &NodeTree::default(),
            &facts,
            &trees::settings(),
        );
        let root = root_of(&folder);
        for file in ["shadow", "gshadow", "login.defs"] {
            fs::copy(format!("/etc/{file}"), root.join("etc").join(file)).unwrap();
        }
        fs::create_dir_all(root.join("var/home")).unwrap();
        super::apply(&folder, engine);
        let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap();
        let core = passwd.lines().find(|line| line.starts_with("core:"));
        let core: Vec<&str> = core.unwrap().split(':').collect();
        let expected = ("1234", "/var/home/core", "/bin/sh");
        assert_eq!((core[2], core[5], core[6]), expected, "{engine}");
        assert!(passwd.contains("\nplain:"), "{passwd}");
        let shadow = fs::read_to_string(root.join("etc/shadow")).unwrap();
        assert!(
            shadow.contains(&format!("\ncore:{}:", trees::PASSWORD_HASH)),
            "{engine}: {shadow}"
        );
        let groups = fs::read_to_string(root.join("etc/group")).unwrap();
        for group in ["adm:", "dialout:"] {
            let line = groups.lines().find(|line| line.starts_with(group));
            assert!(line.unwrap().ends_with("core"), "{engine}: {groups}");
        }
        // Debian's Ignition keeps the keys in a file of its own.
        let ssh = root.join("var/home/core/.ssh");
        let keys = ["authorized_keys.d/ignition", "authorized_keys"];
        let keys = keys.map(|name| fs::read_to_string(ssh.join(name)).unwrap_or_default());
        for key in &facts.users[0].ssh_keys {
            assert!(
                keys.concat().lines().any(|line| line == key),
                "{engine}: {keys:?}"
            );
        }
    }
}
