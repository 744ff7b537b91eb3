//! `diff`: what the user may say of differences.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{Print, ReadingArgs};

/// `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The bundle before [default: PROJECT/out]
    #[arg(value_name = "OLD")]
    pub old: Option<PathBuf>,
    /// The bundle after [default: what the project builds now]
    #[arg(value_name = "NEW")]
    pub new: Option<PathBuf>,
    /// The project's folder, where NEW is left out
    #[arg(long, value_name = "DIR", default_value = ".", conflicts_with = "new")]
    pub project: PathBuf,
    /// The public key that the bundles must be signed with; it must not have
    /// come with them
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Do without the project's tokens: those of OLD stand for them, and
    /// placeholders for nodes that OLD lacks; when they end is not checked
    #[arg(long, conflicts_with_all = ["secrets", "new"])]
    pub no_tokens: bool,
    /// End with 3 if anything differs, rather than with 0
    #[arg(long)]
    pub exit_code: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: ReadingArgs,
    /// Print for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
}
