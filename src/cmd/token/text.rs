//! The texts of `token expiring`, `token import` and `token encrypt`.

use std::fmt::Write;
use std::path::Path;

use crate::project::tokens::Encrypted;
use crate::secrets::{Expiring, Imported};
use crate::terminal::shown;
use crate::timing::rfc3339;
use crate::wording::counted;

/// The nodes that need a new token.
pub fn expiring(expiring: &[Expiring], within: &str) -> String {
    let mut text = String::new();
    for found in expiring {
        let id = found.id.as_deref().unwrap_or_default();
        let at = found.expires.as_deref().unwrap_or_default();
        let node = &found.node;
        // Writing to a String cannot fail.
        let _ = match (&found.id, found.expired) {
            (None, _) => writeln!(text, "{node}: has no token"),
            (_, true) => writeln!(text, "{node}: {id} expired at {at}"),
            (_, false) => writeln!(text, "{node}: {id} expires at {at}"),
        };
    }
    if expiring.is_empty() {
        let _ = writeln!(text, "no token expires within {within}");
    }
    text
}

/// The tokens that were taken over, and those that were not.
pub fn imported(imported: &Imported) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for taken in &imported.taken {
        let until = rfc3339(taken.expires).unwrap_or_default();
        let (node, id) = (&taken.node, &taken.id);
        let _ = writeln!(text, "{node}: took {id}, good until {until}");
    }
    for left in &imported.left_out {
        let id = shown(left.id.as_deref().unwrap_or("a token"));
        let _ = writeln!(text, "left out {id}: {}", shown(&left.reason));
    }
    if text.is_empty() {
        text.push_str("there is no bootstrap token in it\n");
    }
    text
}

/// The number of encrypted tokens.
pub fn encrypted(done: &Encrypted) -> String {
    let Encrypted {
        file,
        tokens,
        recipients,
    } = done;
    format!(
        "{file}: {}, encrypted for {}\n",
        counted(*tokens, "token"),
        counted(*recipients, "recipient")
    )
}

/// That no node is named, which clap cannot ask for: DIR, which may be left out, comes before.
pub fn no_nodes(dir: &Path, advice: &str) -> String {
    if dir.symlink_metadata().is_ok() {
        return format!("no node is named: {advice}");
    }
    let (shown, advice) = (dir.display(), "write `.` before it for the one here");
    format!("{shown} is taken as the project's folder: {advice}")
}
