//! Bundles that are not what they say: nothing of them is compared.

use std::fs;

use serde_json::Value;

use crate::commands::diff::{NODE, built};
use crate::support::fixture::{Project, text};

fn refused(project: &Project, args: &[&str], part: &str) {
    let run = project.run(&[&["diff"], args].concat());
    let said = text(&run.stderr);
    assert_eq!(run.status.code(), Some(4), "{said}");
    assert!(said.contains(part), "{part}: {said}");
    assert_eq!(text(&run.stdout), "", "{part}");
}

#[test]
fn bundles_that_do_not_verify_are_not_compared() {
    let project = built();
    let at = |path: &str| project.dir.join(path);
    // Another key.
    project.good(&["key", "generate", "other"]);
    refused(
        &project,
        &["old", "new", "--key", "other/keys/sign.pub"],
        "SHA256SUMS.s",
    );
    project.good(&["diff", "old", "new", "--key", "keys/sign.pub"]);
    // A byte more, with and without a key.
    let tree = at(&format!("new/nodes/{NODE}/tree.json"));
    let good = fs::read(&tree).unwrap();
    fs::write(&tree, [&good[..], b" "].concat()).unwrap();
    for key in [&[][..], &["--key", "keys/sign.pub"]] {
        refused(&project, &[&["old", "new"], key].concat(), "tree.json");
        refused(&project, &[&["new", "old"], key].concat(), "tree.json");
    }
    fs::write(&tree, &good).unwrap();
    // A file more, and a link in place of a file.
    fs::write(at("old/extra"), "x").unwrap();
    refused(&project, &["old", "new"], "extra: is extra");
    fs::remove_file(at("old/extra")).unwrap();
    fs::rename(at("old/index.json"), at("index.json")).unwrap();
    std::os::unix::fs::symlink("../index.json", at("old/index.json")).unwrap();
    refused(&project, &["old", "new"], "index.json");
}

/// A bundle that somebody else made from one of ours: all digests fit, and nothing in it may lead astray.
#[test]
fn a_bundle_with_wrong_trees_is_an_error_or_tells_what_it_says() {
    for (what, part) in [
        ("node", "it is the tree of another node"),
        ("path", "/etc/../x"),
        ("twice", "a path is in it twice"),
    ] {
        let project = built();
        let edit = |tree: &mut Value| {
            let first = tree["entries"][0].clone();
            match what {
                "node" => tree["node"] = "other".into(),
                "path" => tree["entries"][0]["path"] = "/etc/../x".into(),
                _ => tree["entries"].as_array_mut().unwrap().push(first),
            }
        };
        forge(&project, edit);
        let run = project.run(&["diff", "old", "new"]);
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{what}: {said}");
        assert!(said.contains(part), "{what}: {said}");
        assert!(said.contains(NODE), "{what}: {said}");
    }
}

/// What is secret on one side stays hidden, whatever the other side says of it.
#[test]
fn a_tree_that_calls_a_secret_file_public_shows_nothing_of_ours() {
    let project = built();
    forge(&project, |tree| {
        for entry in tree["entries"].as_array_mut().unwrap() {
            entry["secret"] = false.into();
        }
    });
    let said = project.good(&["diff", "old", "new"]);
    assert!(!said.contains("testonly"), "{said}");
    assert!(said.contains("~ /etc/app/secret\n"), "{said}");
}

/// Changes the node's tree.json in `new`, and all digests with it.
fn forge(project: &Project, edit: impl FnOnce(&mut Value)) {
    let folder = project.dir.join("new");
    let path = format!("nodes/{NODE}/tree.json");
    let read = |path: &str| fs::read(folder.join(path)).unwrap();
    let old = crate::support::fixture::sha256(&read(&path));
    let mut tree: Value = serde_json::from_slice(&read(&path)).unwrap();
    edit(&mut tree);
    let bytes = serde_json::to_vec(&tree).unwrap();
    fs::write(folder.join(&path), &bytes).unwrap();
    let mut manifest: Value = serde_json::from_slice(&read("bundle.json")).unwrap();
    for node in manifest["nodes"].as_array_mut().unwrap() {
        for file in node["files"].as_array_mut().unwrap() {
            if file["path"] == path.as_str() {
                file["size"] = bytes.len().into();
                file["sha256"] = crate::support::fixture::sha256(&bytes).into();
            }
        }
    }
    let before = crate::support::fixture::sha256(&read("bundle.json"));
    let after = serde_json::to_vec(&manifest).unwrap();
    fs::write(folder.join("bundle.json"), &after).unwrap();
    let sums = String::from_utf8(read("SHA256SUMS")).unwrap();
    let sums = sums
        .replace(&old, &crate::support::fixture::sha256(&bytes))
        .replace(&before, &crate::support::fixture::sha256(&after));
    fs::write(folder.join("SHA256SUMS"), sums).unwrap();
}
