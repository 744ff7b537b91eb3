//! Hashes of passwords: where they go, that they go nowhere else, and what cloud-init makes of them. Ignition's engines make users with
//! them in `formats::ignition::engines`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nodebake::model::output::{Format, Secrets, Settings};
use nodebake::payload::NodeFacts;
use nodebake::secrets::UserHash;
use nodebake::tree::NodeTree;
use serde_json::Value;

use crate::support::fixture::{Project, text};
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::trees::{self, PASSWORD_HASH};

fn facts() -> NodeFacts {
    let core = UserHash {
        user: "core".into(),
        hash: PASSWORD_HASH.into(),
    };
    NodeFacts {
        users: trees::users(),
        passwords: vec![core].into(),
        ..trees::facts()
    }
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

/// Whether a file of a payload has the hash, as its text or as base64 would show it.
fn has(file: &Path) -> bool {
    fs::read_to_string(file).unwrap().contains(PASSWORD_HASH)
}

#[test]
fn a_payload_with_a_hash_is_secret_though_its_tree_is_not() {
    let scratch = tempfile::tempdir().unwrap();
    let nothing = NodeTree::default();
    let separate = Settings {
        secrets: Secrets::Separate,
        ..trees::settings()
    };
    for (format, whole, apart) in [
        (Format::CloudInit, "user-data", "user-data.secrets"),
        (Format::Ignition, "config.ign", "config.secrets.ign"),
    ] {
        let folder = package(
            scratch.path(),
            format,
            &nothing,
            &facts(),
            &trees::settings(),
        );
        assert!(has(&folder.join(whole)) && mode(&folder.join(whole)) == 0o600);
        let folder = package(scratch.path(), format, &nothing, &facts(), &separate);
        assert!(!has(&folder.join(whole)) && mode(&folder.join(whole)) == 0o644);
        assert!(has(&folder.join(apart)) && mode(&folder.join(apart)) == 0o600);
        // Without one nothing is secret.
        let without = NodeFacts {
            passwords: std::sync::Arc::default(),
            ..facts()
        };
        let folder = package(scratch.path(), format, &nothing, &without, &separate);
        assert!(!folder.join(apart).exists() && mode(&folder.join(whole)) == 0o644);
    }
    if oracles::present("ignition-validate") {
        let folder = package(
            scratch.path(),
            Format::Ignition,
            &nothing,
            &facts(),
            &separate,
        );
        for file in ["config.ign", "config.secrets.ign"] {
            oracles::content(&folder, "ignition-validate", &[file]);
        }
    }
}

/// What cloud-init's own code makes of `users` in a document.
const NORMALIZED: &str = "
import json, sys, yaml
from cloudinit.distros import debian, ug_util
from cloudinit import helpers
distro = debian.Distro('debian', {}, helpers.Paths({}))
config = yaml.safe_load(open(sys.argv[1]))
users, _ = ug_util.normalize_users_groups(config, distro)
print(json.dumps(users))
";

#[test]
fn cloud_init_takes_the_hash_inside_and_apart() {
    let modules = oracles::cloud_init_modules();
    let scratch = tempfile::tempdir().unwrap();
    let nothing = NodeTree::default();
    for secrets in [Secrets::Inline, Secrets::Separate] {
        let settings = Settings {
            secrets,
            ..trees::settings()
        };
        let folder = package(
            scratch.path(),
            Format::CloudInit,
            &nothing,
            &facts(),
            &settings,
        );
        let parts = match secrets {
            Secrets::Separate => vec!["user-data", "user-data.secrets"],
            _ => vec!["user-data"],
        };
        if oracles::present("cloud-init") {
            for part in &parts {
                let said = oracles::content(&folder, "cloud-init", &["schema", "-c", part]);
                assert!(said.contains("Valid"), "{said}");
            }
        }
        let merged = crate::formats::separate::merged(&folder, &parts);
        let output = oracles::command(&folder, oracles::PYTHON)
            .args(["-c", NORMALIZED])
            .arg(&merged)
            .env("PYTHONPATH", &modules)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let users: Value = serde_json::from_slice(&output.stdout).unwrap();
        let core = &users["core"];
        assert_eq!(core["hashed_passwd"], PASSWORD_HASH, "{users}");
        assert_eq!(core["lock_passwd"], false, "{users}");
        assert_eq!(core["uid"], 1234, "{users}");
        assert!(users["plain"].get("hashed_passwd").is_none(), "{users}");
    }
}

fn project(more: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    fs::write(&file, inventory + more).unwrap();
    fs::create_dir_all(project.dir.join("secrets")).unwrap();
    fs::write(
        project.dir.join("secrets/ops"),
        format!("{PASSWORD_HASH}\n"),
    )
    .unwrap();
    fs::write(project.dir.join("secrets/plain"), "hunter2\n").unwrap();
    project
}

#[test]
fn a_hash_is_in_secret_payloads_only_and_is_never_printed() {
    let users = "users: {ops: {passwordHashFile: secrets/ops, sudo: \"ALL=(ALL) ALL\"}}\n";
    let project = project(&format!(
        "{users}output: {{formats: [tarball, cloudInit, ignition, initramfs], secrets: separate}}\n"
    ));
    project.good(&["build"]);
    let mut holding = Vec::new();
    for entry in walkdir::WalkDir::new(project.out()) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            if String::from_utf8_lossy(&bytes).contains(PASSWORD_HASH) {
                assert_eq!(mode(entry.path()), 0o600, "{:?}", entry.path());
                holding.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    holding.sort();
    holding.dedup();
    assert_eq!(holding, ["config.secrets.ign", "user-data.secrets"]);
    for args in [
        &["check"][..],
        &["show", "n1"],
        &["show", "n1", "--origin"],
        &["diff", "out", "out"],
    ] {
        let output = project.run(args);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains("8iYtNHxj"), "{args:?}: {said}");
    }
}

#[test]
fn what_is_no_hash_is_found_and_not_printed() {
    let of = |keys: &str| format!("users: {{ops: {{{keys}}}}}\noutput: {{formats: [ignition]}}\n");
    for (more, expected) in [
        (
            of("passwordHashFile: secrets/plain"),
            "user-password-invalid",
        ),
        (of("passwordHashFile: secrets/none"), "file-missing"),
        (
            of(&format!("passwordHash: \"{PASSWORD_HASH}\"")),
            "field-unknown",
        ),
        (of(&format!("passwd: \"{PASSWORD_HASH}\"")), "field-unknown"),
        (
            of(&format!("passwordHashFile: \"{PASSWORD_HASH}\"")),
            "file-missing",
        ),
    ] {
        for format in ["json", "text"] {
            let output = project(&more).run(&["check", "--format", format]);
            let said = text(&output.stdout) + &text(&output.stderr);
            assert_eq!(output.status.code(), Some(3), "{more}: {said}");
            assert!(
                format == "text" || said.contains(&format!("\"{expected}\"")),
                "{more}: {said}"
            );
            assert!(
                !said.contains("8iYtNHxj") && !said.contains("hunter2"),
                "{more}: {said}"
            );
        }
    }
}
