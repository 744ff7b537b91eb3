//! One walk over two sides that have things by name: what only one of them has, and what both have. In: two maps. Out:
//! each name once, in order, with what either side has of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::diff::field::FieldChange;

/// How something differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

impl Change {
    /// How a thing differs that at least one side has.
    pub(super) fn of<V>(old: Option<V>, new: Option<V>) -> Self {
        match (old, new) {
            (None, _) => Self::Added,
            (_, None) => Self::Removed,
            _ => Self::Changed,
        }
    }
}

/// A name, and what the old and the new side have of it; at least one has something.
pub(super) type Pair<'a, K, V> = (&'a K, Option<&'a V>, Option<&'a V>);

/// The names of both sides in order.
pub(super) fn pairs<'a, K: Ord, V>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = Pair<'a, K, V>> {
    let names: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    let names = names.into_iter();
    names.map(|name| (name, old.get(name), new.get(name)))
}

/// The names for which both sides do not have the same, and how they differ.
pub(super) fn changes<'a, K: Ord, V: PartialEq>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (Change, Pair<'a, K, V>)> {
    let differing = pairs(old, new).filter(|(_, old, new)| old != new);
    differing.map(|pair| (Change::of(pair.1, pair.2), pair))
}

/// What sets the new values and takes away what is gone, as words of kubectl: `set` for each that is new or another,
/// `key-` for each that is gone.
pub(super) fn arguments(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    set: impl Fn(&str, &str) -> String,
) -> Vec<String> {
    let (mut all, mut gone) = (Vec::new(), Vec::new());
    for (_, (key, _, value)) in changes(old, new) {
        match value {
            Some(value) => all.push(set(key, value)),
            None => gone.push(format!("{key}-")),
        }
    }
    all.append(&mut gone);
    all
}

/// Changes of a part of something, told with the part's name.
pub(super) fn of_part(name: &str, mut changes: Vec<FieldChange>) -> Vec<FieldChange> {
    for change in &mut changes {
        change.path = match change.path.as_str() {
            "" => name.to_owned(),
            path => format!("{name}: {path}"),
        };
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_either_side_is_met_once() {
        let map = |all: &[(&'static str, u8)]| all.iter().copied().collect::<BTreeMap<_, _>>();
        let (old, new) = (
            map(&[("a", 1), ("b", 1), ("c", 1)]),
            map(&[("b", 2), ("c", 1), ("d", 1)]),
        );
        let found: Vec<_> = changes(&old, &new)
            .map(|(how, (name, ..))| (*name, how))
            .collect();
        assert_eq!(
            found,
            [
                ("a", Change::Removed),
                ("b", Change::Changed),
                ("d", Change::Added)
            ]
        );
        assert_eq!(pairs(&old, &new).count(), 4);
    }
}
