//! The files of a key pair beside each other: their names, and whether they are of one pair that nobody else can exchange.

use std::path::Path;

use anyhow::Context;

use crate::access::{self, Others};
use crate::error::Result;
use crate::input::{self, Limit};
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::signing::PublicKey;

/// The private key.
pub const PRIVATE: &str = "sign.key";
/// The public key, PEM.
pub const PUBLIC: &str = "sign.pub";
/// The public key for `ssh-keygen -Y verify -f`.
pub const SIGNERS: &str = "allowed_signers";

/// The longest `allowed_signers` that is read: it may hold the keys of others too.
const SIGNERS_LIMIT: u64 = 1 << 20;

/// Whether anything of that name is there, a dangling link too.
pub fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Checks what is beside a private key of the usual name: nobody else may exchange it, and its public files are of it.
pub fn check(file: &Path, shown: &str, key: &PublicKey, report: &mut Report) -> Result<()> {
    // A folder `keys` is there for nothing else; another may be a home folder that a group shares.
    let folder = file.parent().and_then(Path::file_name);
    let others = if folder.is_some_and(|name| name == "keys") {
        Others::AndGroup
    } else {
        Others::All
    };
    access::check_folder(file, shown, others, report)?;
    if file.file_name().is_none_or(|name| name != PRIVATE) {
        return Ok(());
    }
    let beside = |name: &str| (file.with_file_name(name), shown_beside(shown, name));
    let (public, name) = beside(PUBLIC);
    if is_there(&public) {
        access::check_writers(&public, &name, report)?;
        let there = PublicKey::load(&public, &name, report)?;
        if there.is_some_and(|there| there != *key) {
            report.add(no_pair(&name, shown));
        }
    }
    let (signers, name) = beside(SIGNERS);
    if is_there(&signers) {
        access::check_writers(&signers, &name, report)?;
        let read = input::read(&signers, Limit::bytes(SIGNERS_LIMIT));
        let read = report
            .take(read, &name)
            .with_context(|| format!("reading {name}"))?;
        if read.is_some_and(|text| !key.is_among(&String::from_utf8_lossy(&text))) {
            report.add(no_pair(&name, shown));
        }
    }
    Ok(())
}

fn no_pair(name: &str, private: &str) -> Finding {
    let rule =
        format!("must be of the same key pair as {private}, or receivers refuse what is signed");
    Finding::new(Id::PublicKeyMismatch, &Location::file(name), "", rule).help(
        "put the right key back; or remove this file, and `nodebake key generate` writes it from the private key",
    )
}

fn shown_beside(shown: &str, name: &str) -> String {
    Path::new(shown).with_file_name(name).display().to_string()
}
