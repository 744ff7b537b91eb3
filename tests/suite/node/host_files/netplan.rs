//! netplan's files: a table of good and bad ones is given to two releases of netplan itself and to `check`, and so are the
//! examples of netplan's own package.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{Case, each_is_as_it_says};
use crate::support::fixture::text;
use crate::support::oracles;

const PATH: &str = "/etc/netplan/60-own.yaml";
const INVALID: &[&str] = &["netplan-invalid"];
const UNKNOWN: &[&str] = &["netplan-interface-unknown"];

/// A line of the table: what is to be said of a file, and the file.
struct Row {
    says: String,
    line: String,
    file: Vec<u8>,
}

impl Row {
    fn passes(&self) -> bool {
        matches!(&*self.says, "good" | "newer")
    }

    /// Whether an older and a newer release take it.
    fn releases(&self) -> (bool, bool) {
        match &*self.says {
            "good" | "lost" => (true, true),
            "newer" => (false, true),
            "older" => (true, false),
            "bad" => (false, false),
            other => panic!("{other}: {}", self.line),
        }
    }
}

fn rows() -> Vec<Row> {
    let lines = super::table("netplan.txt");
    let rows: Vec<Row> = lines
        .iter()
        .map(|line| {
            let (says, file) = line.split_once(' ').unwrap();
            let mut file = super::unescaped(file);
            if file.starts_with(b"{") {
                file.splice(..0, b"network: ".iter().copied());
            }
            Row {
                says: says.to_owned(),
                line: line.clone(),
                file,
            }
        })
        .collect();
    assert!(rows.len() > 200, "{}", rows.len());
    rows
}

/// Starts what it is given where Open vSwitch is, for programs that look whether its tool is there: `/usr/bin` with one file more.
const WITH_SWITCH: &str =
    r#"mount -t overlay -o "lowerdir=$1:/usr/bin" overlay /usr/bin && shift && exec "$@""#;

/// Whether a netplan takes a file.
fn is_taken(program: &str, file: &[u8]) -> bool {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(PATH.trim_start_matches('/'));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, file).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let option = ["--root-dir", root.path().to_str().unwrap()];
    oracles::run(root.path(), program, &option).status.success()
}

/// The same where Open vSwitch's tool is there.
fn is_taken_beside_switch(program: &str, file: &[u8]) -> bool {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    let path = folder.join(PATH.trim_start_matches('/'));
    for folder in [path.parent().unwrap(), &folder.join("bin")] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(&path, file).unwrap();
    fs::write(folder.join("bin/ovs-vsctl"), "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let output = oracles::command(folder, "unshare")
        .args(["-r", "-m", "sh", "-c", WITH_SWITCH, "sh"])
        .arg(folder.join("bin"))
        .args([program, "--root-dir"])
        .arg(folder)
        .output()
        .unwrap();
    output.status.success()
}

fn node(file: &[u8], mode: &str) -> Value {
    json!({"files": {PATH: {"content": text(file), "mode": mode}}})
}

#[test]
fn check_says_of_netplan_files_what_the_table_says() {
    let rows = rows();
    let cases: Vec<Case> = rows
        .iter()
        .map(|row| Case {
            name: &row.line,
            node: node(&row.file, "0600"),
            // Interfaces that nobody defines have a rule of their own.
            ids: if row.passes() { &[] } else { INVALID },
        })
        .collect();
    let same = |id: &str| {
        if id == UNKNOWN[0] {
            INVALID[0].to_owned()
        } else {
            id.to_owned()
        }
    };
    super::each_is_as_it_says_by("v1.34.4", &json!({}), &cases, same);
}

#[test]
fn netplan_itself_says_what_the_table_says() {
    oracles::needs(["unshare"]);
    let old = oracles::present("netplan-generate");
    let new = oracles::present("netplan-generate-1.1");
    let mut wrong = String::new();
    for row in rows() {
        let (older, newer) = row.releases();
        for (is_there, program, expected) in [
            (old, "netplan-generate", older),
            (new, "netplan-generate-1.1", newer),
        ] {
            let is_switched = ["openvswitch", "balance-"]
                .iter()
                .any(|word| row.line.contains(word));
            let taken = if is_switched {
                is_taken_beside_switch
            } else {
                is_taken
            };
            if is_there && taken(program, &row.file) != expected {
                wrong += &format!("{program}: {}\n", row.line);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn examples_of_netplan_pass() {
    oracles::needs(["netplan-generate"]);
    let folder = oracles::folder().join("netplan.io/usr/share/doc/netplan/examples");
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() > 20, "{files:?}");
    let names: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let texts: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    let mut cases = Vec::new();
    for (name, text) in names.iter().zip(&texts) {
        let is_taken = is_taken("netplan-generate", text);
        // One of them needs a program of Open vSwitch, and another one a network manager that it does not name.
        assert!(
            is_taken || name.contains("openvswitch") || name.contains("modem"),
            "{name}"
        );
        if is_taken {
            cases.push(Case {
                name,
                node: node(text, "0600"),
                ids: &[],
            });
        }
    }
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}

#[test]
fn netplan_files_are_read_together_and_their_mode_counts() {
    const CARD: &str = "network: {ethernets: {a: {dhcp4: true}}}\n";
    const VLAN: &str = "network: {vlans: {v: {id: 7, link: a}}}\n";
    let two = |first: &str, second: &str| {
        json!({"files": {
            "/etc/netplan/50-a.yaml": {"content": first, "mode": "0600"},
            "/etc/netplan/60-b.yaml": {"content": second, "mode": "0600"},
        }})
    };
    let cases = [
        Case {
            name: "defined before",
            node: two(CARD, VLAN),
            ids: &[],
        },
        Case {
            name: "defined behind",
            node: two(VLAN, CARD),
            ids: UNKNOWN,
        },
        Case {
            name: "in both",
            node: two(CARD, CARD),
            ids: &[],
        },
        Case {
            name: "by others",
            node: node(CARD.as_bytes(), "0640"),
            ids: &["netplan-file-open"],
        },
        Case {
            name: "hidden by another folder",
            node: json!({"files": {
                "/usr/lib/netplan/50-a.yaml": {"content": "nothing", "mode": "0600"},
                "/etc/netplan/50-a.yaml": {"content": CARD, "mode": "0600"},
            }}),
            ids: &[],
        },
        Case {
            name: "not netplan's",
            node: json!({"files": {"/etc/netplan/README": {"content": "words\n"}}}),
            ids: &[],
        },
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}
