//! `nodebake initrd`: a node's initramfs payload and a base initrd in one file.

use std::io::Write;

use crate::bundle::{Old, OldBundle};
use crate::cli::{Initrd, InitrdAppend};
use crate::cmd::print_findings;
use crate::error::{Exit, Result};
use crate::initrd::append;
use crate::report::Report;
use crate::signing::PublicKey;
use crate::terminal;
use crate::wording::counted;

/// Runs `initrd …`.
pub fn run(args: &Initrd) -> Result<Exit> {
    match args {
        Initrd::Append(args) => appended(args),
    }
}

fn appended(args: &InitrdAppend) -> Result<Exit> {
    let mut report = Report::default();
    let shown = args.key.display().to_string();
    let Some(key) = PublicKey::load(&args.key, &shown, &mut report)? else {
        print_findings(&report)?;
        return Ok(Exit::Findings);
    };
    let bundle = match OldBundle::open_verified(&args.bundle, &key)? {
        Old::Verified(bundle) => bundle,
        Old::Unusable(reason) => {
            writeln!(terminal::stderr(), "nodebake: verifying: {reason}")?;
            return Ok(Exit::VerificationFailed);
        }
    };
    let (written, mode) = append(&args.base, (&bundle, &args.node), &args.out)?;
    let mut line = format!(
        "{}: {}, {}",
        args.out.display(),
        counted(written, "byte"),
        mode.name()
    );
    for argument in mode.kernel_arguments() {
        line = format!("{line}, kernel argument {argument}");
    }
    writeln!(terminal::stdout(), "{line}")?;
    Ok(Exit::Good)
}
