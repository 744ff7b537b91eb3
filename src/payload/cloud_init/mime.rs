//! user-data with parts of the user's own: a MIME message (RFC 2046). Ours comes last and is appended to what the others
//! say, so that theirs win where both say something, and no list of either is lost.
//!
//! An own writer: `mail-builder` 2.0 takes its boundaries from the clock and the host's name, and adds a date.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::io::Watched;
use crate::model::hex;
use crate::payload::cloud_init::part::UserPart;
use crate::tree::Content;

/// Of a user's `#cloud-config` that does not say itself how it is to be merged: like ours, and not cloud-init's default,
/// which replaces lists.
const MERGE_TYPE: &str = "X-Merge-Type: list(append)+dict(no_replace,recurse_list)+str()\n";

/// What the user adds to a node's documents.
#[derive(Clone, Debug, Default)]
pub struct UserFiles {
    /// Parts of user-data, in order.
    pub parts: Vec<Arc<UserPart>>,
    /// The whole of vendor-data.
    pub vendor_data: Option<Content>,
}

impl UserFiles {
    /// Whether any part holds a secret.
    pub fn has_secrets(&self) -> bool {
        self.parts.iter().any(|part| part.is_secret())
    }
}

/// Writes the message. `ours` is asked twice: what it says decides how it is written.
pub fn write(
    parts: &[Arc<UserPart>],
    ours: &dyn Fn(&mut dyn Write) -> Result<()>,
    out: &mut dyn Write,
) -> Result<()> {
    let mut sha256 = Sha256::new();
    let mut ours_is_plain = true;
    ours(&mut Watched::only(|bytes: &[u8]| {
        sha256.update(bytes);
        ours_is_plain &= is_plain(bytes);
    }))?;
    for part in parts {
        sha256.update(part.text().as_bytes());
    }
    // From the content, or two builds would differ; and so long that no content holds it.
    let boundary = format!("==nodebake-{}==", &hex(&sha256.finalize())[..32]);
    let mut head =
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\n");
    for part in parts {
        push_part(&mut head, part, &boundary);
    }
    push_head(
        &mut head,
        ("nodebake.cfg", "text/cloud-config"),
        ours_is_plain,
        &boundary,
    );
    out.write_all(head.as_bytes())?;
    if ours_is_plain {
        ours(out)?
    } else {
        let mut encoder = EncoderWriter::new(&mut *out, &STANDARD);
        ours(&mut encoder)?;
        encoder.finish()?;
    }
    Ok(writeln!(out, "\n--{boundary}--")?)
}

fn push_part(out: &mut String, part: &UserPart, boundary: &str) {
    let is_plain = is_plain(part.text().as_bytes());
    push_head(out, (part.name(), part.kind()), is_plain, boundary);
    if part.is_merged_by_default() {
        // Into the headers, before the empty line that ends them.
        out.pop();
        out.push_str(MERGE_TYPE);
        out.push('\n');
    }
    if is_plain {
        out.push_str(part.text())
    } else {
        STANDARD.encode_string(part.text(), out)
    }
}

fn push_head(out: &mut String, (name, kind): (&str, &str), is_plain: bool, boundary: &str) {
    let encoding = if is_plain { "7bit" } else { "base64" };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "\n--{boundary}\nContent-Type: {kind}; charset=\"utf-8\"\nMIME-Version: 1.0\n\
         Content-Transfer-Encoding: {encoding}\nContent-Disposition: attachment; filename=\"{name}\"\n\n"
    );
}

/// Whether bytes are allowed in a message as they are: Python's reader, which is cloud-init's, bends what is not ASCII,
/// and changes line ends.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii() && *byte != b'\r')
}
