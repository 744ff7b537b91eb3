//! Files of a bundle without the bundle, and bundles without some of their files.

use std::fs;

use crate::commands::verify::{NODE, refused, shell, travelled, verified, verify};
use crate::support::fixture::Project;

fn project() -> Project {
    let project = Project::of("modern");
    project.good(&["build"]);
    project
}

#[test]
fn a_file_that_came_alone_is_told_by_the_signed_list() {
    let project = project();
    let archive = format!("{NODE}.tar.gz");
    let folder = travelled(&project, &[&archive, "user-data", "meta-data"]);
    let out = project.out();
    let list = out.join("SHA256SUMS").display().to_string();
    let sums = ["--sums", &list];
    let said = verified(
        &project,
        &folder,
        &[&[&*archive, "user-data", "meta-data"], &sums[..]].concat(),
    );
    assert!(
        said.contains(&format!(
            "user-data: verified: nodes/{NODE}/user-data of cluster prod-eu1, generation 3\n"
        )),
        "{said}"
    );
    // Under another name it is still the same.
    fs::rename(folder.join("user-data"), folder.join("seed")).unwrap();
    let said = verified(&project, &folder, &[&["seed"], &sums[..]].concat());
    assert!(
        said.contains(&format!("seed: verified: nodes/{NODE}/user-data")),
        "{said}"
    );
    // In its bundle it needs no list to be named, and must be the one of its place.
    let node = out.join("nodes").join(NODE);
    verified(&project, &node, &["user-data", "config.ign"]);
    verified(&project, &out, &["cluster/rbac/rbac.yaml", "bundle.json"]);
    fs::copy(node.join("config.ign"), node.join("user-data")).unwrap();
    refused(
        &project,
        &node,
        &["config.ign", "user-data"],
        &["user-data: does not have the digest"],
    );
    // The list and its signature alone, copied elsewhere.
    let elsewhere = project.scratch().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(&list, elsewhere.join("list")).unwrap();
    fs::copy(out.join("SHA256SUMS.sig"), elsewhere.join("sig")).unwrap();
    let copies = [
        "--sums",
        "../elsewhere/list",
        "--signature",
        "../elsewhere/sig",
    ];
    verified(&project, &folder, &[&["seed"], &copies[..]].concat());
    // Nothing there says the generation.
    refused(
        &project,
        &folder,
        &[&["seed", "--min-generation", "1"], &copies[..]].concat(),
        &["nothing else says the generation"],
    );
    verified(
        &project,
        &folder,
        &[&["seed", "--min-generation", "3"], &sums[..]].concat(),
    );
    refused(
        &project,
        &folder,
        &[&["seed", "--min-generation", "4"], &sums[..]].concat(),
        &["generation 3 is older than 4"],
    );
}

#[test]
fn a_changed_file_or_list_is_refused() {
    let project = project();
    let folder = travelled(&project, &["user-data"]);
    let out = project.out();
    for name in ["SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.sshsig"] {
        fs::copy(out.join(name), folder.join(name)).unwrap();
    }
    // A list beside the files is as good as one above them, but then they must be where it says.
    refused(
        &project,
        &folder,
        &["user-data"],
        &["user-data: is not listed"],
    );
    shell(&folder, "mkdir list; mv SHA256SUMS* list");
    let sums = ["--sums", "list/SHA256SUMS"];
    let check = |parts: &[&str]| {
        refused(
            &project,
            &folder,
            &[&["user-data"], &sums[..]].concat(),
            parts,
        )
    };
    verified(&project, &folder, &[&["user-data"], &sums[..]].concat());
    let good = fs::read(folder.join("user-data")).unwrap();
    for bad in [&good[..good.len() - 1], &[&good[..], b"\n"].concat(), b""] {
        fs::write(folder.join("user-data"), bad).unwrap();
        check(&["user-data: is neither nodes/"]);
    }
    fs::write(folder.join("user-data"), &good).unwrap();
    let list = fs::read(folder.join("list/SHA256SUMS")).unwrap();
    fs::write(folder.join("list/SHA256SUMS"), [&list[..], b"\n"].concat()).unwrap();
    check(&["the signature does not fit SHA256SUMS and this public key"]);
    fs::write(folder.join("list/SHA256SUMS"), &list).unwrap();
    fs::remove_file(folder.join("list/SHA256SUMS.sig")).unwrap();
    verified(&project, &folder, &[&["user-data"], &sums[..]].concat());
    fs::remove_file(folder.join("list/SHA256SUMS.sshsig")).unwrap();
    check(&["the bundle is not signed"]);
    project.good(&["key", "generate", "other"]);
    let other = crate::support::tool::nodebake(
        &folder,
        &[
            "verify",
            "user-data",
            "--sums",
            "../project/out/SHA256SUMS",
            "--key",
            "../project/other/keys/sign.pub",
        ],
    );
    let mut other = other;
    assert_eq!(other.run().status.code(), Some(4));
}

#[test]
fn a_part_of_a_bundle_is_right_as_far_as_it_goes() {
    let project = project();
    let part = project.scratch().join("part");
    let out = project.out().display().to_string();
    shell(
        project.scratch(),
        &format!(
            "mkdir -p part/nodes; cp {out}/SHA256SUMS* {out}/bundle.json part; cp -r {out}/nodes/edge-001 part/nodes"
        ),
    );
    let here = part.display().to_string();
    let scratch = project.scratch();
    let said = verified(&project, scratch, &[&here, "--partial"]);
    assert!(said.contains("of these files are not here"), "{said}");
    refused(&project, scratch, &[&here], &["is missing"]);
    refused(
        &project,
        scratch,
        &[&here, "--partial", "--min-generation", "4"],
        &["generation 3 is older"],
    );
    shell(
        &part,
        "rm nodes/edge-001/config.ign nodes/edge-001/tree.sums.sig",
    );
    verified(&project, scratch, &[&here, "--partial"]);
    shell(
        &part,
        "echo >nodes/edge-001/extra; echo >>nodes/edge-001/user-data",
    );
    refused(
        &project,
        scratch,
        &[&here, "--partial"],
        &[
            "nodes/edge-001/extra: is extra",
            "nodes/edge-001/user-data: has",
        ],
    );
    shell(
        &part,
        "rm nodes/edge-001/extra nodes/edge-001/user-data bundle.json",
    );
    refused(
        &project,
        scratch,
        &[&here, "--partial"],
        &["bundle.json: is missing"],
    );
}

#[test]
fn files_and_folders_are_not_verified_together() {
    let project = project();
    for args in [
        &["out", "out"][..],
        &["out", "out/bundle.json"],
        &["out/bundle.json", "--partial"],
        &["out", "--sums", "out/SHA256SUMS"],
    ] {
        let (code, said) = verify(&project, &project.dir, args);
        assert_eq!(code, Some(2), "{args:?}: {said}");
    }
}
