//! That secrets.yaml is the same text to other readers, survives whatever happens to its writers, and is nobody's to
//! read but its owner's.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nodebake::identity::{Auth, BOOTSTRAP_USER, Kubeconfig};
use nodebake::report::Report;
use nodebake::secrets::{Keys, StoreLock, TokenStore, TokenTerms};
use time::macros::datetime;

use crate::identity::kubeconfig::token;
use crate::kubernetes::cluster::documents;
use crate::support::fixture::text;
use crate::support::harness::{self, CHILD};
use crate::support::oracles;
use crate::support::reason::Reason;
use crate::support::tool::{self, IDENTITY};

const FOLDER: &str = "NODEBAKE_TEST_FOLDER";
const PREFIX: &str = "NODEBAKE_TEST_PREFIX";
const COUNT: &str = "NODEBAKE_TEST_COUNT";
const SEALED: &str = "NODEBAKE_TEST_SEALED";

fn terms(description: &str) -> TokenTerms<'_> {
    TokenTerms {
        ttl: Duration::from_secs(3600),
        now: datetime!(2026-11-24 15:00 UTC),
        boot_within: Duration::ZERO,
        force: false,
        description,
    }
}

/// The secrets file of a test: plain, or encrypted for the one who has the identity beside it.
struct Place {
    folder: tempfile::TempDir,
    encrypted: bool,
}

impl Place {
    /// None where age is missing, which is said.
    fn new(encrypted: bool) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if encrypted {
            if !cfg!(feature = "age") {
                harness::not_asked(Reason::Machine("needs the feature age".to_owned()));
                return None;
            }
            if !oracles::present("age-keygen") {
                return None;
            }
            oracles::content(folder.path(), "age-keygen", &["-o", IDENTITY]);
        }
        Some(Self { folder, encrypted })
    }

    fn file(&self) -> PathBuf {
        secrets_file(self.folder.path(), self.encrypted)
    }

    /// How many tokens there are; the file must be whole.
    fn count(&self) -> usize {
        let mut report = Report::default();
        let keys = keys(self.folder.path(), self.encrypted);
        let store = TokenStore::load(&self.file(), "secrets.yaml", &keys, &mut report);
        let store = store.unwrap().unwrap();
        assert!(report.is_empty(), "{report}");
        assert_eq!(store.is_encrypted(), self.encrypted);
        store.count()
    }

    /// No token's secret is in the clear beside an encrypted file, whatever became of its writer.
    fn assert_no_clear_text(&self) {
        for entry in fs::read_dir(&self.folder).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let clear = String::from_utf8_lossy(&bytes).contains("secret:");
            assert!(!clear || !self.encrypted, "{}", path.display());
        }
    }
}

fn secrets_file(folder: &Path, encrypted: bool) -> PathBuf {
    folder.join(if encrypted {
        "secrets.yaml.age"
    } else {
        "secrets.yaml"
    })
}

fn keys(folder: &Path, encrypted: bool) -> Keys {
    let mut keys = Keys::default();
    if encrypted {
        let text = fs::read_to_string(folder.join(IDENTITY)).unwrap();
        let public = text
            .lines()
            .find_map(|line| line.strip_prefix("# public key: "));
        keys.add_recipient(public.unwrap()).unwrap();
        keys.add_identities(&text).unwrap();
    }
    keys
}

/// The name of the process that the tests below start several times over, and kill.
pub const WRITER: &str = "tokens writer";

/// What that process does.
pub fn a_writer() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let folder = Path::new(&folder);
    let encrypted = std::env::var_os(SEALED).is_some();
    let (path, keys) = (secrets_file(folder, encrypted), keys(folder, encrypted));
    let prefix = std::env::var(PREFIX).unwrap();
    let count: usize = std::env::var(COUNT).unwrap().parse().unwrap();
    for round in 0..count {
        let mut report = Report::default();
        let lock = StoreLock::acquire(&path).unwrap();
        let mut store = lock.load("secrets.yaml", &keys, &mut report).unwrap();
        assert!(report.is_empty(), "{report}");
        let node = format!("{prefix}-{round}");
        store.create([node.as_str()], &terms("x")).unwrap();
        lock.save(&store, &keys).unwrap();
    }
}

fn start_writer(place: &Place, umask: &str, prefix: &str, count: usize) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("umask {umask}; exec \"$0\"")])
        .arg(program)
        .env(CHILD, WRITER)
        .env(FOLDER, place.folder.path())
        .env(PREFIX, prefix)
        .env(COUNT, count.to_string())
        .stdout(Stdio::null());
    if place.encrypted {
        shell.env(SEALED, "1");
    }
    shell.spawn().unwrap()
}

