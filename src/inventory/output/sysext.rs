//! `output.sysext`: whether nodes' programs are written as a system extension, and for which systems.

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{keys, texts};
use crate::inventory::text::{checked, made_of};
use crate::model::output::Sysext;
use crate::report::Id;

keys! {
    for Sysext: "sysext", as Sysext = sysext {
        /// the system's ID in os-release
        "id" => id: OsReleaseWord = "_any",
        /// its VERSION_ID
        "versionID" => version_id: Option<OsReleaseWord>,
        /// its SYSEXT_LEVEL
        "level" => level: Option<OsReleaseWord>,
    }
}

texts! {
    /// What os-release takes without quotes.
    OsReleaseWord or NameInvalid: String = word, r"^[A-Za-z0-9._-]+$", ["debian"];
}

fn sysext(sysext: Sysext, at: &Cursor<'_>) -> Option<Sysext> {
    let id = at.find(&["id"]);
    let any = id.is_none_or(|id| id.located().as_str() == Some("_any"));
    if any && (sysext.version_id.is_some() || sysext.level.is_some()) {
        at.report(
            Id::FieldsExclusive,
            "a version or level is one of a system, so id must name it",
        );
    }
    Some(sysext)
}

fn word(text: &str) -> Result<String, String> {
    checked(text, made_of(text, "._-"), || {
        format!("must be a plain word of os-release; got {text:?}")
    })
}
