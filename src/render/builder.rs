//! Building a tree: who may write where, what is a unit, and which paths no node should be given.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::inventory::Spec;
use crate::model::FieldLocation;
use crate::model::NodePath;
use crate::model::output::Sysext;
use crate::render::unit_part::{UnitPart, unit_of};
use crate::report::{Finding, Id};
use crate::tree::{Content, Entry, EntryKind, NodeTree, Origin, Permissions};
use crate::yaml::Located;

/// A tree in the making, and what was wrong with it.
pub struct TreeBuilder {
    spec: Arc<Spec>,
    pub(super) tree: NodeTree,
    pub(super) findings: Vec<Finding>,
    /// Where the texts of units are, by unit and drop-in.
    unit_spots: BTreeMap<(String, Option<String>), FieldLocation>,
    /// Where entries were asked for.
    locations: BTreeMap<NodePath, FieldLocation>,
    /// Where their texts were written, where that is elsewhere.
    texts: BTreeMap<NodePath, FieldLocation>,
}

impl TreeBuilder {
    /// An empty tree of a node whose layers say this.
    pub fn new(spec: Arc<Spec>) -> Self {
        Self {
            spec,
            tree: NodeTree::default(),
            findings: Vec::new(),
            unit_spots: BTreeMap::new(),
            locations: BTreeMap::new(),
            texts: BTreeMap::new(),
        }
    }

    /// The tree and what is wrong with it; only findings where something is not in it that should be.
    pub fn finish(mut self) -> Result<(NodeTree, Vec<Finding>), Vec<Finding>> {
        for clash in self.tree.clashes() {
            if let Some(location) = self.locations.get(&clash.entry) {
                let rule = format!("{}: {}", clash.unit, clash.message);
                let repair = "remove one of the two";
                self.findings
                    .push(location.finding(Id::UnitClash, rule).help(repair));
            }
        }
        let is_incomplete = |finding: &Finding| finding.id.entry().firm.is_some();
        if !self.findings.iter().any(is_incomplete) {
            Ok((self.tree, self.findings))
        } else {
            Err(self.findings)
        }
    }

    /// What was wrong with a tree that is given up.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// What the node's layers say.
    pub fn merged(&self) -> &Located {
        &self.spec.merged
    }

    /// Where a unit's text is, or one of its drop-ins.
    pub fn unit_location(&self, unit: &str, dropin: Option<&str>) -> Option<&FieldLocation> {
        let key = (unit.to_owned(), dropin.map(str::to_owned));
        self.unit_spots.get(&key)
    }

    /// Where the text of a file was written.
    pub fn text_location(&self, path: &NodePath) -> Option<&FieldLocation> {
        self.texts.get(path).or_else(|| self.locations.get(path))
    }

    /// Tells where the text of an entry was written that was added at a path.
    pub fn set_text_location(&mut self, path: &str, location: &FieldLocation) {
        if let Ok(path) = NodePath::parse(path)
            && self.locations.contains_key(&path)
        {
            self.texts.insert(path, location.clone());
        }
    }

    /// Where an entry was asked for.
    pub fn entry_location(&self, path: &NodePath) -> Option<FieldLocation> {
        self.locations.get(path).cloned()
    }

    /// The tree so far.
    pub fn so_far(&self) -> &NodeTree {
        &self.tree
    }

    /// The tree itself, for the state of units.
    pub fn tree(&mut self) -> &mut NodeTree {
        &mut self.tree
    }

    /// The number of findings.
    pub fn findings(&self) -> usize {
        self.findings.len()
    }

