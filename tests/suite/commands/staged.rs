//! Bundles whose key is elsewhere: two stages, signed by openssl, give what one build with the key gives.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::assets::shared;
use crate::commands::line::verified;
use crate::support::fixture::{Project, snapshot, text};
use crate::support::oracles;

/// What is in a bundle, but for its signatures.
struct Built {
    files: BTreeMap<String, String>,
    list: Vec<String>,
    manifest: Value,
}

impl Built {
    fn of(project: &Project) -> Self {
        let mut files = snapshot(&project.out());
        for name in [
            "bundle.json",
            "SHA256SUMS",
            "SHA256SUMS.sig",
            "SHA256SUMS.sshsig",
        ] {
            let _ = files.remove(name);
        }
        let read = |name: &str| fs::read_to_string(project.out().join(name)).unwrap();
        let list = read("SHA256SUMS");
        let lines = list.lines().filter(|line| !line.ends_with("  bundle.json"));
        Self {
            files,
            list: lines.map(str::to_owned).collect(),
            manifest: serde_json::from_str(&read("bundle.json")).unwrap(),
        }
    }
}

/// An external signer holds the key: first what nodes must end up with is signed, then the whole.
#[test]
fn two_stages_with_openssl_as_the_signer_give_the_same_bundle() {
    /// openssl does not make this kind. So both lists of files have one fewer.
    const EXTRACT: &str = "cluster/approver/review.json.sshsig";
    oracles::needs(["openssl"]);
    let layered = || shared::project("{cloudInit: {assets: iso}}");
    for project in [Project::of("reference"), Project::of("modern"), layered()] {
        let case = project.dir.display().to_string();
        project.good(&["build"]);
        let mut direct = Built::of(&project);
        fs::remove_dir_all(project.out()).unwrap();
        // The key is elsewhere.
        let elsewhere = project.scratch().join("signer.key");
        fs::rename(project.dir.join("keys/sign.key"), &elsewhere).unwrap();
        project.good(&["build", "--stage", "trees"]);
        let too_early = project.run(&["build", "--stage", "payloads"]);
        assert_eq!(
            too_early.status.code(),
            Some(1),
            "{}",
            text(&too_early.stderr)
        );
        assert!(!project.out().exists());
        sign_by_openssl(&project, &elsewhere, "out.trees");
        sign_each_tree(&project, &elsewhere);
        project.good(&["build", "--stage", "payloads"]);
        let unsigned = project.run(&["verify", "out", "--key", "keys/sign.pub"]);
        assert_eq!(unsigned.status.code(), Some(4));
        sign_by_openssl(&project, &elsewhere, "out");
        assert!(verified(&project, &project.out())["nodes"].is_u64());
        let staged = Built::of(&project);
        assert!(direct.files.remove(EXTRACT).is_some(), "{case}");
        assert_eq!(staged.files, direct.files, "{case}");
        direct.list.retain(|line| !line.ends_with(EXTRACT));
        assert_eq!(staged.list, direct.list, "{case}");
        let files = direct.manifest["files"].as_array_mut().unwrap();
        files.retain(|file| file["path"] != EXTRACT);
        assert_eq!(staged.manifest, direct.manifest, "{case}");
    }
}

/// The signer may also sign every node's own list, which is then beside it on the node.
fn sign_each_tree(project: &Project, key: &Path) {
    for node in fs::read_dir(project.dir.join("out.trees/nodes")).unwrap() {
        let sums = node.unwrap().path().join("tree.sums");
        let sums = sums.to_str().unwrap();
        let args = [
            "pkeyutl",
            "-sign",
            "-rawin",
            "-inkey",
            key.to_str().unwrap(),
            "-in",
            sums,
            "-out",
            &format!("{sums}.sig"),
        ];
        oracles::content(&project.dir, "openssl", &args);
    }
}

/// `sums.sig`: what openssl says over a folder's SHA256SUMS, attached by us.
fn sign_by_openssl(project: &Project, key: &Path, folder: &str) {
    let sums = format!("{folder}/SHA256SUMS");
    let args = [
        "pkeyutl",
        "-sign",
        "-rawin",
        "-inkey",
        key.to_str().unwrap(),
        "-in",
        &sums,
        "-out",
        "sums.sig",
    ];
    oracles::content(&project.dir, "openssl", &args);
    project.good(&[
        "sign",
        folder,
        "--signature",
        "sums.sig",
        "--public-key",
        "keys/sign.pub",
    ]);
}
