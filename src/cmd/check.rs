//! `nodebake check`: all findings, nothing written.

use std::io::Write;
use std::path::Path;

use crate::cli::{Check, FindingsFormat};
use crate::cmd::{note, policy};
use crate::error::{Exit, Result};
use crate::preflight::memory::mib;
use crate::project::{Checked, check};
use crate::report::Report;
use crate::report::print::{github, json, sarif, text};
use crate::terminal;
use crate::wording::counted;

/// Every machine has so much memory to spare, in bytes.
const WORTH_SAYING: u64 = 64 << 20;

/// Runs `check`.
pub fn run(args: &Check) -> Result<Exit> {
    let mut report = Report::default();
    let reading = args.checked.reading();
    note(&reading.tokens)?;
    if let Some(policy) = args.policy {
        return policy::run(args, policy, &reading);
    }
    let checked = check(&reading, &mut report)?;
    let file_of = |file: &str| in_repository(&reading.dir, file);
    match args.format {
        FindingsFormat::Text => {
            let mut stdout = terminal::stdout_with_colors();
            let text = text::text(&report, stdout.has_colors());
            stdout.write_all(text.as_bytes())?;
            if let (Some(checked), false) = (checked, report.has_errors()) {
                summary(&checked, &mut stdout)?;
            }
        }
        FindingsFormat::Json => terminal::print_json(&json::document(&report))?,
        FindingsFormat::Sarif => terminal::print_json(&sarif::document(&report, file_of))?,
        FindingsFormat::Github => {
            let commands = github::text(&report, file_of);
            terminal::stdout().write_all(commands.as_bytes())?;
        }
    }
    Ok(if report.has_errors() {
        Exit::Findings
    } else {
        Exit::Good
    })
}

/// A file of a finding as it is named from where the program runs, which is the repository in a pipeline; None for what
/// is built in. Files that a user names on the command line are named so already.
fn in_repository(dir: &Path, file: &str) -> Option<String> {
    if file.starts_with("built-in:") {
        return None;
    }
    let below = dir.join(file);
    let named = match below.symlink_metadata() {
        Ok(_) => below,
        Err(_) => file.into(),
    };
    let named = named.strip_prefix(".").unwrap_or(&named);
    Some(named.display().to_string())
}

fn summary(checked: &Checked, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{} can be built", counted(checked.nodes, "node"))?;
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
