//! The scripts that nodes and administrators get: what shellcheck says of them, and that every shell that may run them
//! does the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::assets::images::archives;
use crate::formats::initrd::{NODE, node};
use crate::node::upgrade::{AFTER, BEFORE, write};
use crate::support::fixture::{Project, sha256, text};
use crate::support::oracles;
use crate::support::tool::nodebake;

/// What runs them: Debian's sh is dash, initrds and small images have busybox, and some have only a Korn shell.
const SHELLS: [&[&str]; 4] = [&["sh"], &["bash", "--posix"], &["busybox", "sh"], &["mksh"]];

fn shell(folder: &Path, script: &str) -> String {
    oracles::content(folder, "sh", &["-euc", script])
}

/// A node with an archive of images, a check of its tree, links of all kinds, and a bundle that it follows.
fn project(output: &str) -> Project {
    let project = Project::of("modern");
    write(&project, output, BEFORE, 3);
    project.good(&["build", "-o", "before"]);
    archives(project.scratch());
    let archive = fs::read(project.scratch().join("pause.tar")).unwrap();
    fs::write(project.dir.join("pause.tar"), &archive).unwrap();
    let digest = sha256(&archive);
    let image = format!("    images: {{pause.tar: {{source: pause.tar, sha256: {digest}}}}}\n");
    let lines = AFTER.replace("{chrony: null}", "{chrony: null, tree-check: {}}");
    let links = "    links: {/srv/dash: \"-n\", /srv/deep/er/link: ../../d}\n";
    write(&project, output, &(lines + links + &image), 4);
    project.good(&["build", "--upgrade-from", "before"]);
    project
}

/// Unpacks the node's overlay, whose copied files need no owner there.
fn overlay(project: &Project, to: &str) -> PathBuf {
    let archive = node(project).join("initramfs.cpio.gz");
    let args = ["inspect", archive.to_str().unwrap(), "--extract", to];
    nodebake(project.scratch(), &args).good();
    project.scratch().join(to)
}

/// The commands of user-data as cloud-init itself makes a script of them.
fn run_commands(project: &Project, modules: &str) -> String {
    let script = "
import sys, yaml
from cloudinit import util
sys.stdout.write(util.shellify(yaml.safe_load(open(sys.argv[1]))['runcmd']))
";
    let user_data = node(project).join("user-data");
    let mut python = oracles::command(project.scratch(), oracles::PYTHON);
    let output = python
        .env("PYTHONPATH", modules)
        .args(["-c", script])
        .arg(user_data)
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// All scripts, in one folder.
fn scripts(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |name: &str, script: Vec<u8>| {
        fs::write(folder.join(name), script).unwrap();
        assert!(names.insert(name.to_owned()), "{name}");
    };
    let project_of = |mode: &str, assets: &str| {
        project(&format!(
            "{{formats: [tarball, cloudInit, initramfs], secrets: inline, tarball: {{assets: inside}}, \
             assetsURL: \"https://example.com/{{sha256}}\", initramfs: {{mode: {mode}, assets: inside}}, cloudInit: {{assets: {assets}}}}}"
        ))
    };
    let copy = project_of("copyToRoot", "iso");
    let tree = overlay(&copy, "copied");
    for name in ["copy", "apply", "label"] {
        add(
            name,
            fs::read(tree.join("nodebake/copy").join(name)).unwrap(),
        );
    }
    add(
        "order",
        fs::read(tree.join("conf/conf.d/nodebake")).unwrap(),
    );
    let ram = project_of("diskless", "url");
    let tree = overlay(&ram, "ram");
    add(
        "init",
        fs::read(tree.join("usr/lib/nodebake/init")).unwrap(),
    );
    for name in ["check", "import-images"] {
        add(
            name,
            fs::read(tree.join("etc/nodebake").join(name)).unwrap(),
        );
    }
    add(
        "upgrade",
        fs::read(node(&ram).join(format!("{NODE}.upgrade.sh"))).unwrap(),
    );
    add(
        "node-labels",
        fs::read(ram.out().join("cluster/node-labels.sh")).unwrap(),
    );
    add(
        "receiver",
        nodebake::manifest::RECEIVER_CHECK.as_bytes().to_vec(),
    );
    let modules = oracles::cloud_init_modules();
    add("run-iso", run_commands(&copy, &modules).into_bytes());
    add("run-url", run_commands(&ram, &modules).into_bytes());
    names
}

#[test]
fn shellcheck_has_nothing_to_say_of_what_nodes_run() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let names = scripts(folder);
    assert!(names.len() >= 10, "{names:?}");
    for shell in SHELLS.iter().filter(|shell| oracles::present(shell[0])) {
        for name in &names {
            let args = [&shell[1..], &["-n", name]].concat();
            let output = oracles::run(folder, shell[0], &args);
            assert!(
                output.status.success() && output.stderr.is_empty(),
                "{shell:?} {name}: {}",
                text(&output.stderr)
            );
        }
    }
    if oracles::present("shellcheck") {
        for name in &names {
            let mut args = vec!["--norc", "-s", "sh", name];
            if name.starts_with("run-") {
                // `A && B || C` means what it says there: C is for whichever of them fails.
                args.push("--exclude=SC2015");
            }
            oracles::content(folder, "shellcheck", &args);
        }
    }
}

