//! The secrets of a node as one systemd credential, `tmpfiles.extra`: lines of tmpfiles.d(5) that
//! systemd-tmpfiles-setup.service (systemd 252 and newer) obeys before any other service starts. It reaches a machine
//! beside its image: by fw_cfg, SMBIOS, a container manager, the EFI system partition (systemd.system-credentials(7)).

use std::io::Write;

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;

use crate::error::Result;
use crate::model::NodePath;
use crate::payload::{Destination, Job, Objection, Output};
use crate::report::Id;
use crate::tree::{Content, Entry, EntryKind, NodeTree};
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
        .map(|(path, entry)| size(path, entry))
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

fn size(path: &NodePath, entry: &Entry) -> u64 {
    let content = match &entry.kind {
        EntryKind::File(content) => content.len().div_ceil(3) * 4,
        EntryKind::Directory | EntryKind::Symlink(_) => 0,
    };
    head(path, entry).len() as u64 + content + 1
}

fn write(secrets: &NodeTree, out: &mut dyn Write) -> Result<()> {
    for (path, entry) in secrets.entries() {
        out.write_all(head(path, entry).as_bytes())?;
        if let EntryKind::File(content) = &entry.kind {
            encode(content, out)?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// `f+~ "/path" 0600 0 0 - `: what is there already is written again, and what follows is base64. Owners are numbers, as
/// users may come after this.
fn head(path: &NodePath, entry: &Entry) -> String {
    let kind = match entry.kind {
        EntryKind::File(_) => "f+~",
        EntryKind::Directory | EntryKind::Symlink(_) => "d",
    };
    let (mode, user, group) = (entry.mode, entry.user.id, entry.group.id);
    format!(
        "{kind} {} {mode:04o} {user} {group} - ",
        quoted(path.as_str())
    )
}

/// A path as tmpfiles.d takes it: in quotes with C escapes, and `%` is the sign of a specifier.
fn quoted(path: &str) -> String {
    let escaped = path
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    format!("\"{escaped}\"")
}

fn encode(content: &Content, out: &mut dyn Write) -> Result<()> {
    let mut encoder = EncoderWriter::new(out, &STANDARD);
    content.copy_to(&mut encoder)?;
    encoder.finish()?;
    Ok(())
}
