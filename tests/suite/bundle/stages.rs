//! External signers: trees first, signed by openssl, then payloads; and bundles that are signed after the fact.

use std::fs;
use std::path::{Path, PathBuf};

use nodebake::bundle::{BundleBuilder, SignatureSource, SignedTrees, Trees, attach, sign};
use nodebake::manifest::BundleKind;
use nodebake::signing::{NAMESPACE, generate_keys};
use nodebake::verify::verify;

use super::{NODES, Room, bake, header, listing, load, says, snapshot};
use crate::support::oracles;

fn first_stage(room: &Room, text: &str) -> PathBuf {
    let folder = room.folder.path().join("out.trees");
    let builder = BundleBuilder::begin(
        &folder,
        header(BundleKind::TreeBundle),
        SignatureSource::Unsigned,
    )
    .unwrap();
    for name in NODES {
        let mut node = builder.node(name, says(name)).unwrap();
        assert_eq!(node.tree(&listing(name, text)).unwrap(), None);
        node.finish().unwrap();
    }
    builder.finish().unwrap();
    folder
}

/// What an external signer does: openssl with a key that nodebake never sees.
fn openssl_sign(room: &Room, file: &Path, signature: &Path) {
    let key = room.key("sign.key");
    let args = [
        "pkeyutl",
        "-sign",
        "-rawin",
        "-inkey",
        key.to_str().unwrap(),
        "-in",
    ];
    let files = [file.to_str().unwrap(), "-out", signature.to_str().unwrap()];
    oracles::content(room.folder.path(), "openssl", &[&args[..], &files].concat());
}

fn open(room: &Room, folder: &Path) -> Result<SignedTrees, String> {
    match SignedTrees::open(folder, &room.public).unwrap() {
        Trees::Verified(trees) => Ok(trees),
        Trees::Refused(verdict) => Err(verdict.to_string()),
    }
}

#[test]
fn an_external_signer_signs_between_the_stages_and_at_the_end() {
    oracles::needs(["openssl", "ssh-keygen"]);
    let room = Room::new();
    let trees = first_stage(&room, "one");
    assert!(open(&room, &trees).unwrap_err().contains("not signed"));
    let signature = room.folder.path().join("signature");
    openssl_sign(&room, &trees.join("SHA256SUMS"), &signature);
    let verdict = attach(&trees, &room.public, &signature, None).unwrap();
    assert!(verdict.is_good(), "{verdict}");
    for name in NODES {
        let folder = trees.join("nodes").join(name);
        openssl_sign(
            &room,
            &folder.join("tree.sums"),
            &folder.join("tree.sums.sig"),
        );
    }
    let signed = open(&room, &trees).unwrap();
    assert!(signed.nodes().eq(NODES));

    let finished = bake(&room.out, SignatureSource::Trees(signed), "one").unwrap();
    assert!(!finished.signed);
    let args = [
        "-verify",
        "-pubin",
        "-rawin",
        "-in",
        "tree.sums",
        "-sigfile",
        "tree.sums.sig",
    ];
    for name in NODES {
        let key = room.key("sign.pub");
        let key = ["pkeyutl", "-inkey", key.to_str().unwrap()];
        let folder = room.out.join("nodes").join(name);
        oracles::content(&folder, "openssl", &[&key[..], &args].concat());
    }

    openssl_sign(&room, &room.out.join("SHA256SUMS"), &signature);
    super::keys::write_openssh_key(&room, &room.folder.path().join("id"));
    let args = ["-Y", "sign", "-f", "id", "-n", NAMESPACE, "sums"];
    fs::copy(room.out.join("SHA256SUMS"), room.folder.path().join("sums")).unwrap();
    oracles::content(room.folder.path(), "ssh-keygen", &args);
    let sshsig = room.folder.path().join("sums.sig");
    let verdict = attach(&room.out, &room.public, &signature, Some(&sshsig)).unwrap();
    assert!(verdict.is_good(), "{verdict}");
    assert!(room.verify().is_good(), "{}", room.verify());
    let (good, text) = room.receiver();
    assert!(good, "{text}");
    // With the key at hand the same bundle comes out in one go.
    let external = snapshot(&room.out);
    room.build("one");
    assert!(snapshot(&room.out) == external);
}

