//! Profiles and overlays, to be listed and read.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Print;

/// `profile`.
#[derive(Debug, Args)]
pub struct ProfileArgs {
    /// The built-in profile to print; without it, all profiles are listed
    #[arg(value_name = "NAME", conflicts_with = "output")]
    pub name: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub listed: ListedArgs,
}

/// `overlay`.
#[derive(Debug, Args)]
pub struct OverlayArgs {
    /// The built-in overlay whose files to list; without it, all overlays are
    /// listed
    #[arg(value_name = "NAME", conflicts_with = "output")]
    pub name: Option<String>,
    /// The file of it to print: root/etc/x as it is in the overlay, or /etc/x as
    /// it is on the node
    #[arg(value_name = "FILE", conflicts_with = "out")]
    pub file: Option<String>,
    /// Copy the overlay into this folder, which must be new. In overlays/ of a
    /// project, the copy replaces the built-in one of its name
    #[arg(long, value_name = "DIR", requires = "name")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub listed: ListedArgs,
}

/// How profiles or overlays are listed.
#[derive(Debug, Args)]
pub struct ListedArgs {
    /// The project whose own ones are listed too
    #[arg(short = 'C', long, default_value = ".", value_name = "DIR")]
    pub project: PathBuf,
    /// Print the list for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
}
