//! `output.sysext`: whether nodes' programs are written as a system extension, and for which systems.

use crate::inventory::cursor::Cursor;
use crate::model::output::Sysext;
use crate::yaml::Value;

/// Reads `sysext`: true, or a map.
pub fn read(at: &Cursor<'_>) -> Option<Sysext> {
    let mut sysext = Sysext {
        id: "_any".to_owned(),
        version_id: None,
        level: None,
        arch: String::new(),
    };
    if !matches!(at.located().value, Value::Map(_)) {
        return at.bool()?.then_some(sysext);
    }
    let fields = at.fields()?;
    let text = |key| fields.optional(key).and_then(|at| at.parse(word));
    if let Some(id) = text("id") {
        sysext.id = id;
    }
    sysext.version_id = text("versionID");
    sysext.level = text("level");
    let any = fields
        .optional("id")
        .is_none_or(|at| at.string() == Some("_any"));
    fields.finish();
    if any && (sysext.version_id.is_some() || sysext.level.is_some()) {
        at.error("a version or level is one of a system, so id must name it");
    }
    Some(sysext)
}

/// What os-release takes without quotes.
fn word(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match !text.is_empty() && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is no plain word of os-release")),
    }
}
