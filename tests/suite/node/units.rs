//! Units: what we say of their texts is what systemd says, and what we bake it takes without a word.

use std::fs;
use std::path::Path;
use std::process::Command;

use nodebake::tree::{Texts, check_unit, unit_keys};

use crate::support::oracles;

/// What systemd says to a text that we check.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Systemd {
    /// The same as we do.
    Same,
    /// Nothing: it works, but by luck; why we object.
    Silent(&'static str),
}
use Systemd::{Same, Silent};

/// Units that are as they should be.
const GOOD: &[(&str, &str)] = &[
    (
        "plain.service",
        "[Unit]\nDescription=a b\nAfter=network-online.target time-sync.target\n[Service]\nExecStart=/bin/true \\\n  --a \\\n# a comment\n  --b=%n ${HOME}\nRestart=always\nRestartSec=1min 30s\n[Install]\nWantedBy=multi-user.target\n",
    ),
    (
        "oneshot.service",
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStart=-/bin/false\nExecStop=/bin/true\n",
    ),
    (
        "quoted.service",
        "[Service]\nEnvironment=\"A=b c\" D=e 'F=%%'\nExecStart=/bin/sh -c \"echo 'a; b' \\x41 100%%\"\n",
    ),
    (
        "own.service",
        "[Unit]\nX-Ours=1\n[Service]\nExecStart=/bin/true\n[X-Ours]\nanything=goes\n",
    ),
    (
        "several.service",
        "[Service]\nType=oneshot\nExecStart=/bin/true ; /bin/false \\; x\n",
    ),
    (
        "reset.service",
        "[Service]\nExecStart=/bin/false\nExecStart=\nExecStart=/bin/true\n",
    ),
    (
        "percent.service",
        "[Service]\nExecStart=/bin/true 50% 20%-\nCPUQuota=20%\n",
    ),
    (
        "stop.service",
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true\n",
    ),
    (
        "often.timer",
        "[Timer]\nOnCalendar=daily\nUnit=plain.service\n",
    ),
    (
        "there.path",
        "[Path]\nPathExists=/etc/hostname\nUnit=plain.service\n",
    ),
    (
        "listens.socket",
        "[Socket]\nListenStream=/run/x\nService=plain.service\n",
    ),
    ("all.target", "[Unit]\nWants=plain.service\n"),
    ("limit.slice", "[Slice]\nMemoryMax=1G\n"),
    (
        "srv-da\\x2dta-.x.mount",
        "[Mount]\nWhat=/dev/x\nWhere=/srv/da-ta/.x/\n",
    ),
    (
        "mark.service",
        "\u{feff}[Service]\r\nExecStart=/bin/true \\\r\n  --a\r\nRestartSec=5\r\n",
    ),
    (
        "group.service",
        "[Unit]\nStartLimitIntervalSec=0\nConditionPathExists=!/etc/nowhere\n[Service]\nExecStart=/bin/true\nLimitNOFILE=1048576\nKillMode=process\nDelegate=yes\nOOMScoreAdjust=-999\nTasksMax=infinity\n",
    ),
];

