//! The asset archive of assets that nodes share: written once, and with a node's own part all that its tree.json says.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use serde_json::Value;

use crate::support::fixture::{Project, sha256, text};
use crate::support::oracles;
use crate::support::sample::{Row, Rows, needs_any_mode, unpacked};
use crate::support::tool::nodebake;

/// Two nodes that have the same assets, and one that has one more.
const SAME: [&str; 2] = ["gpu-1.example.com", "edge-001"];
const OTHER: &str = "edge-004";

/// The project with assets: a program, a file of another user's in a declared directory, an archive of images, and a
/// long path for one node. `output` is for the whole cluster.
pub fn project(output: &str) -> Project {
    let project = Project::of("modern");
    let mut sources = Vec::new();
    for (name, length) in [("tool", 300_000_u32), ("data", 70_000), ("more", 10)] {
        let bytes: Vec<u8> = (0..length).map(|i| (i * 7 % 251) as u8).collect();
        fs::write(project.dir.join(name), &bytes).unwrap();
        sources.push(format!("source: {name}, sha256: {}", sha256(&bytes)));
    }
    let [tool, data, more] = &sources[..] else {
        panic!("three files")
    };
    let long = format!("/srv/{}/more", "long/".repeat(60).trim_end_matches('/'));
    let user = "user: {name: etcd, id: 999}, group: {name: etcd, id: 998}";
    let lines = format!(
        "output: {output}
assets:
  /usr/local/bin/tool: {{{tool}, mode: \"0755\"}}
  /srv/own/data: {{{data}, mode: \"0640\", {user}}}
directories: {{/srv/own: {{mode: \"0750\", {user}}}}}
nodes:
"
    );
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let inventory = inventory.replacen("nodes:\n", &lines, 1).replacen(
        "  - name: edge-004\n",
        &format!("  - name: edge-004\n    assets: {{{long}: {{{more}}}}}\n"),
        1,
    );
    fs::write(file, inventory).unwrap();
    project
}

pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The bundle's files that a node shares with others, by their names in index.json.
pub fn shared(project: &Project, node: &str) -> BTreeMap<String, String> {
    let index = json(&project.out().join("index.json"));
    let files = index[node].as_object().unwrap().iter();
    files
        .map(|(name, path)| (name.clone(), path.as_str().unwrap().to_owned()))
        .filter(|(_, path)| path.starts_with("shared/"))
        .collect()
}

/// A node's asset archive for archives of a kind, and how to read it: `tar`, `cpio`.
fn archive(project: &Project, node: &str, kind: &str) -> String {
    let shared = shared(project, node);
    let mut archives = shared
        .values()
        .filter(|path| path.contains(&format!(".{kind}")));
    let found = archives.next().unwrap().clone();
    assert_eq!(archives.next(), None);
    found
}

/// A node's own file of which the name begins like this.
fn own(project: &Project, node: &str, name: &str) -> String {
    let index = json(&project.out().join("index.json"));
    let mut files = index[node].as_object().unwrap().iter();
    let found = files.find(|(file, _)| file.starts_with(name)).unwrap();
    found.1.as_str().unwrap().to_owned()
}

/// Unpacks an initramfs archive over a folder.
fn unpack(project: &Project, file: &str, folder: &Path) {
    let program = if file.ends_with(".zst") {
        "zstd"
    } else {
        "gzip"
    };
    let script = format!(
        "{program} -qdc {file} | (cd {} && cpio -idmu --quiet --no-absolute-filenames)",
        folder.display()
    );
    oracles::content(&project.out(), "sh", &["-euc", &script]);
}

/// What tree.json says of a node.
pub fn expected(project: &Project, node: &str) -> Rows {
    let tree = json(&project.out().join("nodes").join(node).join("tree.json"));
    let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let row = |entry: &Value| {
        let (kind, body) = match entry["type"].as_str().unwrap() {
            "file" => ('f', entry["sha256"].as_str().unwrap()),
            "symlink" => ('l', entry["target"].as_str().unwrap()),
            _ => ('d', ""),
        };
        Row {
            kind,
            mode: u32::from_str_radix(entry["mode"].as_str().unwrap(), 8).unwrap(),
            uid: number(&entry["uid"]),
            gid: number(&entry["gid"]),
            body: body.to_owned(),
        }
    };
    let entries = tree["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let path = entry["path"].as_str().unwrap();
            (path.trim_start_matches('/').to_owned(), row(entry))
        })
        .collect()
}

/// Asserts that a folder has all that tree.json says, and else only what `is_ours` knows and directories above.
fn assert_tree(project: &Project, node: &str, root: &Path, is_ours: impl Fn(&str) -> bool) {
    let (expected, found) = (expected(project, node), unpacked(root));
    assert!(expected.contains_key("usr/local/bin/tool"));
    for (path, row) in &expected {
        assert_eq!(found.get(path), Some(row), "{node}: {path}");
    }
    for (path, row) in &found {
        let above = format!("{path}/");
        let is_above = row.kind == 'd' && found.keys().any(|other| other.starts_with(&above));
        let is_activation = row.kind == 'l' && path.starts_with("etc/systemd/system/")
            || path.ends_with("/10-nodebake.preset");
        let known = expected.contains_key(path) || is_above || is_activation || is_ours(path);
        assert!(known, "{node}: {path} is in no tree");
    }
}

#[test]
fn archive_and_payload_in_any_order_are_the_whole_tree() {
    needs_any_mode();
    let project = project("{formats: [tarball]}");
    project.good(&["build"]);
    for node in [SAME[0], OTHER] {
        let archive = archive(&project, node, "tar");
        let public = own(&project, node, &format!("{node}.tar"));
        let secrets = own(&project, node, &format!("{node}.secrets.tar"));
        let order = [archive.as_str(), &public, &secrets];
        let reversed = [&secrets, &public, archive.as_str()];
        for (oracle, flags, order) in [
            ("tar", "-xpf", order),
            ("tar", "-xpf", reversed),
            // Without -P it refuses to write where a link leads.
            ("bsdtar", "-xpPf", order),
        ] {
            if !oracles::present(oracle) {
                continue;
            }
            // An image where a parent of ours is a link: it stays one.
            let root = tempfile::tempdir().unwrap();
            let at = root.path().join("image");
            fs::create_dir_all(at.join("usr/real")).unwrap();
            symlink("real", at.join("usr/local")).unwrap();
            for file in order {
                let args = ["-C", at.to_str().unwrap(), flags, file];
                oracles::content(&project.out(), oracle, &args);
            }
            let link = fs::symlink_metadata(at.join("usr/local")).unwrap();
            assert!(link.is_symlink(), "{oracle}");
            fs::remove_file(at.join("usr/local")).unwrap();
            fs::rename(at.join("usr/real"), at.join("usr/local")).unwrap();
            assert_tree(&project, node, &at, |_| false);
        }
    }
}

#[test]
fn a_payload_is_applied_over_its_archive() {
    needs_any_mode();
    oracles::needs(["cpio"]);
    let project = project("{secrets: inline, initramfs: {compression: gzip}}");
    project.good(&["build", "--format", "initramfs"]);
    for node in [SAME[0], OTHER] {
        let root = tempfile::tempdir().unwrap();
        unpack(&project, &archive(&project, node, "cpio"), root.path());
        unpack(
            &project,
            &own(&project, node, "initramfs.cpio"),
            root.path(),
        );
        assert_tree(&project, node, root.path(), |path| {
            path.starts_with("usr/lib/nodebake/")
        });
    }
}

/// The copying script itself, in a folder that plays the root.
#[test]
fn a_copied_archive_comes_to_the_root_and_nothing_does_without_it() {
    needs_any_mode();
    oracles::needs(["cpio"]);
    let project = project("{secrets: inline, initramfs: {mode: copyToRoot}}");
    project.good(&["build", "--format", "initramfs"]);
    let node = SAME[0];
    let ours = &archive(&project, node, "copy.cpio");
    let other = &archive(&project, OTHER, "copy.cpio");
    let own = &own(&project, node, "initramfs.cpio");
    for (files, good) in [
        (vec![ours, own], true),
        (vec![own], false),
        (vec![other, own], false),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let (initrd, root) = (scratch.path().join("initrd"), scratch.path().join("root"));
        fs::create_dir(&initrd).unwrap();
        fs::create_dir(&root).unwrap();
        for file in &files {
            unpack(&project, file, &initrd);
        }
        let copy = initrd.join("nodebake/copy");
        let args = [
            copy.join("apply").display().to_string(),
            copy.display().to_string(),
            root.display().to_string(),
        ];
        let output = oracles::run(&root, "sh", &args.each_ref().map(String::as_str));
        let said = text(&output.stderr);
        assert_eq!(output.status.success(), good, "{said}");
        if good {
            let stamps = |path: &str| path.starts_with("etc/nodebake/copied.");
            assert_tree(&project, node, &root, stamps);
        } else {
            assert!(said.contains("the initrd lacks assets-"), "{said}");
            assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
        }
    }
}

#[test]
fn nodes_with_the_same_assets_share_one_archive() {
    let project = project("{formats: [tarball, initramfs]}");
    project.good(&["build"]);
    let first = shared(&project, SAME[0]);
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        ["assets.cpio.gz", "assets.tar.gz"]
    );
    let bundle = json(&project.out().join("bundle.json"));
    let listed: Vec<&str> = bundle["shared"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    // Two asset archives, and for each of them what the nodes' settings ask for: one node is of zstd and xz.
    let of = |node: &str| {
        let nodes = bundle["nodes"].as_array().unwrap();
        let record = nodes.iter().find(|record| record["name"] == node).unwrap();
        record["shared"].clone()
    };
    for node in [SAME[0], SAME[1], OTHER] {
        let paths: Vec<String> = shared(&project, node).into_values().collect();
        assert_eq!(of(node), serde_json::json!(paths), "{node}");
        assert!(paths.iter().all(|path| listed.contains(&path.as_str())));
    }
    let name = |node: &str| {
        let path = shared(&project, node).into_values().next().unwrap();
        path.split('.').next().unwrap().to_owned()
    };
    assert_eq!(name(SAME[0]), name(SAME[1]));
    assert_ne!(name(SAME[0]), name(OTHER));
    let sums = fs::read_to_string(project.out().join("SHA256SUMS")).unwrap();
    assert!(listed.iter().all(|path| sums.contains(path)), "{sums}");
    for path in &listed {
        let mode = project.out().join(path).metadata().unwrap().mode();
        assert_eq!(mode & 0o7777, 0o644, "{path}");
    }
    let mode = project.out().join("shared").metadata().unwrap().mode();
    assert_eq!(mode & 0o7777, 0o755);
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
}

#[test]
fn what_is_reused_keeps_its_archive_and_no_other_stays() {
    let project = project("{formats: [tarball]}");
    project.good(&["build"]);
    let before = shared(&project, SAME[0]);
    let inode = |path: &str| project.out().join(path).metadata().unwrap().ino();
    let kept = inode(&before["assets.tar.gz"]);
    let old = shared(&project, OTHER)["assets.tar.xz"].clone();
    // The asset of one node changes, and only that node is baked.
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let digest = |bytes: &[u8]| sha256(bytes);
    let was = digest(&fs::read(project.dir.join("more")).unwrap());
    fs::write(project.dir.join("more"), "other").unwrap();
    fs::write(file, inventory.replace(&was, &digest(b"other"))).unwrap();
    project.good(&["build", "--node", OTHER]);
    assert_eq!(shared(&project, SAME[0]), before);
    assert_eq!(inode(&before["assets.tar.gz"]), kept);
    assert_ne!(shared(&project, OTHER)["assets.tar.xz"], old);
    assert!(!project.out().join(&old).exists());
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
    // One that somebody changed is made again with its nodes, though none of them was asked for.
    let archive = project.out().join(&before["assets.tar.gz"]);
    let good = fs::read(&archive).unwrap();
    let mut bad = good.clone();
    bad[100] ^= 1;
    fs::remove_file(&archive).unwrap();
    fs::write(&archive, bad).unwrap();
    let output = project.run(&["verify", "out", "--key", "keys/sign.pub"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stdout).contains(&before["assets.tar.gz"]));
    project.good(&["build", "--node", OTHER]);
    assert!(fs::read(&archive).unwrap() == good);
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
    // A node that turns out to be none to keep is baked, with another asset by now: nobody needs its old asset archive, which is
    // kept by then.
    let old = shared(&project, OTHER)["assets.tar.xz"].clone();
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    fs::write(project.dir.join("more"), "third").unwrap();
    fs::write(
        file,
        inventory.replace(&digest(b"other"), &digest(b"third")),
    )
    .unwrap();
    let json = project.out().join(format!("nodes/{OTHER}/tree.json"));
    fs::remove_file(&json).unwrap();
    fs::write(&json, "{}").unwrap();
    project.good(&["build", "--node", SAME[0]]);
    assert_ne!(shared(&project, OTHER)["assets.tar.xz"], old);
    assert!(!project.out().join(&old).exists());
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
}

#[test]
fn an_archive_is_appended_before_the_nodes_own_payload() {
    let project = project("{secrets: separate}");
    project.good(&["build"]);
    crate::formats::initrd::base(&project.dir, "base", &["bin/busybox"], "gzip");
    let node = SAME[0];
    let args = [
        "initrd",
        "append",
        "--base",
        "base",
        "--node",
        node,
        "--key",
        "keys/sign.pub",
        "-o",
        "both",
    ];
    nodebake(&project.dir, &args).good();
    let both = fs::read(project.dir.join("both")).unwrap();
    let archive = &shared(&project, node)["assets.cpio.gz"];
    let mut at = 0;
    for file in [
        archive.clone(),
        format!("nodes/{node}/initramfs.cpio.gz"),
        format!("nodes/{node}/initramfs.secrets.cpio.gz"),
    ] {
        let bytes = fs::read(project.out().join(&file)).unwrap();
        let found = both[at..]
            .windows(bytes.len())
            .position(|window| window == bytes)
            .unwrap_or_else(|| panic!("{file} is not there"));
        at += found + bytes.len();
    }
    assert_eq!(at, both.len());
}

#[test]
fn a_node_whose_payload_is_to_hold_everything_has_no_archive() {
    oracles::needs(["tar"]);
    needs_any_mode();
    let project = project("{formats: [tarball], tarball: {assets: inside}, secrets: inline}");
    project.good(&["build"]);
    assert!(!project.out().join("shared").exists());
    let root = tempfile::tempdir().unwrap();
    let archive = project.out().join(format!("nodes/{0}/{0}.tar.gz", SAME[0]));
    let args = ["-xpf", archive.to_str().unwrap()];
    oracles::content(root.path(), "tar", &args);
    assert_tree(&project, SAME[0], root.path(), |_| false);
}

#[test]
fn sizes_say_where_each_format_has_the_assets() {
    let project = project("{initramfs: {mode: copyToRoot}, cloudInit: {assets: iso}}");
    let shown = project.good(&["show", SAME[0], "--sizes", "-o", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    project.good(&["build"]);
    let built = shared(&project, SAME[0]);
    let locations = &shown["assets"]["locations"];
    assert_eq!(locations["tarball"], built["assets.tar.gz"]);
    assert_eq!(locations["initramfs"], built["assets.copy.cpio.gz"]);
    assert_eq!(locations["cloudInit"], built["assets.iso"]);
    assert_eq!(locations["ignition"], "inside");
    let files = shown["assets"]["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!(files[1]["path"], "/usr/local/bin/tool");
    assert_eq!(files[1]["bytes"], 300_000);
    let shown = project.good(&["show", SAME[0], "--sizes"]);
    let line = format!("assets for tarball: {}\n", built["assets.tar.gz"]);
    assert!(shown.contains(&line), "{shown}");
}
