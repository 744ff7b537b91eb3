//! `nodebake check`: all findings, nothing written.

use std::io::Write;

use crate::cli::{Check, Print};
use crate::cmd::note;
use crate::error::{Exit, Result};
use crate::preflight::memory::mib;
use crate::project::{Checked, check};
use crate::report::Report;
use crate::report::print::json;
use crate::terminal;

/// Every machine has so much memory to spare, in bytes.
const WORTH_SAYING: u64 = 64 << 20;

/// Runs `check`.
pub fn run(args: &Check) -> Result<Exit> {
    let mut report = Report::default();
    let reading = args.reading();
    note(&reading.tokens)?;
    let checked = check(&reading, &mut report)?;
    let mut stdout = terminal::stdout();
    match args.output {
        Print::Text => {
            write!(stdout, "{report}")?;
            if let (Some(checked), false) = (checked, report.has_errors()) {
                summary(&checked, &mut stdout)?;
            }
        }
        Print::Json => {
            terminal::write_json(&mut stdout, &json::document(&report))?;
        }
    }
    Ok(match report.has_errors() {
        true => Exit::Findings,
        false => Exit::Good,
    })
}

fn summary(checked: &Checked, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{} nodes can be built", checked.nodes)?;
    let memory = checked.memory.as_ref();
    if let Some((bytes, node)) = memory.filter(|(bytes, _)| *bytes >= WORTH_SAYING) {
        writeln!(
            out,
            "a root in the initramfs needs at least {} MiB of memory beside kernel and base initrd ({node})",
            mib(*bytes)
        )?;
    }
    Ok(())
}
