//! `runcmd`: what `write_files` cannot do (directories, links, owners) and what wakes up the files. The commands run
//! once per instance, as root, in one shell script without `set -e`; each may run again without harm.
//!
//! Directories and links are commands rather than a tmpfiles.d file, because that file would stay on the node, where
//! no other format puts it, and would set modes again at every boot.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::model::output::{Assets, CloudInit};
use crate::model::{NodePath, User};
use crate::payload::Job;
use crate::payload::cloud_init::activation;
use crate::payload::cloud_init::command::{Command, list};
use crate::payload::cloud_init::early::{SPECIAL_BITS, early_mode, owned_by_root, waiting};
use crate::payload::cloud_init::fetch;
use crate::payload::cloud_init::network;
use crate::payload::cloud_init::removed;
use crate::tree::{Entry, EntryKind};
use crate::wording::shell_quoted;

/// The `runcmd:` lines; empty when nothing is to be done. `body` brings files, directories and links with their modes.
pub fn lines(job: &Job<'_>, all: &BTreeMap<NodePath, Entry>, body: Option<&Command>) -> String {
    let settings = &job.settings.cloud_init;
    let mut commands: Vec<Command> = Vec::new();
    if let Some(removals) = &job.facts.removals {
        commands.extend(activation::stop(&removals.units));
        commands.extend(removed::late(removals, settings));
    }
    commands.extend(fetch::functions(job, body.is_some()));
    commands.extend(body.cloned());
    // Before owners: the users may be ours.
    commands.extend(activation::users(all));
    commands.extend(numbers(&job.facts.users));
    if body.is_none() {
        commands.extend(directories(all));
    }
    // After the disks of the user's are mounted, so assets need not wait for them like files; before links, whose
    // folders they may make.
    commands.extend(fetch::assets(job));
    if body.is_none() {
        commands.extend(links(all));
    }
    let inside = settings.assets == Assets::Inside;
    commands.extend(late(all, settings, |entry| {
        if entry.is_asset() {
            inside && body.is_none()
        } else {
            body.is_none() || entry.is_secret_file()
        }
    }));
    commands.extend(owners(all));
    commands.extend(network::remove_foreign(all));
    commands.extend(activation::classes(all));
    commands.extend(job.facts.removals.as_deref().and_then(removed::state));
    commands.extend(activation::units(job.tree));
    if settings.forget {
        commands.push(Command::Shell(FORGET.to_owned()));
    }
    list("runcmd", &commands)
}

/// Gives users their numbers where cloud-init has not: 20.4 reads a number only where it is written as a string, against
/// which the schemas of newer ones speak.
fn numbers(users: &[User]) -> impl Iterator<Item = Command> {
    users.iter().filter_map(|user| {
        let (name, uid) = (&user.name, user.uid?);
        Some(Command::Shell(format!(
            "[ \"$(id -u {name})\" = {uid} ] || usermod -u {uid} {name}"
        )))
    })
}

/// Moves files to disks that are there by now, of those that `write_files` had: nothing of what was fetched waited.
fn late(
    all: &BTreeMap<NodePath, Entry>,
    settings: &CloudInit,
    written: impl Fn(&Entry) -> bool,
) -> impl Iterator<Item = Command> {
    all.iter()
        .filter(move |(path, entry)| {
            matches!(entry.kind, EntryKind::File(_)) && settings.is_late(path) && written(entry)
        })
        .map(|(path, entry)| {
            let (from, to) = (shell_quoted(&waiting(path)), shell_quoted(path.as_str()));
            let mode = early_mode(entry);
            Command::Shell(format!(
                "[ ! -e {from} ] || {{ install -D -m {mode:04o} -- {from} {to} && rm -- {from}; }}"
            ))
        })
}

/// Removes what cloud-init keeps of user-data, all of it for root only: its copies, and the pickled data source, which
/// has one more. Without that cloud-init would take the machine for a new one at the next boot, so it is switched off
/// first, in the way that its documentation gives.
const FORGET: &str = "mkdir -p /etc/cloud && : >/etc/cloud/cloud-init.disabled && \
    rm -rf /var/lib/cloud/seed /var/lib/cloud/instances/*/obj.pkl /var/lib/cloud/instances/*/user-data.txt* \
    /var/lib/cloud/instances/*/cloud-config.txt /run/cloud-init/instance-data-sensitive.json \
    /run/cloud-init/combined-cloud-config.json";

fn directories(all: &BTreeMap<NodePath, Entry>) -> impl Iterator<Item = Command> {
    all.iter()
        .filter(|(_, entry)| matches!(entry.kind, EntryKind::Directory))
        .map(|(path, entry)| {
            let mode = format!("{:04o}", entry.mode);
            Command::new(["install", "-d", "-m", &mode, "--", path.as_str()])
        })
}

fn links(all: &BTreeMap<NodePath, Entry>) -> Vec<Command> {
    let mut parents = BTreeSet::new();
    let mut links = Vec::new();
    for (path, entry) in all {
        let EntryKind::Symlink(target) = &entry.kind else {
            continue;
        };
        // -T: onto a real directory the link must fail, not land inside it.
        links.push(Command::new(["ln", "-sfT", "--", target, path.as_str()]));
        if let Some(parent) = path.ancestors().last().filter(|at| !is_made(at, all)) {
            parents.insert(parent);
        }
    }
    if !parents.is_empty() {
        // mkdir and not install, which would set the mode of directories that the image has.
        let words = ["mkdir", "-p", "--"].into_iter().chain(parents);
        links.insert(0, Command::new(words));
    }
    links
}

/// Whether a folder exists by now: declared, or made on the way to something in it.
fn is_made(folder: &str, all: &BTreeMap<NodePath, Entry>) -> bool {
    let start = format!("{folder}/");
    let range = (Bound::Included(start.as_str()), Bound::Unbounded);
    all.contains_key(folder)
        || all
            .range::<str, _>(range)
            .take_while(|(path, _)| path.as_str().starts_with(&start))
            .any(|(_, entry)| !matches!(entry.kind, EntryKind::Symlink(_)))
}

/// Gives entries to their owners, by name where the system knows it, else by id, as tar does. The mode comes after
/// the owner, because chown drops setuid and setgid.
fn owners(all: &BTreeMap<NodePath, Entry>) -> Vec<Command> {
    let mut commands = Vec::new();
    for (path, entry) in all {
        let foreign = !owned_by_root(entry);
        if foreign {
            let path = shell_quoted(path.as_str());
            let names = shell_quoted(&format!("{}:{}", entry.user.name, entry.group.name));
            commands.push(Command::Shell(format!(
                "chown -h -- {names} {path} || chown -h -- {}:{} {path}",
                entry.user.id, entry.group.id
            )));
        }
        let file = matches!(entry.kind, EntryKind::File(_));
        let link = matches!(entry.kind, EntryKind::Symlink(_));
        let special = entry.mode & SPECIAL_BITS != 0;
        if !link && (special && (file || foreign) || file && foreign) {
            let mode = format!("{:04o}", entry.mode);
            commands.push(Command::new(["chmod", &mode, "--", path.as_str()]));
        }
    }
    commands
}
