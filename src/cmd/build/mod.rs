//! `nodebake build`: every node's payloads and the cluster's manifests, as one signed bundle.

mod baking;
mod choice;
mod progress;
mod seal;
mod upgrade;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::bundle::{Finished, Signer, signatures_of_others};
use crate::cli::{Build, Print, Project};
use crate::cmd::project::{Prepared, SIGN_KEY, Tokens, prepare, say};
use crate::error::{Exit, Result};
use crate::model::Location;
use crate::report::{Finding, Report};

/// Where things are when the user does not say.
const OUT: &str = "out";

/// Runs `build`.
pub fn run(args: &Build) -> Result<Exit> {
    if let Some(jobs) = args.jobs {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.get());
        pool.build_global().context("starting threads")?;
    }
    let mut report = Report::default();
    let signer = seal::signer(args, &mut report)?;
    let dir = &args.project.dir;
    let out = args.out.clone().unwrap_or_else(|| out_of(dir));
    let Some((finished, prepared)) = make(args, (&out, &Tokens::File), signer, report)? else {
        return Ok(Exit::Findings);
    };
    progress::print(args, &prepared, &seal::target(args, &out), &finished)?;
    Ok(Exit::Good)
}

/// What a build makes of a project now, written to `out` to be looked at; false after findings. Nobody is to take it for a
/// bundle of the project's signer, but nodes that check their trees need some signature: without the project's key, that
/// of a key that is forgotten.
pub fn to_look_at(project: Project, tokens: &Tokens, out: &Path) -> Result<bool> {
    let mut report = Report::default();
    let path = project.dir.join(SIGN_KEY);
    let signer = match path.symlink_metadata() {
        Ok(_) => Signer::load(&path, SIGN_KEY, &mut report)?,
        Err(_) => Some(Signer::generate()?),
    };
    let args = Build {
        project,
        out: None,
        formats: Vec::new(),
        nodes: Vec::new(),
        upgrade_from: Vec::new(),
        jobs: None,
        key: None,
        unsigned: false,
        stage: None,
        trees: None,
        print: Print::Text,
    };
    Ok(make(&args, (out, tokens), signer.map(Arc::new), report)?.is_some())
}

/// Reads the project and makes the bundle; None after findings, which were printed.
fn make(
    args: &Build,
    (out, tokens): (&Path, &Tokens),
    signer: Option<Arc<Signer>>,
    mut report: Report,
) -> Result<Option<(Finished, Prepared)>> {
    let prepared = prepare(
        &args.project.folder()?,
        &args.project.reading,
        tokens,
        &mut report,
    )?;
    if args.project.reading.strict {
        report.make_strict();
    }
    if report.has_errors() {
        // Nothing will be written, so what else is wrong is looked for too.
        if let Some(prepared) = &prepared {
            prepared.check_nodes(&mut report)?;
        }
        if args.project.reading.strict {
            report.make_strict();
        }
    }
    let Some(prepared) = prepared.filter(|_| !report.has_errors()) else {
        say(&report)?;
        return Ok(None);
    };
    let target = seal::target(args, out);
    let stale = signatures_of_others(&target);
    let outcome = baking::bake(args, &prepared, out, signer)?;
    prepared.add(outcome.findings, &mut report);
    if args.project.reading.strict {
        report.make_strict();
    }
    if outcome.finished.is_some() {
        for name in stale {
            let rule = "signed the bundle that was here before, so it went with it";
            let finding = Finding::warning(
                &Location::file(target.join(name).display().to_string()),
                "",
                rule,
            );
            report.add(finding.repair("sign the new SHA256SUMS"));
        }
    }
    say(&report)?;
    Ok(outcome.finished.map(|finished| (finished, prepared)))
}

/// The bundle's folder where the user names none.
pub fn out_of(dir: &Path) -> PathBuf {
    match dir == Path::new(".") {
        true => OUT.into(),
        false => dir.join(OUT),
    }
}
