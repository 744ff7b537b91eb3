//! Values on the command line. What cannot be read is wrong usage, and is said before anything is looked at.

use std::num::NonZeroUsize;
use std::time::Duration;

use globset::Glob;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::kubernetes::kubelet_config::Schema;
use crate::kubernetes::version::Version;
use crate::timing::{DURATION_RULE, parse_duration};

/// A time.
pub(super) fn time(text: &str) -> Result<OffsetDateTime, String> {
    let rule = "a time must be like 2026-12-01T00:00:00Z (RFC 3339)";
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| rule.to_owned())
}

/// How long.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| DURATION_RULE.to_owned())
}

/// How long, in the user's words.
pub(super) fn duration_text(text: &str) -> Result<String, String> {
    duration(text).map(|_| text.to_owned())
}

/// How long something lives.
pub(super) fn lifetime(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must not be zero".to_owned()),
        time => Ok(time),
    }
}

/// How many: one, or more.
pub(super) fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "must be a whole number, 1 or more".to_owned())
}

/// Names of nodes.
pub(super) fn glob(text: &str) -> Result<String, String> {
    match Glob::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("must be a name or a glob: {}", error.kind())),
    }
}

/// The minor of a version that kubelets are known of.
pub(super) fn version(text: &str) -> Result<u32, String> {
    let minor = text.parse::<Version>()?.minor();
    let known = Schema::load().minors();
    if known.contains(&minor) {
        Ok(minor)
    } else {
        Err(format!(
            "must be a version of which something is known, 1.{} to 1.{}",
            known.start(),
            known.end()
        ))
    }
}
