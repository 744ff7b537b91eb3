//! Files of systemd-networkd and of udev's links: a table of good and bad ones is given to both programs and to `check`.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::{Case, each_is_as_it_says, each_is_as_it_says_by, file};
use crate::support::fixture::text;
use crate::support::oracles;

const INVALID: &[&str] = &["network-file-invalid"];
const UNUSED: &[&str] = &["network-file-unused"];
const UNKNOWN: &[&str] = &["network-file-key-unknown"];
const NETWORKD: &str = "/lib/systemd/systemd-networkd";

/// A line of the table: what is to be said of a file, its kind, and the file.
struct Row {
    says: String,
    kind: String,
    line: String,
    file: Vec<u8>,
}

fn rows() -> Vec<Row> {
    let lines = super::table("networkd.txt");
    let rows: Vec<Row> = lines
        .iter()
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            let mut part = || parts.next().unwrap();
            let (says, kind, file) = (part(), part(), part());
            Row {
                says: says.to_owned(),
                kind: kind.to_owned(),
                line: line.clone(),
                file: super::unescaped(file),
            }
        })
        .collect();
    assert!(rows.len() > 100, "{}", rows.len());
    rows
}

#[test]
fn check_says_of_network_files_what_the_table_says() {
    let rows = rows();
    let path = |row: &Row| match row.kind.as_str() {
        kind if kind.ends_with(".conf") => format!("/etc/systemd/{kind}.d/10-own.conf"),
        kind => format!("/etc/systemd/network/10-own.{kind}"),
    };
    let cases: Vec<Case> = rows
        .iter()
        .map(|row| Case {
            name: &row.line,
            node: json!({"files": {path(row): {"content": text(&row.file)}}}),
            ids: match &*row.says {
                "good" | "newer" => &[],
                "odd" => UNKNOWN,
                "bad" => INVALID,
                other => panic!("{other}: {}", row.line),
            },
        })
        .collect();
    // A value that is ignored may leave a file without what it needs.
    let same = |id: &str| match id {
        "network-file-unused" | "settings-file-invalid" => INVALID[0].to_owned(),
        "settings-file-key-unknown" => UNKNOWN[0].to_owned(),
        _ => id.to_owned(),
    };
    each_is_as_it_says_by("v1.34.4", &json!({}), &cases, same);
}

/// Lines of the program's log that are about the files and not about interfaces.
fn complaints(log: &str) -> BTreeMap<usize, String> {
    const OF_INTERFACES: [&str; 5] = [
        "Configuring with",
        "already configured",
        "could not be found",
        "Parsed configuration",
        "is deprecated",
    ];
    let mut found: BTreeMap<usize, String> = BTreeMap::new();
    let lines = log
        .lines()
        .filter(|line| !OF_INTERFACES.iter().any(|part| line.contains(part)));
    for line in lines {
        for part in line.split("/row-").skip(1) {
            let number = part.split('.').next().unwrap().parse().unwrap();
            found.entry(number).or_default().push_str(line);
        }
    }
    found
}

#[test]
fn networkd_and_udev_say_what_the_table_says() {
    oracles::needs_root();
    oracles::needs(["unshare", "udevadm", NETWORKD]);
    let rows = rows();
    let mut wrong = String::new();
    for program in ["networkd", "udev", "timesyncd", "logind"] {
        let folder = tempfile::tempdir().unwrap();
        let own = |row: &&Row| match row.kind.as_str() {
            "link" => program == "udev",
            // Debian has it in a package of its own, and journald logs to nobody here.
            "resolved.conf" | "journald.conf" => false,
            kind if kind.ends_with(".conf") => kind == format!("{program}.conf"),
            _ => program == "networkd",
        };
        for (number, row) in rows.iter().enumerate().filter(|(_, row)| own(row)) {
            fs::write(
                folder.path().join(format!("row-{number}.{}", row.kind)),
                &row.file,
            )
            .unwrap();
        }
        let output = oracles::command(folder.path(), "unshare")
            .args(["-n", "-m", "-p", "-f", "--mount-proc", "sh"])
            .arg(oracles::source("networks/networkd_says.sh"))
            .arg(program)
            .arg(folder.path())
            .output()
            .unwrap();
        let log = text(&output.stdout);
        let is_read = log.contains("Enumeration completed")
            || log.contains("Created link configuration context")
            || log.contains("Settings were read");
        assert!(is_read, "{log}{}", text(&output.stderr));
        let found = complaints(&log);
        for (number, row) in rows.iter().enumerate().filter(|(_, row)| own(row)) {
            let said = found.get(&number);
            if said.is_some() != (row.says != "good") {
                wrong += &format!("{program}: {}: {said:?}\n", row.line);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn names_drop_ins_and_modes_of_network_files_count() {
    const GOOD: &str = "[Match]\nName=a\n[Network]\nDHCP=yes\n";
    let with = |more: Value| {
        let mut files =
            json!({"/etc/systemd/network/10-a.network": {"content": "[Network]\nDHCP=yes\n"}});
        files
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"files": files})
    };
    let dropin = "/etc/systemd/network/10-a.network.d/match.conf";
    let mode = |mode: &str| json!({"files": {"/etc/systemd/network/10-a.network": {"content": GOOD, "mode": mode}}});
    let cases = [
        file(
            "another ending",
            "/etc/systemd/network/10-a.conf",
            GOOD,
            UNUSED,
        ),
        file(
            "a backup",
            "/etc/systemd/network/10-a.network.bak",
            GOOD,
            &[],
        ),
        file("words", "/etc/systemd/network/notes", "words\n", &[]),
        file("a drop-in", dropin, "[Network]\nDHCP=maybe\n", INVALID),
        Case {
            name: "matched by nothing",
            node: with(json!({})),
            ids: UNUSED,
        },
        Case {
            name: "matched by a drop-in",
            node: with(json!({dropin: {"content": "[Match]\nName=a\n"}})),
            ids: &[],
        },
        Case {
            name: "for root alone",
            node: mode("0600"),
            ids: UNUSED,
        },
        Case {
            name: "for the group",
            node: mode("0640"),
            ids: &[],
        },
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}
