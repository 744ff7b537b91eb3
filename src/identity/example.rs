//! A CA certificate for the example inventory of `init`.

use std::time::Duration;

use time::OffsetDateTime;

use crate::error::Result;
use crate::identity::authority::Authority;

/// Makes a CA certificate as PEM, valid for `days` from a day before `now`, so that clocks may differ. Its key is
/// dropped at once and was never written: the certificate can sign nothing, and stands where the user's own belongs.
pub fn example_ca(name: &str, now: OffsetDateTime, days: u32) -> Result<String> {
    let lifetime = Duration::from_secs(u64::from(days) * 86_400);
    Ok(Authority::generate(name, now, lifetime)?.pem())
}
