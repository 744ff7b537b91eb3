//! What layers remove with `null` from `files`, `directories`, `links` and `units`. Merging takes it out of the layers; what overlays
//! write is known only when a node is made, so the paths are remembered.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::inventory::text::Text;
use crate::model::FieldLocation;
use crate::yaml::{Located, Value};

/// Maps of a layer whose keys are paths or units, and whether they are units.
const SECTIONS: [(&str, bool); 4] = [
    ("files", false),
    ("directories", false),
    ("links", false),
    ("units", true),
];

/// One path or unit that a layer sets to null, and no layer above it sets again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// A path, which may be a template, or a unit's name; and where.
    pub name: Text,
    /// Whether it is a unit's name.
    pub is_unit: bool,
    /// Whether a layer below had it, so that the null has removed something already.
    pub had_below: bool,
}

/// A section, and a key in it.
type Key<'l> = (&'l str, &'l Arc<str>);

/// What the layers of a node remove; from the lowest layer to the highest.
pub fn removals<'l>(layers: impl Iterator<Item = &'l Arc<Located>>) -> Vec<Removal> {
    // Of each key that some layer has: the last null, and whether a value is below it.
    let mut seen: IndexMap<Key<'_>, (Option<Removal>, bool)> = IndexMap::new();
    for layer in layers {
        for (section, is_unit) in SECTIONS {
            let entries = layer.get(section).and_then(Located::as_map);
            for (key, field) in entries.into_iter().flat_map(|map| map.iter()) {
                let (removal, was_set) = seen.entry((section, key)).or_default();
                if field.value.value != Value::Null {
                    (*removal, *was_set) = (None, true);
                    continue;
                }
                let name = Text {
                    text: key.clone(),
                    location: FieldLocation::new(field.key.clone(), format!("{section}.{key}")),
                };
                *removal = Some(Removal {
                    name,
                    is_unit,
                    had_below: *was_set,
                });
            }
        }
    }
    seen.into_values()
        .filter_map(|(removal, _)| removal)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    #[test]
    fn a_null_counts_until_a_layer_above_it_sets_the_path_again() {
        let layer = |text: &str| {
            let read = crate::yaml::parse(&"a".into(), text, &mut Report::default());
            Arc::new(read.expect("valid YAML"))
        };
        let layers = [
            layer("files: {/a: {content: x}, /b: {content: x}}\nunits: {c.service: null}\n"),
            layer("files: {/a: null, /b: null, /d: null}\nlinks: {/e: null}\n"),
            layer("files: {/b: {content: y}}\nhostname: null\n"),
        ];
        let found = removals(layers.iter());
        let found: Vec<_> = found
            .iter()
            .map(|one| {
                (
                    &*one.name.text,
                    &*one.name.location.path,
                    one.is_unit,
                    one.had_below,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("/a", "files./a", false, true),
                ("c.service", "units.c.service", true, false),
                ("/d", "files./d", false, false),
                ("/e", "links./e", false, false),
            ]
        );
    }
}
