//! A CA certificate for the example inventory of `init`.

use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

use crate::error::Result;
use crate::identity::CaBundle;
use crate::identity::authority::Authority;
use crate::input::{self, Limit};

/// The name of the example CA.
pub const EXAMPLE_CA: &str = "nodebake-example-ca";

/// Makes a CA certificate as PEM, valid for `days` from a day before `now`, so that clocks may differ. Its key is
/// dropped at once and was never written: the certificate can sign nothing, and takes the place of the user's own.
pub fn example_ca(name: &str, now: OffsetDateTime, days: u32) -> Result<String> {
    let lifetime = Duration::from_secs(u64::from(days) * 86_400);
    Ok(Authority::generate(name, now, lifetime)?.pem())
}

/// Whether a file holds that certificate and no other.
pub fn is_example_ca(path: &Path) -> bool {
    let bytes = input::read(path, Limit::mib(4)).unwrap_or_default();
    let subjects = CaBundle::subjects(&String::from_utf8_lossy(&bytes));
    matches!(&subjects[..], [only] if only == &format!("CN={EXAMPLE_CA}"))
}
