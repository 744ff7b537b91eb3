//! Files of logrotate: our answer, and logrotate's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{Case, each_is_as_it_says, file};
use crate::support::oracles;
use crate::support::sample::is_root;

const INVALID: &[&str] = &["settings-file-invalid"];

/// A name, a file's text, and whether logrotate takes all of it.
const ROWS: [(&str, &str, bool); 21] = [
    (
        "usual",
        "/var/log/a.log {\n    daily\n    rotate 7\n    missingok\n    notifempty\n    compress\n    delaycompress\n    create 0640 root root\n    sharedscripts\n    postrotate\n        systemctl kill -s HUP a.service\n    endscript\n}\n",
        true,
    ),
    (
        "several logs",
        "\"/var/log/a b.log\"\n/var/log/c/*.log {\n    size=10M\n    missingok\n    maxage 30\n    copytruncate\n    su root root\n}\n# end\n",
        true,
    ),
    (
        "brace in a script",
        "/var/log/a.log {\n missingok\n prerotate\n  if true; then { echo }; }; fi\n endscript\n}\n",
        true,
    ),
    (
        "settings of the file",
        "weekly\nrotate 4\ncreate\n/var/log/a.log {\n missingok\n monthly\n}\n",
        true,
    ),
    (
        "one line",
        "/var/log/a.log { daily missingok rotate 3\n}\n",
        true,
    ),
    (
        "negative count",
        "/var/log/a.log {\n missingok\n rotate -1\n}\n",
        true,
    ),
    ("brace before its time", "}\n", false),
    ("brace twice", "/var/log/a.log {\n missingok\n}\n}\n", false),
    (
        "not closed",
        "/var/log/a.log {\n missingok\n/var/log/b.log {\n missingok\n}\n",
        false,
    ),
    ("no brace", "/var/log/a.log\n", false),
    (
        "text behind the brace",
        "/var/log/a.log {\n missingok\n} end\n",
        false,
    ),
    (
        "comment in a value",
        "/var/log/a.log {\n missingok\n rotate 7 # days\n}\n",
        false,
    ),
    (
        "comment behind weekly",
        "/var/log/a.log {\n missingok\n weekly # all\n}\n",
        false,
    ),
    (
        "colon",
        "/var/log/a.log {\n missingok\n rotate: 7\n}\n",
        false,
    ),
    (
        "no value",
        "/var/log/a.log {\n missingok\n rotate\n}\n",
        false,
    ),
    (
        "unit",
        "/var/log/a.log {\n missingok\n size 10MB\n}\n",
        false,
    ),
    (
        "misspelt",
        "/var/log/a.log {\n missingok\n rotat 7\n}\n",
        false,
    ),
    (
        "mode in letters",
        "/var/log/a.log {\n missingok\n create rw-r----- root root\n}\n",
        false,
    ),
    (
        "script without its end",
        "/var/log/a.log {\n missingok\n postrotate\n  true\n}\n",
        false,
    ),
    (
        "carriage returns",
        "/var/log/a.log {\r\n missingok\r\n}\r\n",
        false,
    ),
    (
        "user alone",
        "/var/log/a.log {\n missingok\n su root\n}\n",
        false,
    ),
];

#[test]
fn files_of_logrotate_are_read_as_it_reads_them() {
    let mut cases: Vec<Case> = ROWS
        .iter()
        .map(|(name, text, is_taken)| {
            let ids = if *is_taken { &[][..] } else { INVALID };
            file(name, "/etc/logrotate.d/a", text, ids)
        })
        .collect();
    cases.push(file("backup", "/etc/logrotate.d/a.dpkg-old", "}\n", &[]));
    cases.push(file("main file", "/etc/logrotate.conf", "}\n", INVALID));
    // logrotate itself takes this one, for it forgets the definition at the end of the file.
    let open = "/var/log/a.log {\n daily\n";
    cases.push(file("open end", "/etc/logrotate.d/a", open, INVALID));
    let with_mode = |mode: &str| {
        let path = "/etc/logrotate.d/a";
        json!({"files": {path: {"content": ROWS[0].1, "mode": mode}}})
    };
    for (name, mode, ids) in [
        ("private", "0600", &[][..]),
        ("for the group", "0664", INVALID),
        ("for all", "0666", INVALID),
    ] {
        let node = with_mode(mode);
        cases.push(Case { name, node, ids });
    }
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}

#[test]
fn logrotate_refuses_what_we_refuse() {
    oracles::needs(["logrotate"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    let state = folder.path().join("state");
    let said_of = |text: &str, mode: u32| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let (state, file) = (state.to_str().unwrap(), file.to_str().unwrap());
        let output = oracles::run(folder.path(), "logrotate", &["-d", "-s", state, file]);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let is_taken = |said: &str| !said.contains("error:") && !said.contains("unknown option");
    let mut wrong = String::new();
    for (name, text, wanted) in ROWS {
        let said = said_of(text, 0o644);
        if is_taken(&said) != wanted {
            wrong += &format!("{name}: {said}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    // Modes count for root only, who logrotate is on a node.
    let (_, text, _) = ROWS[0];
    assert!(is_taken(&said_of(text, 0o600)));
    if is_root() {
        assert!(!is_taken(&said_of(text, 0o664)));
    }
}
