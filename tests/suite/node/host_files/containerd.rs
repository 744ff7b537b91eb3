//! containerd's configuration: our answer, and containerd's own.

use std::fs;

use serde_json::json;

use super::{Case, each_is_as_it_says};
use crate::support::oracles;

const CRI: &str = "[plugins.\"io.containerd.grpc.v1.cri\"";
const CRI3: &str = "[plugins.\"io.containerd.cri.v1";

/// Name, release, text, ids; and whether containerd 1.6 starts with it, where its answer is plain.
type Row = (
    &'static str,
    &'static str,
    String,
    &'static [&'static str],
    Option<bool>,
);

fn rows() -> Vec<Row> {
    const OK: &[&str] = &[];
    const INVALID: &[&str] = &["containerd-config-invalid"];
    const OFF: &[&str] = &["containerd-cri-off"];
    const UNREAD: &[&str] = &["containerd-key-unread"];
    const UNKNOWN: &[&str] = &["containerd-key-unknown"];
    let options = "runtime\".containerd.runtimes.runc.options]\nSystemdCgroup = true\n";
    vec![
        (
            "v2",
            "1.7",
            format!("version = 2\n{CRI}.containerd.runtimes.runc.options]\nSystemdCgroup = true\n"),
            OK,
            Some(true),
        ),
        (
            "v2 on 2",
            "2.1",
            format!("version = 2\n{CRI}.containerd.runtimes.runc.options]\nSystemdCgroup = true\n"),
            OK,
            None,
        ),
        (
            "v3",
            "2.0",
            format!("version = 3\n{CRI3}.{options}"),
            OK,
            None,
        ),
        ("v4", "2.3", "version = 4\n".into(), OK, None),
        (
            "another plugin off",
            "1.7",
            "version = 2\ndisabled_plugins = [\"io.containerd.snapshotter.v1.btrfs\"]\n".into(),
            OK,
            Some(true),
        ),
        (
            "imports",
            "1.7",
            "version = 2\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n".into(),
            OK,
            Some(true),
        ),
        (
            "off",
            "1.7",
            "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n".into(),
            OFF,
            None,
        ),
        (
            "off by its short name",
            "1.7",
            "disabled_plugins = [\"cri\"]\n".into(),
            OFF,
            None,
        ),
        (
            "off in version 2",
            "1.7",
            "version = 2\ndisabled_plugins = [\"cri\"]\n".into(),
            OFF,
            Some(false),
        ),
        (
            "a part off",
            "2.1",
            "version = 3\ndisabled_plugins = [\"io.containerd.cri.v1.images\"]\n".into(),
            OFF,
            None,
        ),
        (
            "no toml",
            "1.7",
            "version = 2\nbroken = [\n".into(),
            INVALID,
            Some(false),
        ),
        (
            "twice",
            "1.7",
            "version = 2\nversion = 2\n".into(),
            INVALID,
            Some(false),
        ),
        (
            "text for a number",
            "1.7",
            "version = \"2\"\n".into(),
            INVALID,
            Some(false),
        ),
        (
            "3 on 1.7",
            "1.7",
            format!("version = 3\n{CRI3}.{options}"),
            INVALID,
            None,
        ),
        ("4 on 2.2", "2.2", "version = 4\n".into(), INVALID, None),
        (
            "short name in 2",
            "1.7",
            "version = 2\n[plugins.cri]\nsandbox_image = \"a/b\"\n".into(),
            INVALID,
            Some(false),
        ),
        (
            "dots without quotes",
            "1.7",
            "version = 2\n[plugins.io.containerd.grpc.v1.cri]\nsandbox_image = \"a/b\"\n".into(),
            INVALID,
            Some(false),
        ),
        (
            "no version",
            "1.7",
            format!("{CRI}]\nsandbox_image = \"a/b\"\n"),
            UNREAD,
            None,
        ),
        (
            "new name on 1.7",
            "1.7",
            format!("version = 2\n{CRI3}.runtime\"]\nenable_selinux = true\n"),
            UNREAD,
            None,
        ),
        (
            "old name in 3",
            "2.1",
            format!("version = 3\n{CRI}]\nsandbox_image = \"a/b\"\n"),
            UNREAD,
            None,
        ),
        (
            "mirrors and config_path",
            "1.7",
            format!(
                "version = 2\n{CRI}.registry]\nconfig_path = \"/x\"\n{CRI}.registry.mirrors.\"r\"]\nendpoint = [\"https://r\"]\n"
            ),
            OFF,
            None,
        ),
        (
            "tls and config_path",
            "2.1",
            format!(
                "version = 3\n{CRI3}.images\".registry]\nconfig_path = \"/x\"\n{CRI3}.images\".registry.configs.r.tls]\nca_file = \"/r\"\n"
            ),
            OFF,
            None,
        ),
        (
            "a slip",
            "1.7",
            "version = 2\nplugin = 1\n".into(),
            UNKNOWN,
            None,
        ),
    ]
}

#[test]
fn containerds_configuration_is_read_as_containerd_reads_it() {
    let mut cases: Vec<Case> = rows().into_iter().map(|(name, release, text, ids, _)| Case {
        name,
        node: json!({"containerd": {"version": release}, "files": {"/etc/containerd/config.toml": {"content": text}}}),
        ids,
    }).collect();
    let off = "disabled_plugins = [\"cri\"]\n";
    cases.push(super::file(
        "imported",
        "/etc/containerd/conf.d/10-x.toml",
        off,
        &["containerd-cri-off"],
    ));
    cases.push(super::file(
        "nobody's",
        "/etc/containerd/conf.d/10-x.toml.bak",
        off,
        &[],
    ));
    cases.push(Case {
        name: "the file of the overlay",
        node: json!({"overlays": {"containerd": {}}}),
        ids: &[],
    });
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}

/// The rows themselves are right: containerd says so.
#[test]
fn containerd_refuses_what_the_table_says() {
    oracles::needs(["containerd-1.6"]);
    let folder = tempfile::tempdir().unwrap();
    for (name, _, text, _, starts) in rows() {
        let Some(starts) = starts else { continue };
        fs::write(folder.path().join("config.toml"), text).unwrap();
        let output = oracles::run(
            folder.path(),
            "containerd-1.6",
            &["--config", "config.toml", "config", "dump"],
        );
        assert_eq!(
            output.status.success(),
            starts,
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
