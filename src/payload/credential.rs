//! The secrets of a node as one systemd credential, `tmpfiles.extra`: lines of tmpfiles.d(5) that
//! systemd-tmpfiles-setup.service (systemd 252 and newer) obeys before any other service starts. It reaches a machine
//! beside its image: by fw_cfg, SMBIOS, a container manager, the EFI system partition (systemd.system-credentials(7)).

use std::io::Write;

use crate::error::Result;
use crate::payload::{Destination, Job, Objection, Output};
use crate::report::Id;
use crate::tree::{NodeTree, tmpfiles};
use crate::wording::counted;

/// The credential's name and the file's.
pub const NAME: &str = "tmpfiles.extra";

/// What all credentials of a service may hold together: `CREDENTIALS_TOTAL_SIZE_MAX` of systemd.
const LIMIT: u64 = 1024 * 1024;

/// Writes the credential of a node that has secrets, where the inventory asks for it.
pub fn package(job: &Job<'_>, out: &mut dyn Output) -> Result<()> {
    if !job.settings.credential || !job.tree.has_secrets() {
        return Ok(());
    }
    let secrets = job.tree.secrets();
    out.file(Destination::Secret, NAME, &mut |out| write(&secrets, out))
}

/// What systemd would not take.
pub fn check(job: &Job<'_>) -> Vec<Objection> {
    if !job.settings.credential {
        return Vec::new();
    }
    let secrets = job.tree.secrets();
    let total: u64 = secrets
        .entries()
        .iter()
        .map(|(path, entry)| tmpfiles::size(path.as_str(), entry))
        .sum();
    if total <= LIMIT {
        return Vec::new();
    }
    let rule = format!(
        "the credential would have {}, and systemd takes {LIMIT} at most",
        counted(total, "byte")
    );
    vec![Objection::new(Id::CredentialTooLarge, NAME, rule).asked_by("output.credential")]
}

fn write(secrets: &NodeTree, out: &mut dyn Write) -> Result<()> {
    for (path, entry) in secrets.entries() {
        tmpfiles::write(path.as_str(), entry, out)?;
    }
    Ok(())
}
