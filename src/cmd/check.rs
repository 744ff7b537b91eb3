//! `nodebake check`: all findings, nothing written.

use std::io::Write;
use std::path::Path;

use crate::bundle::Signer;
use crate::cli::{Check, Print};
use crate::cmd::memory::mib;
use crate::cmd::project::{SIGN_KEY, Tokens, prepare};
use crate::error::{Exit, Result};
use crate::report::Report;
use crate::terminal;

/// Every machine has so much memory to spare, in bytes.
const WORTH_SAYING: u64 = 64 << 20;

/// Runs `check`.
pub fn run(args: &Check) -> Result<Exit> {
    let mut report = Report::default();
    let reading = &args.project.reading;
    let tokens = Tokens::asked(args.no_tokens);
    tokens.say()?;
    let prepared = prepare(&args.project.folder()?, reading, &tokens, &mut report)?;
    let memory = match &prepared {
        Some(prepared) => prepared.check_nodes(&mut report)?,
        None => None,
    };
    key(&args.project.dir, &mut report)?;
    if reading.strict {
        report.make_strict();
    }
    let mut stdout = terminal::stdout();
    match args.output {
        Print::Text => {
            write!(stdout, "{report}")?;
            if let (Some(prepared), false) = (&prepared, report.has_errors()) {
                writeln!(stdout, "{} nodes can be built", prepared.plan.nodes.len())?;
                if let Some((bytes, node)) = memory.filter(|(bytes, _)| *bytes >= WORTH_SAYING) {
                    writeln!(
                        stdout,
                        "a root in the initramfs needs at least {} MiB of memory beside kernel and base initrd ({node})",
                        mib(bytes)
                    )?;
                }
            }
        }
        Print::Json => {
            terminal::write_json(&mut stdout, &report.sorted())?;
        }
    }
    Ok(match report.has_errors() {
        true => Exit::Findings,
        false => Exit::Good,
    })
}

/// A signing key that is there is judged as `build` would; an absent one may be with an external signer.
fn key(dir: &Path, report: &mut Report) -> Result<()> {
    let path = dir.join(SIGN_KEY);
    if path.symlink_metadata().is_ok() {
        Signer::load(&path, SIGN_KEY, report)?;
    }
    Ok(())
}
