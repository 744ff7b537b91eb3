//! A fleet at the edge: 250 ARM64 and amd64 nodes with static addresses, two minors and two roles, in at most forty lines.

use std::fs;
use std::path::Path;

use crate::assets::templates::{kubelet, kubelets};
use crate::support::fixture::{copy_all, sha256};
use crate::support::new_project::NewProject;
use crate::support::oracles;

/// The example, with kubelets as its page says; the lines that a user writes.
fn fleet() -> (NewProject, usize) {
    let project = NewProject::new("profiles: [worker]\nnodes: [{name: a}]\n");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/edge-fleet");
    copy_all(&example, &project.dir());
    let digests = kubelets(
        &project.dir().join("files"),
        &["v1.34.4", "v1.35.0"],
        "      ",
    );
    let file = project.dir().join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let page = fs::read_to_string(example.join("README.md")).unwrap();
    let (_, entry) = page.split_once("```yaml\n").unwrap();
    let (entry, _) = entry.split_once("sha256:\n").unwrap();
    let entry = format!("{entry}sha256:\n{digests}paths: {{kubelet: /opt/bin/kubelet}}\n");
    let text = text.replace("formats: [cloudInit]", "formats: [cloudInit, tarball]");
    let text = format!("{text}{entry}");
    fs::write(&file, &text).unwrap();
    let profiles = ["profiles/shop.yaml", "profiles/depot.yaml"];
    let profiles = profiles.map(|name| fs::read_to_string(project.dir().join(name)).unwrap());
    // The head of a file is no setting.
    let lines = [&text]
        .into_iter()
        .chain(&profiles)
        .flat_map(|text| text.lines());
    let is_setting = |line: &&str| {
        let line = line.trim_start();
        !["#", "apiVersion:", "kind:", "description:"]
            .iter()
            .any(|head| line.starts_with(head))
    };
    let count = lines.filter(is_setting).count();
    (project, count)
}

/// Whether the list of a bundle names an archive for a node.
fn names(out: &Path, node: &str, archive: &str) -> bool {
    let index = fs::read_to_string(out.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    index[node]["assets.tar.gz"] == format!("shared/{archive}")
}

#[test]
fn a_fleet_fits_in_forty_lines() {
    oracles::needs(["tar"]);
    let (project, lines) = fleet();
    assert!(lines <= 40, "{lines}");
    project.good(&["token", "create"]);
    assert_eq!(
        project.good(&["check", "--strict"]),
        "250 nodes can be built\n"
    );
    project.good(&["build"]);
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
    let out = project.dir().join("out");
    assert_eq!(fs::read_dir(out.join("nodes")).unwrap().count(), 250);
    // One archive for each architecture and minor: work and bytes are of the class, not of the node.
    let archives: Vec<String> = fs::read_dir(out.join("shared"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".tar.gz"))
        .collect();
    assert_eq!(archives.len(), 4, "{archives:?}");
    for (node, arch, version, card, address, role) in [
        (
            "shop-001",
            "arm64",
            "v1.35.0",
            "end0",
            "10.80.0.10/22",
            "shop",
        ),
        (
            "shop-020",
            "arm64",
            "v1.35.0",
            "end0",
            "10.80.0.29/22",
            "shop",
        ),
        (
            "shop-021",
            "arm64",
            "v1.34.4",
            "end0",
            "10.80.0.30/22",
            "shop",
        ),
        (
            "shop-200",
            "arm64",
            "v1.34.4",
            "end0",
            "10.80.0.209/22",
            "shop",
        ),
        (
            "depot-01",
            "amd64",
            "v1.35.0",
            "eno1",
            "10.81.0.10/24",
            "depot",
        ),
        (
            "depot-50",
            "amd64",
            "v1.34.4",
            "eno1",
            "10.81.0.59/24",
            "depot",
        ),
    ] {
        let network = project.built(&format!("nodes/{node}/network-config"));
        assert!(
            network.contains(card) && network.contains(address),
            "{node}: {network}"
        );
        let shown = project.good(&["show", node]);
        assert!(
            shown.contains(version) && shown.contains(&format!("example.com/role={role}")),
            "{node}: {shown}"
        );
        // The archive that the index names for the node has the kubelet of its machine and minor.
        let wanted = sha256(&kubelet(arch, version));
        let has = archives.iter().any(|archive| {
            let file = out.join("shared").join(archive);
            let scratch = tempfile::tempdir().unwrap();
            let file = file.to_str().unwrap();
            oracles::content(scratch.path(), "tar", &["-xzf", file]);
            let program = scratch.path().join("opt/bin/kubelet");
            sha256(&fs::read(program).unwrap()) == wanted && names(&out, node, archive)
        });
        assert!(has, "{node}");
    }
}
