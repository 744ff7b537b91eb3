//! The check on the node: a root that is as it was baked passes, and any change to it keeps the kubelet from starting.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::formats::initrd::{NODE, node};
use crate::support::fixture::{Project, text};
use crate::support::oracles;

/// A project whose node checks its tree.
fn project(more: &str) -> Project {
    let project = Project::of("modern");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let changed = inventory.replace(
        "    profiles: [gpu]\n",
        &format!(
            "    profiles: [gpu]\n    output: {{secrets: inline}}\n    overlays: {{tree-check: {{}}}}\n{more}"
        ),
    );
    fs::write(file, changed).unwrap();
    project
}

/// The node's tarball, unpacked over an empty root.
fn root(project: &Project) -> PathBuf {
    oracles::needs_root();
    oracles::needs(["openssl"]);
    project.command(&["build"]).good();
    let root = project.scratch().join("root");
    unpack(project, &root);
    root
}

fn unpack(project: &Project, root: &Path) {
    oracles::needs(["tar"]);
    let _ = fs::remove_dir_all(root);
    fs::create_dir(root).unwrap();
    let archive = node(project).join(format!("{NODE}.tar.gz"));
    oracles::content(root, "tar", &["-xpf", archive.to_str().unwrap()]);
}

/// The check as the node's unit runs it, by different shells.
fn check(root: &Path, shell: &[&str]) -> Output {
    let script = root.join("etc/nodebake/check").display().to_string();
    let mut args = shell[1..].to_vec();
    let at = root.display().to_string();
    args.extend([script.as_str(), at.as_str()]);
    oracles::run(root, shell[0], &args)
}

const SHELLS: [&[&str]; 3] = [&["sh"], &["bash", "--posix"], &["busybox", "sh"]];

fn refuses(root: &Path, said: &str) {
    let output = check(root, &["sh"]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}: {stderr}");
    assert!(stderr.contains(said), "{said}: {stderr}");
}

#[test]
fn a_root_as_it_was_baked_passes_in_every_shell() {
    let project = project(
        "    files: {\"/etc/a b\": {content: x, mode: \"4711\", user: {name: etcd, id: 999}}}\n    directories: {/srv/drop: {mode: \"3777\"}}\n",
    );
    let root = root(&project);
    for shell in SHELLS {
        if oracles::present(shell[0]) {
            let output = check(&root, shell);
            assert!(
                output.status.success(),
                "{shell:?}: {}",
                text(&output.stderr)
            );
            assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        }
    }
    // An image may have a link where the node has a directory.
    let script = "mv srv/drop own; ln -s ../own srv/drop";
    oracles::content(&root, "sh", &["-euc", script]);
    assert!(check(&root, &["sh"]).status.success());
    refuses_mode(&root, "own", "/srv/drop: its mode is 0700, not 3777");
}

fn refuses_mode(root: &Path, path: &str, said: &str) {
    fs::set_permissions(root.join(path), fs::Permissions::from_mode(0o700)).unwrap();
    refuses(root, said);
}

#[test]
fn any_byte_of_any_file_makes_it_refuse() {
    let project = project(
        "    links: {/etc/l: /etc/hostname}\n    directories: {/srv/d: {mode: \"0750\"}}\n",
    );
    let root = root(&project);
    let tree = fs::read(node(&project).join("tree.json")).unwrap();
    let tree: Value = serde_json::from_slice(&tree).unwrap();
    let mut files = 0;
    for entry in tree["entries"].as_array().unwrap() {
        let path = entry["path"].as_str().unwrap();
        let at = root.join(&path[1..]);
        let own = path == "/etc/nodebake/check";
        match entry["type"].as_str().unwrap() {
            // The script itself cannot be trusted once it is changed; another copy of it tells.
            "file" if !own => {
                let before = fs::read(&at).unwrap();
                let mut after = before.clone();
                let middle = after.len() / 2;
                after[middle] ^= 1;
                fs::write(&at, after).unwrap();
                refuses(&root, &format!("{path}: the content"));
                fs::write(&at, before).unwrap();
                files += 1;
            }
            "directory" => {
                let mode = fs::metadata(&at).unwrap().permissions().mode();
                fs::set_permissions(&at, fs::Permissions::from_mode(mode ^ 0o001)).unwrap();
                refuses(&root, &format!("{path}: its mode is"));
                fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
            }
            "symlink" => {
                let before = fs::read_link(&at).unwrap();
                fs::remove_file(&at).unwrap();
                std::os::unix::fs::symlink("/etc/hostnamf", &at).unwrap();
                refuses(&root, &format!("{path}: it leads elsewhere"));
                fs::remove_file(&at).unwrap();
                std::os::unix::fs::symlink(before, &at).unwrap();
            }
            _ => {}
        }
    }
    assert!(files > 10);
    assert!(check(&root, &["sh"]).status.success());
}

