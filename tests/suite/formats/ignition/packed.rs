//! Large assets inside a configuration: packed where that pays, and what the engines write is what the project has.

use std::fs;
use std::path::Path;

use nodebake::model::output::{Format, IgnitionDigest, IgnitionSpec};
use nodebake::tree::{Asset, Content, Entry, NodeTree};
use serde_json::Value;

use super::engines::{engines, root_of};
use crate::support::fixture::sha256;
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::tool::nodebake;
use crate::support::trees;

/// Larger than what is held in memory for a build.
const LENGTH: usize = 3 << 20;

/// A file that shrinks and one that does not.
fn tree(folder: &Path) -> NodeTree {
    let mut seed = 7u64;
    let noise = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u8
    });
    let text = (0..).flat_map(|line: u64| format!("line {line}\n").into_bytes());
    let mut tree = NodeTree::default();
    for (name, bytes) in [
        ("noise", noise.take(LENGTH).collect::<Vec<u8>>()),
        ("text", text.take(LENGTH).collect()),
    ] {
        let source = folder.join(name);
        fs::write(&source, bytes).unwrap();
        let asset = Content::Asset(Asset::measure(&source).unwrap().into());
        let file = Entry::file(asset, 0o755, trees::origin());
        tree.add(trees::path(&format!("/opt/{name}")), file)
            .unwrap();
    }
    tree
}

#[test]
fn engines_unpack_what_shrinks_and_take_what_does_not_as_it_is() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = tree(scratch.path());
    for minor in [0, 3, 6] {
        let mut settings = trees::settings();
        settings.ignition.spec = Some(IgnitionSpec { minor });
        // The older specifications have sha512 alone.
        if minor == 6 {
            settings.ignition.digest = IgnitionDigest::Sha256;
        }
        let facts = trees::facts();
        let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
        let bytes = fs::read(folder.join("config.ign")).unwrap();
        let config: Value = serde_json::from_slice(&bytes).unwrap();
        let contents = |file: usize| &config["storage"]["files"][file]["contents"];
        assert_eq!(contents(0)["compression"], "");
        assert_eq!(contents(1)["compression"], "gzip");
        let length = |file: usize| contents(file)["source"].as_str().unwrap().len();
        assert!(
            length(0) > LENGTH && length(1) < LENGTH / 2,
            "{}",
            length(1)
        );
        if oracles::root() {
            for engine in engines(minor) {
                let root = root_of(&folder);
                super::apply(&folder, engine);
                let what = format!("{engine}, 3.{minor}.0");
                assert_eq!(trees::differences(&root, &tree, true), [""; 0], "{what}");
                fs::remove_dir_all(root).unwrap();
            }
        }
        // Our own reader, and Python's.
        let listed = nodebake(&folder, &["inspect", "config.ign", "-o", "json"]).good();
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let notes = serde_json::json!([format!("Ignition specification 3.{minor}.0")]);
        assert_eq!(listed["notes"], notes);
        for (row, name) in listed["members"][0]["entries"]
            .as_array()
            .unwrap()
            .iter()
            .zip(["noise", "text"])
        {
            let bytes = fs::read(scratch.path().join(name)).unwrap();
            assert_eq!(row["sha256"], sha256(&bytes), "{name}");
            assert_eq!(row["size"], LENGTH, "{name}");
        }
        if oracles::present("python3") {
            let script = oracles::source("ignition/decode.py");
            let args = [script.to_str().unwrap(), "config.ign"];
            let said = oracles::content(&folder, "python3", &args);
            let decoded: Value = serde_json::from_str(&said).unwrap();
            use base64::Engine as _;
            let text = decoded["/opt/text"].as_str().unwrap();
            let text = base64::engine::general_purpose::STANDARD
                .decode(text)
                .unwrap();
            assert!(text == fs::read(scratch.path().join("text")).unwrap());
        }
    }
}
