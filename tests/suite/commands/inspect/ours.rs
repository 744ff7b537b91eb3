//! Our own payloads: what is listed is what tree.json promises.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::{entries, listing};
use crate::support::fixture::Project;
use crate::support::oracles;
use crate::support::tool::nodebake;

/// The entries by path.
fn by_path(listing: &Value) -> BTreeMap<String, Value> {
    let rows = entries(listing).into_iter().cloned();
    rows.map(|row| (row["path"].as_str().unwrap().to_owned(), row))
        .collect()
}

#[test]
fn every_payload_holds_what_its_tree_says() {
    let project = Project::of("modern");
    project.command(&["build"]).good();
    let mut seen = BTreeMap::new();
    for node in fs::read_dir(project.out().join("nodes")).unwrap() {
        let node = node.unwrap().path();
        let tree = fs::read(node.join("tree.json")).unwrap();
        let tree: Value = serde_json::from_slice(&tree).unwrap();
        // A payload in two parts is what both hold.
        let mut formats: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for file in fs::read_dir(&node).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let payload = name.contains(".tar") || name.contains(".cpio");
            if !(payload || name == "user-data" || name == "config.ign") {
                continue;
            }
            let listing = listing(&node, &name);
            let format = listing["format"].as_str().unwrap().to_owned();
            formats.entry(format).or_default().extend(by_path(&listing));
        }
        for (format, rows) in formats {
            for entry in tree["entries"].as_array().unwrap() {
                check(&format, entry, &rows);
            }
            *seen.entry(format).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), 4, "all formats: {seen:?}");
}

fn check(format: &str, entry: &Value, rows: &BTreeMap<String, Value>) {
    let path = entry["path"].as_str().unwrap();
    let kind = entry["type"].as_str().unwrap();
    let is_mask = entry["target"] == "/dev/null" && path.starts_with("/etc/systemd/system/");
    let keys: &[&str] = match (format, kind) {
        // Directories and links are commands there; owners and special bits too.
        ("cloudInit", "file") => &["size", "sha256"],
        ("cloudInit", _) => return,
        // A mask is a word of the unit.
        ("ignition", _) if is_mask => return,
        // Ignition's links have no mode.
        ("ignition", "symlink") => &["target"],
        _ => &["mode", "uid", "gid", "size", "sha256", "target"],
    };
    let row = rows
        .get(path)
        .unwrap_or_else(|| panic!("{format}: no {path}"));
    assert_eq!(row["type"], kind, "{format}: {path}");
    for key in keys {
        let (found, expected) = (&row[*key], &entry[*key]);
        assert_eq!(found, expected, "{format}: {path}: {key}");
    }
}

#[test]
fn parts_of_a_mime_message_are_looked_into() {
    let project = Project::of("modern");
    project.command(&["build"]).good();
    let folder = project.out().join("nodes/edge-004");
    let plain = listing(&folder, "user-data");
    let script = "
import email.mime.multipart, email.mime.text, email.mime.base, email.encoders, gzip, sys
whole = email.mime.multipart.MIMEMultipart()
data = open('user-data', 'rb').read()
one = email.mime.text.MIMEText(data.decode(), 'cloud-config', 'utf-8')
one.add_header('Content-Disposition', 'attachment', filename='cloud.cfg')
whole.attach(one)
two = email.mime.base.MIMEBase('application', 'gzip')
two.set_payload(gzip.compress(b'#cloud-config\\nwrite_files:\\n- {path: /etc/packed, content: hello, permissions: \"0600\"}\\n'))
email.encoders.encode_base64(two)
whole.attach(two)
whole.attach(email.mime.text.MIMEText('#!/bin/sh\\ntrue\\n', 'x-shellscript'))
open('message', 'w').write(whole.as_string())
open('message.gz', 'wb').write(gzip.compress(whole.as_string().encode()))
";
    oracles::needs(["python3"]);
    oracles::content(&folder, "python3", &["-c", script]);
    for file in ["message", "message.gz"] {
        let message = listing(&folder, file);
        let rows = by_path(&message);
        for row in entries(&plain) {
            let path = row["path"].as_str().unwrap();
            assert_eq!(&rows[path], row, "{file}");
        }
        assert_eq!(rows["/etc/packed"]["mode"], "0600");
        assert_eq!(rows["/etc/packed"]["size"], 5);
        let notes = message["notes"].to_string();
        assert!(notes.contains("a script"), "{notes}");
    }
    let packed = listing(&folder, "message.gz");
    assert_eq!(packed["members"][0]["compression"], "gzip");
}

#[test]
fn what_ignition_would_refuse_is_named() {
    let project = Project::empty();
    fs::create_dir_all(&project.dir).unwrap();
    let config = json!({
        "ignition": {"version": "3.4.0", "config": {"merge": [{"source": "https://example.com/x"}, {"source": "data:,hidden"}]}},
        "storage": {
            "files": [
                {"path": "/etc/a", "mode": 384, "contents": {"source": "data:,a%20b", "verification":
                    {"hash": "sha256-0000000000000000000000000000000000000000000000000000000000000000"}}},
                {"path": "/etc/b", "user": {"name": "core"}, "contents": {"source": "https://example.com/b"}},
            ],
            "links": [{"path": "/etc/c", "target": "/etc/a", "hard": true}],
        },
        "systemd": {"units": [{"name": "a.service", "mask": true}]},
    });
    fs::write(project.dir.join("x"), config.to_string()).unwrap();
    let listing = listing(&project.dir, "x");
    let notes = listing["notes"].to_string();
    for said in [
        "3.4.0",
        "merges https://example.com/x",
        "merges a configuration that is inside, 12 bytes",
        "/etc/a is not what its hash says",
    ] {
        assert!(notes.contains(said), "{notes}");
    }
    assert!(!notes.contains("hidden"), "{notes}");
    let rows = by_path(&listing);
    assert_eq!(rows["/etc/a"]["mode"], "0600");
    assert_eq!(rows["/etc/a"]["size"], 3);
    assert_eq!(rows["/etc/b"]["user"], "core");
    assert_eq!(rows["/etc/b"]["source"], "https://example.com/b");
    assert_eq!(rows["/etc/c"]["type"], "hardLink");
    assert_eq!(listing["units"][0]["masked"], true);
}

#[test]
fn a_seed_image_holds_the_documents_beside_it() {
    let project =
        crate::formats::initrd::built("{formats: [cloudInit], cloudInit: {seedISO: true}}");
    let node = crate::formats::initrd::node(&project);
    let image = listing(&node, "seed.iso");
    assert_eq!(image["members"][0]["label"], "cidata");
    let rows = by_path(&image);
    for document in ["user-data", "meta-data", "network-config"] {
        let digest = crate::support::fixture::sha256(&fs::read(node.join(document)).unwrap());
        assert_eq!(
            rows[&format!("/{document}")]["sha256"],
            digest,
            "{document}"
        );
    }
    let output = nodebake(&node, &["inspect", "seed.iso", "--extract", "out"]).run();
    assert!(output.status.success());
    assert_eq!(
        fs::read(node.join("out/user-data")).unwrap(),
        fs::read(node.join("user-data")).unwrap()
    );
}
