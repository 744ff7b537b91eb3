//! containerd's own settings, which are beside those of plugins: a table of good and bad ones is given to two releases of containerd and to
//! `check`.

use std::fs;

use serde_json::json;

use super::{Case, each_is_as_it_says};
use crate::support::oracles::{self, Target};

const INVALID: &[&str] = &["containerd-config-invalid"];

/// Whether containerd starts with a file, below its version.
const ROWS: [(&str, bool); 23] = [
    (
        "root = \"/var/lib/containerd\"\nstate = \"/run/containerd\"\noom_score = -999\n",
        true,
    ),
    ("oom_score = \"-999\"\n", false),
    ("oom_score = 1.5\n", false),
    ("root = 5\n", false),
    ("temp = true\n", false),
    (
        "[grpc]\naddress = \"/run/containerd/containerd.sock\"\nuid = 0\ngid = 0\nmax_recv_message_size = 16777216\n",
        true,
    ),
    ("[grpc]\nuid = \"0\"\n", false),
    ("[grpc]\naddress = 5\n", false),
    ("[grpc]\nmax_send_message_size = \"16M\"\n", false),
    ("[ttrpc]\ngid = \"x\"\n", false),
    ("[debug]\nlevel = \"debug\"\nformat = \"json\"\n", true),
    ("[debug]\nlevel = 5\n", false),
    (
        "[metrics]\naddress = \"127.0.0.1:1338\"\ngrpc_histogram = false\n",
        true,
    ),
    ("[metrics]\ngrpc_histogram = \"no\"\n", false),
    ("[cgroup]\npath = \"/x\"\n", true),
    ("[cgroup]\npath = 1\n", false),
    (
        "[timeouts]\n\"io.containerd.timeout.shim.cleanup\" = \"5s\"\n",
        true,
    ),
    (
        "[timeouts]\n\"io.containerd.timeout.shim.cleanup\" = 5\n",
        false,
    ),
    (
        "[proxy_plugins.x]\ntype = \"snapshot\"\naddress = \"/run/x.sock\"\n",
        true,
    ),
    ("[proxy_plugins.x]\ntype = 1\n", false),
    ("[proxy_plugins]\nx = \"/run/x.sock\"\n", false),
    (
        "[stream_processors.x]\naccepts = [\"a\"]\nreturns = \"b\"\npath = \"c\"\nargs = []\nenv = []\n",
        true,
    ),
    ("[stream_processors.x]\nargs = \"-x\"\n", false),
];

#[test]
fn settings_of_containerd_itself_are_read_as_it_reads_them() {
    let releases = [("1.6", "1.6", 2), ("2.4", "2.2", 3)];
    for (program, release, version) in releases {
        let program = format!("containerd-{program}");
        let texts = ROWS.map(|(text, _)| format!("version = {version}\n{text}"));
        let is_there = match release {
            "1.6" => oracles::present(&program),
            _ => Target::Versions.has(&program),
        };
        if is_there {
            let folder = tempfile::tempdir().unwrap();
            for (text, (_, starts)) in texts.iter().zip(ROWS) {
                fs::write(folder.path().join("config.toml"), text).unwrap();
                let args = ["--config", "config.toml", "config", "dump"];
                let output = oracles::run(folder.path(), &program, &args);
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.success(), starts, "{program}: {text}: {said}");
            }
        }
        let cases: Vec<Case> = texts
            .iter()
            .zip(ROWS)
            .map(|(text, (name, starts))| Case {
                name,
                node: json!({"containerd": {"version": release}, "files": {"/etc/containerd/config.toml": {"content": text}}}),
                ids: if starts { &[] } else { INVALID },
            })
            .collect();
        each_is_as_it_says("v1.34.4", &json!({}), &cases);
    }
}

/// 1.x takes any later version of the file for its own one, and reads the plugins of that.
#[test]
fn containerd_1_reads_a_file_of_a_later_version() {
    let text = "version = 3\n[plugins.\"io.containerd.grpc.v1.cri\"]\nenable_selinux = true\n";
    if oracles::present("containerd-1.6") {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.toml"), text).unwrap();
        let args = ["--config", "config.toml", "config", "dump"];
        let output = oracles::run(folder.path(), "containerd-1.6", &args);
        assert!(String::from_utf8_lossy(&output.stdout).contains("enable_selinux = true"));
    }
    let node = |text: &str| json!({"containerd": {"version": "1.6"}, "files": {"/etc/containerd/config.toml": {"content": text}}});
    let newer = text.replace("io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime");
    let cases = [
        Case {
            name: "its own tables",
            node: node(text),
            ids: &[],
        },
        Case {
            name: "tables of 2.x",
            node: node(&newer),
            ids: &["containerd-key-unread"],
        },
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}
