//! Where the units and the declared entries of a tree are at odds. A tree keeps them apart, but on the node they are the
//! same files.

use crate::model::NodePath;
use crate::tree::{EntryKind, NodeTree, UNIT_FOLDER};

/// A unit that cannot be where it must, because of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The unit's name.
    pub unit: String,
    /// The entry's path.
    pub entry: NodePath,
    /// The rule and how it is broken.
    pub message: String,
}

impl NodeTree {
    /// All clashes, in the order of the units.
    pub fn clashes(&self) -> Vec<Clash> {
        let mut clashes = Vec::new();
        if self.keeps_off_units() {
            return clashes;
        }
        for (name, unit) in self.units() {
            for (path, _) in unit.entries(name) {
                let mut clash = |entry: &NodePath, message: String| {
                    clashes.push(Clash {
                        unit: name.clone(),
                        entry: entry.clone(),
                        message,
                    });
                };
                if let Some(entry) = self.get(path.as_str()) {
                    let origin = &entry.origin;
                    let rule = format!("{path} is a unit's file, and {origin} declares it too");
                    clash(&path, rule);
                }
                let above = path.ancestors().find_map(|above| {
                    let (path, entry) = self.entries().get_key_value(above)?;
                    (!matches!(entry.kind, EntryKind::Directory)).then_some((path, entry))
                });
                if let Some((above, entry)) = above {
                    let origin = &entry.origin;
                    let rule =
                        format!("{path} is below {above} of {origin}, which is not a directory");
                    clash(above, rule);
                }
            }
        }
        clashes
    }

    /// Whether no entry is where units go, and nothing above that folder but folders, as in almost every tree.
    fn keeps_off_units(&self) -> bool {
        let ends = UNIT_FOLDER.match_indices('/').skip(1).map(|(end, _)| end);
        let mut folders = ends.chain([UNIT_FOLDER.len()]);
        let is_folder = |end: usize| {
            let entry = self.get(&UNIT_FOLDER[..end]);
            entry.is_none_or(|entry| matches!(entry.kind, EntryKind::Directory))
        };
        folders.all(is_folder) && self.is_empty_below_units()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Content, Entry, Origin};

    /// The clashes of a tree with one unit, its drop-in and one entry.
    fn clashes(path: &str, entry: Entry) -> Vec<String> {
        let origin = Origin("t".into());
        let mut tree = NodeTree::default();
        let unit = tree.unit_mut("a.service");
        let text = || (Content::bytes("x"), origin.clone());
        unit.text = Some(text());
        unit.dropins.insert("10-x.conf".to_owned(), text());
        let path = NodePath::parse(path).expect("a good path");
        tree.add(path, entry).expect("an empty tree");
        let clashes = tree.clashes().into_iter();
        clashes.map(|clash| clash.message).collect()
    }

    #[test]
    fn entries_at_and_above_units_clash_wherever_they_are() {
        let origin = || Origin("o".into());
        let file = || Entry::file(Content::bytes("x"), 0o644, origin());
        let folder = || Entry::directory(0o755, origin());
        let link = || Entry::symlink("/x", origin());
        let clashing = [
            ("/etc", file(), 2),
            ("/etc", link(), 2),
            ("/etc/systemd", link(), 2),
            ("/etc/systemd/system", file(), 2),
            ("/etc/systemd/system", link(), 2),
            ("/etc/systemd/system/a.service", file(), 1),
            ("/etc/systemd/system/a.service", folder(), 1),
            ("/etc/systemd/system/a.service.d", file(), 1),
            ("/etc/systemd/system/a.service.d/10-x.conf", link(), 1),
        ];
        for (path, entry, count) in clashing {
            assert_eq!(clashes(path, entry).len(), count, "{path}");
        }
        for (path, entry) in [
            ("/etc", folder()),
            ("/etc/systemd/system", folder()),
            ("/etc/systemd/system.conf", file()),
            ("/etc/systemd/system/a.service.d", folder()),
            ("/etc/systemd/system/a.service.d/20-x.conf", file()),
            ("/etc/systemd/systems/a.service", file()),
            ("/usr", link()),
        ] {
            assert_eq!(clashes(path, entry), [""; 0], "{path}");
        }
    }
}
