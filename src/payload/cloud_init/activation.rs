//! Activation: cloud-init writes files into a system that is already up, so each class of files needs the program that
//! would have read it at boot, and each unit needs what its state means now.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::model::NodePath;
use crate::payload::cloud_init::command::Command;
use crate::payload::cloud_init::order::{Verb, start_order};
use crate::tree::{Entry, EntryKind, NodeTree, Unit};

/// Files below a folder, and what makes the running system read them.
struct Class {
    /// Folders, with the slash at the end.
    folders: &'static [&'static str],
    /// How the names end that count.
    suffix: &'static str,
    commands: &'static [&'static [&'static str]],
}

/// In the order in which they run: a sysctl may belong to a module (`net.bridge.*` to br_netfilter), so modules come
/// first. Services that read a `.conf.d` folder are only told when they run (`try-`).
const CLASSES: &[Class] = &[
    Class {
        folders: &["/etc/modules-load.d/", "/usr/lib/modules-load.d/"],
        suffix: ".conf",
        commands: &[&["systemctl", "restart", "systemd-modules-load.service"]],
    },
    Class {
        folders: &["/etc/sysctl.d/", "/usr/lib/sysctl.d/"],
        suffix: ".conf",
        commands: &[&["systemctl", "restart", "systemd-sysctl.service"]],
    },
    Class {
        folders: &["/etc/udev/rules.d/", "/usr/lib/udev/rules.d/"],
        suffix: ".rules",
        commands: &[&["udevadm", "control", "--reload"], &["udevadm", "trigger"]],
    },
    // networkd reads its own settings only when it starts.
    Class {
        folders: &["/etc/systemd/networkd.conf.d/"],
        suffix: ".conf",
        commands: &[&["systemctl", "try-restart", "systemd-networkd.service"]],
    },
    Class {
        folders: &["/etc/systemd/network/"],
        suffix: "",
        commands: &[&[
            "systemctl",
            "try-reload-or-restart",
            "systemd-networkd.service",
        ]],
    },
    Class {
        folders: &["/etc/netplan/"],
        suffix: ".yaml",
        commands: &[&["netplan", "apply"]],
    },
    Class {
        folders: &["/etc/NetworkManager/conf.d/"],
        suffix: ".conf",
        commands: &[&[
            "systemctl",
            "try-reload-or-restart",
            "NetworkManager.service",
        ]],
    },
    Class {
        folders: &["/etc/NetworkManager/system-connections/"],
        suffix: ".nmconnection",
        commands: &[&["nmcli", "connection", "reload"]],
    },
    Class {
        folders: &["/etc/systemd/resolved.conf.d/"],
        suffix: ".conf",
        commands: &[&["systemctl", "try-restart", "systemd-resolved.service"]],
    },
    Class {
        folders: &["/etc/systemd/timesyncd.conf.d/"],
        suffix: ".conf",
        commands: &[&["systemctl", "try-restart", "systemd-timesyncd.service"]],
    },
    // The unit is chrony.service in Debian and chronyd.service elsewhere. A pattern passes over what is not there.
    Class {
        folders: &["/etc/chrony/"],
        suffix: ".conf",
        commands: &[&[
            "systemctl",
            "try-restart",
            "chrony.servic[e]",
            "chronyd.servic[e]",
        ]],
    },
    Class {
        folders: &["/etc/systemd/journald.conf.d/"],
        suffix: ".conf",
        commands: &[&["systemctl", "try-restart", "systemd-journald.service"]],
    },
    Class {
        folders: &["/etc/systemd/logind.conf.d/"],
        suffix: ".conf",
        commands: &[&[
            "systemctl",
            "try-reload-or-restart",
            "systemd-logind.service",
        ]],
    },
];

/// Restarting these from inside cloud-init's last stage would end the stage, or the bus that systemctl talks over.
const NEVER_RESTARTED: [&str; 8] = [
    "cloud-init-local.service",
    "cloud-init.service",
    "cloud-init-main.service",
    "cloud-init-network.service",
    "cloud-config.service",
    "cloud-final.service",
    "dbus.service",
    "dbus-broker.service",
];

/// Makes the users that our sysusers.d files declare.
pub fn users(all: &BTreeMap<NodePath, Entry>) -> Option<Command> {
    with_paths(
        &["systemd-sysusers"],
        all,
        &["/etc/sysusers.d/", "/usr/lib/sysusers.d/"],
    )
}

/// Wakes up files by their class.
pub fn classes(all: &BTreeMap<NodePath, Entry>) -> Vec<Command> {
    let folders = ["/etc/tmpfiles.d/", "/usr/lib/tmpfiles.d/"];
    // Only our own files: `--create` without names would redo the whole system's.
    let tmpfiles = with_paths(&["systemd-tmpfiles", "--create"], all, &folders);
    let mut commands: Vec<Command> = tmpfiles.into_iter().collect();
    for class in CLASSES {
        let shipped = |folder: &&str| files(all, folder).any(|path| path.ends_with(class.suffix));
        if class.folders.iter().any(shipped) {
            let words = class.commands.iter().map(|words| words.iter().copied());
            commands.extend(words.map(Command::new));
        }
    }
    commands
}

