//! Ignition configurations, checked by Ignition's own validation and by its engine.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nodebake::model::output::{Format, IgnitionSettings, IgnitionSpec, Settings};
use nodebake::payload::Job;
use nodebake::tree::{Content, Entry, EntryKind, NodeTree};
use serde_json::Value;

use crate::support::oracles;
use crate::support::payload::{assert_states, files, package, rich, units_of_the_image};
use crate::support::trees;

mod butane;
mod coreos;
pub mod engines;
mod merge;
mod packed;
mod pointer;
mod size;
mod spec;
mod to_butane;

fn with_spec(minor: u8) -> Settings {
    Settings {
        ignition: IgnitionSettings {
            spec: Some(IgnitionSpec { minor }),
            ..IgnitionSettings::default()
        },
        ..trees::settings()
    }
}

fn assert_silent(output: &std::process::Output, what: &str) {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(
        output.status.success() && said.is_empty(),
        "{what}: {}",
        String::from_utf8_lossy(&said)
    );
}

#[test]
fn ignition_accepts_every_spec_without_a_warning() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let newest = "ignition-validate-2.26";
    let newest_is_there = oracles::conformance(newest);
    for minor in 0..=6 {
        let folder = package(
            scratch.path(),
            Format::Ignition,
            &tree,
            &trees::facts(),
            &with_spec(minor),
        );
        // Debian's 2.14 knows up to 3.3.
        if minor <= 3 && oracles::present("ignition-validate") {
            let output = oracles::run(&folder, "ignition-validate", &["config.ign"]);
            assert_silent(&output, &format!("ignition-validate of spec 3.{minor}.0"));
        }
        if newest_is_there {
            let output = oracles::run(&folder, newest, &["config.ign"]);
            assert_silent(
                &output,
                &format!("the newest ignition-validate of spec 3.{minor}.0"),
            );
        }
    }
}

#[test]
fn ignition_files_decode_to_the_same_bytes() {
    let scratch = tempfile::tempdir().unwrap();
    let (tree, folder) = rich(scratch.path(), Format::Ignition);
    oracles::needs(["python3"]);
    let script = oracles::source("ignition/decode.py");
    let said = oracles::content(
        &folder,
        "python3",
        &[script.to_str().unwrap(), "config.ign"],
    );
    let decoded: BTreeMap<String, String> = serde_json::from_str(&said).unwrap();
    let mut expected: BTreeMap<String, String> = files(&tree)
        .into_iter()
        .map(|(path, (_, bytes))| (path, STANDARD.encode(bytes)))
        .collect();
    // Files of units with a mode of their own: systemd.units could not say it.
    let all = tree.materialised();
    for path in [
        "/etc/systemd/system/a-kubelet.service",
        "/etc/systemd/system/systemd-networkd.service.d/10-test.conf",
    ] {
        let EntryKind::File(Content::Blob(blob)) = &all[path].kind else {
            panic!("{path}")
        };
        expected.insert(path.to_owned(), STANDARD.encode(blob.bytes()));
    }
    // One more than the tree declares: what keeps disabled units off.
    assert_eq!(decoded.len(), expected.len() + 1);
    let preset = &decoded["/etc/systemd/system-preset/10-nodebake.preset"];
    assert_eq!(STANDARD.decode(preset).unwrap(), b"disable off.service\n");
    for (path, bytes) in expected {
        assert!(decoded[&path] == bytes, "{path} differs");
    }
}

