//! Assets that are not in user-data and Ignition configurations: fetched by URL, or on a CD of their own.

use std::fs;
use std::path::Path;

use nodebake::model::output::limits::Target;
use nodebake::model::output::{
    Assets, CloudInit, Format, IgnitionDigest, IgnitionSettings, Settings,
};
use nodebake::tree::{Asset, Content, Entry, NodeTree};
use serde_json::Value;

use crate::assets::shared;
use crate::formats::ignition::engines::{Served, engines, root_of};
use crate::support::cloud_init::apply_in;
use crate::support::fixture::{sha256, text};
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::trees;

/// What only the asset has.
const MARK: &[u8] = b"this is in the asset alone";

/// The rich tree, with one more asset at each of these paths; special bits and a foreign owner where a format takes them.
fn tree(folder: &Path, paths: &[&str], mode: u32) -> NodeTree {
    let source = folder.join("fetched");
    let bytes = MARK.repeat(3000);
    fs::write(&source, bytes).unwrap();
    let asset = Content::Asset(Asset::measure(&source).unwrap().into());
    let mut tree = trees::rich(folder);
    for path in paths {
        let mut entry = Entry::file(asset.clone(), mode, trees::origin());
        entry.user.id = 61234;
        entry.user.name = "etcd-x".into();
        tree.add(trees::path(path), entry).unwrap();
    }
    tree
}

fn settings(assets: Assets, base: &str) -> Settings {
    Settings {
        cloud_init: CloudInit {
            assets,
            mounts: vec![trees::path("/late")],
            ..CloudInit::default()
        },
        ignition: IgnitionSettings {
            assets: Assets::Url,
            ..IgnitionSettings::default()
        },
        assets_url: Some(format!("{base}/files/{{sha256}}")),
        ..trees::settings()
    }
}

fn holds_mark(folder: &Path, name: &str) -> bool {
    let found = fs::read(folder.join(name)).unwrap();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, MARK);
    let found = String::from_utf8_lossy(&found);
    // Its first bytes in base64, whatever follows.
    found.contains(&encoded[..20])
}

const PATHS: [&str; 3] = ["/opt/it's here/tool", "/srv/x/tool", "/late/deep/tool"];

#[test]
fn cloud_init_fetches_assets_and_gives_them_their_modes_and_owners() {
    let modules = oracles::cloud_init_in_chroot();
    oracles::needs(["curl"]);
    let scratch = tempfile::tempdir().unwrap();
    let tree = tree(scratch.path(), &PATHS, 0o4750);
    let served = Served::new();
    let settings = settings(Assets::Url, &served.base);
    let facts = trees::facts();
    let folder = package(scratch.path(), Format::CloudInit, &tree, &facts, &settings);
    served.folder("files", &folder.join("shared/files"));
    assert!(!holds_mark(&folder, "user-data"));
    // Two contents, however many paths have them.
    assert_eq!(
        fs::read_dir(folder.join("shared/files")).unwrap().count(),
        2
    );
    let user_data = folder.join("user-data");
    let disks = [("DISKS", "/late")];
    let root = apply_in(&folder, &user_data, &modules, &disks);
    let late = root.join(".oracle/disks/late/deep");
    fs::create_dir_all(root.join("late/deep")).unwrap();
    fs::rename(late.join("tool"), root.join("late/deep/tool"))
        .or_else(|_| fs::copy(late.join("tool"), root.join("late/deep/tool")).map(drop))
        .unwrap();
    assert_eq!(trees::differences(&root, &tree, true), [""; 0]);
    assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    let leftovers = walkdir::WalkDir::new(&root).into_iter().flatten();
    let mut leftovers = leftovers.filter(|at| {
        let name = at.file_name().to_string_lossy().into_owned();
        name.ends_with(".nodebake-new")
    });
    assert!(leftovers.next().is_none());
}

/// Where user-data has no room for the rest either, that comes first, by the same function.
#[test]
fn cloud_init_fetches_a_body_and_assets() {
    let modules = oracles::cloud_init_in_chroot();
    oracles::needs(["curl"]);
    let scratch = tempfile::tempdir().unwrap();
    let mut tree = tree(scratch.path(), &PATHS[..2], 0o755);
    // What no packing makes fit.
    let mut seed = 7u32;
    let noise = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    });
    let noise = Content::bytes(noise.take(20_000).collect::<Vec<u8>>());
    let noise = Entry::file(noise, 0o644, trees::origin());
    tree.add(trees::path("/opt/noise"), noise).unwrap();
    let served = Served::new();
    let mut settings = settings(Assets::Url, &served.base);
    settings.cloud_init.mounts.clear();
    settings.cloud_init.target = Target::Ec2;
    settings.cloud_init.url = Some(format!("{}/{{node}}/user-data.body.tar.gz", served.base));
    let facts = trees::facts();
    let folder = package(scratch.path(), Format::CloudInit, &tree, &facts, &settings);
    served.folder("files", &folder.join("shared/files"));
    served.folder(&facts.name, &folder);
    assert!(folder.join("user-data.body.tar.gz").exists());
    let script = script(&folder);
    assert_eq!(script.matches("nodebake_get() {").count(), 1, "{script}");
    assert_eq!(script.matches("nodebake_put() {").count(), 1, "{script}");
    let root = apply_in(&folder, &folder.join("user-data"), &modules, &[]);
    assert_eq!(trees::differences(&root, &tree, true), [""; 0]);
}

