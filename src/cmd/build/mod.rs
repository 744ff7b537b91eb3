//! `nodebake build`: every node's payloads and the cluster's manifests, as one signed bundle.

mod baking;
mod choice;
mod progress;
mod seal;
mod upgrade;

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::Build;
use crate::cmd::project::{prepare, say};
use crate::error::{Exit, Result};
use crate::report::Report;

/// Where things are when the user does not say.
const OUT: &str = "out";

/// Runs `build`.
pub fn run(args: &Build) -> Result<Exit> {
    if let Some(jobs) = args.jobs {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.get());
        pool.build_global().context("starting threads")?;
    }
    let mut report = Report::default();
    let dir = &args.project.dir;
    let signer = seal::signer(args, &mut report)?;
    let prepared = prepare(dir, &args.project.reading, &mut report)?;
    if args.project.reading.strict {
        report.make_strict();
    }
    if report.has_errors() {
        // Nothing will be written, so what else is wrong is looked for too.
        if let Some(prepared) = &prepared {
            let _ = prepared.check_nodes(&mut report)?;
        }
        if args.project.reading.strict {
            report.make_strict();
        }
    }
    let Some(prepared) = prepared.filter(|_| !report.has_errors()) else {
        say(&report)?;
        return Ok(Exit::Findings);
    };
    let out = args.out.clone().unwrap_or_else(|| out_of(dir));
    let outcome = baking::bake(args, &prepared, &out, signer)?;
    prepared.add(outcome.findings, &mut report);
    if args.project.reading.strict {
        report.make_strict();
    }
    say(&report)?;
    let Some(finished) = outcome.finished else {
        return Ok(Exit::Findings);
    };
    progress::print(args, &prepared, &seal::target(args, &out), &finished)?;
    Ok(Exit::Good)
}

/// The bundle's folder where the user names none.
fn out_of(dir: &Path) -> PathBuf {
    match dir == Path::new(".") {
        true => OUT.into(),
        false => dir.join(OUT),
    }
}
