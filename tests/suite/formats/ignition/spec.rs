//! Without a word about it a configuration has the lowest specification that can express the node: whatever reads newer
//! ones reads it, and a lower one would lose something, as Ignition itself says.

use std::fs;
use std::path::Path;

use nodebake::model::output::{Format, IgnitionDigest, IgnitionSettings, KernelArgument, Settings};
use nodebake::payload::NodeFacts;
use nodebake::tree::{Content, Entry, NodeTree};
use serde_json::Value;

use crate::support::fixture::Project;
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::trees;

const NEWEST: &str = "ignition-validate-2.26";

fn argument(text: &str, wanted: bool) -> KernelArgument {
    KernelArgument {
        text: text.to_owned(),
        wanted,
    }
}

fn with_arguments() -> NodeFacts {
    NodeFacts {
        kernel_arguments: vec![
            argument("systemd.unified_cgroup_hierarchy=1", true),
            argument("rhgb", false),
            argument("console=ttyS0,115200n8", true),
        ],
        ..trees::facts()
    }
}

fn with_digest(digest: IgnitionDigest) -> Settings {
    Settings {
        ignition: IgnitionSettings {
            digest,
            ..IgnitionSettings::default()
        },
        ..trees::settings()
    }
}

fn with_mode(mode: u32) -> NodeTree {
    let mut tree = NodeTree::default();
    let file = Entry::file(Content::bytes("x"), 0o644, trees::origin());
    tree.add(trees::path("/opt/file"), file).unwrap();
    let folder = Entry::directory(mode, trees::origin());
    tree.add(trees::path("/opt/folder"), folder).unwrap();
    tree
}

fn document(scratch: &Path, tree: &NodeTree, facts: &NodeFacts, settings: &Settings) -> Value {
    let folder = package(scratch, Format::Ignition, tree, facts, settings);
    serde_json::from_slice(&fs::read(folder.join("config.ign")).unwrap()).unwrap()
}

/// Whether Ignition's own validation is content with a document, without a warning.
fn accepted(scratch: &Path, document: &Value) -> bool {
    fs::write(scratch.join("c.ign"), document.to_string()).unwrap();
    let output = oracles::run(scratch, NEWEST, &["c.ign"]);
    output.status.success() && output.stdout.is_empty() && output.stderr.is_empty()
}

#[test]
fn the_lowest_spec_that_can_express_the_node_is_written() {
    let scratch = tempfile::tempdir().unwrap();
    let (plain, sticky) = (with_mode(0o755), with_mode(0o1777));
    let (facts, arguments) = (trees::facts(), with_arguments());
    let (sha512, sha256) = (trees::settings(), with_digest(IgnitionDigest::Sha256));
    let asked = oracles::present(NEWEST);
    for (minor, tree, facts, settings) in [
        (0, &trees::rich(scratch.path()), &facts, &sha512),
        (0, &plain, &facts, &with_digest(IgnitionDigest::None)),
        (1, &plain, &facts, &sha256),
        (3, &plain, &arguments, &sha256),
        (6, &sticky, &arguments, &sha256),
        (6, &sticky, &facts, &sha512),
    ] {
        let mut document = document(scratch.path(), tree, facts, settings);
        let version = format!("3.{minor}.0");
        assert_eq!(document["ignition"]["version"], version);
        if !asked {
            continue;
        }
        assert!(accepted(scratch.path(), &document), "{version}");
        if minor > 0 {
            document["ignition"]["version"] = format!("3.{}.0", minor - 1).into();
            assert!(!accepted(scratch.path(), &document), "below {version}");
        }
    }
}

#[test]
fn digests_are_what_was_asked_for() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let mut sizes = Vec::new();
    for (digest, prefix) in [
        (IgnitionDigest::Sha512, "sha512-"),
        (IgnitionDigest::Sha256, "sha256-"),
    ] {
        let settings = with_digest(digest);
        let facts = trees::facts();
        let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
        let text = fs::read_to_string(folder.join("config.ign")).unwrap();
        sizes.push(text.len());
        let document: Value = serde_json::from_str(&text).unwrap();
        for file in document["storage"]["files"].as_array().unwrap() {
            let hash = file["contents"]["verification"]["hash"].as_str().unwrap();
            assert!(hash.starts_with(prefix), "{hash}");
        }
        if oracles::present("python3") {
            // It compares each digest with the decoded bytes.
            let script = oracles::source("ignition/decode.py");
            let args = [script.to_str().unwrap(), "config.ign"];
            oracles::content(&folder, "python3", &args);
        }
    }
    let none = with_digest(IgnitionDigest::None);
    let document = document(scratch.path(), &tree, &trees::facts(), &none);
    let text = document.to_string();
    assert!(!text.contains("verification"), "{text:.300}");
    sizes.push(text.len());
    assert!(sizes[0] > sizes[1] && sizes[1] > sizes[2], "{sizes:?}");
}

#[test]
fn kernel_arguments_are_in_the_public_payload_in_order() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let settings = Settings {
        secrets: nodebake::model::output::Secrets::Separate,
        ..trees::settings()
    };
    let facts = with_arguments();
    let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
    };
    assert_eq!(
        read("config.ign")["kernelArguments"].to_string(),
        r#"{"shouldExist":["systemd.unified_cgroup_hierarchy=1","console=ttyS0,115200n8"],"shouldNotExist":["rhgb"]}"#
    );
    assert!(read("config.secrets.ign")["kernelArguments"].is_null());
}

#[test]
fn the_inventory_sets_kernel_arguments_and_says_who_cannot() {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let more = "os: {kernelArguments: {quiet: true, rhgb: false, mitigations=off: true}}\n";
    fs::write(
        &file,
        format!("{inventory}{more}output: {{formats: [ignition]}}\n"),
    )
    .unwrap();
    project.good(&["build", "--strict"]);
    let config = fs::read(project.out().join("nodes/n1/config.ign")).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config["ignition"]["version"], "3.3.0");
    assert_eq!(
        config["kernelArguments"].to_string(),
        r#"{"shouldExist":["quiet","mitigations=off"],"shouldNotExist":["rhgb"]}"#
    );
}

/// Ignition's stage for kernel arguments hands them to a helper of the distribution: a substitute writes down what it gets.
#[test]
fn ignition_itself_hands_the_kernel_arguments_on() {
    use std::os::unix::fs::PermissionsExt;
    oracles::Target::Conformance.needs(["ignition-engine"]);
    oracles::needs_root();
    let scratch = tempfile::tempdir().unwrap();
    let tree = with_mode(0o755);
    let facts = with_arguments();
    let settings = trees::settings();
    let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
    let helper = folder.join("ignition-kargs-helper");
    fs::write(&helper, "#!/bin/sh\nprintf '%s\\n' \"$@\" >>\"$SAID\"\n").unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    fs::create_dir(folder.join("root")).unwrap();
    for stage in ["fetch-offline", "kargs"] {
        super::stage_of(&folder, "ignition-engine", stage, |command| {
            command
                .env("PATH", format!("{}:{path}", folder.display()))
                .env("SAID", folder.join("said"));
        });
    }
    let said = fs::read_to_string(folder.join("said")).unwrap();
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(
        said,
        [
            "--should-exist",
            "systemd.unified_cgroup_hierarchy=1",
            "--should-exist",
            "console=ttyS0,115200n8",
            "--should-not-exist",
            "rhgb"
        ]
    );
}
