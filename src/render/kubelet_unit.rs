//! The kubelet's unit against drop-ins of others, and containerd's unit where containerd is an asset. Made when everything
//! else is in the tree, from what the units say in the end.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::inventory::Spec;
use crate::kubernetes::paths::{PathUse, ToldPath};
use crate::render::NodeRendering;
use crate::tree::{Content, EntryKind, Origin, Unit, raw_words};

/// The kubelet's unit.
pub(super) const KUBELET: &str = "kubelet.service";
/// containerd's unit.
const CONTAINERD: &str = "containerd.service";
/// The name of our last word. Drop-ins are read in the order of their names, whichever folder they are in
/// (systemd.unit(5)), and `~` is behind every letter.
pub(super) const LAST: &str = "zz~nodebake.conf";
/// Where the kubelet keeps its state if no flag says otherwise (cmd/kubelet/app/options).
const ROOT_DIR: &str = "/var/lib/kubelet";
/// Where systemd looks for programs and units of the image, beside its folder for the administrator.
const UNIT_FOLDERS: [&str; 3] = [
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/system",
];
/// Folders that services find programs in (systemd.exec(5), PATH).
const USUAL_FOLDERS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

impl NodeRendering<'_> {
    /// Repeats the kubelet's command where no drop-in of a package or an extension is read after it, and lets the unit wait
    /// for the file systems of the kubelet's folders.
    pub(super) fn last_word(&mut self, told: &[ToldPath]) {
        let Some(unit) = self.builder.tree().units().get(KUBELET) else {
            return;
        };
        let effective = unit.effective();
        let commands: Vec<&str> = effective.values("Service", "ExecStart").collect();
        if commands.is_empty() || unit.masked || unit.dropins.contains_key(LAST) {
            return;
        }
        let mut text = String::from(
            "# The command once more. Packages and extensions of Kubernetes have drop-ins that would put another one in its\n\
             # place (10-kubeadm.conf); this name is behind theirs, and systemd reads drop-ins in the order of their names.\n",
        );
        let folders = folders(told);
        let folders: Vec<String> = folders.iter().map(|folder| quoted(folder)).collect();
        let _ = write!(text, "[Unit]\nRequiresMountsFor={}\n\n", folders.join(" "));
        text.push_str("[Service]\nExecStart=\n");
        for command in commands {
            let words = raw_words(command);
            let _ = writeln!(text, "ExecStart={}", words.join(" \\\n  "));
        }
        let text = (
            Content::bytes(text),
            Origin("generator kubelet-unit".into()),
        );
        let unit = self.builder.tree().unit_mut(KUBELET);
        unit.dropins.insert(LAST.to_owned(), text);
    }

    /// Upstream's unit for a containerd that the payload brings: neither its archive nor the image has one that starts it.
    pub(super) fn containerd_unit(&mut self, paths: &serde_json::Map<String, Json>, spec: &Spec) {
        let Some(program) = paths.get("containerd").and_then(Json::as_str) else {
            return;
        };
        let tree = self.builder.tree();
        let is_brought = tree
            .get(program)
            .is_some_and(|entry| matches!(entry.kind, EntryKind::File(_) | EntryKind::Symlink(_)));
        let has_unit = |unit: &Unit| unit.text.is_some() || unit.masked;
        let has_own = tree.units().get(CONTAINERD).is_some_and(has_unit);
        let mut others = UNIT_FOLDERS.iter();
        if !is_brought
            || has_own
            || others.any(|at| tree.get(&format!("{at}/{CONTAINERD}")).is_some())
        {
            return;
        }
        let release = spec.containerd.version.as_ref().map(|at| at.value);
        let text = (
            Content::bytes(containerd_text(program, release)),
            Origin("generator containerd-unit".into()),
        );
        let unit = tree.unit_mut(CONTAINERD);
        unit.text = Some(text);
        unit.enabled = unit.enabled.or(Some(true));
    }
}

/// The folders in which the kubelet keeps what it makes, without those below another one.
fn folders(told: &[ToldPath]) -> Vec<String> {
    let mut folders = Vec::new();
    let mut root = ROOT_DIR.to_owned();
    for told in told {
        let folder = match (told.usage, told.setting.as_str()) {
            (PathUse::Makes, "flags.root-dir") => {
                root.clone_from(&told.path);
                continue;
            }
            (PathUse::Makes, "flags.kubeconfig" | "flags.bootstrap-checkpoint-path")
            | (PathUse::MakesInside, _) => told
                .path
                .rsplit_once('/')
                .map(|(above, _)| above.to_owned()),
            (PathUse::Makes, _) | (PathUse::Lists, "flags.log-dir") => Some(told.path.clone()),
            _ => None,
        };
        folders.extend(folder.filter(|folder| !folder.is_empty()));
    }
    folders.insert(0, root);
    let all = folders.clone();
    let is_below = |folder: &str, other: &str| {
        folder
            .strip_prefix(other)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    // What is below /etc is on the root file system, or the unit itself could not be read.
    folders.retain(|folder| {
        !is_below(folder, "/etc") && !all.iter().any(|other| is_below(folder, other))
    });
    let mut seen = std::collections::BTreeSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    folders
}

/// A path as one word of a unit.
pub(super) fn quoted(path: &str) -> String {
    let escaped = path.replace('%', "%%");
    if escaped.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\')) {
        format!("\"{}\"", escaped.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        escaped
    }
}

/// containerd's own unit (github.com/containerd/containerd, containerd.service), for a program at another path.
fn containerd_text(program: &str, release: Option<(u32, u32)>) -> String {
    let folder = program.rsplit_once('/').map_or("/", |(folder, _)| folder);
    // containerd looks for runc where services find programs.
    let path = if USUAL_FOLDERS.contains(&folder) {
        String::new()
    } else {
        let usual = USUAL_FOLDERS[..4].join(":");
        format!("Environment=PATH={}:{usual}\n", quoted(folder))
    };
    let program = quoted(program);
    // That of 1.x also sets how many files are open; since 2.0 systemd's own limit counts.
    let files = match release {
        Some((1, ..5)) => "LimitNOFILE=1048576\n",
        Some((1, _)) => "LimitNOFILE=infinity\n",
        _ => "",
    };
    format!(
        "[Unit]\nDescription=containerd container runtime\nDocumentation=https://containerd.io\n\
         After=network.target dbus.service local-fs.target\n\n\
         [Service]\n{path}ExecStartPre=-/sbin/modprobe overlay\nExecStart={program}\nType=notify\nDelegate=yes\n\
         KillMode=process\nRestart=always\nRestartSec=5\nLimitNPROC=infinity\nLimitCORE=infinity\n{files}TasksMax=infinity\n\
         OOMScoreAdjust=-999\n\n[Install]\nWantedBy=multi-user.target\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_open_files_is_that_of_the_release() {
        for (release, expected) in [
            (Some((1, 4)), Some("LimitNOFILE=1048576")),
            (Some((1, 5)), Some("LimitNOFILE=infinity")),
            (Some((2, 0)), None),
            (None, None),
        ] {
            let text = containerd_text("/usr/local/bin/containerd", release);
            let found = text.lines().find(|line| line.starts_with("LimitNOFILE"));
            assert_eq!(found, expected, "{release:?}");
        }
    }
}
