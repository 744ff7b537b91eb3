//! Numbers of things in messages: "1 node" and "2 nodes" come from one helper, so that no message says "1 nodes".

use std::fs;
use std::path::Path;

use walkdir::WalkDir;

/// Nouns that messages count.
const NOUNS: [&str; 43] = [
    "addresses",
    "archives",
    "areas",
    "bits",
    "blocks",
    "bytes",
    "certificates",
    "changes",
    "characters",
    "columns",
    "commands",
    "contents",
    "days",
    "digits",
    "entries",
    "errors",
    "fields",
    "files",
    "findings",
    "folders",
    "hours",
    "identities",
    "images",
    "items",
    "keys",
    "lines",
    "links",
    "milliseconds",
    "minutes",
    "nodes",
    "objects",
    "paths",
    "pods",
    "recipients",
    "requests",
    "rows",
    "seconds",
    "times",
    "tokens",
    "units",
    "values",
    "warnings",
    "zeros",
];

/// Adjectives between a number and its noun.
const BETWEEN: [&str; 5] = ["further", "more", "minor", "other", "new"];

/// Where a placeholder stands before a noun that is no number.
const NO_NUMBERS: [(&str, &str); 2] = [
    // A family's name.
    ("{kind} addresses", "src/inventory/interfaces/rules/"),
    // Of a progress bar, which is for many.
    ("{len} nodes", "src/cmd/progress.rs"),
];

/// Placeholders of a line that stand right before a counted noun; constants are written in capitals and are more than one.
fn counted_by_hand(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (end, _) in line.match_indices("} ") {
        let Some(start) = line[..end].rfind('{') else {
            continue;
        };
        let name = &line[start + 1..end];
        let is_constant =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let is_code = name.contains([' ', '"', '(', ';']);
        let rest = &line[end + 2..];
        let mut words = rest.split(|c: char| !c.is_ascii_alphanumeric());
        let mut word = words.next().unwrap_or_default();
        if BETWEEN.contains(&word) {
            word = words.next().unwrap_or_default();
        }
        if !is_constant && !is_code && NOUNS.contains(&word) {
            let length = rest.find(word).unwrap() + word.len();
            found.push(&line[start..end + 2 + length]);
        }
    }
    found
}

#[test]
fn numbers_of_things_agree_with_their_nouns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for entry in WalkDir::new(root.join("src")) {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|name| name != "rs") {
            continue;
        }
        let file = entry
            .path()
            .strip_prefix(root)
            .unwrap()
            .display()
            .to_string();
        let text = fs::read_to_string(entry.path()).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (number, line) in (1..).zip(code.lines()) {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for one in counted_by_hand(line) {
                let is_known = NO_NUMBERS
                    .iter()
                    .any(|(text, at)| *text == one && file.starts_with(at));
                if !is_known {
                    wrong.push(format!(
                        "{file}:{number}: {one}: write it with wording::counted"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_number_before_a_plural_is_found() {
    for (line, found) in [
        ("format!(\"{} nodes can be built\", n)", vec!["{} nodes"]),
        (
            "format!(\"{count} further findings\")",
            vec!["{count} further findings"],
        ),
        (
            "format!(\"{a}: {} files, {bytes} bytes\")",
            vec!["{} files", "{bytes} bytes"],
        ),
        ("format!(\"at most {MOST} nodes\")", vec![]),
        ("format!(\"{} can be built\", counted(n, \"node\"))", vec![]),
        ("if x { files }", vec![]),
    ] {
        assert_eq!(counted_by_hand(line), found, "{line}");
    }
}
