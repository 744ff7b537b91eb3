//! Tampering, against `verify` and against the documented lines.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use nodebake::signing::{NAMESPACE, generate_keys};
use nodebake::verify::verify;

use super::{Room, SHARED, load};
use crate::support::oracles;

const PAYLOAD: &str = "nodes/node-a/user-data";

/// SHA256SUMS made again by sha256sum itself, as whoever changes a bundle would do.
fn sums_anew(out: &Path) {
    let line = "find . -type f ! -name 'SHA256SUMS*' -printf '%P\\0' | sort -z | xargs -0 sha256sum > new; \
                grep -v '  new$' new > SHA256SUMS; rm new";
    oracles::content(out, "sh", &["-c", line]);
}

fn sign_with_another_key(out: &Path) {
    let keys = out.with_file_name("foreign");
    generate_keys(&keys).unwrap();
    let signer = load(&keys.join("sign.key"));
    let sums = fs::read(out.join("SHA256SUMS")).unwrap();
    fs::write(out.join("SHA256SUMS.sig"), signer.sign(&sums)).unwrap();
    fs::write(out.join("SHA256SUMS.sshsig"), signer.sign_ssh(&sums)).unwrap();
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

fn swap(one: &Path, two: &Path) {
    let between = one.with_extension("between");
    fs::rename(one, &between).unwrap();
    fs::rename(two, one).unwrap();
    fs::rename(&between, two).unwrap();
}

type Tamper = fn(&Path);

/// What is done, and the paths that `verify` must name.
const CASES: &[(&str, Tamper, &[&str])] = &[
    (
        "a changed payload",
        |out| fs::write(out.join(PAYLOAD), "#cloud-config\n").unwrap(),
        &[PAYLOAD],
    ),
    (
        "a changed payload of the same size",
        |out| {
            let mut bytes = fs::read(out.join(PAYLOAD)).unwrap();
            bytes[5] ^= 1;
            fs::write(out.join(PAYLOAD), bytes).unwrap();
        },
        &[PAYLOAD],
    ),
    (
        "a changed payload, SHA256SUMS made again",
        |out| {
            fs::write(out.join(PAYLOAD), "#cloud-config\n").unwrap();
            sums_anew(out);
        },
        &["SHA256SUMS.sig"],
    ),
    (
        "a changed payload, SHA256SUMS made again, signed by another key",
        |out| {
            fs::write(out.join(PAYLOAD), "#cloud-config\n").unwrap();
            sums_anew(out);
            sign_with_another_key(out);
        },
        &["SHA256SUMS.sig"],
    ),
    (
        "a changed archive",
        |out| fs::write(out.join("shared").join(SHARED), [8; 100_000]).unwrap(),
        &["shared/assets-0123456789ab.tar.gz"],
    ),
    (
        "a archive too many",
        |out| fs::write(out.join("shared/assets-1"), "x").unwrap(),
        &["shared/assets-1"],
    ),
    ("a foreign key", sign_with_another_key, &["SHA256SUMS.sig"]),
    (
        "an extra file",
        |out| fs::write(out.join("nodes/node-a/vendor-data"), "x").unwrap(),
        &["nodes/node-a/vendor-data"],
    ),
    (
        "an extra file at the top that looks like ours",
        |out| fs::write(out.join("SHA256SUMS-2"), "x").unwrap(),
        &["SHA256SUMS-2"],
    ),
    (
        "an extra file whose name poses as two listed ones",
        |out| fs::write(out.join("index.json\nindex.json"), "x").unwrap(),
        &["index.json\nindex.json"],
    ),
    (
        "an extra file whose halves cancel out",
        |out| fs::write(out.join("zz\nxxzz"), "x").unwrap(),
        &["zz\nxxzz"],
    ),
    (
        "an extra folder with a file",
        |out| {
            fs::create_dir(out.join("nodes/node-c")).unwrap();
            fs::write(out.join("nodes/node-c/user-data"), "x").unwrap();
        },
        &["nodes/node-c"],
    ),
    (
        "an extra link",
        |out| symlink("user-data", out.join("nodes/node-a/vendor-data")).unwrap(),
        &["nodes/node-a/vendor-data"],
    ),
    (
        "an extra link to a folder",
        |out| symlink("/", out.join("nodes/root")).unwrap(),
        &["nodes/root"],
    ),
    (
        "a link in place of a payload",
        |out| {
            let aside = out.with_file_name("aside");
            fs::rename(out.join(PAYLOAD), &aside).unwrap();
            symlink(&aside, out.join(PAYLOAD)).unwrap();
        },
        &[PAYLOAD],
    ),
    (
        "an extra pipe",
        |out| pipe(&out.join("nodes/pipe")),
        &["nodes/pipe"],
    ),
    (
        "a missing file",
        |out| fs::remove_file(out.join(PAYLOAD)).unwrap(),
        &[PAYLOAD],
    ),
    (
        "a missing manifest",
        |out| fs::remove_file(out.join("bundle.json")).unwrap(),
        &["bundle.json"],
    ),
    (
        "two nodes swapped",
        |out| swap(&out.join("nodes/node-a"), &out.join("nodes/node-b")),
        &["nodes/node-a/user-data", "nodes/node-b/tree.sums"],
    ),
    (
        "two nodes' payloads swapped",
        |out| {
            swap(&out.join(PAYLOAD), &out.join("nodes/node-b/user-data"));
        },
        &[PAYLOAD, "nodes/node-b/user-data"],
    ),
    (
        "no signature",
        |out| {
            fs::remove_file(out.join("SHA256SUMS.sig")).unwrap();
            fs::remove_file(out.join("SHA256SUMS.sshsig")).unwrap();
        },
        &["SHA256SUMS.sig"],
    ),
    (
        "an empty signature",
        |out| fs::write(out.join("SHA256SUMS.sig"), "").unwrap(),
        &["SHA256SUMS.sig"],
    ),
    (
        "no list",
        |out| fs::remove_file(out.join("SHA256SUMS")).unwrap(),
        &["SHA256SUMS"],
    ),
    (
        "a whole older bundle's list and signature",
        |out| {
            let keys = out.with_file_name("keys");
            let older = out.with_file_name("older");
            let signatures = nodebake::bundle::SignatureSource::Key(load(&keys.join("sign.key")));
            super::bake(&older, signatures, "older").unwrap();
            for name in ["SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.sshsig"] {
                fs::rename(older.join(name), out.join(name)).unwrap();
            }
        },
        &["bundle.json"],
    ),
];

#[test]
fn tampering_is_caught_by_verify_and_by_the_documented_lines() {
    let asked = oracles::present("openssl") && oracles::present("sha256sum");
    for (what, tamper, paths) in CASES {
        let room = Room::new();
        room.build("one");
        tamper(&room.out);
        let verdict = room.verify();
        for path in *paths {
            assert!(
                verdict.problems.iter().any(|problem| problem.path == *path),
                "{what}: {path} is not named in:\n{verdict}"
            );
        }
        if asked {
            let (good, text) = room.receiver();
            assert!(!good, "{what}: the documented lines are content:\n{text}");
        }
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let room = Room::new();
    room.build("one");
    for name in ["gpu-1.example.com", "node-a", "node-b"] {
        fs::write(room.out.join(format!("nodes/{name}/user-data")), "x").unwrap();
        fs::write(room.out.join(format!("nodes/{name}/extra")), "x").unwrap();
        fs::remove_file(room.out.join(format!("nodes/{name}/network-config"))).unwrap();
    }
    assert_eq!(room.verify().problems.len(), 9, "{}", room.verify());
}

#[test]
fn empty_folders_and_old_generations_are_refused_too() {
    let room = Room::new();
    room.build("one");
    assert!(verify(&room.out, &room.public, Some(3)).unwrap().is_good());
    let old = verify(&room.out, &room.public, Some(4)).unwrap();
    assert_eq!(old.problems[0].rule, "generation 3 is older than 4");
    fs::create_dir(room.out.join("nodes/node-a/empty")).unwrap();
    assert_eq!(room.verify().problems[0].path, "nodes/node-a/empty");
}

#[test]
fn a_signature_for_another_purpose_does_not_count() {
    oracles::needs(["ssh-keygen"]);
    let room = Room::new();
    room.build("one");
    super::keys::write_openssh_key(&room, &room.folder.path().join("id"));
    let args = ["-Y", "sign", "-f", "id", "-n", "git", "out/SHA256SUMS"];
    oracles::content(room.folder.path(), "ssh-keygen", &args);
    let theirs = room.out.join("SHA256SUMS.sig"); // ssh-keygen's own name for it
    fs::rename(&theirs, room.out.join("SHA256SUMS.sshsig")).unwrap();
    assert_ne!(NAMESPACE, "git");
    assert_eq!(room.verify().problems[0].path, "SHA256SUMS.sshsig");
}

#[test]
fn one_signature_is_enough() {
    for name in ["SHA256SUMS.sig", "SHA256SUMS.sshsig"] {
        let room = Room::new();
        room.build("one");
        fs::remove_file(room.out.join(name)).unwrap();
        assert!(room.verify().is_good(), "{}", room.verify());
    }
}

/// A signer who is careless or hostile: everything hashes right, but the files contradict each other.
#[test]
fn signed_contradictions_are_caught() {
    type Change = fn(&mut serde_json::Value);
    let cases: &[(&str, Change, &str)] = &[
        (
            "bundle.json",
            |m| m["nodes"][1]["name"] = "node-b".into(),
            "bundle.json",
        ),
        (
            "bundle.json",
            |m| m["nodes"][1]["name"] = "../x".into(),
            "bundle.json",
        ),
        (
            "bundle.json",
            |m| m["apiVersion"] = "other/v1".into(),
            "bundle.json",
        ),
        (
            "bundle.json",
            |m| m["generation"] = "x".into(),
            "bundle.json",
        ),
        (
            "bundle.json",
            |m| m["nodes"][1]["files"][0]["size"] = 1.into(),
            "nodes/node-a/network-config",
        ),
        (
            "bundle.json",
            |m| m["nodes"][1]["treeDigest"] = m["nodes"][2]["treeDigest"].clone(),
            "nodes/node-a/tree.sums",
        ),
        (
            "bundle.json",
            |m| m["nodes"][1]["files"] = m["nodes"][2]["files"].clone(),
            "nodes/node-b/user-data",
        ),
        (
            "bundle.json",
            |m| drop(m["nodes"].as_array_mut().unwrap().remove(1)),
            "nodes/node-a/user-data",
        ),
        (
            "index.json",
            |m| m["node-a"]["user-data"] = m["node-b"]["user-data"].clone(),
            "index.json",
        ),
        (
            "index.json",
            |m| drop(m["node-a"].as_object_mut().unwrap().remove("assets.tar.gz")),
            "index.json",
        ),
        (
            "bundle.json",
            |m| m["nodes"][1]["shared"][0] = "shared/other".into(),
            "shared/other",
        ),
        (
            "bundle.json",
            |m| {
                let node = m["nodes"][1].as_object_mut().unwrap();
                let shared = node["shared"][0].clone();
                node["shared"] = serde_json::json!([shared, shared]);
            },
            "bundle.json",
        ),
        (
            "bundle.json",
            |m| {
                for node in m["nodes"].as_array_mut().unwrap() {
                    drop(node.as_object_mut().unwrap().remove("shared"));
                }
            },
            "shared/assets-0123456789ab.tar.gz",
        ),
        (
            "bundle.json",
            |m| m["shared"][0]["secret"] = true.into(),
            "shared/assets-0123456789ab.tar.gz",
        ),
        (
            "bundle.json",
            |m| {
                let archive = m["shared"].as_array_mut().unwrap().remove(0);
                m["files"].as_array_mut().unwrap().push(archive);
            },
            "shared/assets-0123456789ab.tar.gz",
        ),
    ];
    for (file, change, path) in cases {
        let room = Room::new();
        room.build("one");
        let name = room.out.join(file);
        let mut value = serde_json::from_slice(&fs::read(&name).unwrap()).unwrap();
        change(&mut value);
        fs::write(&name, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
        sign_anew(&room);
        let verdict = room.verify();
        assert!(
            verdict.problems.iter().any(|problem| problem.path == *path),
            "{file}, {path}:\n{verdict}"
        );
    }
}

fn sign_anew(room: &Room) {
    sums_anew(&room.out);
    let text = fs::read_to_string(room.out.join("SHA256SUMS")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_by_key(|line| &line[66..]);
    let sums = format!("{}\n", lines.join("\n"));
    let signer = room.signer();
    fs::write(room.out.join("SHA256SUMS"), &sums).unwrap();
    fs::write(
        room.out.join("SHA256SUMS.sig"),
        signer.sign(sums.as_bytes()),
    )
    .unwrap();
    fs::write(
        room.out.join("SHA256SUMS.sshsig"),
        signer.sign_ssh(sums.as_bytes()),
    )
    .unwrap();
}

#[test]
fn a_signed_list_that_leaves_the_folder_is_refused() {
    for line in ["/etc/passwd", "../secret", "nodes/../../secret"] {
        let room = Room::new();
        room.build("one");
        let mut sums = fs::read_to_string(room.out.join("SHA256SUMS")).unwrap();
        sums.push_str(&format!("{}  {line}\n", "0".repeat(64)));
        let signer = room.signer();
        fs::write(room.out.join("SHA256SUMS"), &sums).unwrap();
        fs::write(
            room.out.join("SHA256SUMS.sig"),
            signer.sign(sums.as_bytes()),
        )
        .unwrap();
        fs::write(
            room.out.join("SHA256SUMS.sshsig"),
            signer.sign_ssh(sums.as_bytes()),
        )
        .unwrap();
        assert_eq!(room.verify().problems[0].path, "SHA256SUMS");
    }
}
