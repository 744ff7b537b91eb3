//! `nodebake sign`: a bundle that was built unsigned gets its signatures, from a key here or from a signer elsewhere.

use std::io::Write;
use std::path::Path;

use anyhow::bail;

use crate::bundle::{attach, sign};
use crate::cli::{Print, Sign};
use crate::cmd::print_findings;
use crate::cmd::verify::conclude;
use crate::error::{Exit, Result};
use crate::report::Report;
use crate::signing::{PublicKey, Signer};
use crate::terminal;
use crate::verify::Verdict;

/// Runs `sign`.
pub fn run(args: &Sign) -> Result<Exit> {
    let mut report = Report::default();
    let verdict = match (&args.key, &args.signature, &args.public_key) {
        (Some(key), _, _) => with_key(&args.out, key, &mut report)?,
        (None, Some(signature), Some(public)) => {
            let shown = public.display().to_string();
            match PublicKey::load(public, &shown, &mut report)? {
                Some(key) => Some(attach(&args.out, &key, signature, args.sshsig.as_deref())?),
                None => None,
            }
        }
        _ => bail!(
            "signing {}: neither a key nor a signature",
            args.out.display()
        ),
    };
    match verdict {
        Some(verdict) if verdict.is_good() && args.output == Print::Text => {
            writeln!(terminal::stdout(), "{}: signed", args.out.display())?;
            Ok(Exit::Good)
        }
        Some(verdict) => conclude(args.output, verdict.is_good(), &verdict),
        None => {
            print_findings(&report)?;
            Ok(Exit::Findings)
        }
    }
}

fn with_key(out: &Path, key: &Path, report: &mut Report) -> Result<Option<Verdict>> {
    let shown = key.display().to_string();
    match Signer::load(key, &shown, report)? {
        Some(signer) => Ok(Some(sign(out, &signer)?)),
        None => Ok(None),
    }
}
