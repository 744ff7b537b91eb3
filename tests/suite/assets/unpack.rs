//! Assets that are archives: what comes to the node is what GNU tar unpacks.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use crate::support::fixture::{Project, sha256, snapshot, text};
use crate::support::oracles;

const NODE: &str = "gpu-1.example.com";

/// A folder as upstream's releases have it: programs below a first component, a link, a second name of a file.
fn release(folder: &Path) {
    let script = "mkdir -p release/bin release/share
        printf 'one 1.6.0\\n' >release/bin/bridge; chmod 0755 release/bin/bridge
        head -c 300000 /dev/urandom >release/bin/host-local; chmod 0775 release/bin/host-local
        ln -s bridge release/bin/link; ln release/bin/bridge release/bin/twin
        echo text >release/share/README; chmod 0600 release/share/README
        name=release/share/$(printf '%0120d' 7); echo long >$name";
    oracles::content(folder, "sh", &["-euc", script]);
}

fn packed(folder: &Path, name: &str, pack: &str) -> (PathBuf, String) {
    let script = format!("tar --format=gnu --hole-detection=raw -S -cf - release | {pack} >{name}");
    oracles::content(folder, "sh", &["-euc", &script]);
    let path = folder.join(name);
    let digest = sha256(&fs::read(&path).unwrap());
    (path, digest)
}

/// The project with one asset.
fn project(scratch: &Path, asset: &str) -> Project {
    let mut project = Project::of("modern");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let with = format!("    profiles: [gpu]\n    assets: {{{asset}}}\n");
    let changed = inventory.replace("    profiles: [gpu]\n", &with);
    assert_ne!(inventory, changed);
    fs::write(file, changed).unwrap();
    project.allowed.push(scratch.to_owned());
    project
}

/// Unpacks every tarball that the node has.
fn root(project: &Project) -> PathBuf {
    oracles::needs(["tar"]);
    let root = project.scratch().join("root");
    fs::create_dir_all(&root).unwrap();
    for entry in WalkDir::new(project.out()) {
        let path = entry.unwrap().into_path();
        let shown = path.display().to_string();
        let is_for_it = shown.contains(&format!("nodes/{NODE}/")) || shown.contains("/shared/");
        if is_for_it && shown.ends_with(".tar.gz") {
            oracles::content(&root, "tar", &["-xpf", &shown]);
        }
    }
    root
}

#[test]
fn archives_come_to_the_node_as_tar_unpacks_them() {
    for (name, pack) in [
        ("cni.tar", "cat"),
        ("cni.tgz", "gzip"),
        ("cni.tar.zst", "zstd -q"),
        ("cni.tar.xz", "xz"),
        ("cni-with-holes.tar", "cat"),
    ] {
        if pack != "cat" && !oracles::present(pack.split(' ').next().unwrap()) {
            continue;
        }
        let scratch = tempfile::tempdir().unwrap();
        release(scratch.path());
        if name == "cni-with-holes.tar" {
            let script = "truncate -s 300000 release/holes; echo end >>release/holes";
            oracles::content(scratch.path(), "sh", &["-euc", script]);
        }
        let (archive, digest) = packed(scratch.path(), name, pack);
        let source = archive.display();
        let project = project(
            scratch.path(),
            &format!(
                "/opt/cni: {{source: {source}, sha256: {digest}, version: \"1.6.0\", unpack: {{strip: 1}}}}"
            ),
        );
        project.good(&["build"]);
        let ours = snapshot(&root(&project).join("opt/cni"));
        let theirs = scratch.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        // Executable or not is what we keep of their modes.
        let script = format!(
            "tar -C theirs --strip-components=1 -xf {name}
             find theirs -type f -perm /0111 -exec chmod 0755 {{}} +; find theirs -type f ! -perm /0111 -exec chmod 0644 {{}} +"
        );
        oracles::content(scratch.path(), "sh", &["-euc", &script]);
        assert_eq!(ours, snapshot(&theirs), "{name}");
        let tree = project.out().join("nodes").join(NODE).join("tree.json");
        let tree: Value = serde_json::from_slice(&fs::read(tree).unwrap()).unwrap();
        let said = tree.to_string();
        let digest = sha256(&fs::read(theirs.join("bin/host-local")).unwrap());
        assert!(said.contains("/opt/cni/bin/host-local") && said.contains(&digest));
    }
}

