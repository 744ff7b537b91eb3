//! Reusing nodes of the last bundle.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use nodebake::bundle::{BundleBuilder, Old, OldBundle, SignatureSource};
use nodebake::manifest::BundleKind;
use nodebake::signing::generate_keys;

use super::{NODES, Room, bake_cluster, bake_node, header, load, snapshot};

/// Rebuilds gpu-1 and keeps what can be kept of the others; returns which were kept.
fn rebuild(room: &Room, text: &str) -> Vec<&'static str> {
    let signatures = SignatureSource::Key(room.signer());
    let builder = BundleBuilder::begin(&room.out, header(BundleKind::Bundle), signatures).unwrap();
    let old = match OldBundle::open_verified(&room.out, &room.public).unwrap() {
        Old::Verified(old) => old,
        Old::Unusable(reason) => panic!("{reason}"),
    };
    assert_eq!(old.nodes().len(), NODES.len());
    let mut kept = Vec::new();
    bake_node(&builder, NODES[0], text).unwrap();
    for name in &NODES[1..] {
        if builder.reuse(&old, name).unwrap() {
            kept.push(*name);
        } else {
            bake_node(&builder, name, "one").unwrap();
        }
    }
    assert!(!builder.reuse(&old, "unknown").unwrap());
    bake_cluster(&builder, "one").unwrap();
    builder.finish().unwrap();
    kept
}

#[test]
fn reused_nodes_are_the_same_files_and_the_bundle_is_as_if_made_again() {
    let room = Room::new();
    room.build("one");
    let before = snapshot(&room.out);
    let inode = |path: &str| room.out.join(path).metadata().unwrap().ino();
    let tarball = inode("nodes/node-a/node-a.tar.gz");
    assert_eq!(rebuild(&room, "two"), ["node-a", "node-b"]);
    assert!(room.verify().is_good(), "{}", room.verify());
    assert_eq!(inode("nodes/node-a/node-a.tar.gz"), tarball);
    assert_ne!(
        fs::read(room.out.join("bundle.json")).unwrap(),
        before["bundle.json"].1
    );
    // A mode that somebody changed is put right again.
    let path = room.out.join("nodes/node-b/user-data");
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(rebuild(&room, "one"), ["node-a", "node-b"]);
    assert!(snapshot(&room.out) == before);
}

#[test]
fn a_changed_missing_or_linked_file_is_not_reused() {
    let change: &[fn(&std::path::Path)] = &[
        |file| fs::write(file, "other").unwrap(),
        |file| fs::remove_file(file).unwrap(),
        |file| {
            let aside = file.ancestors().nth(4).unwrap().join("aside");
            fs::rename(file, &aside).unwrap();
            symlink(aside, file).unwrap();
        },
        |file| {
            let mut bytes = fs::read(file).unwrap();
            bytes[3] ^= 1;
            fs::write(file, bytes).unwrap();
        },
    ];
    for change in change {
        let room = Room::new();
        room.build("one");
        let before = snapshot(&room.out);
        change(&room.out.join("nodes/node-a/user-data"));
        assert_eq!(rebuild(&room, "one"), ["node-b"]);
        assert!(snapshot(&room.out) == before);
    }
}

#[test]
fn a_bundle_of_another_key_or_version_is_not_reused() {
    let room = Room::new();
    let reason = |key| match OldBundle::open_verified(&room.out, key).unwrap() {
        Old::Unusable(reason) => reason,
        Old::Verified(_) => panic!("it verified"),
    };
    assert!(reason(&room.public).contains("is not there"));
    room.build("one");
    let foreign = generate_keys(&room.folder.path().join("foreign"))
        .unwrap()
        .key;
    assert!(reason(&foreign).starts_with("SHA256SUMS.sig: "));

    let Old::Verified(old) = OldBundle::open_verified(&room.out, &room.public).unwrap() else {
        panic!("it does not verify");
    };
    let kept = |change: fn(&mut nodebake::bundle::BundleHeader), signatures| {
        let mut header = header(BundleKind::Bundle);
        change(&mut header);
        let builder = BundleBuilder::begin(&room.out, header, signatures).unwrap();
        builder.reuse(&old, "node-a").unwrap()
    };
    let ours = || SignatureSource::Key(load(&room.key("sign.key")));
    assert!(kept(|_| {}, ours()));
    assert!(kept(|header| header.generation = 4, ours()));
    assert!(!kept(|header| header.libraries.clear(), ours()));
    assert!(!kept(|header| header.cluster = "other".into(), ours()));
    // An unsigned build has no tree.sums.sig in it.
    assert!(!kept(|_| {}, SignatureSource::Unsigned));
}
