//! Modes and owners that layers set beside what writes a file: of generated files, of files of overlays, of units.

use crate::inventory::PermissionChange;
use crate::model::{FieldLocation, NodePath};
use crate::render::builder::TreeBuilder;
use crate::render::unit_part::{UnitPart, unit_of};
use crate::report::{Finding, Id};
use crate::tree::{Entry, EntryKind, NodeTree, Permissions};

/// Bits that let users read or change a file who are neither its owner nor in its group.
const OTHERS: u32 = 0o007;

impl TreeBuilder {
    /// Changes mode and owners of what is at a path already, a unit's files among them.
    pub fn permit(&mut self, path: &str, change: &PermissionChange, location: &FieldLocation) {
        let parsed = match NodePath::parse(path) {
            Ok(parsed) => parsed,
            Err(rule) => {
                let rule = format!("{path:?}: {rule}");
                self.findings
                    .push(location.finding(Id::PathForbidden, rule));
                return;
            }
        };
        if let Some(part) = unit_of(&parsed)
            && has_part(&self.tree, &part)
        {
            permit_part(&mut self.tree, &part, change);
            return;
        }
        let Some(mut entry) = self.tree.get(path).cloned() else {
            self.unused(
                location,
                format!("nothing writes {path}, whose mode or owner is set"),
            );
            return;
        };
        if let Some(rule) = refused(&entry, change) {
            let rule = format!("{path} of {}: {rule}", entry.origin);
            self.findings
                .push(location.finding(Id::FileModeInvalid, rule));
            return;
        }
        changed(Permissions::of(&entry), change).apply(&mut entry);
        if let Err(conflict) = self.tree.replace(parsed, entry) {
            self.findings
                .push(location.finding(Id::PathWrittenTwice, conflict.rule));
        }
    }

    /// Sets the mode of a unit's file and of its drop-ins, as far as they are ours.
    pub fn unit_mode(&mut self, unit: &str, mode: u32, location: &FieldLocation) {
        let change = PermissionChange {
            mode: Some(mode),
            ..PermissionChange::default()
        };
        let parts = parts(&self.tree, unit);
        if parts.is_empty() {
            let rule =
                format!("neither {unit} nor a drop-in of it is written, and its mode is set");
            self.unused(location, rule);
        }
        for part in parts {
            permit_part(&mut self.tree, &part, &change);
        }
    }

    /// A built-in profile speaks of what most nodes have; a node without it is no mistake of the user.
    fn unused(&mut self, location: &FieldLocation, rule: String) {
        if !location.at.file.starts_with("built-in:") {
            let finding: Finding = location.finding(Id::PermissionsUnused, rule);
            self.findings
                .push(finding.help("correct the path, or remove the entry"));
        }
    }
}

/// Why an entry cannot get these permissions.
fn refused(entry: &Entry, change: &PermissionChange) -> Option<String> {
    if matches!(entry.kind, EntryKind::Symlink(_)) {
        return Some("a symbolic link has no mode and no owner of its own".to_owned());
    }
    let mode = change.mode.filter(|mode| mode & OTHERS != 0)?;
    let rule = "the mode of a file with a secret must end in 0";
    entry
        .is_secret_file()
        .then(|| format!("{rule}; got \"{mode:04o}\""))
}

fn changed(now: Permissions, change: &PermissionChange) -> Permissions {
    Permissions {
        mode: change.mode.unwrap_or(now.mode),
        user: change.user.clone().unwrap_or(now.user),
        group: change.group.clone().unwrap_or(now.group),
    }
}

fn permit_part(tree: &mut NodeTree, part: &UnitPart, change: &PermissionChange) {
    let permissions = &mut tree.unit_mut(&part.unit).permissions;
    let now = permissions.get(&part.dropin).cloned();
    permissions.insert(
        part.dropin.clone(),
        changed(now.unwrap_or_default(), change),
    );
}

/// The files of a unit that are ours.
fn parts(tree: &NodeTree, name: &str) -> Vec<UnitPart> {
    let Some(unit) = tree.units().get(name).filter(|unit| !unit.masked) else {
        return Vec::new();
    };
    let file = unit.text.iter().map(|_| None);
    let dropins = unit.dropins.keys().cloned().map(Some);
    file.chain(dropins)
        .map(|dropin| UnitPart {
            unit: name.to_owned(),
            dropin,
        })
        .collect()
}

fn has_part(tree: &NodeTree, part: &UnitPart) -> bool {
    parts(tree, &part.unit).contains(part)
}
