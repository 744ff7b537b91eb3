//! Golden folders: the whole bundle of a fixture's project, as a listing and as text for review. What compression
//! libraries decide is left out: archives count by their content.
//!
//! `make golden` records them again, and fails, so that a recording cannot pass for a test.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use walkdir::WalkDir;

use crate::support::fixture::{Project, fixtures, sha256, text};

/// Whether this run records. Any other word is a typing error and no reason to pass.
pub fn recording() -> bool {
    match std::env::var("NODEBAKE_GOLDEN").as_deref() {
        Err(_) => false,
        Ok("record") => true,
        Ok(other) => panic!("NODEBAKE_GOLDEN={other}: only `record` is known"),
    }
}

#[test]
fn the_reference_cluster_is_as_recorded() {
    golden("reference", &["zhangjun-k8s-01"]);
}

#[test]
fn the_modern_cluster_is_as_recorded() {
    let nodes = [
        "gpu-1.example.com",
        "cp-1.example.com",
        "edge-004",
        "rack-a-2",
    ];
    golden("modern", &nodes);
}

/// Builds a fixture's project and compares it with what was recorded; of `nodes` the texts themselves.
fn golden(case: &str, nodes: &[&str]) {
    let project = Project::of(case);
    project.good(&["build"]);
    let made = review(&project.out(), nodes);
    let folder = fixtures().join(case).join("expected");
    if recording() {
        let _ = fs::remove_dir_all(&folder);
        for (path, content) in &made {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        panic!(
            "{case} is recorded; look at `git diff`, then run the tests without NODEBAKE_GOLDEN"
        );
    }
    let mut recorded = BTreeMap::new();
    for entry in WalkDir::new(&folder) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(&folder).unwrap();
            let content = fs::read_to_string(entry.path()).unwrap();
            recorded.insert(path.display().to_string(), content);
        }
    }
    let names = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&recorded), "the files for review");
    for (path, content) in &made {
        same_lines(&format!("{case}/expected/{path}"), content, &recorded[path]);
    }
}

/// Fails with the first line that differs.
pub fn same_lines(what: &str, made: &str, recorded: &str) {
    let mut lines = made.lines().zip(recorded.lines()).enumerate();
    if let Some((number, (made, recorded))) = lines.find(|(_, (a, b))| a != b) {
        panic!(
            "{what}:{}:\n  made     {made}\n  recorded {recorded}",
            number + 1
        );
    }
    assert_eq!(made, recorded, "{what}: one is longer");
}

/// What is shown of every node for review; of the first one all is.
fn shown_of_all(name: &str) -> bool {
    ["tree.sums", "network-config"].contains(&name) || name.contains(".tar")
}

/// The files for review: path → text.
fn review(out: &Path, nodes: &[&str]) -> BTreeMap<String, String> {
    let mut made = BTreeMap::new();
    let mut listing = String::new();
    for (path, mode, bytes) in files(out) {
        let payload = Payload::read(&path, &bytes);
        listing += &format!(
            "{mode:04o} {} {path}\n",
            payload
                .as_ref()
                .map_or_else(|| digest(&path, &bytes), Payload::digest)
        );
        let of_node = path
            .strip_prefix("nodes/")
            .and_then(|rest| rest.split_once('/'));
        if of_node.is_some_and(|(node, name)| {
            node != nodes[0] && !(nodes.contains(&node) && shown_of_all(name))
        }) {
            continue;
        }
        match payload {
            Some(payload) => {
                made.insert(format!("{path}.txt"), payload.listing);
                // All formats hold the same files: they are shown once.
                let root = path.rsplit_once('/').unwrap().0;
                for (name, content) in payload.contents {
                    made.insert(format!("{root}/root/{name}"), content);
                }
            }
            None if path.ends_with(".sig") || path.starts_with("SHA256SUMS") => {}
            None => {
                made.insert(path.clone(), normal(&path, &bytes));
            }
        }
    }
    made.insert("listing.txt".to_owned(), listing);
    made
}

