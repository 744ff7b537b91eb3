//! Values of an object that is read, by their paths.

use crate::model::Location;
use crate::report::{Finding, Id};
use crate::yaml::{Located, Value};

/// What a text field holds, by its path.
pub fn text<'a>(tree: &'a Located, path: &[&str]) -> Option<&'a str> {
    at(tree, path)?.as_str()
}

/// The value at a path.
pub fn at<'a>(tree: &'a Located, path: &[&str]) -> Option<&'a Located> {
    path.iter().try_fold(tree, |at, key| at.get(key))
}

/// The items of a list at a path; none where there is no list.
pub fn items<'a>(tree: &'a Located, path: &[&str]) -> &'a [Located] {
    match at(tree, path).map(|list| &list.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// An object's name.
pub fn name(tree: &Located) -> &str {
    text(tree, &["metadata", "name"]).unwrap_or_default()
}

/// A finding about a value that is not what it should be.
pub fn invalid(at: &Location, field: &str, rule: impl Into<String>) -> Finding {
    Finding::new(Id::ImportInvalid, at, field, rule)
}
