//! The rooms of the source and their order: each uses only what is below it, so data flows one way. The floors are here
//! and nowhere else; a room that is new must be put on one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

/// From the ground up. A room may use those on floors below its own, and none beside it.
pub const FLOORS: [&[&str]; 21] = [
    &["model", "redact", "terminal"],
    &["closest", "columns", "error", "io", "timing", "wording"],
    &["decompress", "input", "unfinished"],
    &["lock", "report", "signals", "staging"],
    &[
        "access", "create", "manifest", "template", "together", "yaml",
    ],
    &["kubernetes", "project_folder", "seal", "signing", "tree"],
    &["inventory", "secrets"],
    &["cluster", "identity"],
    &["host_files", "plan", "review"],
    &["compile"],
    &["render"],
    &["payload", "schema"],
    &["inspect"],
    &["policy", "preflight", "verify"],
    &["bundle"],
    &["diff", "initrd"],
    &["project"],
    &["import"],
    &["cli"],
    &["man"],
    &["cmd"],
];

/// Room → rooms that it uses, each with a file that does.
fn uses() -> BTreeMap<String, BTreeMap<String, String>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut uses: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for entry in WalkDir::new(&source) {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|name| name != "rs") {
            continue;
        }
        let path = entry.path().strip_prefix(&source).unwrap();
        let file = path.display().to_string();
        let room = file.split(['/', '.']).next().unwrap().to_owned();
        // The library's list of rooms, and the programs, which are above them all.
        if ["lib", "main", "bin"].contains(&&*room) {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let of_room = uses.entry(room.clone()).or_default();
        for used in used(&text) {
            if used != room {
                of_room.entry(used).or_insert_with(|| file.clone());
            }
        }
    }
    uses
}

/// The rooms that a file names, by `crate::room`, tests and comments left out: tests
/// may look at their room from above.
fn used(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut used = BTreeSet::new();
    for line in code.lines().map(str::trim_start) {
        if line.starts_with("//") {
            continue;
        }
        for (at, start) in line.match_indices("crate::") {
            let rest = &line[at + start.len()..];
            let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_'));
            let name = &rest[..end.unwrap_or(rest.len())];
            if !name.is_empty() {
                used.insert(name.to_owned());
            }
        }
    }
    used
}

#[test]
fn each_room_uses_only_what_is_below_it() {
    let floor = |room: &str| FLOORS.iter().position(|floor| floor.contains(&room));
    let mut wrong = Vec::new();
    for (room, of_room) in uses() {
        let Some(own) = floor(&room) else {
            wrong.push(format!("{room} is on no floor"));
            continue;
        };
        for (used, file) in of_room {
            match floor(&used) {
                None => wrong.push(format!("{file} uses {used}, which is on no floor")),
                Some(other) if other >= own => {
                    wrong.push(format!(
                        "{file}: {room} must not use {used}, which is not below it"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_on_a_floor_exists_and_is_there_once() {
    let all: Vec<&str> = FLOORS.iter().copied().flatten().copied().collect();
    let distinct: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len());
    let uses = uses();
    for room in all {
        assert!(uses.contains_key(room), "there is no room {room}");
    }
}

#[test]
fn what_a_file_uses_is_read_from_its_code() {
    let text = "use crate::inventory::{A, B};\n// use crate::bundle::X;\n    let x = crate::plan::y();\n\
                #[cfg(test)]\nmod tests {\n    use crate::cmd::z;\n}\n";
    let used: Vec<String> = used(text).into_iter().collect();
    assert_eq!(used, ["inventory", "plan"]);
}

#[test]
fn the_library_lists_its_rooms_from_the_ground_up() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let text = fs::read_to_string(library).unwrap();
    let rooms = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "));
    let rooms = rooms.map(|room| room.trim_end_matches(';'));
    let floor = |room: &str| FLOORS.iter().position(|floor| floor.contains(&room));
    let floors: Vec<_> = rooms.map(|room| (floor(room).unwrap(), room)).collect();
    assert_eq!(
        floors.len(),
        FLOORS.iter().map(|floor| floor.len()).sum::<usize>()
    );
    let wrong = floors.windows(2).find(|two| two[0].0 > two[1].0);
    assert!(wrong.is_none(), "out of order: {wrong:?}");
}

/// A command's file calls and prints: so many lines are enough.
const COMMAND_LINES: usize = 100;

/// The files of a room, by their names, without their tests.
fn files(room: &str) -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = WalkDir::new(source.join(room)).into_iter();
    let entries = entries.map(|entry| entry.unwrap().into_path());
    let files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|name| name == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            (path.display().to_string(), code.to_owned())
        })
        .collect();
    assert!(!files.is_empty(), "{room} has no files");
    files
}

#[test]
fn a_command_calls_and_prints() {
    for (file, code) in files("cmd") {
        let lines = code.lines().count();
        assert!(lines < COMMAND_LINES, "{file} has {lines} lines");
    }
}

#[test]
fn a_project_knows_no_command_line_and_prints_nothing() {
    for (file, code) in files("project") {
        for word in ["clap", "crate::cli", "crate::terminal", "println!"] {
            assert!(!code.contains(word), "{file} names {word}");
        }
    }
}