#[test]
fn payloads_are_made_from_exactly_the_signed_trees() {
    let room = Room::new();
    let trees = first_stage(&room, "one");
    let verdict = sign(&trees, &room.signer()).unwrap();
    assert!(verdict.is_good(), "{verdict}");
    let bake = |text: &str| {
        let trees = open(&room, &trees).unwrap();
        bake(&room.out, SignatureSource::Trees(trees), text).map_err(|error| error.to_string())
    };
    assert!(
        bake("other")
            .unwrap_err()
            .contains("run the first stage again")
    );
    assert!(!room.out.exists());
    assert!(bake("one").is_ok());
    let fewer = |header| {
        let signatures = SignatureSource::Trees(open(&room, &trees).unwrap());
        let builder = BundleBuilder::begin(&room.out, header, signatures).unwrap();
        for name in &NODES[1..] {
            super::bake_node(&builder, name, "one").unwrap();
        }
        builder.finish().unwrap_err().to_string()
    };
    assert!(fewer(header(BundleKind::Bundle)).contains(NODES[0]));
    let mut next = header(BundleKind::Bundle);
    next.generation += 1;
    assert!(fewer(next).contains("generation 3"));
}

#[test]
fn trees_that_were_changed_or_half_signed_are_refused() {
    type Change = fn(&Path);
    let cases: &[(&str, Change)] = &[
        ("has 1 byte, and the list says 29", |trees| {
            fs::write(trees.join("nodes/node-a/tree.sums"), "x").unwrap();
        }),
        ("is missing, while", |trees| {
            fs::remove_file(trees.join("nodes/node-a/tree.sums.sig")).unwrap();
        }),
        ("the signature does not fit tree.sums", |trees| {
            fs::copy(
                trees.join("nodes/node-b/tree.sums.sig"),
                trees.join("nodes/node-a/tree.sums.sig"),
            )
            .unwrap();
        }),
        ("nodes/node-a/user-data", |trees| {
            fs::write(trees.join("nodes/node-a/user-data"), "x").unwrap();
        }),
        ("is extra", |trees| {
            fs::write(trees.join("tree.sums.sig"), "x").unwrap();
        }),
        ("SHA256SUMS.sig", |trees| {
            fs::write(trees.join("SHA256SUMS.sig"), [0; 64]).unwrap();
        }),
    ];
    for (problem, change) in cases {
        let room = Room::new();
        let trees = first_stage(&room, "one");
        sign(&trees, &room.signer()).unwrap();
        assert!(open(&room, &trees).is_ok());
        change(&trees);
        let refused = open(&room, &trees).unwrap_err();
        assert!(refused.contains(problem), "{problem}: {refused}");
    }
    let room = Room::new();
    room.build("one");
    assert!(
        open(&room, &room.out)
            .unwrap_err()
            .contains("not a TreeBundle")
    );
}

#[test]
fn only_a_complete_bundle_and_a_fitting_signature_go_together() {
    let room = Room::new();
    bake(&room.out, SignatureSource::Unsigned, "one").unwrap();
    let unsigned = snapshot(&room.out);
    let sums = fs::read(room.out.join("SHA256SUMS")).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let file = room.folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        file
    };
    let foreign = generate_keys(&room.folder.path().join("foreign")).unwrap();
    let theirs = load(&foreign.private);
    let wrong = file("wrong", &theirs.sign(&sums));
    let right = file("right", &room.signer().sign(&sums));
    let wrong_ssh = file("wrong.sshsig", theirs.sign_ssh(&sums).as_bytes());
    for (raw, ssh) in [(&wrong, None), (&right, Some(wrong_ssh.as_path()))] {
        assert!(!attach(&room.out, &room.public, raw, ssh).unwrap().is_good());
        assert!(snapshot(&room.out) == unsigned);
    }
    let verdict = attach(&room.out, &room.public, &right, None).unwrap();
    assert!(verdict.is_good(), "{verdict}");
    assert!(room.verify().is_good());
    // Signed again by another key, nothing of the first signer's stays.
    assert!(sign(&room.out, &theirs).unwrap().is_good());
    assert!(verify(&room.out, &foreign.key, None).unwrap().is_good());
    assert!(!room.verify().is_good());

    fs::write(room.out.join("nodes/node-a/user-data"), "x").unwrap();
    let incomplete = snapshot(&room.out);
    assert!(!sign(&room.out, &room.signer()).unwrap().is_good());
    assert!(
        !attach(&room.out, &room.public, &right, None)
            .unwrap()
            .is_good()
    );
    assert!(snapshot(&room.out) == incomplete);
}
