//! `nodebake diff`: what changed between two bundles, or between one and what the project makes now.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::bail;

use crate::bundle::OldBundle;
use crate::cli::{Diff, Print};
use crate::cmd::progress::Bar;
use crate::cmd::{note, print_findings};
use crate::diff::{JsonPrinter, Printer, TextPrinter, diff};
use crate::error::{Exit, Result};
use crate::project::{Tokens, build_to_compare, default_out, tokens_of};
use crate::report::Report;
use crate::signing::PublicKey;
use crate::terminal;
use crate::unfinished::go_on_or_wait;

/// Runs `diff`.
pub fn run(args: &Diff) -> Result<Exit> {
    let mut report = Report::default();
    let key = match &args.key {
        Some(file) => PublicKey::load(file, &file.display().to_string(), &mut report)?,
        None => None,
    };
    if args.key.is_some() && key.is_none() {
        print_findings(&report)?;
        return Ok(Exit::Findings);
    }
    let out = default_out(&args.project);
    let Some(old) = open(args.old.as_deref().unwrap_or(&out), key.as_ref())? else {
        return Ok(Exit::VerificationFailed);
    };
    let made;
    // Nobody can have signed what is made now.
    let (folder, key, shown) = match &args.new {
        Some(new) => (new.clone(), key, new),
        None => {
            let tokens = if args.no_tokens {
                tokens_of(&old)?
            } else {
                Tokens::File
            };
            note(&tokens)?;
            let reading = args.reading.of(&args.project, tokens);
            made = build_to_compare(&reading, &Bar::default(), &mut report)?;
            print_findings(&report)?;
            let Some(made) = &made else {
                return Ok(Exit::Findings);
            };
            (made.bundle(), None, &out)
        }
    };
    let Some(new) = open(&folder, key.as_ref())? else {
        return Ok(Exit::VerificationFailed);
    };
    print(args, (&old, &new), shown)
}

/// Opens a bundle of which every file is as its manifest lists it; None after printing what is not.
fn open(folder: &Path, key: Option<&PublicKey>) -> Result<Option<Box<OldBundle>>> {
    let verdict = match OldBundle::checked(folder, key)? {
        Ok(bundle) => return Ok(Some(bundle)),
        Err(verdict) => verdict,
    };
    // What is missing from a folder that a signal has just removed is no news.
    go_on_or_wait();
    write!(terminal::stderr(), "{verdict}")?;
    Ok(None)
}

fn print(args: &Diff, (old, new): (&OldBundle, &OldBundle), folder: &Path) -> Result<Exit> {
    let (kind, other) = (old.manifest().kind, new.manifest().kind);
    if kind != other {
        bail!(
            "comparing a {} with a {}: only two of a kind say the same things",
            kind.name(),
            other.name()
        );
    }
    let mut out = BufWriter::new(terminal::stdout());
    let mut printer: Box<dyn Printer> = match args.output {
        Print::Text => Box::new(TextPrinter::new(&mut out)),
        Print::Json => Box::new(JsonPrinter::new(&mut out)),
    };
    let summary = diff(old, new, folder, &mut *printer)?;
    drop(printer);
    out.flush()?;
    Ok(if args.exit_code && !summary.same {
        Exit::Findings
    } else {
        Exit::Good
    })
}
