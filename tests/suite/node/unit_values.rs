//! Values of units: a table of right and wrong ones for each parser of systemd. Our answer, and that of systemd itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nodebake::report::Id;
use nodebake::tree::{Texts, check_unit, unit_keys};

use crate::support::fixture::fixtures;
use crate::support::oracles;

/// A row of `tests/fixtures/units/values.txt`.
struct Row {
    /// Whether we take it.
    taken: bool,
    /// Whether systemd agrees; else why not.
    systemd: String,
    section: String,
    key: String,
    value: String,
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(fixtures().join("units/values.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split('\t').collect();
            let [taken, systemd, section, key, value] = parts[..] else {
                panic!("{line}")
            };
            Row {
                taken: match taken {
                    "good" => true,
                    "bad" => false,
                    other => panic!("{other}"),
                },
                systemd: systemd.to_owned(),
                section: section.to_owned(),
                key: key.to_owned(),
                value: value.to_owned(),
            }
        })
        .collect()
}

/// The kind of unit that has a section, and what such a unit needs beside.
fn base(section: &str, number: usize) -> (&'static str, String) {
    match section {
        "Timer" => ("timer", "[Timer]\nOnBootSec=1\n".into()),
        "Path" => ("path", "[Path]\nPathExists=/\n".into()),
        "Socket" => ("socket", "[Socket]\nListenStream=/run/x\n".into()),
        "Mount" => ("mount", format!("[Mount]\nWhat=/dev/x\nWhere=/v{number}\n")),
        "Automount" => ("automount", format!("[Automount]\nWhere=/v{number}\n")),
        "Swap" => ("swap", format!("[Swap]\nWhat=/v{number}\n")),
        "Slice" => ("slice", "[Slice]\n".into()),
        "Scope" => ("scope", "[Scope]\n".into()),
        _ => ("service", "[Service]\nExecStart=/bin/true\n".into()),
    }
}

/// Name and text of a unit with the row's assignment in its first line but one, or in its last.
fn unit(row: &Row, number: usize) -> (String, String) {
    let (kind, base) = base(&row.section, number);
    let line = format!("{}={}\n", row.key, row.value);
    let more = if row.value == "dbus" {
        "BusName=a.b\n"
    } else {
        ""
    };
    let text = match row.section.as_str() {
        "Unit" | "Install" => format!("[{}]\n{line}{base}", row.section),
        _ => format!("{base}{more}{line}"),
    };
    (format!("v{number}.{kind}"), text)
}

fn is_taken(name: &str, text: &str) -> bool {
    let unit = Texts {
        name,
        has_file: true,
        texts: vec![text],
    };
    !check_unit(&unit)
        .iter()
        .any(|fault| fault.id == Id::UnitValueInvalid)
}

#[test]
fn each_value_is_taken_or_not_as_the_table_says() {
    let mut wrong = String::new();
    for (number, row) in rows().iter().enumerate() {
        let (name, text) = unit(row, number);
        if is_taken(&name, &text) != row.taken {
            let said = if row.taken { "refused" } else { "taken" };
            wrong += &format!("{said}\t{}\t{}\t{}\n", row.section, row.key, row.value);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Names of the units of which systemd says something, by what it prints about each line of theirs.
fn complaints(folder: &Path, names: &[String]) -> BTreeSet<String> {
    let output = oracles::command(folder, "systemd-analyze")
        .env("SYSTEMD_UNIT_PATH", format!("{}:", folder.display()))
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(names.iter().map(|name| folder.join(name)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let folder = folder.display().to_string();
    let about = said.lines().filter_map(|line| {
        let line = line
            .strip_prefix(&*folder)
            .unwrap_or(line)
            .trim_start_matches('/');
        line.split(':').next().map(str::to_owned)
    });
    about.collect()
}

fn version(folder: &Path) -> u32 {
    let said = oracles::content(folder, "systemd-analyze", &["--version"]);
    let digits = said.trim_start_matches("systemd ");
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap();
    digits[..end].parse().unwrap()
}

/// systemd's own answer to each row. `same`: it says what we say. `silent` and `loud`: it takes what we refuse, or complains of
/// what we take, for the reason in the table's head. A number: the release from which on it is the same.
#[test]
fn systemd_says_the_same_to_each_value() {
    oracles::needs(["systemd-analyze"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let version = version(path);
    let rows = rows();
    let mut names = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let (name, text) = unit(row, number);
        fs::write(path.join(&name), text).unwrap();
        names.push(name);
    }
    // What triggers or holds something needs a service of its own name.
    for name in &names {
        let (stem, kind) = name.rsplit_once('.').unwrap();
        if ["timer", "path", "socket", "automount"].contains(&kind) {
            let other = if kind == "automount" {
                "mount"
            } else {
                "service"
            };
            let (_, text) = base(
                if other == "mount" { "Mount" } else { "Service" },
                stem[1..].parse().unwrap(),
            );
            fs::write(path.join(format!("{stem}.{other}")), text).unwrap();
        }
    }
    let said: BTreeSet<String> = names
        .chunks(150)
        .flat_map(|names| complaints(path, names))
        .collect();
    let mut wrong = String::new();
    for (row, name) in rows.iter().zip(&names) {
        let objects = said.contains(name);
        let since =
            unit_keys().find(|(section, key, _)| *section == row.section && *key == row.key);
        let since = since.map_or(0, |(_, _, since)| since);
        let expected = match row.systemd.as_str() {
            "same" => !row.taken,
            "silent" => false,
            "loud" => true,
            release => row.taken ^ (release.parse::<u32>().unwrap() <= version),
        };
        // The table's first release of a key is the first one that was asked.
        if since <= version && objects != expected {
            wrong += &format!(
                "{}\t{}\t{}\t{}\t{}\n",
                if objects { "complains" } else { "silent" },
                row.systemd,
                row.section,
                row.key,
                row.value
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