/// Where openssl is too old, ssh-keygen reads the other signature, with the same key.
#[test]
fn an_old_openssl_leaves_it_to_ssh_keygen() {
    let project = project("");
    let root = root(&project);
    oracles::needs(["ssh-keygen"]);
    let bin = project.scratch().join("bin");
    let old = |version: &str| {
        oracles::content(
            project.scratch(),
            "sh",
            &[
                "-euc",
                &format!(
                    "mkdir -p bin; printf '#!/bin/sh\\necho {version}\\n' >bin/openssl; chmod 755 bin/openssl"
                ),
            ],
        );
    };
    let check = |shell: &[&str]| {
        let rest = std::env::var("PATH").unwrap();
        let mut args = shell[1..].to_vec();
        let script = root.join("etc/nodebake/check").display().to_string();
        let at = root.display().to_string();
        args.extend([script.as_str(), at.as_str()]);
        let output = oracles::command(&root, shell[0])
            .args(&args)
            .env("PATH", format!("{}:{rest}", bin.display()))
            .output()
            .unwrap();
        (output.status.success(), text(&output.stderr))
    };
    // This openssl says yes to everything, so it must not be asked.
    old("OpenSSL 1.1.1k  FIPS 25 Mar 2021");
    for shell in SHELLS {
        if oracles::present(shell[0]) {
            assert_eq!(check(shell), (true, String::new()), "{shell:?}");
        }
    }
    let own = root.join("etc/nodebake");
    for file in ["tree.sums", "tree.sums.sshsig", "sign.pub"] {
        let at = own.join(file);
        let before = fs::read(&at).unwrap();
        let mut after = before.clone();
        let middle = after.len() / 2;
        after[middle] ^= 1;
        fs::write(&at, after).unwrap();
        let (good, said) = check(&["sh"]);
        assert!(
            !good && said.contains("is not what the key"),
            "{file}: {said}"
        );
        fs::write(&at, before).unwrap();
    }
    fs::remove_file(own.join("tree.sums.sshsig")).unwrap();
    let (good, said) = check(&["sh"]);
    assert!(
        !good && said.contains("there is no openssl 3, and no "),
        "{said}"
    );
}

