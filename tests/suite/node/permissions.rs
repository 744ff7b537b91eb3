//! Modes and owners that layers ask for are those that every payload has, whatever wrote the file: a generator, an overlay
//! or a unit.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::fixture::{as_printed, text};
use crate::support::tool;

/// A new project with further lines, and an overlay that writes two units and a file.
fn project(folder: &Path, more: &str) -> std::path::PathBuf {
    let project = folder.join("p");
    tool::nodebake(folder, &["init", "p"]).good();
    let file = project.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text + more).unwrap();
    let overlay = project.join("overlays/own");
    let units = overlay.join("root/etc/systemd/system");
    fs::create_dir_all(units.join("own.service.d")).unwrap();
    let service = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
    fs::write(units.join("own.service"), service).unwrap();
    fs::write(
        units.join("own.service.d/10-own.conf"),
        "[Service]\nNice=1\n",
    )
    .unwrap();
    fs::write(overlay.join("root/etc/own.conf"), "x\n").unwrap();
    let rules = "apiVersion: nodebake/v1\nkind: Overlay\nunits: {own.service: {enabled: true}}\n\
        files:\n  /etc/systemd/system/own.service: {mode: \"0640\", group: {name: adm, id: 4}}\n  \
        /etc/systemd/system/own.service.d/*: {mode: \"0600\"}\n";
    fs::write(overlay.join("overlay.yaml"), rules).unwrap();
    project
}

/// Mode and owners of each path that a payload has.
fn modes(project: &Path, payload: &str) -> Vec<(String, String)> {
    let file = project.join("out/nodes/worker-1").join(payload);
    let listed = tool::nodebake(project, &["inspect", file.to_str().unwrap(), "-o", "json"]).good();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let members = listed["members"].as_array().unwrap().iter();
    let entries = members.flat_map(|member| member["entries"].as_array().unwrap());
    // Archives and Ignition have numbers, cloud-init has names.
    let owner = |entry: &Value, key: &str, name: &str| match (&entry[key], &entry[name]) {
        (Value::Number(id), _) => id.to_string(),
        (_, name) => match name.as_str().unwrap() {
            "root" => "0".to_owned(),
            "daemon" => "1".to_owned(),
            "adm" => "4".to_owned(),
            other => panic!("{other}"),
        },
    };
    let said = |entry: &Value| {
        let (user, group) = (owner(entry, "uid", "user"), owner(entry, "gid", "group"));
        format!(
            "{} {user}:{group}",
            entry["mode"].as_str().unwrap_or("0644")
        )
    };
    let path = |entry: &Value| {
        let path = entry["path"].as_str().unwrap();
        format!("/{}", path.trim_start_matches(['.', '/']))
    };
    entries.map(|entry| (path(entry), said(entry))).collect()
}

const ASKED: &str = "output: {formats: [tarball, cloudInit, ignition, initramfs]}
overlays: {own: {}}
files:
  /etc/own.conf: {mode: \"0440\", user: {name: daemon, id: 1}}
  /etc/inline.conf: {content: x, mode: \"0444\"}
  /etc/kubernetes/pki/ca.crt: {mode: \"0640\"}
  /etc/systemd/system/inline.service: {content: \"[Service]\\nExecStart=/bin/true\\n\", mode: \"0400\"}
units:
  dropped.service: {mode: \"0600\", dropins: {10-x.conf: \"[Service]\\nNice=1\\n\"}}
  texted.service: {text: \"[Service]\\nExecStart=/bin/true\\n\"}
";

#[test]
fn every_payload_has_the_modes_and_owners_that_layers_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), ASKED);
    tool::nodebake(&project, &["build", "--jobs", "1"]).good();
    let units = "/etc/systemd/system";
    let wanted = [
        // `worker` asks for these.
        ("/etc/kubernetes/kubelet-config.yaml".to_owned(), "0600 0:0"),
        (format!("{units}/kubelet.service"), "0600 0:0"),
        // The overlay asks for these.
        (format!("{units}/own.service"), "0640 0:4"),
        (format!("{units}/own.service.d/10-own.conf"), "0600 0:0"),
        // The inventory asks for these.
        ("/etc/own.conf".to_owned(), "0440 1:0"),
        ("/etc/inline.conf".to_owned(), "0444 0:0"),
        ("/etc/kubernetes/pki/ca.crt".to_owned(), "0640 0:0"),
        (format!("{units}/inline.service"), "0400 0:0"),
        (format!("{units}/dropped.service.d/10-x.conf"), "0600 0:0"),
        // Nobody asks for anything.
        (format!("{units}/texted.service"), "0644 0:0"),
        (format!("{units}/nodebake-swapoff.service"), "0644 0:0"),
    ];
    for payload in [
        "worker-1.tar.gz",
        "user-data",
        "config.ign",
        "initramfs.cpio.gz",
    ] {
        let modes = modes(&project, payload);
        for (path, mode) in &wanted {
            // cloud-init writes what root does not own closed, and commands open it once its owner exists.
            if payload == "user-data" && !mode.ends_with("0:0") {
                continue;
            }
            let found: Vec<&str> = modes
                .iter()
                .filter(|(at, _)| at == path)
                .map(|(_, mode)| mode.as_str())
                .collect();
            assert_eq!(found, [*mode], "{payload} {path}");
        }
    }
}

#[test]
fn a_mode_for_nothing_and_one_that_opens_a_secret_are_findings() {
    for (more, wanted) in [
        (
            "files: {/etc/nowhere: {mode: \"0600\"}}\n",
            "error: cluster.yaml:28:9: files[\"/etc/nowhere\"]: nothing writes /etc/nowhere",
        ),
        (
            "units: {sshd.service: {mode: \"0600\"}}\n",
            "neither sshd.service nor a drop-in of it is written",
        ),
        (
            "files: {/etc/kubernetes/bootstrap-kubelet.kubeconfig: {mode: \"0644\"}}\n",
            "the mode of a file with a secret must end in 0; got \"0644\"",
        ),
        (
            "files: {/etc/x: {user: root, secret: true}}\n",
            "needs exactly one of content, template and source; with none of them, mode, user and group change",
        ),
        (
            "files: {/etc/x: {}}\n",
            "needs exactly one of content, template and source",
        ),
        (
            "links: {/etc/l: x}\nfiles: {/etc/l: {mode: \"0600\"}}\n",
            "a symbolic link has no mode",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path(), more);
        let said = tool::nodebake(&project, &["check"]).run();
        assert!(
            text(&said.stdout).contains(wanted),
            "{more}: {}",
            as_printed(&said.stdout)
        );
    }
    for good in [
        "files: {/etc/kubernetes/bootstrap-kubelet.kubeconfig: {mode: \"0640\", group: {name: adm, id: 4}}}\n",
        "kubelet: {config: {shutdownGracePeriod: null, shutdownGracePeriodCriticalPods: null}}\noverlays: {kubelet: null}\nunits: {kubelet.service: {enabled: true, text: \"[Install]\\nWantedBy=multi-user.target\\n[Service]\\nExecStart=/usr/local/bin/kubelet --config=/etc/kubernetes/kubelet-config.yaml --kubeconfig=/var/lib/kubelet/kubeconfig --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.kubeconfig\\n\"}}\n",
        "files: {\"{{ paths.kubeletConfig }}\": {mode: \"0644\"}}\n",
        "directories: {/srv/x: {}}\nfiles: {/srv/x: {mode: \"0700\"}}\n",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path(), good);
        let said = tool::nodebake(&project, &["check"]).run();
        assert_eq!(text(&said.stdout), "4 nodes can be built\n", "{good}");
    }
}
