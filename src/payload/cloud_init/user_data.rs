//! `user-data`: one `#cloud-config` document with the host name, all files in one `write_files` list (a second list
//! would replace the first) and all commands in one `runcmd` list.

use std::fmt::Write as _;
use std::io::{BufWriter, Write};

use anyhow::Context;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;

use crate::error::Result;
use crate::model::Sha256Digest;
use crate::model::output::Assets;
use crate::payload::cloud_init::command;
use crate::payload::cloud_init::content;
use crate::payload::cloud_init::early::{early_mode, waiting};
use crate::payload::cloud_init::fetch;
use crate::payload::cloud_init::form::Fallback;
use crate::payload::cloud_init::mime;
use crate::payload::cloud_init::removed;
use crate::payload::cloud_init::runcmd;
use crate::payload::cloud_init::users;
use crate::payload::{Forms, Job, NodeFacts, Selection};
use crate::tree::{Content, Entry, EntryKind};
use crate::yaml::push_quoted;

/// How cloud-init puts two documents together: lists are appended, or the files of one would replace those of the other
/// (cloud-init's documentation, "Merging user data sections"). Both parts say it, so that they may come in any order.
const MERGE: &str = "merge_how:\n\
    - {name: list, settings: [append]}\n\
    - {name: dict, settings: [no_replace, recurse_list]}\n\
    - {name: str, settings: []}\n";

/// How files are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As people read them, where YAML has words for them.
    Readable,
    /// As gzip of the whole makes the most of it: text as it is, and the rest packed, which base64 would spoil.
    Compressible,
    /// Each in whatever is the smallest.
    Smallest,
}

/// What a document is to hold, and how.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    selection: Selection,
    packing: Packing,
    /// The digest of what the document leaves out and fetches.
    body: Option<Sha256Digest>,
}

impl Shape {
    /// The shape of a fallback; `body` is the digest of what the last one fetches.
    pub fn of(selection: Selection, fallback: Fallback, body: Option<Sha256Digest>) -> Self {
        Self {
            selection,
            packing: match fallback {
                Fallback::Plain => Packing::Readable,
                Fallback::Gzip => Packing::Compressible,
                Fallback::PackedFiles | Fallback::Fetched => Packing::Smallest,
            },
            body: body.filter(|_| fallback == Fallback::Fetched),
        }
    }
}

/// Writes user-data: one document, or a message with it and the user's own parts.
pub fn write(job: &Job<'_>, shape: Shape, forms: &Forms, out: &mut dyn Write) -> Result<()> {
    let parts = &job.facts.user_files.parts;
    match shape.selection {
        Selection::Whole if !parts.is_empty() => {
            let ours = |out: &mut dyn Write| document(job, shape, forms, out);
            mime::write(parts, &ours, out)
        }
        Selection::Whole | Selection::Public | Selection::Secrets => {
            document(job, shape, forms, out)
        }
    }
}

/// Writes the document of a part. The secret one holds files only: cloud-init writes the files of both before it runs
/// the commands, which are all in the public one. Secrets never go into what is fetched.
fn document(job: &Job<'_>, shape: Shape, forms: &Forms, out: &mut dyn Write) -> Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    let mut all = job.tree.materialised();
    let head = match shape.selection {
        Selection::Whole if job.facts.user_files.parts.is_empty() => head(job.facts, true),
        Selection::Whole => head(job.facts, true) + MERGE,
        Selection::Public => head(job.facts, false) + MERGE,
        Selection::Secrets => format!("{MARK}{MERGE}{}", users::passwords(job.facts)),
    };
    out.write_all(head.as_bytes())?;
    let url = job.settings.cloud_init.url.as_ref();
    let body = shape.body.zip(url).map(|(digest, url)| {
        let url = url.replace("{node}", &job.facts.name);
        fetch::body(&url, &digest)
    });
    let commands = match shape.selection {
        Selection::Whole | Selection::Public => {
            let removals = job.facts.removals.as_deref();
            let early = removals.and_then(|gone| removed::early(gone, &job.settings.cloud_init));
            out.write_all(command::list("bootcmd", early.as_slice()).as_bytes())?;
            runcmd::lines(job, &all, body.as_ref())
        }
        Selection::Secrets => String::new(),
    };
    let inside = job.settings.cloud_init.assets == Assets::Inside;
    all.retain(|_, entry| inside || !entry.is_asset());
    all.retain(|_, entry| match shape.selection {
        Selection::Whole => body.is_none() || entry.is_secret_file(),
        Selection::Public => body.is_none() && !entry.is_secret_file(),
        Selection::Secrets => entry.is_secret_file(),
    });
    let mut key = "write_files:\n";
    for (path, entry) in &all {
        if matches!(entry.kind, EntryKind::File(_)) {
            out.write_all(key.as_bytes())?;
            key = "";
            let late = job.settings.cloud_init.is_late(path);
            let early = late.then(|| waiting(path));
            let at = early.as_deref().unwrap_or(path.as_str());
            write_file(at, entry, (shape.packing, forms), &mut out)?;
        }
    }
    out.write_all(commands.as_bytes())?;
    Ok(out.flush()?)
}

