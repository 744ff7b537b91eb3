//! `nodebake inspect` before the programs that others list archives with, and before files made to hurt.

mod extract;
mod fat;
mod foreign;
pub mod hostile;
mod lenient;
mod ours;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::oracles;
use crate::support::tool::nodebake;

/// What `inspect -o json` says of a file, which it must read to its end.
fn listing(folder: &Path, file: &str) -> Value {
    let said = nodebake(folder, &["inspect", file, "-o", "json"]).good();
    serde_json::from_str(&said).unwrap()
}

/// All entries of a listing, members one after the other.
fn entries(listing: &Value) -> Vec<&Value> {
    let members = listing["members"].as_array().unwrap();
    let entries = members.iter().map(|m| m["entries"].as_array().unwrap());
    entries.flatten().collect()
}

/// Runs a shell in a folder; whatever it makes there, it is the same on each machine.
fn shell(folder: &Path, script: &str) {
    oracles::content(folder, "sh", &["-euc", script]);
}

/// A folder with what an archive may hold.
fn sample(folder: &Path) {
    shell(
        folder,
        "umask 022; mkdir -p root/etc/d root/usr/bin; cd root
         echo hello >etc/a; : >etc/empty; ln -s usr/bin bin; ln -s ../usr/none etc/link
         head -c 70000 /dev/zero | tr '\\0' 'x' >usr/bin/tool; chmod 4755 usr/bin/tool
         chmod 1777 etc/d; echo 'ł' >'etc/name with spaces ł'; chmod 0600 etc/a
         mkfifo etc/pipe",
    );
}

/// Path → what libarchive reads of an archive, in mtree's words: type, mode, owners, size, digest, link.
fn libarchive(folder: &Path, file: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let options = "mtree:!all,mtree:type,mtree:mode,mtree:uid,mtree:gid,mtree:size,mtree:sha256,mtree:link,mtree:device";
    let from = format!("@{file}");
    let args = ["-cf", "-", "--format=mtree", "--options", options, &from];
    let mut rows = BTreeMap::new();
    let mut command = oracles::command(folder, "bsdtar");
    // In the C locale it has no letters for pax's UTF-8.
    let output = command
        .args(args)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{file}: {said}");
    for line in said.lines().skip(1) {
        let mut words = line.split(' ');
        let path = unescaped(words.next().unwrap());
        let path = match path.trim_start_matches('/').strip_prefix('.') {
            Some("") => "/".to_owned(),
            Some(path) => path.trim_end_matches('/').to_owned(),
            None => panic!("{line}"),
        };
        let words = words.filter(|word| !word.is_empty());
        let facts = words.map(|word| {
            let (key, value) = word.split_once('=').unwrap();
            (key.to_owned(), unescaped(value))
        });
        rows.insert(path, facts.collect());
    }
    rows
}

/// mtree's words have octal escapes for what is no plain character.
fn unescaped(word: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = word.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let digits: Vec<u8> = rest.by_ref().take(3).collect();
        let digits = String::from_utf8(digits).unwrap();
        bytes.push(u8::from_str_radix(&digits, 8).unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

/// One of our entries in mtree's words.
fn in_mtree(entry: &Value) -> BTreeMap<String, String> {
    let text = |key: &str| entry[key].as_str().map(str::to_owned);
    let number = |key: &str| entry[key].as_u64().map(|number| number.to_string());
    let kind = match entry["type"].as_str().unwrap() {
        "directory" => "dir",
        "symlink" => "link",
        "characterDevice" => "char",
        "blockDevice" => "block",
        "hardLink" => "file",
        other => other,
    };
    let mode = text("mode").unwrap();
    let mode = mode.trim_start_matches('0').to_owned();
    let facts = [
        ("type", Some(kind.to_owned())),
        ("mode", Some(mode)),
        ("uid", number("uid")),
        ("gid", number("gid")),
        ("size", number("size")),
        ("sha256digest", text("sha256")),
        ("link", text("target").filter(|_| kind == "link")),
    ];
    let said = facts
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    said.collect()
}

/// Asserts that libarchive and we read the same of an archive that is one member; another name of a file is left to
/// libarchive's own way of counting it.
fn same_as_libarchive(folder: &Path, file: &str) {
    oracles::needs(["bsdtar"]);
    let theirs = libarchive(folder, file);
    let listing = listing(folder, file);
    let mut seen = 0;
    for entry in entries(&listing) {
        let path = entry["path"].as_str().unwrap();
        let Some(expected) = theirs.get(path) else {
            panic!("{file}: libarchive does not have {path}: {theirs:?}");
        };
        seen += 1;
        if entry["type"] == "hardLink" {
            continue;
        }
        let mut expected = expected.clone();
        expected.remove("device");
        let mut found = in_mtree(entry);
        if !expected.contains_key("sha256digest") {
            found.remove("sha256digest");
        }
        assert_eq!(found, expected, "{file}: {path}");
    }
    // libarchive makes no root where the archive does not list one.
    assert!(
        seen > 3 && seen >= theirs.len() - 1,
        "{file}: {seen} of {}",
        theirs.len()
    );
}
