//! `output.credential`: the secrets as the credential `tmpfiles.extra`, obeyed by the real systemd-tmpfiles.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nodebake::model::output::{Format, Settings};
use nodebake::model::{NodePath, Owner};
use nodebake::payload::{Job, credential};
use nodebake::tree::{Content, Entry, NodeTree, Origin};

use crate::support::fixture::{Project, text};
use crate::support::oracles;
use crate::support::trees;

fn settings() -> Settings {
    Settings {
        formats: vec![Format::Tarball],
        credential: true,
        ..trees::settings()
    }
}

/// Secrets whose paths, modes, owners and contents are all unusual.
fn tree() -> NodeTree {
    let origin = || Origin("test".into());
    let mut tree = NodeTree::default();
    let secret = |content: &[u8], mode: u32, id: u32| {
        let mut entry = Entry::secret_file(Content::bytes(content), origin());
        entry.mode = mode;
        entry.user = Owner {
            id,
            name: format!("user-{id}").into(),
        };
        entry
    };
    let entries = [
        ("/etc/a b/100% \"sure\" \\x", secret(b"one\ntwo", 0o600, 0)),
        (
            "/etc/a b/\u{e9}",
            secret(&[0, 255, b'\n', b'%', b'h'], 0o440, 1234),
        ),
        ("/var/empty", secret(b"", 0o400, 0)),
        ("/etc/a b", Entry::directory(0o710, origin())),
        (
            "/etc/public",
            Entry::file(Content::bytes("p"), 0o644, origin()),
        ),
    ];
    for (path, entry) in entries {
        tree.add(NodePath::parse(path).unwrap(), entry).unwrap();
    }
    tree
}

fn write(tree: &NodeTree) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (facts, settings) = (trees::facts(), settings());
    let job = Job {
        tree,
        facts: &facts,
        settings: &settings,
    };
    assert_eq!(credential::check(&job), []);
    credential::package(&job, &mut trees::Folder(folder.path().to_owned())).unwrap();
    fs::read(folder.path().join(credential::NAME)).unwrap()
}

#[test]
fn systemd_makes_the_secrets_of_it() {
    oracles::needs_root();
    oracles::needs(["systemd-tmpfiles"]);
    let scratch = tempfile::tempdir().unwrap();
    let (root, given) = (scratch.path().join("root"), scratch.path().join("given"));
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::create_dir(&given).unwrap();
    // What was there before, and open to all, is written again.
    fs::create_dir(root.join("var")).unwrap();
    fs::write(root.join("var/empty"), "old").unwrap();
    let tree = tree();
    fs::write(given.join(credential::NAME), write(&tree)).unwrap();
    let at_root = format!("--root={}", root.display());
    for _ in ["first boot", "second boot"] {
        let output = oracles::command(scratch.path(), "systemd-tmpfiles")
            .env("CREDENTIALS_DIRECTORY", &given)
            .args([&*at_root, "--create", "--boot", "--remove"])
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
        for (path, entry) in tree.secrets().entries() {
            let at = root.join(path.relative());
            let seen = at.symlink_metadata().unwrap();
            assert_eq!(seen.permissions().mode() & 0o7777, entry.mode, "{path}");
            assert_eq!(
                (seen.uid(), seen.gid()),
                (entry.user.id, entry.group.id),
                "{path}"
            );
            if let nodebake::tree::EntryKind::File(content) = &entry.kind {
                let mut expected = Vec::new();
                content.copy_to(&mut expected).unwrap();
                assert_eq!(fs::read(&at).unwrap(), expected, "{path}");
            }
        }
        assert!(!root.join("etc/public").exists());
    }
}

#[test]
fn it_is_written_where_it_is_asked_for_and_closed() {
    let project = Project::of("reference");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        inventory.replace("secrets: inline", "formats: [tarball], credential: true"),
    )
    .unwrap();
    project.good(&["build"]);
    let at = project.out().join("nodes/zhangjun-k8s-01/tmpfiles.extra");
    let mode = at.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let said = fs::read_to_string(at).unwrap();
    assert!(said.starts_with("f+~ \"/etc/kubernetes/"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

/// One byte more than systemd takes.
#[test]
fn what_systemd_would_not_take_is_said_at_build() {
    let project = Project::of("reference");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let with = |bytes: usize| {
        fs::write(project.dir.join("big"), vec![b'x'; bytes]).unwrap();
        let asked =
            "formats: [tarball], credential: true}\nfiles: {/b: {source: big, secret: true}";
        let text = inventory.replace("secrets: inline", asked);
        fs::write(&file, text).unwrap();
        project.run(&["build"])
    };
    let rest = {
        assert!(with(3).status.success());
        let at = project.out().join("nodes/zhangjun-k8s-01/tmpfiles.extra");
        at.metadata().unwrap().len() as usize - 4
    };
    let room = (1024 * 1024 - rest) / 4 * 3;
    assert!(with(room).status.success());
    let output = with(room + 1);
    let said = text(&output.stderr) + &text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("cluster.yaml") && said.contains("systemd takes 1048576 at most"),
        "{said}"
    );
}