/// The image in the words of a reader that nobody here wrote; the kernel mounts it in `boot::seed`.
#[test]
fn cloud_init_takes_assets_from_a_cd_of_their_own() {
    let modules = oracles::cloud_init_in_chroot();
    oracles::needs(["bsdtar", "blkid"]);
    let scratch = tempfile::tempdir().unwrap();
    let tree = tree(scratch.path(), &PATHS[..2], 0o6755);
    let settings = settings(Assets::Iso, "http://127.0.0.1:1");
    let facts = trees::facts();
    let folder = package(scratch.path(), Format::CloudInit, &tree, &facts, &settings);
    assert!(!holds_mark(&folder, "user-data"));
    let images: Vec<_> = fs::read_dir(folder.join("shared")).unwrap().collect();
    assert_eq!(images.len(), 1);
    let image = images[0].as_ref().unwrap().path();
    let cd = folder.join("cd");
    fs::create_dir(&cd).unwrap();
    oracles::content(&cd, "bsdtar", &["-xf", image.to_str().unwrap()]);
    let user_data = folder.join("user-data");
    let environment = [("DISKS", ""), ("CD", cd.to_str().unwrap())];
    let root = apply_in(&folder, &user_data, &modules, &environment);
    assert_eq!(trees::differences(&root, &tree, true), [""; 0]);
    assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    // What is mounted is what the label of the image says.
    let args = ["-o", "value", "-s", "LABEL", image.to_str().unwrap()];
    let label = oracles::content(&folder, "blkid", &args);
    let label = label.trim();
    assert!(label.len() <= 16 && label.starts_with("nb-"), "{label}");
    let mounted = fs::read_to_string(root.join(".oracle/mounted")).unwrap();
    let device = format!("-t iso9660 -o ro /dev/disk/by-label/{label} /tmp/");
    assert!(
        mounted.lines().all(|line| line.starts_with(&device)),
        "{mounted}"
    );
}

/// The commands of user-data up to the first that is not about assets, as one script.
fn script(folder: &Path) -> String {
    let user_data = oracles::content(folder, "zcat", &["-f", "user-data"]);
    let (_, runcmd) = user_data.split_once("runcmd:\n").unwrap();
    let lines = runcmd.lines().filter_map(|line| line.strip_prefix("- \""));
    let lines = lines.map(|line| serde_json::from_str::<String>(&format!("\"{line}")).unwrap());
    let lines: Vec<String> = lines.filter(|line| line.contains("nodebake_")).collect();
    lines.join("\n") + "\necho went on\n"
}

#[test]
fn an_asset_that_was_changed_stops_the_node() {
    oracles::needs(["curl", "sha256sum"]);
    let scratch = tempfile::tempdir().unwrap();
    let target = scratch.path().join("a'b/tool");
    let source = scratch.path().join("fetched");
    fs::write(&source, MARK).unwrap();
    let asset = Content::Asset(Asset::measure(&source).unwrap().into());
    let mut tree = NodeTree::default();
    let entry = Entry::file(asset, 0o755, trees::origin());
    tree.add(trees::path(target.to_str().unwrap()), entry)
        .unwrap();
    let served = Served::new();
    let facts = trees::facts();
    let settings = settings(Assets::Url, &served.base);
    let folder = package(scratch.path(), Format::CloudInit, &tree, &facts, &settings);
    served.folder("files", &folder.join("shared/files"));
    let run = || {
        let output = oracles::run(scratch.path(), "sh", &["-c", &script(&folder)]);
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let file = folder.join("shared/files").join(sha256(MARK));
    fs::write(&file, "another").unwrap();
    let (code, went_on, said) = run();
    assert_eq!(code, Some(1), "{said}");
    assert!(!went_on.contains("went on"));
    assert!(said.contains("nodebake: not fetched: "), "{said}");
    assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 0);
    fs::write(&file, MARK).unwrap();
    let (code, went_on, said) = run();
    assert_eq!(code, Some(0), "{said}");
    assert!(went_on.contains("went on"));
    assert_eq!(fs::read(&target).unwrap(), MARK);
    // Once there it is not fetched again; what somebody made of it is replaced.
    fs::remove_file(&file).unwrap();
    assert_eq!(run().0, Some(0));
    fs::write(&target, "changed").unwrap();
    assert_eq!(run().0, Some(1));
}

