//! Removing what earlier payloads installed, on a machine that a new instance-id provisions again: cloud-init itself only adds.

use crate::model::NodePath;
use crate::model::output::CloudInit;
use crate::payload::Removals;
use crate::payload::cloud_init::command::Command;
use crate::tree::ListedKind;
use crate::wording::shell_quoted;

/// Before files are written, since a new file may be where a folder or a link was: that is what `bootcmd` is early
/// enough for. It runs at every boot, so cloud-init's own program makes it once for each instance (cloud-init's
/// documentation, "bootcmd").
pub fn early(removals: &Removals, settings: &CloudInit) -> Option<Command> {
    let script = script(removals, |path| !settings.is_late(path))?;
    let words = [
        "cloud-init-per",
        "instance",
        "nodebake-removed",
        "sh",
        "-c",
        &script,
    ];
    Some(Command::new(words))
}

/// What is on disks that are mounted only after files are written.
pub fn late(removals: &Removals, settings: &CloudInit) -> Option<Command> {
    Some(Command::Shell(script(removals, |path| {
        settings.is_late(path)
    })?))
}

/// What the kubelet keeps, once more before units are started again: one that does not wait for the network may run since before
/// the first removal.
pub fn state(removals: &Removals) -> Option<Command> {
    let paths = removals.state.iter();
    let paths: Vec<String> = paths.map(|path| shell_quoted(path.as_str())).collect();
    let paths = (!paths.is_empty()).then(|| paths.join(" "))?;
    Some(Command::Shell(format!(
        "systemctl stop -- kubelet.service; rm -f -- {paths}"
    )))
}

/// What is a folder by now stays, and so does a folder that is not empty.
fn script(removals: &Removals, wanted: impl Fn(&NodePath) -> bool) -> Option<String> {
    let quoted = |is_wanted: &dyn Fn(ListedKind) -> bool| -> Vec<String> {
        let paths = removals.paths.iter();
        let paths = paths.filter(|(path, kind)| wanted(path) && is_wanted(*kind));
        paths.map(|(path, _)| shell_quoted(path.as_str())).collect()
    };
    let files = quoted(&|kind| kind != ListedKind::Directory);
    let folders = quoted(&|kind| kind == ListedKind::Directory);
    let mut script = String::new();
    for (command, paths, quiet) in [
        ("rm -f --", files, ""),
        ("rmdir --", folders, " 2>/dev/null"),
    ] {
        if !paths.is_empty() {
            script += &format!("{command} {}{quiet}; ", paths.join(" "));
        }
    }
    (!script.is_empty()).then(|| script + ":")
}