fn apply(shell: &[&str], copy: &Path, root: &Path) -> Output {
    let script = copy.join("apply");
    let args = [
        &shell[1..],
        &[
            script.to_str().unwrap(),
            copy.to_str().unwrap(),
            root.to_str().unwrap(),
        ],
    ]
    .concat();
    oracles::run(root, shell[0], &args)
}

/// Everything below a root: kind, mode, owner, target, content. The carriers' own notes are left out.
fn listing(root: &Path) -> String {
    shell(
        root,
        "find . ! -path './etc/nodebake/copied.*' -printf '%y %m %U:%G %l %p\\n' | sort; find . -type f ! -path './etc/nodebake/copied.*' -exec sha256sum '{}' + | sort",
    )
}

/// An empty image with mount points.
fn image(folder: &Path, name: &str, fstab: &str) -> PathBuf {
    let root = folder.join(name);
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/fstab"), fstab).unwrap();
    root
}

#[test]
fn every_shell_copies_what_tar_unpacks() {
    oracles::needs_root();
    let project = project(
        "{formats: [tarball, initramfs], secrets: inline, tarball: {assets: inside}, initramfs: {mode: copyToRoot, assets: inside}}",
    );
    let scratch = project.scratch();
    let copy = overlay(&project, "copied").join("nodebake/copy");
    let fstab = "proc /proc proc defaults 0 0\n# /srv\n";
    let expected = image(scratch, "expected", fstab);
    let archive = node(&project).join(format!("{NODE}.tar.gz"));
    shell(
        &expected,
        &format!("umask 022; tar -xpf {}", archive.display()),
    );
    for shell in SHELLS.iter().filter(|shell| oracles::present(shell[0])) {
        let root = image(scratch, &format!("root-{}", shell[0]), fstab);
        for _ in 0..2 {
            let output = apply(shell, &copy, &root);
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(
                output.status.success() && said.is_empty(),
                "{shell:?}: {said}"
            );
            assert_eq!(listing(&root), listing(&expected), "{shell:?}");
        }
    }
}

/// The last line of a file counts, with or without a line feed at its end.
#[test]
fn the_last_line_of_the_roots_files_is_read_too() {
    oracles::needs_root();
    let project = project(
        "{formats: [initramfs], secrets: inline, initramfs: {mode: copyToRoot, assets: inside}}",
    );
    let copy = overlay(&project, "copied").join("nodebake/copy");
    for shell in SHELLS.iter().filter(|shell| oracles::present(shell[0])) {
        for end in ["\n", ""] {
            let scratch = tempfile::tempdir().unwrap();
            let root = image(
                scratch.path(),
                "hidden",
                &format!("/dev/vdb /srv ext4 defaults 0 0{end}"),
            );
            let output = apply(shell, &copy, &root);
            let said = text(&output.stderr);
            assert!(
                !output.status.success() && said.contains("is on the file system of /srv"),
                "{shell:?} {end:?}: {said}"
            );
            assert!(!root.join("srv").exists() && !root.join("etc/hostname").exists());
            // When it is mounted there by then, all is well.
            if oracles::chroot() {
                fs::create_dir(root.join("srv")).unwrap();
                let script = "mount -t tmpfs none \"$0/srv\" && exec \"$@\"";
                let mut args = vec!["-m", "sh", "-euc", script, root.to_str().unwrap()];
                args.extend(*shell);
                let apply = copy.join("apply");
                args.extend([&apply, &copy, &root].map(|path| path.to_str().unwrap()));
                oracles::content(scratch.path(), "unshare", &args);
                assert!(root.join("etc/hostname").exists() && !root.join("srv/d").exists());
            }
            let root = image(scratch.path(), "labelled", "");
            fs::create_dir(root.join("etc/selinux")).unwrap();
            fs::write(
                root.join("etc/selinux/config"),
                format!("SELINUXTYPE=default\nSELINUX=enforcing{end}"),
            )
            .unwrap();
            let output = apply(shell, &copy, &root);
            assert!(
                output.status.success(),
                "{shell:?}: {}",
                text(&output.stderr)
            );
            assert!(
                root.join("etc/nodebake/unlabelled").exists(),
                "{shell:?} {end:?}"
            );
        }
    }
}
