//! One file for each subcommand, which calls and prints.

use std::fmt::Display;
use std::io::Write;

use serde::Serialize;

use crate::cli::Print;
use crate::error::{Exit, Result};
use crate::project::Tokens;
use crate::report::{Report, print};
use crate::terminal;

/// `build`.
pub mod build;
/// `check`.
pub mod check;
/// `csr`.
pub mod csr;
/// `diff`.
pub mod diff;
/// `explain`.
pub mod explain;
/// `import`.
pub mod import;
/// `init`.
pub mod init;
/// `initrd`.
pub mod initrd;
/// `inspect`.
pub mod inspect;
/// `key`.
pub mod key;
/// `man` and `completions`.
pub mod man;
/// `overlay`.
pub mod overlay;
/// `pki`.
pub mod pki;
mod policy;
/// `preflight`.
pub mod preflight;
/// `profile`.
pub mod profile;
mod progress;
/// `schema`.
pub mod schema;
/// `show`.
pub mod show;
/// `sign`.
pub mod sign;
/// `token`.
pub mod token;
/// `verify`.
pub mod verify;

/// Says what is wrong with a command line that clap took.
fn usage(rule: &str) -> Result<Exit> {
    writeln!(terminal::stderr(), "nodebake: {rule}")?;
    Ok(Exit::Usage)
}

/// Prints findings for people, on stderr.
fn print_findings(report: &Report) -> Result<()> {
    let mut stderr = terminal::stderr_with_colors();
    let text = print::text::text(report, stderr.has_colors());
    Ok(stderr.write_all(text.as_bytes())?)
}

/// Says on stderr what is not checked, for want of tokens.
fn note(tokens: &Tokens) -> Result<()> {
    if let Some(note) = tokens.note() {
        writeln!(terminal::stderr(), "nodebake: {note}")?;
    }
    Ok(())
}

/// Prints a result as JSON or for people: in colours, by its `{:#}`, where the terminal has them.
fn print_styled(output: Print, json: &impl Serialize, text: &impl Display) -> Result<()> {
    let mut stdout = terminal::stdout_with_colors();
    match (output, stdout.has_colors()) {
        (Print::Json, _) => terminal::print_json(json)?,
        (Print::Text, true) => write!(stdout, "{text:#}")?,
        (Print::Text, false) => write!(stdout, "{text}")?,
    }
    Ok(())
}

/// Prints a result in the form that the user wants.
fn print(output: Print, result: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    let printed = match output {
        Print::Text => terminal::stdout().write_all(text().as_bytes()),
        Print::Json => terminal::print_json(result),
    };
    Ok(printed?)
}
