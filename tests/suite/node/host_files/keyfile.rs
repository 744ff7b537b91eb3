//! Connections of NetworkManager: a table of good and bad ones is given to NetworkManager itself and to `check`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{Case, each_is_as_it_says};
use crate::support::fixture::text;
use crate::support::oracles;

const INVALID: &[&str] = &["keyfile-invalid"];
const UNKNOWN: &[&str] = &["keyfile-key-unknown"];
const FOLDER: &str = "/etc/NetworkManager/system-connections";

/// A line of the table: what is to be said of a file, and the file.
struct Row {
    says: String,
    line: String,
    file: Vec<u8>,
}

fn rows() -> Vec<Row> {
    let lines = super::table("keyfiles.txt");
    let rows: Vec<Row> = lines
        .iter()
        .map(|line| {
            let (says, file) = line.split_once(' ').unwrap();
            let mut file = file.replace(
                "CONN",
                "[connection]\\nid=a\\ntype=ethernet\\ninterface-name=eth0\\n",
            );
            if let Some((before, rest)) = file.split_once("CON:") {
                let end = rest.find('[').unwrap_or(rest.len());
                let (kind, rest) = rest.split_at(end);
                file = format!(
                    "{before}[connection]\\nid=a\\ntype={kind}\\ninterface-name=if0\\n{rest}"
                );
            }
            Row {
                says: says.to_owned(),
                line: line.clone(),
                file: super::unescaped(&file),
            }
        })
        .collect();
    assert!(rows.len() > 100, "{}", rows.len());
    rows
}

fn node(name: &str, file: &[u8], mode: &str) -> Value {
    json!({"files": {format!("{FOLDER}/{name}"): {"content": text(file), "mode": mode}}})
}

#[test]
fn check_says_of_connections_what_the_table_says() {
    let rows = rows();
    let cases: Vec<Case> = rows
        .iter()
        .map(|row| Case {
            name: &row.line,
            node: node("own.nmconnection", &row.file, "0600"),
            ids: match &*row.says {
                "good" => &[],
                "odd" => UNKNOWN,
                "bad" | "mute" => INVALID,
                other => panic!("{other}: {}", row.line),
            },
        })
        .collect();
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}

#[test]
fn network_manager_says_what_the_table_says() {
    oracles::needs_root();
    oracles::needs(["unshare", "dbus-daemon", "network-manager"]);
    let rows = rows();
    let folder = tempfile::tempdir().unwrap();
    let add = |name: String, file: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, file).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    for (number, row) in rows.iter().enumerate() {
        add(format!("{number:03}-a.nmconnection"), &row.file);
        // It does not say of which file a warning is. It reads them in the order in which they were made, from the last one on, so
        // one that it refuses with its name is between two rows.
        add(format!("{number:03}-b.nmconnection"), b"no connection\n");
    }
    let output = oracles::command(folder.path(), "unshare")
        .args(["-n", "-m", "-p", "-f", "--mount-proc", "sh"])
        .arg(oracles::source("networks/network_manager_says.sh"))
        .arg(folder.path())
        .output()
        .unwrap();
    let log = text(&output.stdout);
    let mut said = vec![String::new(); rows.len()];
    let mut order = Vec::new();
    for line in log
        .lines()
        .filter(|line| line.contains("keyfile: ") && !line.contains("deprecated"))
    {
        let between = line
            .split("-b.nmconnection")
            .next()
            .filter(|before| before.len() < line.len());
        match between.and_then(|before| before.rsplit('/').next()) {
            Some(number) => order.push(number.parse::<usize>().unwrap()),
            None => said[*order.last().unwrap()] += line,
        }
    }
    let expected: Vec<usize> = (0..rows.len()).rev().collect();
    assert_eq!(order, expected, "{log}{}", text(&output.stderr));
    let mut wrong = String::new();
    for (row, said) in rows.iter().zip(said) {
        if said.is_empty() == (row.says == "bad") {
            wrong += &format!("{}: {said}\n", row.line);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn names_and_modes_of_connections_count() {
    const GOOD: &[u8] = b"[connection]\nid=a\ntype=ethernet\n";
    let cases = [
        Case {
            name: "without an ending",
            node: node("a", b"words\n", "0600"),
            ids: INVALID,
        },
        Case {
            name: "a backup",
            node: node("a.nmconnection~", b"words\n", "0600"),
            ids: &[],
        },
        Case {
            name: "hidden",
            node: node(".a.nmconnection", b"words\n", "0600"),
            ids: &[],
        },
        Case {
            name: "for others",
            node: node("a.nmconnection", GOOD, "0644"),
            ids: &["settings-file-invalid"],
        },
        Case {
            name: "for nobody else",
            node: node("a.nmconnection", GOOD, "0400"),
            ids: &[],
        },
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}
