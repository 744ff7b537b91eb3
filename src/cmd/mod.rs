//! One file for each subcommand: glue only.

use std::io::Write;

use crate::error::{Exit, Result};
use crate::terminal;

/// `build`.
pub mod build;
/// `check`.
pub mod check;
mod credentials;
/// `csr`.
pub mod csr;
/// `diff`.
pub mod diff;
mod dump_file;
mod guard;
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
mod manifests;
mod memory;
mod merges;
/// `pki`.
pub mod pki;
/// `preflight`.
pub mod preflight;
mod project;
mod pxe;
/// `schema`.
pub mod schema;
mod secrets_file;
/// `show`.
pub mod show;
/// `sign`.
pub mod sign;
mod text_file;
/// `token`.
pub mod token;
mod token_ids;
mod tree_check;
mod user_files;
/// `verify`.
pub mod verify;

/// Says what is wrong with a command line that clap took.
fn usage(rule: &str) -> Result<Exit> {
    writeln!(terminal::stderr(), "nodebake: {rule}")?;
    Ok(Exit::Usage)
}
