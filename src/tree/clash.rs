//! Where the units and the declared entries of a tree are at odds. A tree keeps them apart, but on the node they are the
//! same files.

use crate::model::NodePath;
use crate::tree::{EntryKind, NodeTree};

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
}
