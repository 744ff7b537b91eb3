//! `nodebake verify`: whether a bundle is what its signer made, all of it and nothing else; or files of it that came alone.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::cli::{Print, Verify};
use crate::cmd::{print_findings, print_styled, usage};
use crate::error::{Exit, Result};
use crate::project::time_of_check;
use crate::report::Report;
use crate::signing::PublicKey;
use crate::verify::embedded::verify_embedded;
use crate::verify::{verify, verify_files, verify_partial};

/// The verdict as JSON: whether it is good comes first, so that no program has to count problems.
#[derive(Serialize)]
struct Verified<'a, T: Serialize> {
    verified: bool,
    #[serde(flatten)]
    verdict: &'a T,
}

/// Prints a verdict and returns how the program ends.
pub(super) fn conclude(
    output: Print,
    verified: bool,
    verdict: &(impl Serialize + Display),
) -> Result<Exit> {
    let json = Verified { verified, verdict };
    print_styled(output, &json, verdict)?;
    Ok(if verified {
        Exit::Good
    } else {
        Exit::VerificationFailed
    })
}

/// Runs `verify`.
pub fn run(args: &Verify) -> Result<Exit> {
    let mut report = Report::default();
    let shown = args.key.display().to_string();
    let Some(key) = PublicKey::load(&args.key, &shown, &mut report)? else {
        print_findings(&report)?;
        return Ok(Exit::Findings);
    };
    let mut folders = 0;
    for path in &args.paths {
        let looking = || format!("looking at {}", path.display());
        folders += usize::from(fs::metadata(path).with_context(looking)?.is_dir());
    }
    match (folders, &args.paths[..]) {
        (0, _) if args.partial => usage("--partial is about a bundle's folder"),
        (0, files) => single(args, files, &key),
        (1, [out]) if args.sums.is_none() => bundle(args, out, &key),
        _ => usage("name one folder, or files and no folder"),
    }
}

fn bundle(args: &Verify, out: &Path, key: &PublicKey) -> Result<Exit> {
    let at = time_of_check(args.at);
    let mut verdict = if args.partial {
        verify_partial(out, key, args.min_generation)?
    } else {
        verify(out, key, args.min_generation)?
    };
    print_findings(&verdict.warnings())?;
    match args.usable_at()? {
        Some(wanted) => verdict.require_usable(wanted),
        None => print_findings(&verdict.expired(at))?,
    }
    conclude(args.output, verdict.is_good(), &verdict)
}

/// Files that came alone: by the signed list of their bundle, or by the signed tree that they contain.
fn single(args: &Verify, files: &[PathBuf], key: &PublicKey) -> Result<Exit> {
    if let Some(sums) = args.sums_files(files) {
        let wanted = (args.min_generation, args.usable_at()?);
        let verdict = verify_files(files, &sums, key, wanted)?;
        return conclude(args.output, verdict.problems.is_empty(), &verdict);
    }
    let list = "name the SHA256SUMS of the bundle with --sums";
    if args.usable || args.usable_for.is_some() {
        return usage(&format!(
            "a tree does not say until when its node can join: {list}"
        ));
    }
    if args.min_generation.is_some() {
        return usage(&format!("a tree does not say its generation: {list}"));
    }
    let verdict = verify_embedded(files, key)?;
    conclude(args.output, verdict.problems.is_empty(), &verdict)
}
