//! `nodebake check --policy`: the report of a security benchmark.

use crate::cli::{Check, FindingsFormat, PolicyName, Print};
use crate::cmd::{print, print_findings, usage};
use crate::error::{Exit, Result};
use crate::policy::text;
use crate::project::{Reading, policy};
use crate::report::Report;

/// Judges and prints.
pub(super) fn run(args: &Check, name: PolicyName, reading: &Reading) -> Result<Exit> {
    let output = match args.format {
        FindingsFormat::Text => args.output.unwrap_or_default(),
        FindingsFormat::Json => Print::Json,
        FindingsFormat::Sarif | FindingsFormat::Github => {
            return usage("--policy prints text or JSON");
        }
    };
    let mut report = Report::default();
    let found = policy(reading, name.wanted(), &mut report)?;
    print_findings(&report)?;
    let Some(found) = found else {
        return Ok(Exit::Findings);
    };
    print(output, &found, || text(&found))?;
    Ok(if report.has_errors() || found.has_failures() {
        Exit::Findings
    } else {
        Exit::Good
    })
}
