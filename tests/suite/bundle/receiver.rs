//! What a receiver sees: layout, modes, JSON, and the documented lines on a bundle that is whole.

use std::fs;
use std::os::unix::fs::MetadataExt;

use nodebake::bundle::SignatureSource;

use super::{NODES, Room, bake, snapshot};
use crate::support::oracles;

#[test]
fn a_whole_bundle_satisfies_verify_and_the_documented_lines() {
    let room = Room::new();
    let finished = room.build("one");
    let verdict = room.verify();
    assert!(verdict.is_good(), "{verdict}");
    assert_eq!((verdict.nodes, verdict.files), (3, finished.files));
    assert_eq!(verdict.generation, Some(3));
    // Two manifests, four files of the cluster, one that nodes share, six of each node.
    assert_eq!(finished.files, 2 + 4 + 1 + 6 * NODES.len());
    if oracles::present("openssl") && oracles::present("sha256sum") {
        let (good, text) = room.receiver();
        assert!(good, "{text}");
    }
}

#[test]
fn json_says_what_is_there() {
    let room = Room::new();
    let finished = room.build("one");
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(room.out.join(name)).unwrap()).unwrap()
    };
    let (manifest, index) = (read("bundle.json"), read("index.json"));
    assert_eq!(manifest["kind"], "Bundle");
    assert_eq!(manifest["apiVersion"], "nodebake/v1");
    assert_eq!(manifest["cluster"], "kubernetes");
    let mut bytes = 0;
    let nodes = manifest["nodes"].as_array().unwrap();
    for file in nodes
        .iter()
        .flat_map(|node| node["files"].as_array().unwrap())
        .chain(manifest["files"].as_array().unwrap())
        .chain(manifest["shared"].as_array().unwrap())
    {
        let path = room.out.join(file["path"].as_str().unwrap());
        let metadata = path.metadata().unwrap();
        assert_eq!(file["size"].as_u64(), Some(metadata.len()));
        assert_eq!(
            file["secret"].as_bool().unwrap_or(false),
            metadata.mode() & 0o077 == 0
        );
        bytes += metadata.len();
    }
    bytes += room.out.join("bundle.json").metadata().unwrap().len();
    assert_eq!(bytes, finished.bytes);
    for (node, name) in nodes.iter().zip(NODES) {
        assert_eq!(node["name"], name);
        assert_eq!(node["usableUntil"], "2027-01-01T00:00:00Z");
        let path = index[name]["user-data"].as_str().unwrap();
        assert_eq!(path, format!("nodes/{name}/user-data"));
        if oracles::present("sha256sum") {
            let sums = format!("nodes/{name}/tree.sums");
            let line = oracles::content(&room.out, "sha256sum", &[&sums]);
            assert_eq!(node["treeDigest"], line[..64]);
        }
    }
}

#[test]
fn secrets_are_tight_and_the_rest_is_open() {
    let room = Room::new();
    room.build("one");
    for (path, (mode, _)) in snapshot(&room.out) {
        let expected = match path.as_str() {
            "" | "nodes" | "shared" | "cluster" | "cluster/rbac" => 0o40755,
            "cluster/tokens" => 0o40700,
            "cluster/tokens/tokens.yaml" => 0o100600,
            node if node.starts_with("nodes/") && node.matches('/').count() == 1 => 0o40700,
            shared if shared.starts_with("shared/") => 0o100644,
            file if file.ends_with("user-data") || file.ends_with(".tar.gz") => 0o100600,
            _ => 0o100644,
        };
        assert_eq!(mode, expected, "{path}");
    }
}

#[test]
fn neither_order_nor_threads_nor_folder_show() {
    let (one, two) = (Room::new(), Room::new());
    let signer = one.signer();
    let single = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    single.install(|| bake(&one.out, SignatureSource::Key(signer.clone()), "x").unwrap());
    let many = rayon::ThreadPoolBuilder::new()
        .num_threads(8)
        .build()
        .unwrap();
    many.install(|| bake(&two.out, SignatureSource::Key(signer), "x").unwrap());
    assert!(snapshot(&one.out) == snapshot(&two.out));
}
