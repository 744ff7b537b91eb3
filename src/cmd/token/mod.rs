//! `nodebake token`: the bootstrap tokens of a project, offline.

mod ending;
mod text;

use std::io::Write;

use serde::Serialize;

use crate::cli::{Print, Token, TokenFile, TokenList};
use crate::cmd::{print, print_findings};
use crate::error::{Exit, Result};
use crate::project::tokens::{TokensRequest, create, encrypt_tokens, expiring, import, list};
use crate::report::Report;
use crate::secrets::created_text;
use crate::terminal;
use crate::timing::parse_duration;

/// Runs `token …`.
pub fn run(args: &Token) -> Result<Exit> {
    let mut report = Report::default();
    let exit = dispatch(args, &mut report)?;
    print_findings(&report)?;
    Ok(exit)
}

fn dispatch(args: &Token, report: &mut Report) -> Result<Exit> {
    match args {
        Token::Create(args) => {
            let request = args.file.request(&args.dir)?;
            let created = create(&request, &args.nodes, args.ttl, report)?;
            done(&args.file, created, |created| created_text(created))
        }
        Token::List(args) => listed(args, report),
        Token::Rotate(args) => ending::rotated(args, report),
        Token::Revoke(args) => ending::revoked(args, report),
        Token::Expiring(args) => {
            let request = args.file.request(&args.dir)?;
            // The command line took it for one.
            let within = parse_duration(&args.within).unwrap_or_default();
            let found = expiring(&request, within, args.at, report)?;
            let some = found.as_ref().is_some_and(|found| !found.is_empty());
            let exit = done(&args.file, found, |found| {
                text::expiring(found, &args.within)
            })?;
            Ok(if some { Exit::Findings } else { exit })
        }
        Token::Import(args) => {
            let request = args.file.request(&args.dir)?;
            done(
                &args.file,
                import(&request, &args.dump, report)?,
                text::imported,
            )
        }
        Token::Encrypt(args) => {
            let request = args.file.request(&args.dir)?;
            done(
                &args.file,
                encrypt_tokens(&request, report)?,
                text::encrypted,
            )
        }
    }
}

fn listed(args: &TokenList, report: &mut Report) -> Result<Exit> {
    let request: TokensRequest = args.file.request(&args.dir)?;
    let text = list(&request, args.reveal, report, |listing| {
        match args.file.output {
            Print::Text => Ok(listing.to_text()),
            Print::Json => listing.to_json(),
        }
    })?;
    let Some(text) = text else {
        return Ok(Exit::Findings);
    };
    terminal::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Good)
}

/// Prints a result, if there is one.
fn done<T: Serialize>(
    file: &TokenFile,
    result: Option<T>,
    text: impl FnOnce(&T) -> String,
) -> Result<Exit> {
    let Some(result) = result else {
        return Ok(Exit::Findings);
    };
    print(file.output, &result, || text(&result))?;
    Ok(Exit::Good)
}
