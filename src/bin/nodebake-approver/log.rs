//! Structured logs: one JSON object a line, on stderr.

use std::io::Write;

use nodebake::redact::redacted;
use nodebake::terminal;
use nodebake::timing::rfc3339;
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// Writes a line. A reader that is gone is no reason to stop.
pub fn line(level: &str, message: &str, fields: &[(&str, &str)]) {
    let mut object = Map::new();
    let now = rfc3339(OffsetDateTime::now_utc()).unwrap_or_default();
    for (key, value) in [
        ("time", now.as_str()),
        ("level", level),
        ("message", message),
    ] {
        object.insert(key.to_owned(), Value::from(value));
    }
    for (key, value) in fields {
        object.insert((*key).to_owned(), Value::from(&*redacted(value)));
    }
    let mut text = Value::Object(object).to_string();
    text.push('\n');
    let _ = terminal::stderr().write_all(text.as_bytes());
}

/// Something that was done or decided.
pub fn info(message: &str, fields: &[(&str, &str)]) {
    line("info", message, fields);
}

/// Something that needs a person, sooner or later.
pub fn warn(message: &str, fields: &[(&str, &str)]) {
    line("warn", message, fields);
}
