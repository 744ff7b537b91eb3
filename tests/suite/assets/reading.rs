//! How often assets are read: once to be known, and once for each file that they are packed into, however many nodes have
//! them. The kernel counts.

use std::fs;
use std::path::Path;

use crate::support::fixture::{Project, sha256};
use crate::support::oracles;
use crate::support::tool::nodebake;

/// So large that nothing else that a build reads matters, in bytes.
const LENGTH: usize = 32 << 20;

/// The last bytes say a version.
fn noise() -> Vec<u8> {
    let mut seed = 7u64;
    let mut bytes: Vec<u8> = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    })
    .take(LENGTH / 8)
    .flatten()
    .collect();
    let end = bytes.len() - 7;
    bytes[end..].copy_from_slice(b" 1.6.0\n");
    bytes
}

/// So many nodes with one asset.
fn project(nodes: u8, output: &str, asset: &str, bytes: &[u8]) -> Project {
    let project = Project::of("modern");
    fs::write(project.dir.join("asset"), bytes).unwrap();
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let (head, _) = inventory.split_once("nodes:\n").unwrap();
    let digest = sha256(bytes);
    let more = format!(
        "output: {output}
assets: {{/opt/asset: {{source: asset, sha256: {digest}{asset}}}}}
nodes:
  - range: {{names: \"n-[001-{nodes:03}]\", start: 10.20.9.1, within: 10.20.9.0/24}}
"
    );
    fs::write(file, format!("{head}{more}")).unwrap();
    project.good(&["token", "create", "."]);
    project
}

/// How many times a build reads as many bytes as the asset has.
fn readings(project: &Project) -> f64 {
    let read = nodebake(&project.dir, &["build"]).good_with_read();
    read as f64 / LENGTH as f64
}

#[track_caller]
fn assert_readings(found: f64, expected: u32) {
    let expected = f64::from(expected);
    assert!(
        found >= expected && found < expected + 0.5,
        "{found} instead of {expected}"
    );
}

#[test]
fn an_asset_is_read_once_and_for_each_file_that_holds_it_whatever_the_nodes() {
    let bytes = noise();
    let four =
        "{formats: [tarball, initramfs, cloudInit, ignition], assetsURL: \"http://boot/{sha256}\"}";
    for nodes in [2, 20] {
        // Two asset archives, and the file that nodes fetch. The version is looked for on the way.
        let project = project(nodes, four, ", version: 1.6.0", &bytes);
        assert_readings(readings(&project), 1 + 3);
    }
}

/// What shrinks is packed once for all nodes, and they get the packed bytes.
#[test]
fn an_asset_inside_ignition_configurations_is_packed_once() {
    let bytes = b"what shrinks to nearly nothing\n".repeat(LENGTH / 31);
    let inside = "{formats: [ignition], ignition: {assets: inside}}";
    for nodes in [2, 20] {
        let project = project(nodes, inside, "", &bytes);
        assert_readings(readings(&project), 1 + 1);
    }
}

/// An archive is read to be known and to be unpacked; what it held is then ours alone, and counts as an asset of that size.
#[test]
fn an_archive_is_unpacked_once() {
    oracles::needs(["tar"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tool"), noise()).unwrap();
    let tar = |folder: &Path| {
        oracles::content(folder, "tar", &["-cf", "archive", "tool"]);
        fs::read(folder.join("archive")).unwrap()
    };
    let bytes = tar(folder.path());
    for nodes in [2, 20] {
        let project = project(nodes, "{formats: [tarball]}", ", unpack: true", &bytes);
        assert_readings(readings(&project), 2 + 1);
    }
}
