//! What cloud-init does beside writing files: disks of its own making, what it keeps, and what its schema says of every
//! form.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nodebake::model::output::limits::{Count, Limit, Target};
use nodebake::model::output::{CloudInit, Format, Secrets, Settings};
use nodebake::payload::cloud_init::{Fallback, UserFiles, UserPart, accounts};
use nodebake::payload::{Forms, Job, NodeFacts};
use nodebake::tree::{Content, Entry, NodeTree};

use crate::support::cloud_init::apply_with_disks;
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::trees;

fn with(cloud_init: CloudInit) -> Settings {
    Settings {
        cloud_init,
        ..trees::settings()
    }
}

fn made(at: &Path, tree: &NodeTree, settings: &Settings) -> PathBuf {
    package(at, Format::CloudInit, tree, &trees::facts(), settings)
}

/// What is on a disk of cloud-init's own making.
fn on_disk() -> NodeTree {
    let mut tree = NodeTree::default();
    let mut add = |at: &str, entry| tree.add(trees::path(at), entry).unwrap();
    let file = |mode| Entry::file(Content::bytes("on the disk\n"), mode, trees::origin());
    add("/data/k8s/it's here", file(0o640));
    let mut owned = file(0o6750);
    owned.user.id = 61234;
    owned.user.name = "etcd-x".into();
    add("/data/owned", owned);
    add("/data/lib", Entry::directory(0o711, trees::origin()));
    add(
        "/data/lib/link",
        Entry::symlink("../owned", trees::origin()),
    );
    let secret = Content::bytes("token: abcdef.0123456789abcdef\n");
    add("/data/token", Entry::secret_file(secret, trees::origin()));
    tree
}

#[test]
fn files_wait_for_disks_that_cloud_init_makes() {
    let modules = oracles::cloud_init_in_chroot();
    let scratch = tempfile::tempdir().unwrap();
    let late = on_disk();
    let early = trees::rich(scratch.path());
    let mut both = early.clone();
    for (path, entry) in late.entries() {
        // The rich tree declares the folder itself, which is there before its disk.
        both.add(path.clone(), entry.clone()).unwrap();
    }
    let mounted = trees::path("/data/one two");
    let early = {
        let mut tree = early;
        tree.remove(&mounted).unwrap();
        tree
    };
    let settings = with(CloudInit {
        mounts: vec![trees::path("/data")],
        ..CloudInit::default()
    });
    let folder = made(scratch.path(), &both, &settings);
    let user_data = folder.join("user-data");
    let text = fs::read_to_string(&user_data).unwrap();
    assert!(!text.contains("- path: \"/data") && !text.contains("- path: /data"));
    let root = apply_with_disks(&folder, &user_data, &modules, "/data");
    assert_eq!(trees::differences(&root, &early, true), [""; 0]);
    let disks = root.join(".oracle/disks");
    assert_eq!(trees::differences(&disks, &late, true), [""; 0]);
    // Below the disk nothing was hidden, and nothing waits any more.
    assert!(fs::read_dir(root.join("data")).unwrap().next().is_none());
    let waiting = walkdir::WalkDir::new(root.join("run/nodebake"));
    let waiting = waiting.into_iter().map(Result::unwrap);
    assert_eq!(
        waiting.filter(|entry| entry.file_type().is_file()).count(),
        0
    );
    // Without the word they are written early, and the disk hides them.
    let folder = made(scratch.path(), &late, &trees::settings());
    let root = apply_with_disks(&folder, &folder.join("user-data"), &modules, "");
    assert_eq!(trees::differences(&root, &late, true), [""; 0]);
}

#[test]
fn cloud_init_forgets_where_it_is_told_to() {
    let modules = oracles::cloud_init_in_chroot();
    let scratch = tempfile::tempdir().unwrap();
    let tree = on_disk();
    let kept = |forget| {
        let settings = with(CloudInit {
            forget,
            ..CloudInit::default()
        });
        let folder = made(scratch.path(), &tree, &settings);
        let root = apply_with_disks(&folder, &folder.join("user-data"), &modules, "");
        let all = walkdir::WalkDir::new(root.join("var/lib/cloud"));
        let files = all.into_iter().map(Result::unwrap);
        let files = files.filter(|entry| entry.file_type().is_file());
        let holds = |entry: &walkdir::DirEntry| {
            let bytes = fs::read(entry.path()).unwrap();
            String::from_utf8_lossy(&bytes).contains("0123456789abcdef")
        };
        let disabled = root.join("etc/cloud/cloud-init.disabled").exists();
        (files.filter(holds).count(), disabled)
    };
    assert_eq!(kept(false), (4, false));
    assert_eq!(kept(true), (0, true));
}

/// user-data as `cloud-init schema` of that version reads it: unpacked.
fn unpacked(file: &Path) -> Vec<u8> {
    let bytes = fs::read(file).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..])
        .read_to_end(&mut plain)
        .unwrap();
    plain
}

