//! What is too large for its target, said with what makes it so.

use crate::error::Result;
use crate::payload::cloud_init::FILE_NAMES;
use crate::payload::cloud_init::fallback::{Account, accounts, largest};
use crate::payload::{Forms, Job, Objection};
use crate::report::Id;
use crate::wording::counted;

/// The documents that no form makes small enough.
pub fn oversize(job: &Job<'_>, forms: &Forms) -> Result<Vec<Objection>> {
    if job.settings.cloud_init.target.limit().is_none() {
        return Ok(Vec::new());
    }
    let mut objections = Vec::new();
    for account in accounts(job, forms)? {
        if account.fallback().is_none() {
            let largest = largest(job, account.selection, forms)?;
            let subject = format!("{}{}", FILE_NAMES[0], account.selection.infix());
            let least = account.steps.iter().filter_map(|step| step.counted).min();
            let rule = rule(job, &account, least, &largest);
            let objection =
                Objection::new(Id::PayloadTooLarge, subject, rule).asked_by("output.cloudInit");
            objections.push(objection.counts(least.unwrap_or(u64::MAX)));
        }
    }
    Ok(objections)
}

fn rule(job: &Job<'_>, account: &Account, least: Option<u64>, largest: &[(String, u64)]) -> String {
    let settings = &job.settings.cloud_init;
    let limit = account.limit.map_or(0, |limit| limit.max_bytes);
    let size = least.map_or_else(
        || "far larger".to_owned(),
        |least| format!("{} in its smallest form", counted(least, "byte")),
    );
    let largest: Vec<String> = largest
        .iter()
        .map(|(path, bytes)| format!("{path} {bytes}"))
        .collect();
    let fetch = match settings.url {
        None => "set output.cloudInit.url, or ",
        Some(_) => "",
    };
    format!(
        "is {size}, and {} takes {limit}; the largest files are {}; {fetch}move files into the image",
        settings.target.name(),
        largest.join(", ")
    )
}
