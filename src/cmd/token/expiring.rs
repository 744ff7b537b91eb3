//! `token expiring`: who needs a new token soon, for a scheduled pipeline.

use std::fmt::Write;

use crate::cli::TokenExpiring;
use crate::cmd::token::{load, print};
use crate::error::{Exit, Result};
use crate::project::{joining, judged_at};
use crate::report::Report;
use crate::secrets::{Expiring, project_tokens};
use crate::timing::parse_duration;

/// Runs `token expiring`.
pub(super) fn run(args: &TokenExpiring, report: &mut Report) -> Result<Exit> {
    // The command line took it for one.
    let within = parse_duration(&args.within).unwrap_or_default();
    let at = judged_at(args.at);
    let Some(inventory) = load(&args.dir, &args.file, report)? else {
        return Ok(Exit::Findings);
    };
    let store = project_tokens(&args.dir, &args.file.secrets.choice(), report)?;
    if report.has_errors() {
        return Ok(Exit::Findings);
    }
    let expiring = store.expiring(joining(&inventory), at, within);
    print(args.file.output, &expiring, &text(&expiring, &args.within))?;
    Ok(match expiring.is_empty() {
        true => Exit::Good,
        false => Exit::Findings,
    })
}

fn text(expiring: &[Expiring], within: &str) -> String {
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