/// Units that are not, and where we say so: line and column.
const BROKEN: &[(&str, &str, (usize, usize), Systemd)] = &[
    (
        "key.service",
        "[Unit]\nDescripton=x\n[Service]\nExecStart=/bin/true\n",
        (2, 1),
        Same,
    ),
    (
        "case.service",
        "[Service]\nExecstart=/bin/true\nExecStart=/bin/true\n",
        (2, 1),
        Same,
    ),
    (
        "strange.service",
        "[Service]\nZzyzx=1\nExecStart=/bin/true\n",
        (2, 1),
        Same,
    ),
    (
        "place.service",
        "[Service]\nAfter=x.service\nExecStart=/bin/true\n",
        (2, 1),
        Same,
    ),
    (
        "section.service",
        "[Service]\nExecStart=/bin/true\n[Instal]\nWantedBy=multi-user.target\n",
        (3, 1),
        Same,
    ),
    (
        "foreign.service",
        "[Service]\nExecStart=/bin/true\n[Timer]\nOnCalendar=daily\n",
        (3, 1),
        Same,
    ),
    (
        "header.service",
        "[Service\nExecStart=/bin/true\n",
        (1, 1),
        Same,
    ),
    (
        "outside.service",
        "Description=x\n[Service]\nExecStart=/bin/true\n",
        (1, 1),
        Same,
    ),
    (
        "line.service",
        "[Service]\nExecStart=/bin/true\nnothing here\n",
        (3, 1),
        Same,
    ),
    (
        "blank.service",
        "[Service]\nExecStart=/bin/true \\ \n  --a\n",
        (3, 3),
        Same,
    ),
    (
        "relative.service",
        "[Service]\nExecStart=bin/true\n",
        (2, 11),
        Same,
    ),
    (
        "bare.service",
        "[Service]\nExecStart=true\n",
        (2, 11),
        Silent(
            "where a bare name is looked for is fixed when systemd is built, and /opt/bin is not there",
        ),
    ),
    (
        "folder.service",
        "[Service]\nExecStart=/bin/\n",
        (2, 11),
        Same,
    ),
    (
        "quote.service",
        "[Service]\nExecStart=/bin/true 'a b\n",
        (2, 21),
        Same,
    ),
    (
        "escape.service",
        "[Service]\nExecStart=/bin/true a\\qb\n",
        (2, 22),
        Same,
    ),
    (
        "specifier.service",
        "[Service]\nExecStart=/bin/date +%F\n",
        (2, 22),
        Same,
    ),
    (
        "description.service",
        "[Unit]\nDescription=100%Q\n[Service]\nExecStart=/bin/true\n",
        (2, 16),
        Same,
    ),
    (
        "environment.service",
        "[Service]\nEnvironment=A=b c\nExecStart=/bin/true\n",
        (2, 17),
        Same,
    ),
    (
        "bool.service",
        "[Service]\nRemainAfterExit=maybe\nExecStart=/bin/true\n",
        (2, 17),
        Same,
    ),
    (
        "seconds.service",
        "[Service]\nRestartSec=5 parsecs\nExecStart=/bin/true\n",
        (2, 12),
        Same,
    ),
    (
        "restart.service",
        "[Service]\nRestart=allways\nExecStart=/bin/true\n",
        (2, 9),
        Same,
    ),
    (
        "type.service",
        "[Service]\nType=forked\nExecStart=/bin/true\n",
        (2, 6),
        Same,
    ),
    (
        "kill.service",
        "[Service]\nKillMode=all\nExecStart=/bin/true\n",
        (2, 10),
        Same,
    ),
    (
        "after.service",
        "[Unit]\nAfter=a.service network\n[Service]\nExecStart=/bin/true\n",
        (2, 17),
        Silent("verify says nothing of a dependency on what is no unit, and drops it"),
    ),
    ("nothing.service", "[Unit]\nDescription=x\n", (1, 1), Same),
    ("empty.service", "[Service]\nRestart=always\n", (1, 1), Same),
    (
        "twice.service",
        "[Service]\nExecStart=/bin/true\nExecStart=/bin/false\n",
        (3, 1),
        Same,
    ),
    (
        "again.service",
        "[Service]\nType=oneshot\nRestart=always\nExecStart=/bin/true\n",
        (1, 1),
        Same,
    ),
    (
        "bus.service",
        "[Service]\nType=dbus\nExecStart=/bin/true\n",
        (1, 1),
        Same,
    ),
    ("never.timer", "[Timer]\nPersistent=yes\n", (1, 1), Same),
    ("nowhere.path", "[Path]\nMakeDirectory=yes\n", (1, 1), Same),
    ("deaf.socket", "[Socket]\nAccept=yes\n", (1, 1), Same),
    (
        "wrong.target",
        "[Service]\nExecStart=/bin/true\n",
        (1, 1),
        Same,
    ),
    (
        "other.mount",
        "[Mount]\nWhat=/dev/x\nWhere=/srv/da-ta\n",
        (3, 7),
        Same,
    ),
    (
        "long.service",
        LONG,
        (2, 1),
        Silent("Ignition and systemd before 236 cannot read the line"),
    ),
];