#[test]
fn the_engines_fetch_assets_and_refuse_others() {
    oracles::needs_root();
    for engine in engines(0) {
        for digest in [
            IgnitionDigest::Sha512,
            IgnitionDigest::Sha256,
            IgnitionDigest::None,
        ] {
            let scratch = tempfile::tempdir().unwrap();
            let tree = tree(scratch.path(), &["/opt/x/tool", "/srv/y/tool"], 0o750);
            let served = Served::new();
            let mut settings = settings(Assets::Url, &served.base);
            settings.ignition.digest = digest;
            let facts = trees::facts();
            let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
            served.folder("files", &folder.join("shared/files"));
            assert!(!holds_mark(&folder, "config.ign"));
            let root = root_of(&folder);
            crate::formats::ignition::apply(&folder, engine);
            assert_eq!(trees::differences(&root, &tree, true), [""; 0], "{engine}");
            let files = fs::read_dir(folder.join("shared/files")).unwrap();
            for file in files.map(|file| file.unwrap().path()) {
                let mut bytes = fs::read(&file).unwrap();
                bytes[0] ^= 1;
                fs::write(&file, bytes).unwrap();
            }
            // What is there and right is not fetched.
            fs::remove_dir_all(root.join("opt")).unwrap();
            let said = crate::formats::ignition::refused(&folder, engine);
            assert!(said.contains("hash verification failed"), "{said}");
        }
    }
}

#[test]
fn what_is_fetched_is_once_in_the_bundle() {
    let url = "assetsURL: \"https://boot.example.com/{sha256}\"";
    let project = shared::project(&format!(
        "{{formats: [cloudInit, ignition, initramfs], {url}, initramfs: {{mode: coreosLive}}}}"
    ));
    project.good(&["build", "--format", "cloudInit", "--format", "ignition"]);
    let files = shared::shared(&project, "gpu-1.example.com");
    let names: Vec<String> = files.keys().cloned().collect();
    let mut digests: Vec<String> = ["tool", "data"]
        .map(|name| {
            format!(
                "files/{}",
                sha256(&fs::read(project.dir.join(name)).unwrap())
            )
        })
        .into();
    digests.sort();
    assert_eq!(names, digests);
    for (name, path) in &files {
        let bytes = fs::read(project.out().join(path)).unwrap();
        assert_eq!(format!("files/{}", sha256(&bytes)), *name);
    }
    let config = shared::json(&project.out().join("nodes/gpu-1.example.com/config.ign"));
    let config = config["storage"]["files"].as_array().unwrap().iter();
    let found: Vec<&Value> = config
        .filter(|file| file["path"] == "/usr/local/bin/tool")
        .collect();
    let tool = sha256(&fs::read(project.dir.join("tool")).unwrap());
    assert_eq!(
        found[0]["contents"]["source"],
        format!("https://boot.example.com/{tool}")
    );
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
    // A live system's overlay is its Ignition configuration, and needs the same files.
    project.good(&["build", "--format", "initramfs"]);
    assert_eq!(shared::shared(&project, "gpu-1.example.com"), files);
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
}

#[test]
fn one_cd_serves_all_nodes_of_a_archive() {
    let project = shared::project("{cloudInit: {assets: iso, seedISO: true}}");
    project.good(&["build", "--format", "cloudInit"]);
    let image = shared::shared(&project, "gpu-1.example.com");
    assert_eq!(image, shared::shared(&project, "edge-001"));
    assert_eq!(image.keys().collect::<Vec<_>>(), ["assets.iso"]);
    assert_ne!(image, shared::shared(&project, "edge-004"));
    let path = project.out().join(&image["assets.iso"]);
    let listed = project.good(&["inspect", path.to_str().unwrap()]);
    let tool = sha256(&fs::read(project.dir.join("tool")).unwrap());
    assert!(listed.contains(&tool), "{listed}");
}

#[test]
fn what_cannot_be_fetched_is_a_finding() {
    for (output, said) in [
        (
            "{ignition: {assets: url}}",
            "output.ignition.assets: nothing says from where",
        ),
        (
            "{cloudInit: {assets: url}}",
            "output.cloudInit.assets: nothing says from where",
        ),
        (
            "{assetsURL: \"https://a/b\"}",
            "output.assetsURL: must hold {sha256}",
        ),
        (
            "{assetsURL: \"https://a/{node}/{sha256}\"}",
            "must not hold {node}",
        ),
        (
            "{assetsURL: \"s3://a/{sha256}\"}",
            "must begin with https:// or http://",
        ),
        ("{ignition: {assets: iso}}", "output.ignition.assets: "),
        ("{tarball: {assets: url}}", "output.tarball.assets: "),
    ] {
        let project = shared::project(output);
        let run = project.run(&["check"]);
        assert_eq!(run.status.code(), Some(3), "{output}");
        let found = text(&run.stdout);
        assert!(found.contains(said), "{found}");
        assert!(found.starts_with("error: cluster.yaml:"), "{found}");
    }
}