fn with_paths(
    program: &[&str],
    all: &BTreeMap<NodePath, Entry>,
    folders: &[&str],
) -> Option<Command> {
    let mut paths = folders
        .iter()
        .flat_map(|folder| files(all, folder))
        .filter(|path| path.ends_with(".conf"))
        .peekable();
    paths.peek()?;
    Some(Command::new(program.iter().copied().chain(paths)))
}

/// The paths of files and links directly below a folder.
fn files<'a>(all: &'a BTreeMap<NodePath, Entry>, folder: &'a str) -> impl Iterator<Item = &'a str> {
    all.range::<str, _>((Bound::Included(folder), Bound::Unbounded))
        .map(|(path, entry)| (path.as_str(), entry))
        .take_while(move |(path, _)| path.starts_with(folder))
        .filter(|(_, entry)| !matches!(entry.kind, EntryKind::Directory))
        .map(|(path, _)| path)
}

/// Brings all units to their state.
pub fn units(tree: &NodeTree) -> Vec<Command> {
    if tree.units().is_empty() {
        return Vec::new();
    }
    let reload = Command::new(["systemctl", "daemon-reload"]);
    let mut commands = vec![reload.clone()];
    let states = install_states(tree);
    if !states.is_empty() {
        commands.extend(states);
        // Enabling with --no-reload, one unit at a time so that an unknown one does not take the rest with it.
        commands.push(reload);
    }
    let off = |unit: &Unit| unit.masked || unit.enabled == Some(false);
    commands.extend(systemctl(&["stop"], names(tree, off)));
    commands.extend(systemctl(
        &["--no-block", "try-restart"],
        names(tree, left_to_the_image),
    ));
    commands.extend(starts(tree));
    commands
}

/// Stops units that came with an earlier payload and are in this one no more; their files are gone by now.
pub fn stop(names: &[String]) -> Option<Command> {
    let names = names.iter().map(String::as_str);
    systemctl(&["stop"], names.filter(|name| can_restart(name)).collect())
}

fn install_states(tree: &NodeTree) -> Vec<Command> {
    let mut commands = Vec::new();
    for (name, unit) in tree.units().iter().filter(|(_, unit)| !unit.masked) {
        let verb = match unit.enabled {
            Some(true) => "enable",
            Some(false) => "disable",
            None => continue,
        };
        commands.push(Command::new(["systemctl", "--no-reload", verb, "--", name]));
    }
    commands
}

/// Whether a unit has news of ours but no state of ours: it keeps on running, or not, with them.
fn left_to_the_image(unit: &Unit) -> bool {
    !unit.masked && unit.enabled.is_none() && (unit.text.is_some() || !unit.dropins.is_empty())
}

/// The names of units that can be acted on now: templates are no units until they are instantiated.
fn names(tree: &NodeTree, wanted: impl Fn(&Unit) -> bool) -> Vec<&str> {
    tree.units()
        .iter()
        .filter(|(name, unit)| wanted(unit) && can_restart(name))
        .map(|(name, _)| name.as_str())
        .collect()
}

fn can_restart(name: &str) -> bool {
    !name.contains("@.") && !NEVER_RESTARTED.contains(&name)
}

/// Restarts, and not `enable --now`: that does nothing for a service that the image has already started with its old
/// configuration. `--no-block`, since this runs inside cloud-final.service: waiting for a unit that is ordered after
/// it, or after a target that it belongs to, would never end. systemd keeps After= between the queued jobs, and
/// queueing in dependency order lets none of them start before the job of what it needs is there.
fn starts(tree: &NodeTree) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut run: (Option<Verb>, Vec<&str>) = (None, Vec::new());
    for (name, verb) in start_order(tree) {
        if !can_restart(name) {
            continue;
        }
        if run.0 != Some(verb) {
            commands.extend(queued(&run));
            run = (Some(verb), Vec::new());
        }
        run.1.push(name);
    }
    commands.extend(queued(&run));
    commands
}

fn queued((verb, names): &(Option<Verb>, Vec<&str>)) -> Option<Command> {
    let verb = match verb.as_ref()? {
        Verb::Restart => "restart",
        Verb::Start => "start",
    };
    systemctl(&["--no-block", verb], names.clone())
}

fn systemctl(words: &[&str], names: Vec<&str>) -> Option<Command> {
    if names.is_empty() {
        return None;
    }
    let words = ["systemctl"].into_iter().chain(words.iter().copied());
    Some(Command::new(words.chain(["--"]).chain(names)))
}
