//! The servers of `time`: chronyd and systemd-timesyncd read what is written for them.

use std::fs;

use super::{Node, project};
use crate::support::fixture::text;
use crate::support::oracles;

const TIME: &str =
    "time: {servers: [ntp1.example.com, \"fd00::1\"], pools: [pool.example.com], nts: NTS}\n";

fn time(overlays: &str, nts: &str) -> String {
    format!("overlays: {{{overlays}}}\n{}", TIME.replace("NTS", nts))
}

#[test]
fn chronyd_takes_the_servers() {
    for nts in ["true", "false"] {
        let node = Node::bake("v1.34.4", "worker", &time("chrony: {}", nts));
        for path in ["etc/chrony.conf", "etc/chrony/chrony.conf"] {
            let config = node.file(path);
            let word = if nts == "true" { " nts" } else { "" };
            for line in [
                format!("server ntp1.example.com iburst{word}"),
                format!("server fd00::1 iburst{word}"),
                format!("pool pool.example.com iburst{word}"),
            ] {
                assert!(config.lines().any(|has| has == line), "{line}: {config}");
            }
            if oracles::present("chronyd") {
                let file = node.root.join(path);
                let read =
                    oracles::content(&node.root, "chronyd", &["-p", "-f", file.to_str().unwrap()]);
                let written = config
                    .lines()
                    .filter(|line| !line.starts_with('#') && !line.is_empty());
                assert_eq!(
                    read.lines().collect::<Vec<_>>(),
                    written.collect::<Vec<_>>()
                );
                // It refuses what it does not know.
                fs::write(
                    node.root.join("bad.conf"),
                    config.replace("iburst", "iburstt"),
                )
                .unwrap();
                let bad = node.root.join("bad.conf");
                let output =
                    oracles::run(&node.root, "chronyd", &["-p", "-f", bad.to_str().unwrap()]);
                assert!(!output.status.success());
            }
        }
    }
}

#[test]
fn timesyncd_takes_the_servers() {
    let node = Node::bake("v1.34.4", "worker", &time("timesyncd: {}", "false"));
    let dropin = "etc/systemd/timesyncd.conf.d/10-nodebake.conf";
    let config = node.file(dropin);
    assert!(
        config.ends_with("NTP=ntp1.example.com fd00::1 pool.example.com\n"),
        "{config}"
    );
    oracles::needs_root();
    oracles::needs(["timesyncd", "unshare"]);
    let script = oracles::source("timesyncd/read.sh");
    let program = oracles::folder().join("bin/timesyncd");
    let args = [
        "-mn",
        "sh",
        script.to_str().unwrap(),
        program.to_str().unwrap(),
        dropin,
    ];
    let said = oracles::content(&node.root, "unshare", &args);
    for server in ["ntp1.example.com", "fd00::1", "pool.example.com"] {
        assert!(
            said.contains(&format!("Added new system server {server}.")),
            "{said}"
        );
    }
    assert!(
        !said.contains("Unknown") && !said.contains("ignoring"),
        "{said}"
    );
}

#[test]
fn programs_without_servers_and_servers_without_programs_are_found() {
    for (more, expected) in [
        (
            "overlays: {chrony: {}}\n".to_owned(),
            "time-servers-missing",
        ),
        (
            "overlays: {timesyncd: {}}\n".to_owned(),
            "time-servers-missing",
        ),
        (
            time("chrony: {}, timesyncd: {}", "false"),
            "fields-exclusive",
        ),
        (time("timesyncd: {}", "true"), "fields-exclusive"),
        (time("", "false"), "time-servers-unused"),
        ("time: {servers: [\"a b\"]}\n".to_owned(), "name-invalid"),
    ] {
        let output = project("v1.34.4", "worker", &more).run(&["check", "--format", "json"]);
        let said = text(&output.stdout);
        assert!(said.contains(&format!("\"{expected}\"")), "{more}: {said}");
    }
    let template = "files: {/etc/ntp.conf: {template: \"{{ time.servers | join(sep=' ') }}\"}}\n";
    for more in [
        time("chrony: {}", "true"),
        time("timesyncd: {}", "false"),
        time("", "false") + template,
        "time: {}\n".to_owned(),
    ] {
        let output = project("v1.34.4", "worker", &more).run(&["check", "--format", "json"]);
        let said = text(&output.stdout);
        assert!(
            !said.contains("time-servers") && !said.contains("fields-exclusive"),
            "{more}: {said}"
        );
    }
    // A project's own overlay of that name asks whatever it asks.
    let project = project("v1.34.4", "worker", "overlays: {chrony: {}}\n");
    let folder = project.dir.join("overlays/chrony/root/etc/chrony");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("chrony.conf"), "server a\n").unwrap();
    let output = project.run(&["check", "--format", "json"]);
    assert!(!text(&output.stdout).contains("time-servers"));
}

#[test]
fn preflight_lists_the_servers() {
    let project = project("v1.34.4", "worker", &time("chrony: {}", "false"));
    let listed = project.good(&["preflight"]);
    for server in ["ntp1.example.com", "fd00::1", "pool.example.com"] {
        assert!(listed.contains(server), "{listed}");
    }
}
