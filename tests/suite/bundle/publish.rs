//! Putting a bundle in its place: killed at any moment, raced, refused, on other file systems, under any umask.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use nodebake::bundle::{BundleBuilder, SignatureSource};
use nodebake::manifest::BundleKind;
use nodebake::payload::{Destination, Output};

use super::child::child;
use super::{Room, bake, bake_node, header, says, snapshot};
use crate::support::oracles;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn whenever_it_is_killed_what_is_there_verifies() {
    let room = Room::new();
    let (mut seen, mut turn) = (0, 0);
    // On a busy machine a bundle takes longer: the kills come later and later, until enough of them find one.
    while turn < 60 || seen <= 10 {
        assert!(turn < 600, "only {seen} turns came to a bundle");
        turn += 1;
        let ready = room.folder.path().join("ready");
        let _ = fs::remove_file(&ready);
        let mut process = child(&room, "forever", "exec \"$@\"").spawn().unwrap();
        while !ready.exists() {
            assert!(process.try_wait().unwrap().is_none(), "the child has ended");
            sleep(Duration::from_micros(200));
        }
        sleep(Duration::from_micros(turn * 1500));
        process.kill().unwrap();
        process.wait().unwrap();
        if room.out.exists() {
            let verdict = room.verify();
            assert!(verdict.is_good(), "turn {turn}:\n{verdict}");
            seen += 1;
        }
    }
    fs::remove_file(room.folder.path().join("ready")).unwrap();
    room.build("after all");
    assert!(room.verify().is_good());
    assert_eq!(names(room.folder.path()), ["keys", "out"]);
}

#[test]
fn the_umask_does_not_show() {
    let room = Room::new();
    room.build("same");
    let before = snapshot(&room.out);
    for umask in ["000", "077", "022", "027"] {
        let setup = format!("umask {umask}; exec \"$@\"");
        let fresh = if umask == "000" {
            "rm -r \"$NODEBAKE_TEST_OUT\"; "
        } else {
            ""
        };
        let done = child(&room, "same", &format!("{fresh}{setup}"))
            .status()
            .unwrap();
        assert!(done.success(), "{umask}");
        assert!(snapshot(&room.out) == before, "{umask}");
    }
}