const LONG: &str = concat!(
    "[Service]\nExecStart=/bin/true ",
    include_str!("../../fixtures/units/long-word.txt"),
    "\n"
);

fn ours(name: &str, text: &str) -> Vec<(usize, usize)> {
    let unit = Texts {
        name,
        has_file: true,
        texts: vec![text],
    };
    let faults = check_unit(&unit).into_iter();
    faults
        .map(|fault| (fault.position.line, fault.position.column))
        .collect()
}

/// What systemd says to the units of a folder, one line for each complaint.
fn systemd(folder: &Path, names: &[&str]) -> String {
    let output = oracles::command(folder, "systemd-analyze")
        .env("SYSTEMD_UNIT_PATH", format!("{}:", folder.display()))
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(names.iter().map(|name| folder.join(name)))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn we_object_where_systemd_does() {
    let units = GOOD.iter().map(|(name, text)| (*name, *text, None, Same));
    let broken = BROKEN
        .iter()
        .map(|(name, text, at, systemd)| (*name, *text, Some(*at), *systemd));
    let all: Vec<_> = units.chain(broken).collect();
    let folder = tempfile::tempdir().unwrap();
    for (name, text, at, _) in &all {
        let found = ours(name, text);
        match at {
            // What else follows from it is said as well.
            Some(at) => assert!(found.contains(at), "{name}: {found:?}"),
            None => assert_eq!(found, [], "{name}"),
        }
        fs::write(folder.path().join(name), text).unwrap();
    }
    oracles::needs(["systemd-analyze"]);
    let names: Vec<&str> = all.iter().map(|(name, ..)| *name).collect();
    let said = systemd(folder.path(), &names);
    for (name, _, at, systemd) in all {
        let objects = said.lines().any(|line| {
            line.contains(&format!("/{name}:")) || line.starts_with(&format!("{name}:"))
        });
        match systemd {
            Same => assert_eq!(objects, at.is_some(), "{name}: systemd said\n{said}"),
            Silent(why) => assert!(!objects, "{name} ({why}): systemd said\n{said}"),
        }
    }
}

/// Drop-ins are read after the file, by name; of an image's own unit only they are known.
#[test]
fn drop_ins_are_checked_with_their_unit() {
    let check = |has_file, texts: &[&str]| {
        let unit = Texts {
            name: "a.service",
            has_file,
            texts: texts.to_vec(),
        };
        let faults = check_unit(&unit).into_iter();
        faults
            .map(|fault| (fault.text, fault.message))
            .collect::<Vec<_>>()
    };
    let start = "[Service]\nExecStart=/bin/true\n";
    let second = check(true, &[start, start]);
    assert!(second.len() == 1 && second[0].0 == 1, "{second:?}");
    let adds = check(false, &[start]);
    assert!(adds[0].1.contains("adds a second command"), "{adds:?}");
    let replaces = "[Service]\nExecStart=\nExecStart=/bin/true\n";
    assert_eq!(check(true, &[start, replaces]), []);
    assert_eq!(check(false, &[replaces]), []);
    assert_eq!(check(false, &["[Service]\nLimitNOFILE=1048576\n"]), []);
}

/// The table is made from systemd's own lists; the systemd of this machine is one of them, or near.
#[test]
fn the_table_knows_what_this_systemd_knows() {
    let program = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let program = program.unwrap_or_else(|| oracles::cannot("needs systemd itself"));
    let ask = |argument: &str| {
        let output = Command::new(program).arg(argument).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let version = ask("--version");
    let version = version.strip_prefix("systemd ").unwrap();
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    let version: u32 = digits.parse().unwrap();
    let mut section = String::new();
    let mut compared = 0;
    for line in ask("--dump-configuration-items").lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((key, _)) = line.split_once('=') {
            let known = unit_keys().find(|(of, name, _)| *of == section && *name == key);
            let (_, _, since) = known.unwrap_or_else(|| panic!("[{section}] {key} is not known"));
            assert!(
                since <= version || ![247, 252, 257, 262].contains(&version),
                "{key} came with {since}, and {version} has it"
            );
            compared += 1;
        }
    }
    assert!(compared > 1000, "{compared} keys");
}
