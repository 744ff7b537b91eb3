//! Files as lines of tmpfiles.d(5), which systemd-tmpfiles of systemd 252 and newer writes with all their bytes. Credentials
//! bring secrets in this form.

use std::io::Write;

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;

use crate::error::Result;
use crate::tree::{Content, Entry, EntryKind};

/// The bytes of an entry's line.
pub fn size(path: &str, entry: &Entry) -> u64 {
    let content = match &entry.kind {
        EntryKind::File(content) => content.len().div_ceil(3) * 4,
        EntryKind::Directory | EntryKind::Symlink(_) => 0,
    };
    head(path, entry).len() as u64 + content + 1
}

/// Writes the line that makes a file or a directory at a path, with mode and owners.
pub fn write(path: &str, entry: &Entry, out: &mut dyn Write) -> Result<()> {
    out.write_all(head(path, entry).as_bytes())?;
    if let EntryKind::File(content) = &entry.kind {
        encode(content, out)?;
    }
    out.write_all(b"\n")?;
    Ok(())
}

/// `f+~ "/path" 0600 0 0 - `: what is there already is written again, and what follows is base64. Owners are numbers, as
/// users may come after this.
fn head(path: &str, entry: &Entry) -> String {
    let kind = match entry.kind {
        EntryKind::File(_) => "f+~",
        EntryKind::Directory | EntryKind::Symlink(_) => "d",
    };
    let (mode, user, group) = (entry.mode, entry.user.id, entry.group.id);
    format!("{kind} {} {mode:04o} {user} {group} - ", quoted(path))
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
