//! `nodebake verify`: whether a bundle is what its signer made, all of it and nothing else.

use std::io::{self, Write};

use serde::Serialize;

use crate::bundle::{PublicKey, Verdict, verify};
use crate::cli::{Print, Verify};
use crate::cmd::project::judged_at;
use crate::error::{Exit, Result};
use crate::report::{Finding, Place, Report};
use crate::timing::parse_rfc3339;

/// The verdict as JSON: whether it is good is said first, so that no program has to count problems.
#[derive(Serialize)]
struct Said<'a> {
    verified: bool,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// Prints a verdict and says how the program ends.
pub(super) fn say(verdict: &Verdict, output: Print) -> Result<Exit> {
    let mut stdout = io::stdout().lock();
    match output {
        Print::Text => write!(stdout, "{verdict}")?,
        Print::Json => {
            let said = Said {
                verified: verdict.is_good(),
                verdict,
            };
            serde_json::to_writer_pretty(&mut stdout, &said)?;
            writeln!(stdout)?;
        }
    }
    Ok(if verdict.is_good() {
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
        write!(io::stderr().lock(), "{report}")?;
        return Ok(Exit::Findings);
    };
    let at = judged_at(args.at.as_deref())?;
    let verdict = verify(&args.out, &key, args.min_generation)?;
    let until = verdict.usable_until.as_deref().and_then(parse_rfc3339);
    if verdict.is_good() && until.is_some_and(|until| until <= at) {
        let rule = "what its nodes need to join has expired, for some of them at least";
        let finding = Finding::warning(&Place::file(&*verdict.bundle), "", rule);
        report.add(finding.repair("mint tokens and build it anew before nodes boot from it"));
        write!(io::stderr().lock(), "{report}")?;
    }
    say(&verdict, args.output)
}