/// Larger assets are streamed as they are: no platform with a limit would take them packed either.
const PACKED_ASSET: u64 = 1 << 20;

/// What cloud-init knows the document by.
const MARK: &str = "#cloud-config\n";

/// The host name is said here too, or a cloud's own metadata would win over what the tree says; as both `hostname` and
/// `fqdn`, since cloud-init cuts a dotted `hostname` at its first dot unless `fqdn` is there.
fn head(facts: &NodeFacts, has_secrets: bool) -> String {
    let mut head = format!("{MARK}preserve_hostname: false\n");
    for key in ["hostname", "fqdn"] {
        let _ = write!(head, "{key}: ");
        push_quoted(&mut head, &facts.hostname);
        head.push('\n');
    }
    head + &users::lines(facts, has_secrets)
}

/// The item of one file; nothing for what is none.
pub fn write_file(
    path: &str,
    entry: &Entry,
    (packing, forms): (Packing, &Forms),
    out: &mut dyn Write,
) -> Result<()> {
    let EntryKind::File(content) = &entry.kind else {
        return Ok(());
    };
    out.write_all(item_head(path, entry).as_bytes())?;
    let (kept, form): (_, fn(&[u8]) -> String) = match packing {
        Packing::Readable | Packing::Compressible => (&forms.contents, content::lines),
        Packing::Smallest => (&forms.packed, content::smallest),
    };
    let lines = match content {
        Content::Blob(blob) => kept.of(content, blob, || form(blob.bytes()).into()),
        Content::Asset(_) if packing == Packing::Readable || content.len() > PACKED_ASSET => {
            return stream(content, out).with_context(|| format!("writing {path}"));
        }
        Content::Asset(_) => kept.of_digest(content.sha256(), || {
            let mut bytes = Vec::new();
            content
                .copy_to(&mut bytes)
                .with_context(|| format!("writing {path}"))?;
            Ok(form(&bytes).into())
        })?,
    };
    Ok(out.write_all(lines.as_bytes())?)
}

/// Path, mode and owner. Here every file is root's: cloud-init looks names up, and one unknown name ends the module
/// with the files that follow unwritten; runcmd gives files away when all users exist. The special bits also come
/// there, for the kernel drops setuid and setgid at the chown with which cloud-init ends each file.
fn item_head(path: &str, entry: &Entry) -> String {
    let mut head = "- path: ".to_owned();
    if is_plain_path(path) {
        head.push_str(path);
    } else {
        push_quoted(&mut head, path);
    }
    // Quoted, or YAML 1.1 would read octal and hand cloud-init a number that its schema refuses.
    let _ = write!(
        head,
        "\n  owner: root:root\n  permissions: \"{:04o}\"\n",
        early_mode(entry)
    );
    head
}

/// A path that no YAML reader takes for anything but a string: it starts with a slash, so only `: ` and ` #` matter.
fn is_plain_path(path: &str) -> bool {
    path.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-@+".contains(&byte))
}

fn stream(content: &Content, out: &mut dyn Write) -> Result<()> {
    out.write_all(b"  encoding: b64\n  content: \"")?;
    let mut encoder = EncoderWriter::new(&mut *out, &STANDARD);
    content.copy_to(&mut encoder)?;
    encoder.finish()?;
    drop(encoder);
    Ok(out.write_all(b"\"\n")?)
}
