//! `output.ignition.url`: a small public `config.ign` that fetches what the node is made of and checks its digest.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nodebake::model::output::{Format, IgnitionSettings, Secrets, Settings};
use serde_json::{Value, json};

use crate::formats::ignition::engines::{Served, engines, root_of};
use crate::support::fixture::Project;
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::trees;

/// What a pointer may take: less than any platform's limit by far.
const SMALL: usize = 600;

pub fn fetched(base: &str, secrets: Secrets) -> Settings {
    Settings {
        secrets,
        ignition: IgnitionSettings {
            body_url: Some(format!("{base}/{{node}}/config.body.ign")),
            secrets_url: (secrets == Secrets::Separate)
                .then(|| format!("{base}/{{node}}/config.secrets.ign")),
            ..IgnitionSettings::default()
        },
        ..trees::settings()
    }
}

fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

fn digest(folder: &Path, name: &str) -> String {
    oracles::needs(["sha512sum"]);
    let said = oracles::content(folder, "sha512sum", &[name]);
    format!("sha512-{}", said.split_whitespace().next().unwrap())
}

#[test]
fn the_pointer_is_small_and_public_and_names_the_digests() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let base = "https://boot.example.com";
    for secrets in [Secrets::Inline, Secrets::Separate] {
        let settings = fetched(base, secrets);
        let facts = trees::facts();
        let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
        let names: &[&str] = match secrets {
            Secrets::Separate => &["config.body.ign", "config.secrets.ign"],
            _ => &["config.body.ign"],
        };
        let sources = names.iter().map(|name| {
            json!({
                "source": format!("{base}/gpu-1.example.com/{name}"),
                "verification": {"hash": digest(&folder, name)},
            })
        });
        let expected = json!({"ignition": {
            "version": "3.0.0",
            "config": {"merge": sources.collect::<Vec<_>>()},
        }});
        assert_eq!(read(&folder, "config.ign"), expected);
        let mode = |name: &str| {
            let seen = fs::metadata(folder.join(name)).unwrap();
            seen.permissions().mode() & 0o777
        };
        assert_eq!(mode("config.ign"), 0o644);
        let body = if secrets == Secrets::Inline {
            0o600
        } else {
            0o644
        };
        assert_eq!(mode("config.body.ign"), body);
        assert!(fs::metadata(folder.join("config.ign")).unwrap().len() < SMALL as u64);
        if oracles::present("ignition-validate") {
            for name in names.iter().chain(&["config.ign"]) {
                let said = oracles::content(&folder, "ignition-validate", &[name]);
                assert_eq!(said, "", "{name}");
            }
        }
    }
}

#[test]
fn the_engines_fetch_the_body_and_refuse_another_one() {
    oracles::needs_root();
    for engine in engines(0) {
        for secrets in [Secrets::Inline, Secrets::Separate] {
            let scratch = tempfile::tempdir().unwrap();
            let tree = trees::rich(scratch.path());
            let served = Served::new();
            let settings = fetched(&served.base, secrets);
            let facts = trees::facts();
            let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
            served.folder("gpu-1.example.com", &folder);
            let root = root_of(&folder);
            super::apply(&folder, engine);
            assert_eq!(trees::differences(&root, &tree, true), [""; 0], "{engine}");
            // One byte of the body is another one.
            let body = folder.join("config.body.ign");
            let mut bytes = fs::read(&body).unwrap();
            bytes.push(b' ');
            fs::write(&body, bytes).unwrap();
            let said = super::refused(&folder, engine);
            assert!(said.contains("hash verification failed"), "{said}");
        }
    }
}

#[test]
fn the_inventory_says_from_where() {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let more = "output: {formats: [ignition], secrets: separate, ignition: {url: \"http://boot/{node}.ign\", secretsURL: \"https://boot/{node}\"}}\n";
    fs::write(&file, inventory + more).unwrap();
    project.good(&["build"]);
    let folder = project.out().join("nodes/n1");
    let merge = &read(&folder, "config.ign")["ignition"]["config"]["merge"];
    assert_eq!(merge[0]["source"], "http://boot/n1.ign");
    assert_eq!(
        merge[0]["verification"]["hash"],
        digest(&folder, "config.body.ign")
    );
    assert_eq!(merge[1]["source"], "https://boot/n1");
    let index = fs::read_to_string(project.out().join("index.json")).unwrap();
    assert!(index.contains("config.body.ign"), "{index}");
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
}
