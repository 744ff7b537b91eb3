//! `nodebake build`: every node's payloads and the cluster's manifests, as one signed bundle.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;
use serde_json::Value;

use crate::cli::{Build, Print};
use crate::cmd::print_findings;
use crate::cmd::progress::Bar;
use crate::error::{Exit, Result};
use crate::project::{Built, build};
use crate::report::Report;
use crate::terminal;
use crate::timing::rfc3339;
use crate::wording::counted;

/// Runs `build`.
pub fn run(args: &Build) -> Result<Exit> {
    if let Some(jobs) = args.jobs {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.get());
        pool.build_global().context("starting threads")?;
    }
    let mut report = Report::default();
    let built = build(&args.request(), &Bar::default(), &mut report)?;
    print_findings(&report)?;
    let Some(built) = built else {
        return Ok(Exit::Findings);
    };
    print(args.print, &built)?;
    Ok(Exit::Good)
}

fn print(form: Print, built: &Built) -> Result<()> {
    let mut stdout = terminal::stdout();
    let finished = &built.finished;
    let until = built.usable_until.and_then(rfc3339).unwrap_or_default();
    match form {
        Print::Text => {
            let signed = if finished.signed {
                "signed"
            } else {
                "not signed"
            };
            writeln!(
                stdout,
                "{}: {}, {}, {}, {signed}, usable until {until}",
                built.folder.display(),
                counted(finished.nodes, "node"),
                counted(finished.files, "file"),
                counted(finished.bytes, "byte")
            )?;
        }
        Print::Json => {
            let mut said: BTreeMap<String, Value> =
                serde_json::from_value(serde_json::to_value(finished)?)?;
            said.insert("usableUntil".to_owned(), until.into());
            terminal::write_json(&mut stdout, &said)?;
        }
    }
    Ok(())
}
