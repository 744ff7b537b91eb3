//! Large assets: how much memory a build takes, and that they are in the bundle once however many nodes have them.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::assets::shared;
use crate::support::fixture::{Project, sha256};
use crate::support::tool::nodebake;

/// What a build may take at its peak, whatever it packs.
const PEAK: u64 = 200 << 20;
/// SHA-256 of 1 GiB of zeros, as `head -c 1G /dev/zero | sha256sum` prints it.
const GIB_OF_ZEROS: &str = "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14";

/// A hundred nodes with a file of 1 GiB, which takes no room by itself, and one of random bytes, which no compressor makes
/// smaller.
fn hundred_nodes() -> Project {
    let project = Project::of("modern");
    let sparse = fs::File::create(project.dir.join("sparse")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    let mut seed = 7u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    })
    .take(1 << 16)
    .flatten()
    .collect();
    fs::write(project.dir.join("noise"), &noise).unwrap();
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let (head, _) = inventory.split_once("nodes:\n").unwrap();
    let more = format!(
        "output: {{formats: [tarball, initramfs, cloudInit, ignition], assetsURL: \"http://boot/{{sha256}}\"}}
assets:
  /opt/large/sparse: {{source: sparse, sha256: {GIB_OF_ZEROS}}}
  /opt/large/noise: {{source: noise, sha256: {}}}
nodes:
  - range: {{names: \"n-[001-100]\", start: 10.20.9.1, within: 10.20.9.0/24}}
",
        sha256(&noise)
    );
    fs::write(file, format!("{head}{more}")).unwrap();
    project.good(&["token", "create", "."]);
    project
}

#[test]
fn a_gibibyte_bakes_for_a_hundred_nodes_in_little_memory_and_is_there_once() {
    let project = hundred_nodes();
    // By today's clock, like the tokens.
    let peak = nodebake(&project.dir, &["build"]).good_with_peak();
    assert!(peak <= PEAK, "{} MiB", peak >> 20);
    let index = shared::json(&project.out().join("index.json"));
    let nodes = index.as_object().unwrap();
    assert_eq!(nodes.len(), 100);
    let first = shared::shared(&project, "n-001");
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    let noise = 1 << 19;
    for node in nodes.keys() {
        assert_eq!(shared::shared(&project, node), first, "{node}");
        // Neither of the two is in the node's own files.
        let own = fs::read_dir(project.out().join("nodes").join(node)).unwrap();
        let own = own.map(|file| file.unwrap().metadata().unwrap().len());
        assert!(own.sum::<u64>() < noise, "{node}");
    }
    let shared = fs::read_dir(project.out().join("shared")).unwrap();
    assert_eq!(shared.count(), 3, "two archives and the folder of files");
    let files = fs::read_dir(project.out().join("shared/files")).unwrap();
    let mut sizes: Vec<u64> = files
        .map(|file| file.unwrap().metadata().unwrap().size())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [noise, 1 << 30]);
    for archive in ["assets.tar.gz", "assets.cpio.gz"] {
        let size = project
            .out()
            .join(&first[archive])
            .metadata()
            .unwrap()
            .len();
        assert!(size > noise && size < 12 << 20, "{archive}: {size}");
    }
}
