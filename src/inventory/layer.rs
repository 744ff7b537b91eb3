//! Layers: what built-in defaults, profiles, the cluster and a node say, merged. Maps merge deeply,
//! scalars and lists are replaced, `null` removes. A merged value keeps the location of the layer that set it.

use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::Keys;
use crate::inventory::spec::Spec;
use crate::yaml::{Located, Map, Value};

/// Merges `over` into `base`. What neither changes is shared, not copied.
pub fn merge(base: &Located, over: &Located) -> Located {
    let (Value::Map(below), Value::Map(above)) = (&base.value, &over.value) else {
        return without_nulls(over);
    };
    if above.is_empty() {
        return base.clone();
    }
    let mut merged: Map = Map::clone(below);
    for (key, field) in above.iter() {
        if field.value.value == Value::Null {
            merged.shift_remove(key);
            continue;
        }
        match merged.get_mut(key) {
            Some(existing) => {
                existing.value = merge(&existing.value, &field.value);
                existing.key = field.key.clone();
            }
            None => {
                let mut field = field.clone();
                field.value = without_nulls(&field.value);
                merged.insert(key.clone(), field);
            }
        }
    }
    Located {
        location: over.location.clone(),
        value: Value::Map(Arc::new(merged)),
    }
}

/// A layer over those below it.
pub fn over(below: Option<Arc<Located>>, layer: &Arc<Located>) -> Option<Arc<Located>> {
    Some(match below {
        Some(below) => Arc::new(merge(&below, layer)),
        None => layer.clone(),
    })
}

/// The layer's part of a node, of a profile or of the cluster; None if it says nothing.
pub fn layer(at: &Cursor<'_>) -> Option<Arc<Located>> {
    let whole = at.located();
    let entries: Vec<(Arc<str>, Located)> = whole
        .as_map()?
        .iter()
        .filter(|(key, _)| Spec::TABLE.field(key).is_some())
        .map(|(key, field)| (key.clone(), field.value.clone()))
        .collect();
    if entries.is_empty() {
        None
    } else {
        Some(Arc::new(Located::map(&whole.location, entries)))
    }
}

/// A `null` that has nothing to remove removes nothing.
fn without_nulls(value: &Located) -> Located {
    let Value::Map(entries) = &value.value else {
        return value.clone();
    };
    if !has_null(value) {
        return value.clone();
    }
    let kept = entries
        .iter()
        .filter(|(_, field)| field.value.value != Value::Null)
        .map(|(key, field)| {
            let mut field = field.clone();
            field.value = without_nulls(&field.value);
            (key.clone(), field)
        });
    Located {
        location: value.location.clone(),
        value: Value::Map(Arc::new(kept.collect())),
    }
}

fn has_null(value: &Located) -> bool {
    match &value.value {
        Value::Null => true,
        Value::Map(entries) => entries.values().any(|field| has_null(&field.value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    fn read(file: &str, text: &str) -> Located {
        crate::yaml::parse(&file.into(), text, &mut Report::default()).expect("valid YAML")
    }

    #[test]
    fn maps_merge_scalars_and_lists_replace_null_removes() {
        let base = read("base", "a: {p: 1, q: 2, r: 3}\nl: [1, 2]\nk: v\n");
        let over = read(
            "over",
            "a: {q: 5, r: null, s: {t: null, u: 1}}\nl: [3]\nabsent: null\n",
        );
        let text = crate::yaml::to_text(&merge(&base, &over)).expect("writable");
        assert_eq!(text, "a:\n  p: 1\n  q: 5\n  s:\n    u: 1\nl:\n- 3\nk: v\n");
    }

    #[test]
    fn each_value_remembers_the_layer_that_set_it() {
        let merged = merge(
            &read("base", "a: {x: 1, y: 2}\n"),
            &read("over", "a: {y: 5}\n"),
        );
        let location = |key| {
            let value = merged.get("a").and_then(|a| a.get(key)).expect("there");
            value.location.to_string()
        };
        assert_eq!(
            (location("x").as_str(), location("y").as_str()),
            ("base:1:8", "over:1:8")
        );
    }
}