#[test]
fn ignition_says_modes_owners_and_states() {
    let scratch = tempfile::tempdir().unwrap();
    let (_, folder) = rich(scratch.path(), Format::Ignition);
    let text = fs::read_to_string(folder.join("config.ign")).unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    let find = |list: &str, path: &str| {
        let list = config["storage"][list].as_array().unwrap();
        let node = list.iter().find(|node| node["path"] == path);
        node.unwrap_or_else(|| panic!("{path} is missing")).clone()
    };
    let secret = find("files", "/etc/kubernetes/bootstrap.kubeconfig");
    assert_eq!(
        (&secret["mode"], &secret["overwrite"]),
        (&384.into(), &true.into())
    );
    let folder = find("directories", "/var/lib/daemons");
    assert_eq!(folder["overwrite"], false);
    assert_eq!(folder["user"].to_string(), r#"{"id":1}"#);
    assert_eq!(folder["group"].to_string(), r#"{"id":61235}"#);
    let link = find("links", "/opt/links/deep/dangling");
    assert_eq!(
        (&link["target"], &link["overwrite"]),
        (&"../../nowhere".into(), &true.into())
    );
    let masked = config["systemd"]["units"]
        .as_array()
        .unwrap()
        .iter()
        .find(|unit| unit["name"] == "systemd-timesyncd.service")
        .unwrap();
    assert_eq!(
        masked.to_string(),
        r#"{"name":"systemd-timesyncd.service","mask":true}"#
    );
    assert!(
        text.starts_with(r#"{"ignition":{"version":"3.0.0"},"storage":{"directories":[{"path":""#)
    );
}

#[test]
fn ignition_itself_makes_the_tree() {
    oracles::Target::Conformance.needs(["ignition-engine"]);
    oracles::needs_root();
    let scratch = tempfile::tempdir().unwrap();
    let (tree, folder) = rich(scratch.path(), Format::Ignition);
    let root = folder.join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    for file in ["passwd", "group"] {
        fs::copy(format!("/etc/{file}"), root.join("etc").join(file)).unwrap();
    }
    apply_ignition(&folder);
    assert_eq!(trees::differences(&root, &tree, true), [""; 0]);
    if oracles::present("systemctl") {
        units_of_the_image(&root);
        let root_option = format!("--root={}", root.display());
        oracles::content(&folder, "systemctl", &[&root_option, "preset-all"]);
        assert_states(&root, &folder);
    }
}

/// Applies `config.ign` of a folder to `root` in it, by the newest engine.
pub fn apply_ignition(folder: &Path) {
    apply(folder, "ignition-engine");
}

/// Runs the stages that make files, by one of the engines.
pub fn apply(folder: &Path, engine: &str) {
    relabelling(folder);
    for stage in ["fetch-offline", "fetch", "files"] {
        stage_of(folder, engine, stage, |command| {
            let path = command.get_envs().find(|(key, _)| *key == "PATH");
            let path = path.and_then(|(_, path)| path).unwrap_or_default();
            let folders = std::env::split_paths(path);
            let folders = std::iter::once(folder.join("bin")).chain(folders);
            let path = std::env::join_paths(folders).unwrap();
            command.env("PATH", path);
        });
    }
}

/// Debian's engine hands what it wrote to `setfiles` of the initrd: a substitute writes the paths down, since there is no
/// SELinux here.
fn relabelling(folder: &Path) {
    let policy = folder.join("root/etc/selinux/targeted/contexts/files");
    fs::create_dir_all(&policy).unwrap();
    fs::write(policy.join("file_contexts"), "").unwrap();
    let config = folder.join("root/etc/selinux/config");
    fs::write(config, "SELINUXTYPE=targeted\n").unwrap();
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\ncat >>'{}'\n",
        folder.join("relabelled").display()
    );
    fs::write(bin.join("setfiles"), script).unwrap();
    fs::set_permissions(bin.join("setfiles"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs one stage, which must go well.
fn stage_of(folder: &Path, engine: &str, stage: &str, change: impl Fn(&mut Command)) {
    let output = run_stage(folder, engine, stage, change);
    let said = String::from_utf8_lossy(&output.stdout);
    let reason = said.lines().last();
    assert!(output.status.success(), "{engine} {stage}: {reason:?}");
}

/// What an engine says of a configuration that it cannot get or does not take, or of files in it.
pub fn refused(folder: &Path, engine: &str) -> String {
    for file in ["cache.json", "state.json", "neednet"] {
        let _ = fs::remove_file(folder.join(file));
    }
    run_stage(folder, engine, "fetch-offline", |_| {});
    for stage in ["fetch", "files"] {
        let output = run_stage(folder, engine, stage, |_| {});
        if !output.status.success() {
            return String::from_utf8_lossy(&output.stdout).into_owned();
        }
    }
    panic!("{engine} took it");
}

fn run_stage(
    folder: &Path,
    engine: &str,
    stage: &str,
    change: impl Fn(&mut Command),
) -> std::process::Output {
    let mut command = oracles::command(folder, engine);
    command
        .env("IGNITION_CONFIG_FILE", "config.ign")
        .args(["-platform", "file", "-stage", stage, "-log-to-stdout"])
        // useradd and its like take absolute roots only.
        .arg("-root")
        .arg(folder.join("root"))
        .args(["-config-cache", "cache.json"])
        .args(["-neednet", "neednet", "-state-file", "state.json"]);
    change(&mut command);
    command.output().unwrap()
}

#[test]
fn what_ignition_cannot_say_is_said_before_the_boot() {
    let mut tree = NodeTree::default();
    let mut add = |at: &str, entry: Entry| tree.add(trees::path(at), entry).unwrap();
    let file = |mode| Entry::file(Content::bytes("x"), mode, trees::origin());
    add("/opt/suid", file(0o4755));
    add("/run/x", file(0o644));
    add("/running", file(0o644));
    add(
        "/etc/systemd",
        Entry::symlink("/opt/systemd", trees::origin()),
    );
    let long = format!("[Service]\nExecStart=/x {}\n", "y".repeat(2048));
    for (name, text) in [("a.service", &long[..]), ("b.servce", "[Unit]\nnothing\n")] {
        tree.unit_mut(name).text = Some((Content::bytes(text), trees::origin()));
    }
    let said = |minor| {
        let settings = with_spec(minor);
        let facts = trees::facts();
        let job = Job {
            tree: &tree,
            facts: &facts,
            settings: &settings,
        };
        // Units below a link are wrong in every format.
        assert_eq!(Format::CloudInit.check(&job).len(), 2);
        let objections = Format::Ignition.check(&job);
        objections
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        said(3),
        [
            "a.service: /etc/systemd/system/a.service is below /etc/systemd of test, which is not a directory",
            "b.servce: /etc/systemd/system/b.servce is below /etc/systemd of test, which is not a directory",
            "/opt/suid: mode 4755 has a setuid, setgid or sticky bit, which Ignition drops below spec 3.6.0",
            "/run/x: Ignition cannot write below /run, which is not the node's own while it runs",
            "a.service: the unit's text has 2048 bytes or more in line 2, which Ignition refuses; wrap it with backslashes",
            "b.servce: '.servce' is not a type of unit",
            "b.servce: the unit's text has an option without `=` in line 2",
        ]
    );
    assert!(said(6).iter().all(|line| !line.contains("setuid")));
    assert!(said(7)[2].starts_with("ignition.spec: 3.7.0 is not a released"));
}

#[test]
fn ignition_refuses_what_we_object_to() {
    oracles::needs(["ignition-validate"]);
    let scratch = tempfile::tempdir().unwrap();
    let objected = |text: &str| {
        let config = serde_json::json!({
            "ignition": {"version": "3.3.0"},
            "systemd": {"units": [{"name": "a.service", "contents": text}]},
        });
        fs::write(scratch.path().join("c.ign"), config.to_string()).unwrap();
        let theirs = oracles::run(scratch.path(), "ignition-validate", &["c.ign"]);
        let mut tree = NodeTree::default();
        tree.unit_mut("a.service").text = Some((Content::bytes(text), trees::origin()));
        let job = Job {
            tree: &tree,
            facts: &trees::facts(),
            settings: &trees::settings(),
        };
        let ours = Format::Ignition.check(&job);
        assert_eq!(
            theirs.status.success(),
            ours.is_empty(),
            "{text:.60}: {ours:?}"
        );
        !ours.is_empty()
    };
    let line =
        |length: usize| format!("[Service]\nExecStart={}\nType=simple\n", "y".repeat(length));
    assert!(!objected(&line(2000)));
    assert!(objected(&line(5000)));
    assert!(objected("[Unit\nDescription=x\n"));
    assert!(objected("[Unit]\nDescription\n"));
    assert!(!objected("# head\n\n[Unit]\nDescription=x \\\n  [y\n; c\n"));
}