    /// Adds findings.
    pub fn fail(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// Takes a value, or adds its finding.
    pub fn take<T>(&mut self, result: Result<T, Finding>) -> Option<T> {
        result.map_err(|finding| self.findings.push(finding)).ok()
    }

    /// Adds an entry at a path as the user wrote it; a file in the unit folder becomes a unit.
    pub fn add(&mut self, path: &str, entry: Entry, replace: bool, location: &FieldLocation) {
        let rule = match NodePath::parse(path) {
            Ok(path) => match forbidden(&path) {
                Some(rule) => format!("{path}: {rule}"),
                None => {
                    self.check_writable(&path, &entry, location);
                    return self.location(path, entry, replace, location);
                }
            },
            Err(rule) => format!("{path:?}: {rule}"),
        };
        self.findings
            .push(location.finding(Id::PathForbidden, rule));
    }

    /// Finds an entry that the node's image could not take. An asset in a system extension is merged and not written.
    fn check_writable(&mut self, path: &NodePath, entry: &Entry, location: &FieldLocation) {
        let os = &self.spec.os;
        let Some(folder) = os.read_only_at(path) else {
            return;
        };
        let output = &self.spec.output;
        if entry.is_asset() && output.is_in_extension(path) {
            return;
        }
        let rule = format!(
            "{path} of {} is below {folder}, which is read-only on {}",
            entry.origin, os.name
        );
        let repair = if entry.is_asset() && output.sysext.is_some() && Sysext::holds(path) {
            "write the tarball or the initramfs payload alone, whose assets come apart: other formats write to the folder too"
        } else {
            "put it elsewhere, or correct os.readOnly and os.writable in a layer"
        };
        self.findings
            .push(location.finding(Id::PathReadOnly, rule).help(repair));
    }

    fn location(&mut self, path: NodePath, entry: Entry, replace: bool, location: &FieldLocation) {
        let unit = match &entry.kind {
            EntryKind::File(content) if !entry.secret => {
                unit_of(&path).map(|unit| (unit, content.clone()))
            }
            _ => None,
        };
        if let Some((part, content)) = unit {
            let source = UnitSource {
                part,
                content,
                permissions: Permissions::of(&entry),
                origin: entry.origin,
                location: location.clone(),
            };
            return self.unit_text(source, replace, location);
        }
        let placed = if replace {
            self.tree.replace(path.clone(), entry)
        } else {
            self.tree.add(path.clone(), entry)
        };
        match placed {
            Ok(()) => {
                self.texts.remove(&path);
                self.locations.insert(path, location.clone());
            }
            Err(conflict) => self.findings.push(
                location
                    .finding(Id::PathWrittenTwice, conflict.rule)
                    .help(LEAVE),
            ),
        }
    }

    /// Sets a unit's text or drop-in.
    pub fn unit_text(&mut self, source: UnitSource, replace: bool, location: &FieldLocation) {
        let part = source.part;
        let text = (source.content, source.origin);
        let unit = self.tree.unit_mut(&part.unit);
        let first = match &part.dropin {
            None => unit.text.as_ref(),
            Some(dropin) => unit.dropins.get(dropin),
        };
        if let Some((_, first)) = first
            && !replace
        {
            let rule = format!("{} is written by {first} and by {}", part.path(), text.1);
            self.findings
                .push(location.finding(Id::PathWrittenTwice, rule).help(LEAVE));
            return;
        }
        let key = (part.unit.clone(), part.dropin.clone());
        unit.permissions
            .insert(part.dropin.clone(), source.permissions);
        self.unit_spots.insert(key, source.location);
        match part.dropin {
            None => unit.text = Some(text),
            Some(dropin) => drop(unit.dropins.insert(dropin, text)),
        }
    }
}

const LEAVE: &str = "remove one, or let the later one replace the earlier with `replace: true`";

/// The text of a unit or of a drop-in, and where it was written.
pub struct UnitSource {
    /// Which text it is.
    pub part: UnitPart,
    /// The text.
    pub content: Content,
    /// Who wrote it.
    pub origin: Origin,
    /// Its mode and owners.
    pub permissions: Permissions,
    /// Where the text itself is.
    pub location: FieldLocation,
}

/// Paths that would damage an image, or that the node would never see.
fn forbidden(path: &NodePath) -> Option<&'static str> {
    let top = path.relative().split('/').next().unwrap_or_default();
    match top {
        "bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32" => Some(
            "on a merged-/usr system this replaces a symbolic link that the system lives by; write it below /usr",
        ),
        "proc" | "sys" | "dev" | "run" | "tmp" => {
            Some("is on a file system that is made again at every boot")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::keys::read_text;
    use crate::model::Location;

    #[test]
    fn paths_that_damage_an_image_are_refused() {
        let text =
            "kubernetes: v1.34.4\nos: {name: stone, readOnly: [/usr], writable: [/usr/local]}\n";
        let spec = read_text::<Spec>(text).0.expect("a spec");
        let mut builder = TreeBuilder::new(spec.into());
        let location = FieldLocation::new(Location::file("t"), "files");
        let file = Entry::file(Content::bytes("x"), 0o644, Origin("t".into()));
        for bad in [
            "/lib/modules/x",
            "/run/x",
            "/etc/../x",
            "relative",
            "/usr/bin/x",
        ] {
            builder.add(bad, file.clone(), false, &location);
        }
        builder.add("/libx/ok", file.clone(), false, &location);
        builder.add("/usr/local/ok", file, false, &location);
        let findings = builder.finish().expect_err("five findings");
        assert_eq!(findings.len(), 5);
        assert!(
            findings[4].message.contains("read-only on stone"),
            "{findings:?}"
        );
    }
}
