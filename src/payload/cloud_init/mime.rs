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
use crate::tree::Content;

/// What a part begins with, and what it is then (cloud-init's documentation, "User data formats"); longer marks first.
const KINDS: [(&str, &str); 7] = [
    ("#cloud-config-archive", "text/cloud-config-archive"),
    ("#cloud-boothook", "text/cloud-boothook"),
    ("#cloud-config", "text/cloud-config"),
    ("#include-once", "text/x-include-once-url"),
    ("#part-handler", "text/part-handler"),
    ("#include", "text/x-include-url"),
    ("#!", "text/x-shellscript"),
];

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
        self.parts.iter().any(|part| part.secret)
    }
}

/// A part of the user's.
#[derive(Clone, Debug)]
pub struct UserPart {
    name: String,
    kind: &'static str,
    text: String,
    secret: bool,
}

impl UserPart {
    /// A part by its file's name and text; the error is the rule.
    pub fn new(name: &str, text: String, secret: bool) -> std::result::Result<Self, String> {
        let begins = |(mark, _): &&(&str, &str)| text.starts_with(mark);
        let Some((_, kind)) = KINDS.iter().find(begins) else {
            let marks: Vec<&str> = KINDS.iter().map(|(mark, _)| *mark).collect();
            return Err(format!(
                "cloud-init cannot tell what it is: it begins with none of {}",
                marks.join(", ")
            ));
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let name = name.rsplit('/').next().unwrap_or(name);
        Ok(Self {
            name: name
                .chars()
                .map(|c| if plain(c) { c } else { '_' })
                .collect(),
            kind,
            text,
            secret,
        })
    }

    fn says_how_to_merge(&self) -> bool {
        ["merge_how", "merge_type"]
            .iter()
            .any(|key| self.text.contains(key))
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
        sha256.update(part.text.as_bytes());
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
    let is_plain = is_plain(part.text.as_bytes());
    push_head(out, (&part.name, part.kind), is_plain, boundary);
    if part.kind == "text/cloud-config" && !part.says_how_to_merge() {
        // Into the headers, before the empty line that ends them.
        out.pop();
        out.push_str(MERGE_TYPE);
        out.push('\n');
    }
    if is_plain {
        out.push_str(&part.text)
    } else {
        STANDARD.encode_string(&part.text, out)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_known_by_how_it_begins() {
        let kind =
            |text: &str| UserPart::new("a/b c", text.to_owned(), false).map(|part| part.kind);
        assert_eq!(kind("#!/bin/sh\n"), Ok("text/x-shellscript"));
        assert_eq!(kind("#cloud-config\n"), Ok("text/cloud-config"));
        assert_eq!(
            kind("#cloud-config-archive\n"),
            Ok("text/cloud-config-archive")
        );
        assert_eq!(kind("#include-once\n"), Ok("text/x-include-once-url"));
        assert!(kind("runcmd: []\n").is_err());
        // Jinja would expand what files hold.
        assert!(kind("## template: jinja\n#cloud-config\n").is_err());
    }
}