#[test]
fn the_schema_has_nothing_against_any_form() {
    oracles::needs(["cloud-init"]);
    let scratch = tempfile::tempdir().unwrap();
    let mut tree = trees::rich(scratch.path());
    for (path, entry) in on_disk().entries() {
        tree.add(path.clone(), entry.clone()).unwrap();
    }
    let facts = NodeFacts {
        users: trees::users(),
        ..trees::facts()
    };
    let settings = |max_bytes| {
        with(CloudInit {
            target: Target::Other(Limit {
                max_bytes,
                count: Count::Raw,
            }),
            url: Some("https://boot.example.com/{node}".into()),
            mounts: vec![trees::path("/data")],
            forget: true,
            ..CloudInit::default()
        })
    };
    let tried = settings(10_000);
    let job = Job {
        tree: &tree,
        facts: &facts,
        settings: &tried,
    };
    let account = accounts(&job, &Forms::default()).unwrap().remove(0);
    let mut documents: Vec<(Fallback, PathBuf)> = Vec::new();
    for step in account.steps {
        let settings = settings(step.counted.unwrap());
        let folder = package(scratch.path(), Format::CloudInit, &tree, &facts, &settings);
        documents.push((step.fallback, folder.join("user-data")));
    }
    let apart = Settings {
        secrets: Secrets::Separate,
        ..settings(1 << 30)
    };
    let folder = package(scratch.path(), Format::CloudInit, &tree, &facts, &apart);
    for part in ["user-data", "user-data.secrets"] {
        documents.push((Fallback::Plain, folder.join(part)));
    }
    for (fallback, file) in documents {
        let plain = file.with_extension("plain");
        fs::write(&plain, unpacked(&file)).unwrap();
        let name = plain.to_str().unwrap();
        let args = ["schema", "--annotate", "-c", name];
        let output = oracles::run(scratch.path(), "cloud-init", &args);
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(
            said,
            format!("Valid cloud-config: {name}\n"),
            "{fallback:?}"
        );
    }
}

#[test]
fn a_part_with_a_secret_closes_the_documents() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::tempdir().unwrap();
    for (secret, mode) in [(true, 0o600), (false, 0o644)] {
        let part = UserPart::new("x.sh", "#!/bin/sh\n".into(), secret).unwrap();
        let facts = NodeFacts {
            user_files: Arc::new(UserFiles {
                parts: vec![Arc::new(part)],
                vendor_data: None,
            }),
            ..trees::facts()
        };
        let tree = NodeTree::default();
        let settings = with(CloudInit {
            seed_iso: true,
            ..CloudInit::default()
        });
        let folder = package(scratch.path(), Format::CloudInit, &tree, &facts, &settings);
        for name in ["user-data", "seed.iso"] {
            let seen = fs::metadata(folder.join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(seen & 0o777, mode, "{name}");
        }
    }
}

/// The tree with disks of its own making, users and every form that needs no server, by cloud-init 20.4: what came
/// later (`defer`, newer keys) is not used.
#[test]
fn the_oldest_cloud_init_makes_the_tree_of_every_form() {
    let modules = oracles::old_cloud_init_modules();
    oracles::needs_chroot();
    let scratch = tempfile::tempdir().unwrap();
    let (mut both, late) = (trees::rich(scratch.path()), on_disk());
    for (path, entry) in late.entries() {
        both.add(path.clone(), entry.clone()).unwrap();
    }
    both.remove(&trees::path("/data/one two")).unwrap();
    let facts = NodeFacts {
        users: trees::users(),
        ..trees::facts()
    };
    let mut forms = Vec::new();
    for max_bytes in [1 << 30, 200_000, 30_000] {
        let settings = with(CloudInit {
            target: Target::Other(Limit {
                max_bytes,
                count: Count::Raw,
            }),
            mounts: vec![trees::path("/data")],
            ..CloudInit::default()
        });
        let folder = package(scratch.path(), Format::CloudInit, &both, &facts, &settings);
        let user_data = folder.join("user-data");
        forms.push(fs::read(&user_data).unwrap().len());
        let root = apply_with_disks(&folder, &user_data, &modules, "/data");
        let mut early = both.clone();
        for path in late.entries().keys() {
            early.remove(path).unwrap();
        }
        assert_eq!(trees::differences(&root, &early, true), [""; 0]);
        let disks = root.join(".oracle/disks");
        assert_eq!(trees::differences(&disks, &late, true), [""; 0]);
        let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap();
        let core = passwd.lines().find(|line| line.starts_with("core:"));
        assert_eq!(core.unwrap().split(':').nth(2), Some("1234"), "{passwd}");
    }
    assert!(forms[0] > forms[1] && forms[1] > forms[2], "{forms:?}");
}
