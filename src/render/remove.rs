//! `null` of a layer removes what overlays write at a path, or a unit. It comes after the overlays and before everything else, so
//! that only what overlays write can go.

use crate::inventory::Removal;
use crate::model::{FieldLocation, NodePath};
use crate::render::NodeRendering;
use crate::render::builder::TreeBuilder;
use crate::render::unit_part::UnitPart;
use crate::report::Id;
use crate::tree::NodeTree;

impl NodeRendering<'_> {
    /// Removes what layers say is not to be there.
    pub(super) fn removals(&mut self) {
        for (name, removal) in &self.class.removals {
            if let Some(name) = self.render(name) {
                self.builder.remove(&name, removal);
            }
        }
    }
}

impl TreeBuilder {
    fn remove(&mut self, name: &str, removal: &Removal) {
        let location = &removal.name.location;
        let is_gone = if removal.is_unit {
            self.tree.remove_unit(name).is_some()
        } else {
            match NodePath::parse(name) {
                Ok(path) => remove_path(&mut self.tree, &path),
                Err(rule) => {
                    let rule = format!("{name:?}: {rule}");
                    self.findings
                        .push(location.finding(Id::PathForbidden, rule));
                    return;
                }
            }
        };
        if !is_gone && !removal.had_below {
            self.removed_nothing(name, location);
        }
    }

    /// A built-in profile speaks of what most nodes have; a node without it is no mistake of the user.
    fn removed_nothing(&mut self, name: &str, location: &FieldLocation) {
        if location.at.file.starts_with("built-in:") {
            return;
        }
        let rule =
            format!("no layer and no overlay of this node has {name}, so null removes nothing");
        let finding = location.finding(Id::RemovalUnused, rule);
        self.findings
            .push(finding.help("correct the path, or remove the line"));
    }
}

/// Removes an entry and all that is below it, files of units too; whether there was any.
fn remove_path(tree: &mut NodeTree, path: &NodePath) -> bool {
    let below = format!("{path}/");
    let is_meant = |other: &str| other == path.as_str() || other.starts_with(&below);
    let gone: Vec<NodePath> = tree
        .entries()
        .keys()
        .filter(|other| is_meant(other.as_str()))
        .cloned()
        .collect();
    for path in &gone {
        tree.remove(path);
    }
    let mut parts = Vec::new();
    for (name, unit) in tree.units() {
        let file = unit.text.iter().map(|_| None);
        let dropins = unit.dropins.keys().map(|dropin| Some(dropin.clone()));
        let all = file.chain(dropins).map(|dropin| UnitPart {
            unit: name.clone(),
            dropin,
        });
        parts.extend(all.filter(|part| is_meant(&part.path())));
    }
    for part in &parts {
        let unit = tree.unit_mut(&part.unit);
        unit.permissions.remove(&part.dropin);
        match &part.dropin {
            None => unit.text = None,
            Some(dropin) => drop(unit.dropins.remove(dropin)),
        }
        // A unit of which nothing is left is not enabled either.
        if unit.text.is_none() && unit.dropins.is_empty() {
            tree.remove_unit(&part.unit);
        }
    }
    !gone.is_empty() || !parts.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Content, Entry, Origin};

    #[test]
    fn what_is_below_a_path_goes_with_it() {
        let mut tree = NodeTree::default();
        let origin = || Origin("overlay x".into());
        for path in ["/etc/a", "/etc/a.d/b", "/etc/a.d/c/d", "/etc/ab"] {
            let path = NodePath::parse(path).expect("a path");
            tree.add(path, Entry::file(Content::bytes("x"), 0o644, origin()))
                .expect("free");
        }
        let unit = tree.unit_mut("x.service");
        unit.enabled = Some(true);
        unit.text = Some((Content::bytes("[Service]\n"), origin()));
        unit.dropins.insert(
            "10-a.conf".to_owned(),
            (Content::bytes("[Unit]\n"), origin()),
        );
        let mut remove = |path: &str| {
            let path = NodePath::parse(path).expect("a path");
            let is_gone = remove_path(&mut tree, &path);
            (is_gone, tree.entries().len(), tree.units().len())
        };
        assert_eq!(remove("/etc/a"), (true, 3, 1));
        assert_eq!(remove("/etc/a"), (false, 3, 1));
        assert_eq!(remove("/etc/a.d"), (true, 1, 1));
        assert_eq!(
            remove("/etc/systemd/system/x.service.d/10-a.conf"),
            (true, 1, 1)
        );
        assert_eq!(remove("/etc/systemd/system/x.service"), (true, 1, 0));
    }
}