#[test]
fn programs_at_the_same_time_lose_no_token_and_the_umask_changes_nothing() {
    for place in [false, true].into_iter().filter_map(Place::new) {
        let writers = ["000", "077", "777"].map(|umask| start_writer(&place, umask, umask, 15));
        for mut writer in writers {
            assert!(writer.wait().unwrap().success());
        }
        assert_eq!(place.count(), 45);
        let mode = fs::metadata(place.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        place.assert_no_clear_text();
    }
}

#[test]
fn a_killed_writer_leaves_a_whole_file() {
    for place in [false, true].into_iter().filter_map(Place::new) {
        let mut known = 0;
        for round in 0..12 {
            let mut writer = start_writer(&place, "022", &format!("r{round}"), usize::MAX);
            // Once it has written something, it is killed at another moment each time.
            let started = Instant::now();
            while !place.file().exists() || place.count() == known {
                assert!(
                    started.elapsed() < Duration::from_secs(60),
                    "the writer writes nothing"
                );
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(700 * round));
            writer.kill().unwrap();
            assert_eq!(writer.wait().unwrap().signal(), Some(9));
            let now = place.count();
            assert!(now > known, "{now} tokens after {known}");
            known = now;
            place.assert_no_clear_text();
        }
    }
}

fn load(path: &Path) -> TokenStore {
    let mut report = Report::default();
    let store = TokenStore::load(path, "secrets.yaml", &Keys::default(), &mut report)
        .unwrap()
        .unwrap();
    assert!(report.is_empty(), "{report}");
    store
}

#[test]
fn the_file_is_the_same_strings_to_other_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.yaml");
    let lock = StoreLock::acquire(&path).unwrap();
    let mut store = TokenStore::new("secrets.yaml");
    let description = "{node}: \"yes\" \\ \u{1} \u{7f}\u{85}\u{2028}\u{feff} é \u{1f511}\n\t#";
    let nodes = [
        "1e3",
        "no",
        "0644",
        "12:30:45",
        "gpu-1.example.com",
        "~",
        "2026-11-24",
    ];
    store.create(nodes, &terms(description)).unwrap();
    lock.save(&store, &Keys::default()).unwrap();
    let theirs = documents(folder.path(), &fs::read_to_string(&path).unwrap());
    let theirs = &theirs[0];
    assert_eq!(theirs["apiVersion"], "nodebake/v1");
    assert_eq!(theirs["kind"], "Secrets");
    assert_eq!(theirs["tokens"].as_object().unwrap().len(), nodes.len());
    for (node, tokens) in load(&path).iter() {
        let token = &tokens[0];
        let expected = serde_json::json!({
            "id": token.id,
            "secret": token.secret.expose(),
            "epoch": 1,
            "created": "2026-11-24T15:00:00Z",
            "expires": "2026-11-24T16:00:00Z",
            "description": description.replace("{node}", node),
        });
        assert_eq!(theirs["tokens"][node][0], expected);
    }
}

#[test]
fn debug_shows_no_secret_of_anything() {
    let token = token("abcdef", "0123456789abcdef");
    let folder = tempfile::tempdir().unwrap();
    let lock = StoreLock::acquire(&folder.path().join("secrets.yaml")).unwrap();
    let mut store = TokenStore::new("secrets.yaml");
    let created = store.create(["a"], &terms("x")).unwrap();
    let kubeconfig = Kubeconfig::new("c", "https://a:1", b"ca", BOOTSTRAP_USER);
    let content = nodebake::tree::Content::bytes(kubeconfig.render(&Auth::Token(&token)));
    let shown = format!("{token:?} {store:#?} {created:?} {lock:?} {kubeconfig:?} {content:?}");
    assert!(
        shown.contains("abcdef") && shown.contains(&created[0].id),
        "{shown}"
    );
    for secret in [
        token.secret.expose(),
        store.newest("a").unwrap().secret.expose(),
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

fn nodebake(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = tool::nodebake(folder, args).run();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn the_token_commands_create_once_and_list_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = "apiVersion: nodebake/v1\nkind: Cluster\nname: kubernetes\nkubernetes: v1.16.6\n\
                     apiServer: {url: 'https://10.0.0.1:6443', ca: pki/ca.pem}\nprofiles: [by-hand]\n\
                     nodes: [{name: a, addresses: [10.0.0.2]}, {name: gpu-1.example.com, addresses: [10.0.0.3]}]\n";
    fs::write(folder.path().join("cluster.yaml"), inventory).unwrap();
    let create =
        |args: &[&str]| nodebake(folder.path(), &[&["token", "create", "."], args].concat());
    let (exit, said, complaint) = create(&["gpu-2.example.com"]);
    assert_eq!(exit, Some(1), "{said}{complaint}");
    assert!(
        complaint.contains("did you mean gpu-1.example.com?"),
        "{complaint}"
    );
    let (exit, said, complaint) = create(&["-o", "json"]);
    assert_eq!(exit, Some(0), "{complaint}");
    let created: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(created.as_array().unwrap().len(), 2, "{said}");
    assert_eq!(
        create(&[]).1,
        "every node has a good token; nothing was created\n"
    );

    let path = folder.path().join("secrets.yaml");
    let store = load(&path);
    let secret = store.newest("a").unwrap().secret.expose();
    let (_, table, _) = nodebake(folder.path(), &["token", "list"]);
    let columns = "TOKEN             TTL       EXPIRES                USAGES           DESCRIPTION";
    assert!(table.starts_with(columns), "{table}");
    assert!(
        table.contains(created[0]["id"].as_str().unwrap()) && !table.contains(secret),
        "{table}"
    );
    assert!(
        nodebake(folder.path(), &["token", "list", "--reveal"])
            .1
            .contains(secret)
    );

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let (exit, said, complaint) = create(&[]);
    assert_eq!((exit, said.as_str()), (Some(3), ""), "{complaint}");
    assert!(
        complaint.contains("secrets.yaml: others may read"),
        "{complaint}"
    );
}
