//! `initrd …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `initrd …`.
#[derive(Debug, Subcommand)]
pub enum Initrd {
    /// Append a node's initramfs payload to a base initrd, for boot loaders
    /// that take one file
    ///
    /// The base may be any that the kernel reads to its end: microcode first,
    /// several archives, any length. What it needs for the payload's mode is
    /// looked for (`output.initramfs.mode`), and a second payload is refused. The
    /// bundle is verified first.
    Append(InitrdAppend),
}

/// `initrd append`.
#[derive(Debug, Args)]
// On one line it would be wider than 80 columns.
#[command(
    override_usage = "nodebake initrd append --base <FILE> --node <NAME> --key <FILE> -o <FILE>"
)]
pub struct InitrdAppend {
    /// The initrd of the operating system
    #[arg(long, value_name = "FILE")]
    pub base: PathBuf,
    /// The node
    #[arg(long, value_name = "NAME")]
    pub node: String,
    /// The bundle's folder
    #[arg(long, value_name = "OUT", default_value = "out")]
    pub bundle: PathBuf,
    /// The public key that the bundle is signed with
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The initrd to write; 0600 where the payload holds secrets
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}
