//! A second payload over the first: what `--upgrade-from` removes, checked by tar, find and cloud-init. The first one is
//! never seen any more, and what is not ours stays.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::formats::initrd::{NODE, node};
use crate::support::cloud_init::apply_cloud_init;
use crate::support::fixture::{Project, text};
use crate::support::oracles;

/// The node first: a unit of its own with every kind of link, masks, drop-ins, files of every kind, the check of the tree.
pub const BEFORE: &str = r#"    overlays: {tree-check: {}, chrony: null}
    files: {/srv/own/gone: {content: "x\n"}, "/srv/own/it's here": {content: y}, /srv/kind: {content: z}, /srv/d/f: {content: f}}
    directories: {/srv/own: {}, /srv/d: {}, /srv/lib: {mode: "0700"}}
    links: {/etc/gone-link: /nowhere, /srv/l: /srv/elsewhere}
    units:
      own.service: {enabled: true, text: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nAlias=other.service\n"}
      rpcbind.service: {masked: true}
      systemd-timesyncd.service: {dropins: {10-own.conf: "[Service]\nNice=1\n"}}
"#;

/// And then: without them, and with other kinds of things where they were.
pub const AFTER: &str = r#"    overlays: {chrony: null}
    files: {/srv/d: {content: "a file now\n"}, /srv/l: {content: "a file now\n"}}
    directories: {/srv/kind: {mode: "0750"}}
"#;

/// Gives the node these lines, and raises the generation where it is to be provisioned again.
pub fn write(project: &Project, output: &str, lines: &str, generation: u32) {
    let file = project.dir.join("cluster.yaml");
    let fixture = crate::support::fixture::fixtures().join("modern/cluster.yaml");
    let inventory = fs::read_to_string(fixture).unwrap();
    let changed = inventory
        .replace(
            "    profiles: [gpu]\n",
            &format!("    profiles: [gpu]\n    output: {output}\n{lines}"),
        )
        .replace("generation: 3\n", &format!("generation: {generation}\n"));
    fs::write(file, changed).unwrap();
}

/// A project with the bundle before in `before`, and the one that follows it in `out`.
pub fn upgraded(output: &str) -> Project {
    let project = Project::of("modern");
    write(&project, output, BEFORE, 3);
    project.good(&["build", "-o", "before"]);
    write(&project, output, AFTER, 4);
    project.good(&["build", "--upgrade-from", "before"]);
    project
}

fn before(project: &Project) -> PathBuf {
    project.dir.join("before/nodes").join(NODE)
}

fn shell(folder: &Path, script: &str) -> String {
    oracles::content(folder, "sh", &["-euc", script])
}

fn unpack(root: &Path, node: &Path) {
    oracles::needs(["tar"]);
    let archive = node.join(format!("{NODE}.tar.gz"));
    oracles::content(root, "tar", &["-xpf", archive.to_str().unwrap()]);
}

/// An image: a folder that is a link, and things of its own where the node's files go.
fn image(folder: &Path, name: &str) -> PathBuf {
    shell(
        folder,
        &format!(
            "umask 022; mkdir -p {name}/var/srv/own {name}/etc/systemd/system/multi-user.target.wants; cd {name}
             ln -s var/srv srv; echo theirs >var/srv/own/theirs; echo theirs >etc/systemd/system/theirs.service
             ln -s ../theirs.service etc/systemd/system/multi-user.target.wants/theirs.service"
        ),
    );
    folder.join(name)
}

/// Everything below a root: kind, mode, owner, target, content.
fn listing(root: &Path) -> BTreeSet<String> {
    let script = "find . -printf '%y %m %U:%G %l %p\\n'; find . -type f -exec sha256sum '{}' +";
    shell(root, script).lines().map(str::to_owned).collect()
}

/// What the upgraded root has and a fresh one lacks, and the other way round.
fn apart(upgraded: &Path, fresh: &Path) -> Vec<String> {
    let (upgraded, fresh) = (listing(upgraded), listing(fresh));
    upgraded.symmetric_difference(&fresh).cloned().collect()
}

#[test]
fn a_tarball_over_an_older_one_leaves_nothing_of_it() {
    oracles::needs_root();
    let project = upgraded("{formats: [tarball], secrets: inline}");
    let scratch = project.scratch();
    let script = node(&project).join(format!("{NODE}.upgrade.sh"));
    let fresh = image(scratch, "fresh");
    unpack(&fresh, &node(&project));
    for shell_of in [&["sh"][..], &["bash", "--posix"], &["busybox", "sh"]] {
        if !oracles::present(shell_of[0]) {
            continue;
        }
        let _ = fs::remove_dir_all(scratch.join("image"));
        let root = image(scratch, "image");
        unpack(&root, &before(&project));
        let mut args = shell_of[1..].to_vec();
        args.extend([script.to_str().unwrap(), root.to_str().unwrap()]);
        // Twice is as good as once, and it says nothing.
        for _ in 0..2 {
            let output = oracles::run(scratch, shell_of[0], &args);
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{said}");
        }
        unpack(&root, &node(&project));
        // Folders that were made on the way stay, empty.
        assert_eq!(
            apart(&root, &fresh),
            [
                "d 755 0:0  ./etc/nodebake",
                "d 755 0:0  ./etc/systemd/system/kubelet.service.requires",
                "d 755 0:0  ./etc/systemd/system/systemd-timesyncd.service.d",
            ]
        );
        shell(
            &root,
            "find . -type d -empty '(' -path './etc/systemd/*' -o -path ./etc/nodebake ')' | xargs rmdir",
        );
        assert_eq!(apart(&root, &fresh), [""; 0]);
    }
    // Without it a tarball cannot even be unpacked where a folder was.
    let root = image(scratch, "without");
    unpack(&root, &before(&project));
    let archive = node(&project).join(format!("{NODE}.tar.gz"));
    let output = oracles::run(&root, "tar", &["-xpf", archive.to_str().unwrap()]);
    assert!(!output.status.success());
}

#[test]
fn links_of_an_image_never_lead_out_of_it() {
    let project = upgraded("{formats: [tarball], secrets: inline}");
    let scratch = project.scratch();
    let outside = scratch.join("outside");
    fs::create_dir_all(outside.join("own")).unwrap();
    for file in ["own/gone", "kind", "l"] {
        fs::write(outside.join(file), "not ours").unwrap();
    }
    let root = scratch.join("root");
    fs::create_dir_all(root.join("real")).unwrap();
    // By an absolute link and by one that climbs.
    std::os::unix::fs::symlink(&outside, root.join("srv")).unwrap();
    std::os::unix::fs::symlink("../../../../../../../../real", root.join("etc")).unwrap();
    fs::write(root.join("real/gone-link"), "here").unwrap();
    let script = node(&project).join(format!("{NODE}.upgrade.sh"));
    let args = [script.to_str().unwrap(), root.to_str().unwrap()];
    oracles::content(scratch, "sh", &args);
    for file in ["own/gone", "kind", "l"] {
        assert!(outside.join(file).exists(), "{file}");
    }
    assert!(!root.join("real/gone-link").exists());
    // Where a folder is by now, it stays, and that is said.
    fs::create_dir_all(root.join("real/gone-link")).unwrap();
    let output = oracles::run(scratch, "sh", &args);
    assert!(output.status.success());
    assert_eq!(
        text(&output.stderr),
        "nodebake: /etc/gone-link is a directory here, and stays\n"
    );
    // No root, no removal: the script is for a machine that is not this one.
    assert_eq!(
        oracles::run(scratch, "sh", &args[..1]).status.code(),
        Some(2)
    );
}

#[test]
fn cloud_init_removes_what_it_wrote_for_an_older_generation() {
    let modules = oracles::cloud_init_in_chroot();
    let project =
        upgraded("{formats: [tarball, cloudInit], secrets: inline, cloudInit: {mounts: [/data]}}");
    let scratch = project.scratch();
    // /usr is the host's there, and what is in it is not written.
    let folder = |name: &str, old: Option<&Path>| {
        let folder = scratch.join(name);
        fs::create_dir(&folder).unwrap();
        let root = folder.join("root");
        fs::create_dir(&root).unwrap();
        if let Some(old) = old {
            unpack(&root, old);
            // cloud-init has the image's systemctl enable units, by links to where that finds them.
            for only_in_archives in [
                "etc/systemd/system-preset/10-nodebake.preset",
                "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
            ] {
                fs::remove_file(root.join(only_in_archives)).unwrap();
            }
        }
        apply_cloud_init(&folder, &node(&project).join("user-data"), &modules)
    };
    let fresh = folder("fresh", None);
    let upgraded = folder("upgraded", Some(&before(&project)));
    let left: Vec<String> = apart(&upgraded, &fresh)
        .into_iter()
        .filter(|line| !line.contains("./.oracle") && !line.contains("/var/lib/cloud/"))
        .collect();
    assert_eq!(
        left,
        [
            "d 755 0:0  ./etc/nodebake",
            "d 755 0:0  ./etc/systemd/system-preset",
            "d 755 0:0  ./etc/systemd/system/kubelet.service.requires",
            "d 755 0:0  ./etc/systemd/system/systemd-timesyncd.service.d",
        ]
    );
    let user_data = fs::read_to_string(node(&project).join("user-data")).unwrap();
    assert!(
        user_data
            .contains(r#"- ["systemctl", "stop", "--", "nodebake-check.service", "own.service"]"#)
    );
    if oracles::present("cloud-init") {
        let args = ["schema", "--annotate", "-c", "user-data"];
        let said = oracles::content(&node(&project), "cloud-init", &args);
        assert_eq!(said, "Valid cloud-config: user-data\n");
    }
}

#[test]
fn a_bundle_says_what_it_follows() {
    let project = Project::of("modern");
    write(&project, "{}", BEFORE, 3);
    project.good(&["build", "-o", "before"]);
    write(&project, "{}", AFTER, 3);
    // Nothing depends on what is in out/.
    project.good(&["build"]);
    assert!(!node(&project).join(format!("{NODE}.upgrade.sh")).exists());
    let output = project.run(&["build", "--upgrade-from", "before"]);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(
            "warning: cluster.yaml: generation: the bundle before is of generation 3 too"
        ),
        "{said}"
    );
    let manifest = |folder: &str| -> Value {
        let bytes = fs::read(project.dir.join(folder).join("bundle.json")).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let record = |folder: &str| {
        let manifest = manifest(folder);
        let nodes = manifest["nodes"].as_array().unwrap().clone();
        nodes.into_iter().find(|node| node["name"] == NODE).unwrap()
    };
    let old = record("before")["treeDigest"].clone();
    assert_eq!(record("out")["upgradeFrom"], Value::from(vec![old.clone()]));
    let first = fs::read(node(&project).join(format!("{NODE}.upgrade.sh"))).unwrap();
    // A kept node follows the same one; without the word all are made again.
    project.good(&["build", "--upgrade-from", "before", "--node", "cp-1*"]);
    assert_eq!(
        fs::read(node(&project).join(format!("{NODE}.upgrade.sh"))).unwrap(),
        first
    );
    project.good(&["build", "--node", "cp-1*"]);
    assert_eq!(record("out")["upgradeFrom"], Value::Null);
    // Two at once: nodes may have either.
    project.good(&["build", "--upgrade-from", "before", "--upgrade-from", "out"]);
    assert_eq!(record("out")["upgradeFrom"].as_array().unwrap().len(), 2);
    assert_eq!(
        fs::read(node(&project).join(format!("{NODE}.upgrade.sh"))).unwrap(),
        first
    );
}

#[test]
fn what_is_no_bundle_of_this_cluster_is_not_followed() {
    let project = Project::of("modern");
    project.good(&["build", "-o", "before"]);
    project.good(&["build", "--stage", "trees"]);
    let refused = |args: &[&str], why: &str| {
        let output = project.run(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(why) && said.lines().count() == 1, "{said}");
        assert!(!project.out().exists());
    };
    refused(&["build", "--upgrade-from", "nowhere"], "following nowhere");
    refused(
        &["build", "--upgrade-from", "out.trees"],
        "following out.trees: ",
    );
    let trees = ["build", "--stage", "trees", "--upgrade-from", "before"];
    refused(&trees, "give it with --stage payloads");
    let tree = before(&project).join("tree.json");
    let good = fs::read(&tree).unwrap();
    fs::write(&tree, text(&good).replace("/etc/hostname", "/etc/passwd")).unwrap();
    refused(
        &["build", "--upgrade-from", "before"],
        "it is not what the bundle's manifest lists",
    );
    fs::write(&tree, good).unwrap();
    // An unsigned build has the project's public key to go by.
    project.good(&["build", "--unsigned", "--upgrade-from", "before"]);
}