#[test]
fn two_builds_at_once_do_not_mix() {
    let room = Room::new();
    let signatures = || SignatureSource::Key(room.signer());
    let first = BundleBuilder::begin(&room.out, header(BundleKind::Bundle), signatures()).unwrap();
    let error = bake(&room.out, signatures(), "two").unwrap_err();
    assert!(error.to_string().contains("another nodebake"), "{error}");
    drop(first);
    assert_eq!(names(room.folder.path()), ["keys"]);

    let mut children: Vec<_> = (0..4)
        .map(|turn| {
            let mut command = child(&room, &format!("racer {turn}"), "exec \"$@\"");
            command.stderr(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    let good = children
        .iter_mut()
        .filter_map(|process| process.wait().unwrap().success().then_some(()))
        .count();
    assert!(good > 0);
    assert!(room.verify().is_good());
    assert_eq!(names(room.folder.path()), ["keys", "out"]);
}

#[test]
fn what_is_not_ours_is_never_touched() {
    type Prepare = fn(&Room);
    let cases: &[(&str, Prepare)] = &[
        ("not a folder", |room| fs::write(&room.out, "mine").unwrap()),
        ("symbolic link", |room| {
            fs::rename(&room.out, room.folder.path().join("real")).unwrap();
            symlink("real", &room.out).unwrap();
        }),
        ("symbolic link", |room| {
            symlink("nowhere", &room.out).unwrap()
        }),
        ("did not write", |room| {
            fs::create_dir(&room.out).unwrap();
            fs::write(room.out.join("thesis.txt"), "mine").unwrap();
        }),
        ("did not write", |room| {
            fs::write(room.out.join("notes"), "mine").unwrap()
        }),
        ("bundle.json", |room| {
            fs::create_dir_all(room.out.join("nodes/mine")).unwrap();
        }),
        ("bundle.json", |room| {
            fs::remove_file(room.out.join("bundle.json")).unwrap()
        }),
        ("bundle.json", |room| {
            fs::create_dir(&room.out).unwrap();
            fs::write(room.out.join("bundle.json"), "{\"kind\": \"Bundle\"}").unwrap();
        }),
        ("not a Bundle", |room| {
            let header = header(BundleKind::TreeBundle);
            let builder =
                BundleBuilder::begin(&room.out, header, SignatureSource::Unsigned).unwrap();
            builder.finish().unwrap();
        }),
    ];
    for (index, (word, prepare)) in cases.iter().enumerate() {
        let room = Room::new();
        if [1, 4, 6].contains(&index) {
            room.build("old");
        }
        prepare(&room);
        let before = snapshot(room.folder.path());
        let error = bake(&room.out, SignatureSource::Key(room.signer()), "new").unwrap_err();
        assert!(error.to_string().contains(word), "{word}: {error}");
        assert!(snapshot(room.folder.path()) == before, "{word}");
    }
}

/// Replacing a bundle would delete what somebody else has put into it: it is named, wherever it is.
#[test]
fn a_foreign_file_keeps_the_bundle_however_deep_it_is() {
    type Put = fn(&Path);
    let cases: &[(&str, Put)] = &[
        ("\"nodes/node-a/notes.txt\"", |out| {
            fs::write(out.join("nodes/node-a/notes.txt"), "mine").unwrap();
        }),
        ("\"nodes/node-a/user-data~\"", |out| {
            fs::write(out.join("nodes/node-a/user-data~"), "mine").unwrap();
        }),
        ("\"nodes/node-a/deep\"", |out| {
            fs::create_dir_all(out.join("nodes/node-a/deep/er")).unwrap();
        }),
        ("\"nodes/node-z\"", |out| {
            fs::create_dir(out.join("nodes/node-z")).unwrap();
        }),
        ("\"nodes/node-a/link\"", |out| {
            symlink("user-data", out.join("nodes/node-a/link")).unwrap();
        }),
        ("\"nodes/link\"", |out| {
            symlink("node-a", out.join("nodes/link")).unwrap();
        }),
        ("\"nodes/node-a/\\xFF\"", |out| {
            let name = std::os::unix::ffi::OsStrExt::from_bytes(b"nodes/node-a/\xff");
            fs::write(out.join::<&std::ffi::OsStr>(name), "mine").unwrap();
        }),
        (" and 7 more", |out| {
            for index in 0..12 {
                fs::write(out.join(format!("nodes/{index}")), "mine").unwrap();
            }
        }),
    ];
    for (word, put) in cases {
        let room = Room::new();
        room.build("old");
        put(&room.out);
        let before = snapshot(room.folder.path());
        let error = bake(&room.out, SignatureSource::Key(room.signer()), "new").unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(word) && error.contains("did not write"),
            "{word}: {error}"
        );
        assert!(snapshot(room.folder.path()) == before, "{word}");
        // Without SHA256SUMS, bundle.json says what is the bundle's.
        fs::remove_file(room.out.join("SHA256SUMS")).unwrap();
        let error = bake(&room.out, SignatureSource::Key(room.signer()), "new").unwrap_err();
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    // What is listed is the bundle's, changed or not, or replaced by a link.
    let room = Room::new();
    room.build("old");
    fs::write(room.out.join("nodes/node-a/user-data"), "changed").unwrap();
    fs::remove_file(room.out.join("nodes/node-a/tree.json")).unwrap();
    symlink("tree.sums", room.out.join("nodes/node-a/tree.json")).unwrap();
    fs::remove_file(room.out.join("index.json")).unwrap();
    room.build("new");
    assert!(room.verify().is_good());
}

#[test]
fn a_foreign_file_that_comes_during_the_build_stays() {
    let room = Room::new();
    room.build("old");
    let signatures = SignatureSource::Key(room.signer());
    let builder = BundleBuilder::begin(&room.out, header(BundleKind::Bundle), signatures).unwrap();
    bake_node(&builder, "node-a", "new").unwrap();
    let notes = room.out.join("nodes/node-a/notes.txt");
    fs::write(&notes, "mine").unwrap();
    let error = builder.finish().unwrap_err();
    assert!(error.to_string().contains("notes.txt"), "{error}");
    assert_eq!(fs::read_to_string(&notes).unwrap(), "mine");
    fs::remove_file(notes).unwrap();
    assert!(room.verify().is_good());
    assert_eq!(names(room.folder.path()), ["keys", "out"]);
}

#[test]
fn an_empty_or_absent_folder_and_an_old_bundle_are_fine() {
    let room = Room::new();
    fs::create_dir(&room.out).unwrap();
    room.build("one");
    room.build("two");
    assert!(room.verify().is_good());
    bake(
        &room.folder.path().join("new/deep/out"),
        SignatureSource::Unsigned,
        "x",
    )
    .unwrap();
    assert_eq!(names(room.folder.path()), ["keys", "new", "out"]);
    // An unsigned one replaces a signed one and does not pass for it.
    let finished = bake(&room.out, SignatureSource::Unsigned, "two").unwrap();
    assert!(!finished.signed);
    assert_eq!(room.verify().problems[0].rule, "the bundle is not signed");
}

#[test]
fn a_build_that_fails_leaves_the_old_bundle_and_nothing_beside_it() {
    let room = Room::new();
    room.build("old");
    let before = snapshot(room.folder.path());
    let begin = || {
        BundleBuilder::begin(
            &room.out,
            header(BundleKind::Bundle),
            SignatureSource::Key(room.signer()),
        )
        .unwrap()
    };
    let builder = begin();
    bake_node(&builder, "node-a", "new").unwrap();
    let mut folder = builder.node("node-b", says("node-b")).unwrap();
    let error = folder
        .file(Destination::Secret, "user-data", &mut |_| {
            anyhow::bail!("rendering: no")
        })
        .unwrap_err();
    let chain = nodebake::error::one_line(&error);
    assert_eq!(chain, "writing nodes/node-b/user-data: rendering: no");
    drop(folder);
    let error = builder.finish().unwrap_err();
    assert!(error.to_string().contains("not finished"), "{error}");
    let builder = begin();
    let error = builder
        .node("node-c", says("node-c"))
        .unwrap()
        .finish()
        .unwrap_err();
    assert!(error.to_string().contains("no tree"), "{error}");
    drop(builder);
    assert!(snapshot(room.folder.path()) == before);
}

#[test]
fn names_that_leave_the_bundle_are_refused() {
    let room = Room::new();
    let builder = BundleBuilder::begin(
        &room.out,
        header(BundleKind::Bundle),
        SignatureSource::Unsigned,
    )
    .unwrap();
    for name in ["", ".", "..", "a/b", "/a", "a\nb", "a\\b"] {
        assert!(builder.node(name, says("x")).is_err(), "{name:?}");
        let mut folder = builder.node(&format!("n{}", name.len()), says("x"));
        if let Ok(folder) = &mut folder {
            assert!(
                folder
                    .file(Destination::Node, name, &mut |_| Ok(()))
                    .is_err(),
                "{name:?}"
            );
        }
        let path = format!("cluster/{name}");
        if name != "a/b" {
            assert!(
                builder.file(&path, false, &mut |_| Ok(())).is_err(),
                "{path:?}"
            );
        }
    }
    for path in [
        "bundle.json",
        "SHA256SUMS",
        "nodes/a/b",
        "/etc/x",
        "other/x",
    ] {
        assert!(
            builder.file(path, false, &mut |_| Ok(())).is_err(),
            "{path}"
        );
    }
    let mut folder = builder.node("node", says("x")).unwrap();
    for name in ["tree.json", "tree.sums", "tree.sums.sig"] {
        assert!(
            folder
                .file(Destination::Node, name, &mut |_| Ok(()))
                .is_err(),
            "{name}"
        );
    }
    assert!(
        builder.node("node", says("x")).is_err(),
        "a second folder for one node"
    );
}

#[test]
fn a_tmpfs_exchanges_folders_too() {
    let shared = Path::new("/dev/shm");
    let folder = tempfile::tempdir_in(shared).unwrap();
    let room = Room::at(folder);
    room.build("one");
    let first = room.out.metadata().unwrap().ino();
    room.build("two");
    assert!(room.verify().is_good());
    assert_ne!(room.out.metadata().unwrap().ino(), first);
}

/// How a process gets mounts of its own: root may, others need a user namespace (`-r`), where a system lets them.
fn mounting(room: &Room) -> &'static str {
    oracles::needs(["unshare"]);
    let may = |how: &&str| {
        let line = format!("mount -t tmpfs none {}", room.folder.path().display());
        oracles::run(Path::new("/"), "unshare", &[how, "sh", "-c", &line])
            .status
            .success()
    };
    let how = ["-m", "-rm"].into_iter().find(may);
    how.unwrap_or_else(|| oracles::cannot("needs leave to mount"))
}

#[test]
fn a_mount_point_is_filled_in_place() {
    let room = Room::new();
    let how = mounting(&room);
    fs::create_dir(&room.out).unwrap();
    let setup = format!(
        "exec unshare {how} sh -c '
        mount -t tmpfs none \"$NODEBAKE_TEST_OUT\" && exec \"$@\"' sh \"$@\""
    );
    assert!(child(&room, "twice", &setup).status().unwrap().success());
    assert_eq!(names(room.folder.path()), ["keys", "out"]);
}

#[test]
fn a_lower_layer_of_an_overlay_is_filled_in_place() {
    let room = Room::new();
    let how = mounting(&room);
    // The folder is in the image's own layer, as in a container: it can be neither renamed nor exchanged.
    room.build("in the image");
    let setup = format!(
        "exec unshare {how} sh -c '
        here=$(dirname \"$NODEBAKE_TEST_OUT\") &&
        mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work &&
        mount -t overlay o -o lowerdir=\"$here\",upperdir=/mnt/upper,workdir=/mnt/work \"$here\" &&
        cd \"$here\" && exec \"$@\"' sh \"$@\""
    );
    assert!(child(&room, "twice", &setup).status().unwrap().success());
    assert!(room.verify().is_good(), "the lower layer is as it was");
}