/// The bundle's files, sorted: path, mode, content.
fn files(out: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let walk = WalkDir::new(out).sort_by_file_name();
    walk.into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| {
            let path = entry
                .path()
                .strip_prefix(out)
                .unwrap()
                .display()
                .to_string();
            let mode = entry.path().symlink_metadata().unwrap().mode() & 0o7777;
            (path, mode, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Size and digest; of what depends on compressed bytes only that it is there.
fn digest(path: &str, bytes: &[u8]) -> String {
    if path.starts_with("SHA256SUMS") {
        return format!("{:>6} {:64}", "", "(over compressed bytes)");
    }
    let normal = normal(path, bytes);
    format!("{:>6} {}", normal.len(), sha256(normal.as_bytes()))
}

/// A file's text without what compression libraries and their versions decide.
fn normal(path: &str, bytes: &[u8]) -> String {
    let json = || serde_json::from_slice::<Value>(bytes).unwrap();
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap() + "\n";
    match path.rsplit('/').next() {
        Some("bundle.json") => pretty(&normal_manifest(json())),
        Some("config.ign") => pretty(&normal_ignition(json())),
        // A signature is 64 bytes of no text.
        Some(name) if name.ends_with(".sig") => sha256(bytes),
        _ => String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

fn normal_manifest(mut manifest: Value) -> Value {
    for key in ["libraries", "toolVersion"] {
        assert!(!manifest[key].is_null(), "{key}");
        manifest[key] = "(whatever it is)".into();
    }
    let nodes = manifest["nodes"].as_array_mut().unwrap();
    let files = nodes
        .iter_mut()
        .flat_map(|node| node["files"].as_array_mut().unwrap());
    for file in files {
        let path = file["path"].as_str().unwrap();
        if path.ends_with("config.ign") || is_archive(path) {
            assert!(
                file["size"].is_u64() && file["sha256"].is_string(),
                "{file}"
            );
            file["size"] = "(compressed)".into();
            file["sha256"] = "(compressed)".into();
        }
    }
    manifest
}

/// Contents as the text that they are.
fn normal_ignition(mut config: Value) -> Value {
    let files = config["storage"]["files"].as_array_mut().unwrap();
    for file in files {
        let contents = file["contents"].as_object_mut().unwrap();
        let source = contents["source"].as_str().unwrap();
        let gzip = contents.get("compression").is_some_and(|how| how == "gzip");
        if gzip {
            let (_, body) = source.split_once(";base64,").unwrap();
            let bytes = decompress("gz", &STANDARD.decode(body).unwrap());
            contents.insert("source".to_owned(), text(&bytes).into());
        }
    }
    config
}

fn is_archive(path: &str) -> bool {
    [".gz", ".zst", ".xz"].iter().any(|end| path.ends_with(end))
}

fn decompress(how: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match how {
        "gz" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        // An initramfs member is padded with zero bytes, which belong to no frame.
        "zst" => zstd::Decoder::new(bytes)
            .unwrap()
            .single_frame()
            .read_to_end(&mut plain),
        "xz" => liblzma::read::XzDecoder::new(bytes).read_to_end(&mut plain),
        other => panic!("{other}"),
    }
    .unwrap();
    plain
}

/// An archive's content.
struct Payload {
    plain: Vec<u8>,
    listing: String,
    contents: Vec<(String, String)>,
}

impl Payload {
    fn read(path: &str, bytes: &[u8]) -> Option<Self> {
        if !is_archive(path) {
            return None;
        }
        let (name, how) = path.rsplit_once('.').unwrap();
        let plain = decompress(how, bytes);
        let (listing, contents) = if name.ends_with(".tar") {
            tar_entries(&plain)
        } else {
            cpio_entries(&plain)
        };
        Some(Self {
            plain,
            listing,
            contents,
        })
    }

    fn digest(&self) -> String {
        format!("{:>6} {}", self.plain.len(), sha256(&self.plain))
    }
}

fn tar_entries(plain: &[u8]) -> (String, Vec<(String, String)>) {
    let (mut listing, mut contents) = (String::new(), Vec::new());
    for entry in tar::Archive::new(plain).entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        let path = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let link = entry.link_name().unwrap();
        let link = link.map(|link| format!(" -> {}", link.display()));
        let names = (
            header.username().unwrap().unwrap_or(""),
            header.groupname().unwrap().unwrap_or(""),
        );
        listing += &format!(
            "{:?} {:04o} {}/{}:{}/{} mtime {} {:>6} {path}{}\n",
            header.entry_type(),
            header.mode().unwrap(),
            names.0,
            header.uid().unwrap(),
            names.1,
            header.gid().unwrap(),
            header.mtime().unwrap(),
            bytes.len(),
            link.unwrap_or_default()
        );
        if header.entry_type().is_file() {
            contents.push((path, String::from_utf8(bytes).unwrap()));
        }
    }
    (listing, contents)
}

fn cpio_entries(plain: &[u8]) -> (String, Vec<(String, String)>) {
    let mut listing = String::new();
    let mut rest = plain;
    loop {
        let mut reader = cpio::newc::Reader::new(rest).unwrap();
        let entry = reader.entry().clone();
        if entry.is_trailer() {
            return (listing, Vec::new());
        }
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        let link = (entry.mode() & 0o170_000 == 0o120_000).then(|| format!(" -> {}", text(&bytes)));
        listing += &format!(
            "{:06o} {}:{} ino {} mtime {} {:>6} {}{}\n",
            entry.mode(),
            entry.uid(),
            entry.gid(),
            entry.ino(),
            entry.mtime(),
            bytes.len(),
            entry.name(),
            link.unwrap_or_default()
        );
        rest = reader.finish().unwrap();
    }
}
