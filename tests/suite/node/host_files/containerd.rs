//! containerd's configuration: our answer, and containerd's own.

use std::fs;

use serde_json::json;

use super::{Case, each_is_as_it_says};
use crate::support::oracles::{self, Target};

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
            UNREAD,
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
            "1.7",
            format!(
                "version = 2\n{CRI}.registry]\nconfig_path = \"/x\"\n{CRI}.registry.configs.r.tls]\nca_file = \"/r\"\n"
            ),
            OFF,
            None,
        ),
        (
            "tls and config_path in 2.x",
            "2.1",
            format!(
                "version = 3\n{CRI3}.images\".registry]\nconfig_path = \"/x\"\n{CRI3}.images\".registry.configs.r.tls]\nca_file = \"/r\"\n"
            ),
            UNKNOWN,
            None,
        ),
        (
            "a slip",
            "1.7",
            "version = 2\nplugin = 1\n".into(),
            UNKNOWN,
            None,
        ),
        (
            "truth as text",
            "1.6",
            format!("version = 2\n{CRI}]\nenable_selinux = \"true\"\n"),
            INVALID,
            Some(false),
        ),
        (
            "text as a number",
            "1.6",
            format!("version = 2\n{CRI}]\nsandbox_image = 5\n"),
            INVALID,
            Some(false),
        ),
        (
            "number as text",
            "1.6",
            format!("version = 2\n{CRI}]\nmax_container_log_line_size = \"16384\"\n"),
            INVALID,
            Some(false),
        ),
        (
            "list as text",
            "1.6",
            format!("version = 2\n{CRI}.registry.mirrors.r]\nendpoint = \"https://r\"\n"),
            INVALID,
            Some(false),
        ),
        (
            "table as text",
            "1.6",
            format!("version = 2\n{CRI}]\ncni = \"/opt/cni/bin\"\n"),
            INVALID,
            Some(false),
        ),
        (
            "a folder of plugins",
            "1.6",
            format!("version = 2\n{CRI}.cni]\nbin_dir = \"/opt/cni/bin\"\nmax_conf_num = 1\n"),
            OK,
            Some(true),
        ),
        (
            "misspelt setting",
            "1.6",
            format!("version = 2\n{CRI}]\nenable_selinx = true\n"),
            UNKNOWN,
            Some(true),
        ),
        (
            "setting of a later release",
            "1.6",
            format!("version = 2\n{CRI}]\nenable_cdi = true\n"),
            UNKNOWN,
            Some(true),
        ),
        (
            "setting of this release",
            "1.7",
            format!("version = 2\n{CRI}]\nenable_cdi = true\n"),
            OK,
            None,
        ),
        (
            "runc's program",
            "1.6",
            format!(
                "version = 2\n{CRI}.containerd.runtimes.runc.options]\nBinaryName = \"/usr/bin/crun\"\nIoUid = 0\n"
            ),
            OK,
            Some(true),
        ),
        (
            "runc's option as the kubelet spells it",
            "1.6",
            format!(
                "version = 2\n{CRI}.containerd.runtimes.runc.options]\nsystemd_cgroup = true\n"
            ),
            UNKNOWN,
            Some(true),
        ),
        (
            "runc's option as text",
            "1.6",
            format!(
                "version = 2\n{CRI}.containerd.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\n{CRI}.containerd.runtimes.x]\nruntime_type = \"io.containerd.runc.v2\"\n{CRI}.containerd.runtimes.x.options]\nSystemdCgroup = \"true\"\n"
            ),
            INVALID,
            None,
        ),
        (
            "another runtime's options",
            "1.6",
            format!(
                "version = 2\n{CRI}.containerd.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\n{CRI}.containerd.runtimes.kata]\nruntime_type = \"io.containerd.kata.v2\"\n{CRI}.containerd.runtimes.kata.options]\nConfigPath = \"/x\"\n"
            ),
            OK,
            Some(true),
        ),
        (
            "no duration",
            "1.7",
            format!("version = 2\n{CRI}]\nstream_idle_timeout = \"4\"\n"),
            OFF,
            None,
        ),
        (
            "duration",
            "1.7",
            format!("version = 2\n{CRI}]\nstream_idle_timeout = \"4h\"\n"),
            OK,
            None,
        ),
        (
            "3: truth as text",
            "2.1",
            format!("version = 3\n{CRI3}.runtime\"]\nenable_selinux = \"true\"\n"),
            INVALID,
            None,
        ),
        (
            "3: number as text",
            "2.1",
            format!("version = 3\n{CRI3}.images\"]\nmax_concurrent_downloads = \"3\"\n"),
            INVALID,
            None,
        ),
        (
            "3: folders of plugins",
            "2.1",
            format!(
                "version = 3\n{CRI3}.runtime\".cni]\nbin_dirs = [\"/opt/cni/bin\", \"/usr/lib/cni\"]\n"
            ),
            OK,
            None,
        ),
        (
            "3: folders of plugins before 2.1",
            "2.0",
            format!("version = 3\n{CRI3}.runtime\".cni]\nbin_dirs = [\"/opt/cni/bin\"]\n"),
            UNKNOWN,
            None,
        ),
        (
            "3: setting of the other plugin",
            "2.1",
            format!("version = 3\n{CRI3}.runtime\"]\nmax_concurrent_downloads = 3\n"),
            UNKNOWN,
            None,
        ),
        (
            "3: streams",
            "2.1",
            format!("version = 3\n{CRI}]\nstream_server_port = 10010\n"),
            INVALID,
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
    for (name, imports, path, ids) in [
        (
            "a pattern",
            "/etc/containerd/own/*.toml",
            "/etc/containerd/own/a.toml",
            &["containerd-cri-off"][..],
        ),
        (
            "relative",
            "own/a.toml",
            "/etc/containerd/own/a.toml",
            &["containerd-cri-off"],
        ),
        (
            "not below",
            "/etc/containerd/*.toml",
            "/etc/containerd/own/a.toml",
            &[],
        ),
    ] {
        let main = format!("version = 2\nimports = [\"{imports}\"]\n");
        cases.push(Case {
            name,
            node: json!({"containerd": {"version": "1.7"}, "files": {
                "/etc/containerd/config.toml": {"content": main},
                path: {"content": off},
            }}),
            ids,
        });
    }
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

/// containerd 2 takes and refuses what the rows of version 3 say.
#[test]
fn containerd_2_refuses_what_the_table_says() {
    Target::Versions.needs(["containerd-2.4"]);
    let folder = tempfile::tempdir().unwrap();
    let newer = rows().into_iter().filter(|row| row.0.starts_with("3: "));
    for (name, _, text, ids, _) in newer {
        fs::write(folder.path().join("config.toml"), text).unwrap();
        let args = ["--config", "config.toml", "config", "dump"];
        let output = oracles::run(folder.path(), "containerd-2.4", &args);
        let said = String::from_utf8_lossy(&output.stderr);
        let starts = !ids.contains(&"containerd-config-invalid");
        assert_eq!(output.status.success(), starts, "{name}: {said}");
    }
}
