//! `output.secrets: separate`: the public part holds no secret in any form, and both parts together are what the one
//! payload is, as the programs that apply them see it.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nodebake::model::output::{Format, IgnitionSettings, Secrets, Settings};
use serde_json::{Value, json};

use crate::formats::ignition::apply_ignition;
use crate::support::cloud_init::apply_cloud_init;
use crate::support::fixture::{Project, snapshot, text};
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::tool::{SECRET, forms};
use crate::support::trees;

const CASES: [&str; 2] = ["reference", "modern"];

/// A fixture's project that keeps its secrets apart, with what more `output` says.
fn separate(case: &str, more: &str) -> Project {
    kept(case, &format!("secrets: separate{more}"))
}

/// A fixture's project with what `output` says.
fn kept(case: &str, output: &str) -> Project {
    let project = Project::of(case);
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let inventory = inventory.replace("output: {secrets: inline}\n", "");
    fs::write(&file, format!("{inventory}output: {{{output}}}\n")).unwrap();
    project.good(&["build"]);
    project
}

/// The files of all nodes as bundle.json lists them: node, path, whether it is secret.
fn listed(project: &Project) -> Vec<(String, PathBuf, bool)> {
    let manifest = fs::read(project.out().join("bundle.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut found = Vec::new();
    for node in manifest["nodes"].as_array().unwrap() {
        for file in node["files"].as_array().unwrap() {
            found.push((
                node["name"].as_str().unwrap().to_owned(),
                project.out().join(file["path"].as_str().unwrap()),
                file["secret"] == true,
            ));
        }
    }
    assert!(found.len() > 15, "{found:?}");
    found
}

/// Whether a secret is in bytes: as it is, in base64, or in what they hold compressed, percent-encoded or in base64.
pub fn holds_secret(bytes: &[u8], depth: usize) -> bool {
    let said = text(bytes);
    if forms(SECRET).iter().any(|form| said.contains(form)) {
        return true;
    }
    if depth == 0 {
        return false;
    }
    unfolded(bytes, &said)
        .iter()
        .any(|inner| holds_secret(inner, depth - 1))
}

fn unfolded(bytes: &[u8], said: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut opened = Vec::new();
    let opens = match bytes {
        [0x1f, 0x8b, ..] => flate2::read::GzDecoder::new(bytes)
            .read_to_end(&mut opened)
            .is_ok(),
        // An initramfs payload is padded after its end, which these two readers object to when they have read all.
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let _ = zstd::stream::copy_decode(bytes, &mut opened);
            !opened.is_empty()
        }
        [0xfd, b'7', b'z', ..] => {
            let _ = liblzma::read::XzDecoder::new(bytes).read_to_end(&mut opened);
            !opened.is_empty()
        }
        _ => false,
    };
    if opens {
        found.push(opened);
        return found;
    }
    if said.contains("%20") || said.contains("%0A") {
        found.push(percent_encoding::percent_decode_str(said).collect());
    }
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/' || c == '=';
    let runs = said
        .split(|c: char| !is_base64(c))
        .filter(|run| run.len() >= 24);
    found.extend(runs.filter_map(|run| STANDARD.decode(run).ok()));
    found
}

#[test]
fn the_public_payload_holds_no_secret_in_any_form() {
    for case in CASES {
        let project = separate(case, "");
        for (_, path, is_secret) in listed(&project) {
            let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
            let expected = if is_secret { 0o600 } else { 0o644 };
            assert_eq!(mode, expected, "{}", path.display());
            let name = path.file_name().unwrap().to_string_lossy();
            assert_eq!(is_secret, name.contains(".secrets"), "{name}");
            // The secret payloads prove that the search finds what is there.
            let bytes = fs::read(&path).unwrap();
            assert_eq!(holds_secret(&bytes, 3), is_secret, "{}", path.display());
        }
    }
}

/// What becomes part of images and is on boot servers is without secrets unless the inventory wants it otherwise.
#[test]
fn secrets_are_apart_by_default_where_payloads_are_read_by_many() {
    let project = Project::of("reference");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    fs::write(&file, inventory.replace("output: {secrets: inline}\n", "")).unwrap();
    project.good(&["build"]);
    for (_, path, is_secret) in listed(&project) {
        let name = path.file_name().unwrap().to_string_lossy();
        let expected = match &*name {
            "user-data" | "config.ign" => true,
            _ => name.contains(".secrets."),
        };
        assert_eq!(is_secret, expected, "{name}");
        let bytes = fs::read(&path).unwrap();
        assert_eq!(holds_secret(&bytes, 3), is_secret, "{}", path.display());
    }
    let shown = project.good(&["show", "zhangjun-k8s-01"]);
    assert!(
        shown.contains("secrets       in a secret payload: tarball initramfs\n"),
        "{shown}"
    );
}

#[test]
fn the_bundle_and_show_know_the_secret_payload() {
    let project = separate("reference", "");
    let secret = listed(&project)
        .into_iter()
        .filter(|(_, _, secret)| *secret);
    let names: Vec<String> = secret
        .filter(|(node, _, _)| node == "zhangjun-k8s-01")
        .map(|(_, path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "config.secrets.ign",
            "initramfs.secrets.cpio.gz",
            "user-data.secrets",
            "zhangjun-k8s-01.secrets.tar.gz"
        ]
    );
    let index = fs::read(project.out().join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    for name in names {
        assert!(index["zhangjun-k8s-01"][&name].is_string(), "{name}");
    }
    let verify = ["verify", "out", "--key", "keys/sign.pub", "-o", "json"];
    let verdict: Value = serde_json::from_str(&project.good(&verify)).unwrap();
    // Four for each node, and the token Secrets.
    assert_eq!(verdict["secretFiles"], 13, "{verdict}");
    let shown = project.good(&["show", "zhangjun-k8s-01"]);
    assert!(
        shown.contains("secrets       in a secret payload: tarball cloudInit ignition initramfs\n"),
        "{shown}"
    );
    let shown = project.good(&["show", "zhangjun-k8s-01", "-o", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let formats = json!(["tarball", "cloudInit", "ignition", "initramfs"]);
    assert_eq!(shown["separateSecrets"], formats);
}

/// Unpacks archives one after the other into a folder of their own and says what is there then.
fn unpacked(
    scratch: &Path,
    oracle: &str,
    archives: &[&Path],
) -> std::collections::BTreeMap<String, String> {
    let root = tempfile::tempdir_in(scratch).unwrap();
    for archive in archives {
        let file = archive.to_str().unwrap();
        match oracle {
            "cpio" => {
                let raw = root.path().with_extension("raw");
                fs::write(&raw, decompressed(archive)).unwrap();
                let raw = raw.to_str().unwrap();
                let args = ["--quiet", "-idmu", "--no-absolute-filenames", "-F", raw];
                oracles::content(root.path(), oracle, &args)
            }
            _ => oracles::content(root.path(), oracle, &["-xpf", file]),
        };
    }
    let mut all = snapshot(root.path());
    all.remove("");
    assert!(all.len() > 5, "{all:?}");
    all
}

fn decompressed(archive: &Path) -> Vec<u8> {
    let bytes = fs::read(archive).unwrap();
    unfolded(&bytes, "").pop().unwrap_or(bytes)
}

#[test]
fn archives_in_two_payloads_unpack_to_the_same_in_either_order() {
    for case in CASES {
        let inline = kept(case, "secrets: inline");
        let apart = separate(case, "");
        for (_, secret, _) in listed(&apart).into_iter().filter(|(_, _, secret)| *secret) {
            let public = PathBuf::from(secret.to_str().unwrap().replace(".secrets", ""));
            let whole = inline.dir.join(public.strip_prefix(&apart.dir).unwrap());
            let file = public.to_str().unwrap();
            let programs: &[&str] = match (file.contains(".tar"), file.contains(".cpio")) {
                (true, _) => &["tar", "bsdtar"],
                (_, true) => &["cpio"],
                _ => &[],
            };
            for oracle in programs.iter().filter(|oracle| oracles::present(oracle)) {
                let unpacked = |archives: &[&Path]| unpacked(apart.scratch(), oracle, archives);
                let expected = unpacked(&[&whole]);
                assert_eq!(unpacked(&[&public, &secret]), expected, "{oracle} {file}");
                assert_eq!(unpacked(&[&secret, &public]), expected, "{oracle} {file}");
                assert_ne!(unpacked(&[&public]), expected, "{oracle} {file}");
            }
        }
    }
}

fn apart() -> Settings {
    Settings {
        secrets: Secrets::Separate,
        ..trees::settings()
    }
}

/// What cloud-init makes of several documents.
pub fn merged(folder: &Path, parts: &[&str]) -> PathBuf {
    let modules = oracles::cloud_init_modules();
    let made = folder.join(format!("{}.yaml", parts.join("+")));
    let output = oracles::command(folder, oracles::PYTHON)
        .arg(oracles::source("cloud_init/merge.py"))
        .arg(&made)
        .args(parts)
        .env("PYTHONPATH", modules)
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success(), "merging {parts:?}: {said}");
    // It says whence the parts came in comments and begins the document again, which is none to some readers.
    let written = fs::read_to_string(&made).unwrap();
    let (_, document) = written.split_once("---\n").unwrap();
    fs::write(&made, format!("#cloud-config\n{document}")).unwrap();
    made
}

#[test]
fn cloud_init_merges_both_payloads_into_the_one_document() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let facts = trees::facts();
    let whole = package(
        scratch.path(),
        Format::CloudInit,
        &tree,
        &facts,
        &trees::settings(),
    );
    let folder = package(scratch.path(), Format::CloudInit, &tree, &facts, &apart());
    if oracles::present("cloud-init") {
        for part in ["user-data", "user-data.secrets"] {
            let said = oracles::content(&folder, "cloud-init", &["schema", "-c", part]);
            assert!(said.contains("Valid"), "{said}");
        }
    }
    for parts in [
        ["user-data", "user-data.secrets"],
        ["user-data.secrets", "user-data"],
    ] {
        let merged = merged(&folder, &parts);
        let document = |file: &Path| {
            let mut document = oracles::same_values(file).pop().unwrap();
            document.as_object_mut().unwrap().remove("merge_how");
            let files = document["write_files"].as_array_mut().unwrap();
            files.sort_by_key(|file| file["path"].as_str().unwrap().to_owned());
            document
        };
        assert_eq!(
            document(&merged),
            document(&whole.join("user-data")),
            "{parts:?}"
        );
    }
}

#[test]
fn cloud_init_itself_makes_the_tree_of_both_payloads() {
    let modules = oracles::cloud_init_in_chroot();
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let folder = package(
        scratch.path(),
        Format::CloudInit,
        &tree,
        &trees::facts(),
        &apart(),
    );
    let merged = merged(&folder, &["user-data", "user-data.secrets"]);
    let root = apply_cloud_init(&folder, &merged, &modules);
    assert_eq!(trees::differences(&root, &tree, true), [""; 0]);
}

#[test]
fn ignition_accepts_both_payloads_and_the_public_one_may_fetch_the_other() {
    oracles::needs(["sha512sum"]);
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let settings = Settings {
        ignition: IgnitionSettings {
            secrets_url: Some("https://boot.example.com/secrets/{node}.ign".to_owned()),
            ..IgnitionSettings::default()
        },
        ..apart()
    };
    let folder = package(
        scratch.path(),
        Format::Ignition,
        &tree,
        &trees::facts(),
        &settings,
    );
    let public = fs::read(folder.join("config.ign")).unwrap();
    let public: Value = serde_json::from_slice(&public).unwrap();
    let merge = &public["ignition"]["config"]["merge"];
    let digest = oracles::content(&folder, "sha512sum", &["config.secrets.ign"]);
    let digest = digest.split_whitespace().next().unwrap();
    let expected = json!([{
        "source": "https://boot.example.com/secrets/gpu-1.example.com.ign",
        "verification": {"hash": format!("sha512-{digest}")},
    }]);
    assert_eq!(*merge, expected);
    if oracles::present("ignition-validate") {
        for part in ["config.ign", "config.secrets.ign"] {
            let said = oracles::content(&folder, "ignition-validate", &[part]);
            assert_eq!(said, "", "{part}");
        }
    }
}

#[test]
fn ignition_itself_makes_the_tree_of_both_payloads() {
    oracles::Target::Conformance.needs(["ignition-engine"]);
    oracles::needs_root();
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let folder = package(
        scratch.path(),
        Format::Ignition,
        &tree,
        &trees::facts(),
        &apart(),
    );
    let sources = ["config.ign", "config.secrets.ign"].map(|part| {
        let bytes = fs::read(folder.join(part)).unwrap();
        json!({"source": format!("data:;base64,{}", STANDARD.encode(bytes))})
    });
    let pointer = json!({"ignition": {"version": "3.3.0", "config": {"merge": sources}}});
    fs::write(folder.join("config.ign"), pointer.to_string()).unwrap();
    let root = folder.join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    for file in ["passwd", "group"] {
        fs::copy(format!("/etc/{file}"), root.join("etc").join(file)).unwrap();
    }
    apply_ignition(&folder);
    assert_eq!(trees::differences(&root, &tree, true), [""; 0]);
}
