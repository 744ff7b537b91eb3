//! `output.ignition.merge`: a configuration of the user's own, Butane-made ones too, comes to the node with ours.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nodebake::model::output::{Format, Secrets, Settings};
use nodebake::payload::{NodeFacts, UserConfig};
use nodebake::tree::NodeTree;
use serde_json::{Value, json};

use crate::formats::ignition::engines::{Served, engines, root_of};
use crate::formats::ignition::pointer::fetched;
use crate::support::fixture::Project;
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::trees;

/// What a user of Butane writes for all machines of a site.
const BUTANE: &str = "\
variant: fcos
version: 1.4.0
storage:
  directories:
  - path: /var/lib/site
    mode: 0750
  files:
  - path: /etc/site/banner
    mode: 0644
    contents: {inline: \"welcome {{ to }} the site\\n\"}
  - path: /etc/site/banner-that-is-long
    mode: 0600
    contents:
      inline: |
        LINES
  links:
  - path: /etc/site/link
    target: banner
systemd:
  units:
  - name: site.service
    enabled: true
    contents: |
      [Service]
      ExecStart=/bin/true
      [Install]
      WantedBy=multi-user.target
  - name: a-kubelet.service
    dropins:
    - name: 90-site.conf
      contents: |
        [Service]
        Environment=SITE=1
";

/// The configuration that Butane makes of it.
fn site() -> String {
    oracles::needs(["butane"]);
    let scratch = tempfile::tempdir().unwrap();
    let lines = "a line of the banner\n        ".repeat(40);
    fs::write(
        scratch.path().join("site.bu"),
        BUTANE.replace("LINES", &lines),
    )
    .unwrap();
    let args = ["--strict", "--pretty", "site.bu"];
    oracles::content(scratch.path(), "butane", &args)
}

fn merging(text: &str, secret: bool) -> NodeFacts {
    let config = UserConfig::read(&"site.ign".into(), text, secret).unwrap();
    NodeFacts {
        merges: vec![Arc::new(config)].into(),
        ..trees::facts()
    }
}

fn assert_site(root: &Path, what: &str) {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    assert_eq!(
        read("etc/site/banner"),
        "welcome {{ to }} the site\n",
        "{what}"
    );
    assert!(read("etc/site/banner-that-is-long").lines().count() >= 40);
    let link = fs::read_link(root.join("etc/site/link")).unwrap();
    assert_eq!(link, Path::new("banner"));
    assert!(root.join("var/lib/site").is_dir());
    assert!(read("etc/systemd/system/site.service").contains("/bin/true"));
    let dropin = "etc/systemd/system/a-kubelet.service.d/90-site.conf";
    assert!(read(dropin).contains("SITE=1"));
    assert!(read("etc/systemd/system-preset/20-ignition.preset").contains("enable site.service"));
}

#[test]
fn the_engines_make_both_the_node_and_the_site() {
    oracles::needs_root();
    let site = site();
    for engine in engines(3) {
        for (secrets, secret, fetches) in [
            (Secrets::Inline, false, false),
            (Secrets::Inline, true, true),
            (Secrets::Separate, false, true),
            (Secrets::Separate, true, true),
        ] {
            let scratch = tempfile::tempdir().unwrap();
            let tree = trees::rich(scratch.path());
            let served = Served::new();
            let settings = if fetches {
                fetched(&served.base, secrets)
            } else {
                trees::settings()
            };
            let facts = merging(&site, secret);
            let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
            served.folder("gpu-1.example.com", &folder);
            let root = root_of(&folder);
            super::apply(&folder, engine);
            let what = format!("{engine}, {secrets:?}, {secret}");
            assert_eq!(trees::differences(&root, &tree, true), [""; 0], "{what}");
            assert_site(&root, &what);
        }
    }
}

fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

/// What the first configuration that another one merges says; it is short, and so not compressed.
fn embedded(config: &Value) -> String {
    let source = &config["ignition"]["config"]["merge"][0]["source"];
    let encoded = source.as_str().unwrap().strip_prefix("data:;base64,");
    String::from_utf8(STANDARD.decode(encoded.unwrap()).unwrap()).unwrap()
}

#[test]
fn a_secret_configuration_is_in_the_secret_payload_only() {
    let scratch = tempfile::tempdir().unwrap();
    let text = json!({"ignition": {"version": "3.0.0"}, "storage": {"files": [
        {"path": "/etc/site", "contents": {"source": "data:,hidden"}}
    ]}});
    let facts = merging(&text.to_string(), true);
    // The tree itself has no secret.
    let tree = NodeTree::default();
    let settings = Settings {
        secrets: Secrets::Separate,
        ..trees::settings()
    };
    let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
    let public = read(&folder, "config.ign");
    assert_eq!(public, json!({"ignition": {"version": "3.0.0"}}));
    let secret = read(&folder, "config.secrets.ign");
    let merge = &secret["ignition"]["config"]["merge"][0];
    assert!(embedded(&secret).contains("hidden"), "{merge}");
    // 3.0 knows no compression of what is merged.
    assert!(merge["compression"].is_null(), "{merge}");
    assert!(!format!("{facts:?}").contains("hidden"), "{facts:?}");
}

#[test]
fn what_is_merged_is_small_and_raises_the_specification() {
    let site = site();
    let scratch = tempfile::tempdir().unwrap();
    let facts = merging(&site, false);
    let tree = NodeTree::default();
    let settings = trees::settings();
    let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
    let config = read(&folder, "config.ign");
    assert_eq!(config["ignition"]["version"], "3.3.0");
    let merge = &config["ignition"]["config"]["merge"][0];
    assert_eq!(merge["compression"], "gzip");
    assert!(merge["source"].as_str().unwrap().len() < site.len());
    for oracle in ["ignition-validate", "ignition-validate-2.26"] {
        if oracles::present(oracle) {
            assert_eq!(oracles::content(&folder, oracle, &["config.ign"]), "");
        }
    }
}

#[test]
fn the_inventory_names_the_files() {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let more = "output: {formats: [ignition], secrets: separate, ignition: {merge: [files/a.ign, {source: files/b.ign, secret: true}]}}\n";
    fs::write(&file, inventory + more).unwrap();
    fs::create_dir_all(project.dir.join("files")).unwrap();
    for (name, path) in [("a", "/etc/a"), ("b", "/etc/b")] {
        let text = json!({"ignition": {"version": "3.1.0"}, "storage": {"files": [
            {"path": path, "contents": {"source": format!("data:,{name}-of-the-site")}}
        ]}});
        fs::write(
            project.dir.join(format!("files/{name}.ign")),
            text.to_string(),
        )
        .unwrap();
    }
    project.good(&["build", "--strict"]);
    let folder = project.out().join("nodes/n1");
    for (part, holds) in [("config.ign", "/etc/a"), ("config.secrets.ign", "/etc/b")] {
        let config = read(&folder, part);
        let merges = config["ignition"]["config"]["merge"].as_array().unwrap();
        assert_eq!(merges.len(), 1, "{part}");
        assert!(embedded(&config).contains(holds), "{part}");
    }
}
