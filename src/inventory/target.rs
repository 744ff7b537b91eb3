//! Where a payload goes, which may not be larger than that takes: the name of a platform, or the limit of another one.

use crate::inventory::cursor::Cursor;
use crate::model::output::limits::{Count, Limit};
use crate::yaml::Value;

/// Reads a target: one of the names, or a map with a limit.
pub fn target<T: Copy>(
    at: &Cursor<'_>,
    named: &[(&str, T)],
    other: impl Fn(Limit) -> T,
) -> Option<T> {
    if !matches!(at.located().value, Value::Map(_)) {
        return at.choice(named);
    }
    let fields = at.fields()?;
    let max_bytes = fields
        .required("maxBytes")
        .and_then(|at| at.integer::<u64>());
    let count = fields
        .required("count")
        .and_then(|at| at.choice(&[("raw", Count::Raw), ("base64", Count::Base64)]));
    fields.finish();
    Some(other(Limit {
        max_bytes: max_bytes?,
        count: count?,
    }))
}