#[test]
fn other_changes_are_found_too_and_all_at_once() {
    let project = project("    links: {/etc/l: /etc/hostname}\n");
    let root = root(&project);
    let shell = |script: &str| {
        oracles::content(&root, "sh", &["-euc", script]);
    };
    shell(
        "chown 1:2 etc/hostname; ln -sfn /elsewhere etc/l; rm etc/kubernetes/kubelet-config.yaml; chmod 0666 etc/kubernetes/pki/ca.crt",
    );
    for said in [
        "/etc/hostname: its owner is 1:2, not 0:0",
        "/etc/l: it leads elsewhere than to /etc/hostname",
        "/etc/kubernetes/kubelet-config.yaml: is missing",
        "/etc/kubernetes/pki/ca.crt: its mode is 0666, not 0644",
    ] {
        refuses(&root, said);
    }
    unpack(&project, &root);
    shell("mv etc/hostname etc/other; ln -s other etc/hostname");
    refuses(&root, "/etc/hostname: is missing, or no file");
    for file in ["tree.sums", "tree.sums.sig", "sign.pub"] {
        unpack(&project, &root);
        let at = root.join("etc/nodebake").join(file);
        let mut bytes = fs::read(&at).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&at, bytes).unwrap();
        refuses(&root, "is not what the key");
    }
    // A list and a key of the intruder's own: the image's key is what counts.
    unpack(&project, &root);
    shell("mkdir -p usr/lib/nodebake; cp etc/nodebake/sign.pub usr/lib/nodebake/
           openssl genpkey -algorithm ed25519 -out own.key 2>/dev/null; openssl pkey -in own.key -pubout -out etc/nodebake/sign.pub
           echo evil >etc/hostname; d=$(sha256sum <etc/hostname); sed -i \"s|^[0-9a-f]*  etc/hostname$|${d%% *}  etc/hostname|\" etc/nodebake/tree.sums
           openssl pkeyutl -sign -inkey own.key -rawin -in etc/nodebake/tree.sums -out etc/nodebake/tree.sums.sig");
    refuses(&root, "is not what the key");
    shell("rm -r usr/lib/nodebake");
    assert!(
        check(&root, &["sh"]).status.success(),
        "as the documentation says"
    );
}

#[test]
fn what_may_change_is_left_out() {
    let project = project(
        "    files: {/etc/nodebake/check.except: {content: \"/etc/hostname\\n/etc/nodebake/check.except\\n\"}}\n",
    );
    let root = root(&project);
    fs::write(root.join("etc/hostname"), "another\n").unwrap();
    let output = check(&root, &["sh"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The list of exceptions is none itself.
    let except = root.join("etc/nodebake/check.except");
    fs::write(
        except,
        "/etc/hostname\n/etc/nodebake/check.except\n/etc/kubernetes/pki/ca.crt\n",
    )
    .unwrap();
    refuses(&root, "/etc/nodebake/check.except: the content");
}

#[test]
fn a_build_that_signs_no_trees_is_refused() {
    let project = project("");
    let output = project.run(&["build", "--unsigned"]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr) + &text(&output.stdout);
    assert!(
        said.contains("overlays.tree-check: the node checks its tree"),
        "{said}"
    );
    assert!(!project.out().exists());
}

/// A failed check stops the start of the kubelet: systemd's own reading of the units.
#[test]
fn the_kubelet_requires_the_check() {
    let project = project("");
    let root = root(&project);
    let link = root.join("etc/systemd/system/kubelet.service.requires/nodebake-check.service");
    assert!(fs::symlink_metadata(link).is_ok());
    let unit = fs::read_to_string(root.join("etc/systemd/system/nodebake-check.service")).unwrap();
    assert!(unit.contains("Before=kubelet.service"));
}

/// A budget that only the signed list exceeds: `check` counts it as `build` does, and `show --sizes` as it is written.
#[test]
fn the_signed_list_counts_before_anything_is_signed() {
    let with = |output: &str| {
        let project = project("");
        let file = project.dir.join("cluster.yaml");
        let inventory = fs::read_to_string(&file).unwrap();
        let inventory =
            inventory.replace("output: {secrets: inline}", &format!("output: {output}"));
        fs::write(&file, inventory).unwrap();
        project
    };
    let target = |most: u64| {
        format!(
            "{{formats: [cloudInit, ignition], ignition: {{target: {{maxBytes: {most}, count: raw}}}}}}"
        )
    };
    let project = with(&target(1 << 20));
    project.good(&["build"]);
    let written = fs::metadata(node(&project).join("config.ign"))
        .unwrap()
        .len();
    let shown = project.good(&["show", NODE, "--sizes"]);
    assert!(
        shown.contains(&format!("plain             {written:>8} fits")),
        "{shown}"
    );
    for (most, good) in [(written, true), (written - 1, false)] {
        let project = with(&target(most));
        for command in ["check", "build"] {
            let run = project.run(&[command]);
            let said = text(&run.stdout) + &text(&run.stderr);
            assert_eq!(run.status.success(), good, "{command} {most}: {said}");
            assert!(good || said.contains("config.ign: is "), "{said}");
        }
    }
}
