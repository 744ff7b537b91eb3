//! `verify`: what the user may say of a bundle that arrived.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use time::OffsetDateTime;

use crate::cli::Print;
use crate::cli::values::{duration, time};
use crate::error::Result;
use crate::project::time_of_check;
use crate::verify::SumsFiles;

/// `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The bundle's folder, or files of it that came alone
    #[arg(value_name = "OUT|FILE", default_value = "out")]
    pub paths: Vec<PathBuf>,
    /// The public key; it must not have come with the bundle
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Refuse bundles of an older generation, which may hold revoked tokens
    #[arg(long, value_name = "N")]
    pub min_generation: Option<u64>,
    /// The folder has only some of the bundle's files, bundle.json and
    /// SHA256SUMS among them: what is there must be right
    #[arg(long, conflicts_with = "sums")]
    pub partial: bool,
    /// The SHA256SUMS of the bundle that the files are of [default: the one in a
    /// folder above them]
    #[arg(long, value_name = "FILE")]
    pub sums: Option<PathBuf>,
    /// Its raw signature [default: SUMS.sig, SUMS.sshsig]
    #[arg(long, value_name = "FILE", requires = "sums")]
    pub signature: Option<PathBuf>,
    /// Fail (4) where a token, a certificate or the CA has ended, too
    #[arg(long)]
    pub usable: bool,
    /// The same, where one ends within this time, like 7d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub usable_for: Option<Duration>,
    /// Check expirations at this time (RFC 3339) rather than now
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<OffsetDateTime>,
    /// Print for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
}

impl Verify {
    /// The signed list that files are verified by, where there is one.
    pub fn sums_files(&self, files: &[PathBuf]) -> Option<SumsFiles> {
        match &self.sums {
            Some(list) => Some(SumsFiles {
                list: list.clone(),
                signature: self.signature.clone(),
            }),
            None => files.first().and_then(|file| SumsFiles::above(file)),
        }
    }

    /// The time after which all that nodes need to join must still be good, where that is asked for.
    pub fn usable_at(&self) -> Result<Option<OffsetDateTime>> {
        let time = self.usable_for.or(self.usable.then_some(Duration::ZERO));
        let Some(time) = time else { return Ok(None) };
        let usable = time_of_check(self.at).checked_add(time.try_into()?);
        Ok(Some(usable.context("adding --usable-for to the time")?))
    }
}