/// The version is a word of one of its files, and the packed bytes do not hold it.
#[test]
fn a_version_is_looked_for_in_what_is_taken_from_the_archive() {
    let scratch = tempfile::tempdir().unwrap();
    release(scratch.path());
    let (archive, digest) = packed(scratch.path(), "cni.tgz", "gzip");
    let asset = |path: &str, more: &str| {
        let source = archive.display();
        format!("{path}: {{source: {source}, sha256: {digest}, version: \"one 1.6.0\"{more}}}")
    };
    let all = asset("/opt/cni", ", unpack: true");
    project(scratch.path(), &all).good(&["check"]);
    let packed = asset("/opt/cni.tgz", "");
    let other = asset("/opt/share", ", unpack: {only: [release/share/README]}");
    for without in [packed, other] {
        for both in [format!("{all}, {without}"), format!("{without}, {all}")] {
            let found = text(&project(scratch.path(), &both).run(&["check"]).stdout);
            assert_eq!(found.lines().count(), 1, "{both}: {found}");
            assert!(found.contains("does not hold this version"), "{found}");
        }
    }
}

#[test]
fn only_what_is_asked_for_comes_and_has_the_mode_that_is_said() {
    let scratch = tempfile::tempdir().unwrap();
    release(scratch.path());
    let (archive, digest) = packed(scratch.path(), "cni.tgz", "gzip");
    let source = archive.display();
    let project = project(
        scratch.path(),
        &format!(
            "/opt/cni/bin: {{source: {source}, sha256: {digest}, mode: \"0750\", unpack: {{strip: 2, only: [\"host-*\", bridge]}}}}"
        ),
    );
    project.good(&["build"]);
    let mut found = snapshot(&root(&project).join("opt/cni/bin"));
    found.remove("");
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    // Whichever of its two names comes second in the archive, the content is there.
    assert_eq!(names, ["bridge", "host-local"]);
    assert!(
        found.values().all(|row| row.starts_with("0750")),
        "{found:?}"
    );
}

#[test]
fn what_an_archive_cannot_be_is_found_at_its_line() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    release(folder);
    let (archive, digest) = packed(folder, "cni.tgz", "gzip");
    let script = "head -c 2000 cni.tgz >cut.tgz; echo no >no.tgz; mknod pipe p; tar -cf pipe.tar pipe
        cd release; tar -cPf ../up.tar ../release/share/README; cd ..; mkdir empty; tar -cf empty.tar empty
        truncate -s 300000 holes; echo end >>holes; tar --format=posix --hole-detection=raw -S -cf sparse.tar holes";
    oracles::content(folder, "sh", &["-euc", script]);
    let source = archive.display().to_string();
    let other = |name: &str| {
        let path = folder.join(name);
        let digest = sha256(&fs::read(&path).unwrap());
        (path.display().to_string(), digest)
    };
    let (cut, no, pipe, up, empty, sparse) = (
        other("cut.tgz"),
        other("no.tgz"),
        other("pipe.tar"),
        other("up.tar"),
        other("empty.tar"),
        other("sparse.tar"),
    );
    let zeros = "f0".repeat(32);
    for ((source, digest), more, said) in [
        (
            (&source, &digest),
            "unpack: {only: [nothing]}",
            "\"nothing\" is nothing that",
        ),
        (
            (&source, &digest),
            "unpack: {only: [\"[\"]}",
            "is not a glob",
        ),
        (
            (&source, &digest),
            "unpack: {strip: 300}",
            "300 is out of range",
        ),
        ((&source, &digest), "unpack: {strips: 1}", "strips"),
        (
            (&source, &digest),
            "unpack: true, version: \"9.9\"",
            "does not hold this version",
        ),
        ((&source, &zeros), "unpack: true", "hashes to"),
        (
            (&cut.0, &cut.1),
            "unpack: true",
            "is not a whole tar archive",
        ),
        ((&no.0, &no.1), "unpack: true", "is not a whole tar archive"),
        (
            (&pipe.0, &pipe.1),
            "unpack: true",
            "pipe, which is not a file, directory or link",
        ),
        ((&up.0, &up.1), "unpack: true", "leads out of its folder"),
        ((&empty.0, &empty.1), "unpack: true", "holds no file"),
        (
            (&sparse.0, &sparse.1),
            "unpack: true",
            "which pax keeps in pieces",
        ),
    ] {
        let project = project(
            scratch.path(),
            &format!("/opt/x: {{source: {source}, sha256: {digest}, {more}}}"),
        );
        let output = project.run(&["check"]);
        let found = text(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{more}: {found}");
        let found = found.lines().find(|line| line.contains(said));
        let found = found.unwrap_or_else(|| panic!("{more}: {said} is not said"));
        assert!(found.starts_with("error: cluster.yaml:"), "{found}");
    }
}
