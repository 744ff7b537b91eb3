//! cloud-init's user-data: one document, or a MIME message of several; the files of each `#cloud-config`, and by name
//! what else is in it.

use std::borrow::Cow;
use std::io::Read;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use mail_parser::{MessageParser, MimeHeaders, PartType};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::decompress::{self, Packing};
use crate::error::Result;
use crate::inspect::RowKind;
use crate::inspect::collect::{Collector, Item};
use crate::model::hex;
use crate::wording::counted;
use crate::yaml;

/// As Python decodes it: what is no base64 is skipped before, and the padding may be anything.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Reads a whole user-data.
pub fn read(bytes: &[u8], into: &mut Collector) -> Result<()> {
    if is_mime(bytes) {
        message(bytes, into)
    } else {
        part(bytes, ("", ""), into)
    }
}

fn is_mime(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(16)];
    let start = start.to_ascii_lowercase();
    ["content-type:", "mime-version:", "from nobody "]
        .iter()
        .any(|mark| start.starts_with(mark.as_bytes()))
}

fn message(bytes: &[u8], into: &mut Collector) -> Result<()> {
    let message = MessageParser::new()
        .parse(bytes)
        .context("it is not a MIME message")?;
    for (number, mime) in message.parts.iter().enumerate() {
        let bytes = match &mime.body {
            PartType::Multipart(_) => continue,
            PartType::Message(_) => {
                into.note(format!(
                    "part {number} is a message of its own, not looked into"
                ))?;
                continue;
            }
            _ => mime.contents(),
        };
        let kind = mime.content_type().map_or("text/plain".to_owned(), |kind| {
            let minor = kind.subtype().unwrap_or_default();
            format!("{}/{minor}", kind.ctype())
        });
        let name = mime.attachment_name().unwrap_or("without a name");
        into.note(format!(
            "part {number}: {kind}, {name}, {}",
            counted(bytes.len(), "byte")
        ))?;
        let unpacked = unpacked(bytes, into)?;
        part(&unpacked, (&kind, name), into).with_context(|| format!("in part {number}"))?;
    }
    Ok(())
}

/// A part may be packed by itself.
fn unpacked<'a>(bytes: &'a [u8], into: &mut Collector) -> Result<Cow<'a, [u8]>> {
    if Packing::of(bytes) != Packing::Gzip {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut unpacked = Vec::new();
    let limit = into.left().min(into.limits().document);
    decompress::whole(bytes, limit)?
        .read_to_end(&mut unpacked)
        .context("unpacking it")?;
    into.spend(unpacked.len() as u64);
    Ok(Cow::Owned(unpacked))
}

/// One document. cloud-init goes by the first line, and by the MIME type where there is one.
fn part(bytes: &[u8], (kind, name): (&str, &str), into: &mut Collector) -> Result<()> {
    let text = String::from_utf8_lossy(bytes);
    let first = text.lines().next().unwrap_or_default().trim_end();
    if first.starts_with('\u{feff}') {
        // It goes by the first bytes (cloud-init's handlers/__init__.py, type_from_starts_with).
        into.says(name, || Value::String(hex(&Sha256::digest(bytes))));
        return into.note("it begins with a byte order mark, so cloud-init does not see what it is, and ignores it".into());
    }
    if first.starts_with("## template: jinja") {
        into.says(name, || Value::String(hex(&Sha256::digest(bytes))));
        return into
            .note("a template, which cloud-init renders on the node: not looked into".into());
    }
    if first == "#cloud-config" || kind == "text/cloud-config" {
        return cloud_config(&text, name, into);
    }
    into.says(name, || Value::String(hex(&Sha256::digest(bytes))));
    let known = [
        ("#!", "a script"),
        ("#include-once", "URLs to include once"),
        ("#include", "URLs to include"),
        ("#cloud-boothook", "a boot hook"),
        ("#part-handler", "a part handler"),
        (
            "#cloud-config-archive",
            "an archive of parts, not looked into",
        ),
    ];
    match known.iter().find(|(mark, _)| first.starts_with(mark)) {
        Some((_, what)) => into.note((*what).to_owned()),
        None => Ok(()),
    }
}

fn cloud_config(text: &str, name: &str, into: &mut Collector) -> Result<()> {
    let values = into.limits().values();
    let mut document: Value = match yaml::read_lax(&with_marks(text), values) {
        Ok(document) => document,
        // Never the message: it may quote what is secret.
        Err(fault) => bail!(
            "line {}, column {}: not the YAML that cloud-init reads",
            fault.line,
            fault.column
        ),
    };
    let files = document["write_files"].as_array();
    for file in files.map_or(&[][..], Vec::as_slice) {
        let Some(path) = file["path"].as_str() else {
            bail!("a file without a path in write_files");
        };
        write_file(path, file, into).with_context(|| format!("in {path}"))?;
    }
    for key in ["bootcmd", "runcmd"] {
        if let Some(commands) = document[key].as_array() {
            into.note(format!("{key}: {}", counted(commands.len(), "command")))?;
        }
    }
    let others = document.as_object().into_iter().flatten();
    let others = others.map(|(key, _)| key.as_str());
    let told = ["write_files", "runcmd", "bootcmd", "merge_how"];
    let others: Vec<&str> = others.filter(|key| !told.contains(key)).collect();
    if !others.is_empty() {
        into.note(format!("also sets {}", others.join(", ")))?;
    }
    into.says(name, || {
        if let Some(all) = document.as_object_mut() {
            all.shift_remove("write_files");
        }
        document
    });
    Ok(())
}

fn write_file(path: &str, file: &Value, into: &mut Collector) -> Result<()> {
    let mut item = Item::new(path.as_bytes(), RowKind::File);
    let row = &mut item.row;
    row.mode = Some(mode(&file["permissions"], into)?);
    let owner = file["owner"].as_str().unwrap_or("root:root");
    let (user, group) = owner.split_once(':').unwrap_or((owner, owner));
    (row.user, row.group) = (Some(user.to_owned()), Some(group.to_owned()));
    if let Some(source) = file["source"]["uri"].as_str() {
        row.source = Some(source.to_owned());
        return into.entry(item, None);
    }
    let content = file["content"].as_str().unwrap_or_default();
    let bytes = decoded(content, file["encoding"].as_str().unwrap_or_default(), into)?;
    item.row.size = Some(bytes.len() as u64);
    into.entry(item, Some(&mut &*bytes))
}

/// In front of the base64 of a value with the tag `!!binary`, whose tag nobody sees once it is read.
const BINARY: &str = "nodebake-binary.";

/// The text with [`BINARY`] in place of the tag. Such a value is plain, between quotes, or a block below its line.
fn with_marks(text: &str) -> Cow<'_, str> {
    let mut parts = text.split("!!binary");
    let first = parts.next().unwrap_or_default();
    let mut marked = first.to_owned();
    let mut has_marks = false;
    for part in parts {
        has_marks = true;
        let value = part.trim_start_matches(' ');
        let (before, after) = match value.as_bytes().first() {
            Some(b'"' | b'\'') => value.split_at(1),
            Some(b'|' | b'>') => {
                let line = value.find('\n').map_or(value.len(), |end| end + 1);
                let blanks =
                    value[line..].len() - value[line..].trim_start_matches([' ', '\n']).len();
                value.split_at(line + blanks)
            }
            _ => ("", value),
        };
        marked.push(' ');
        marked.push_str(before);
        marked.push_str(BINARY);
        marked.push_str(after);
    }
    if has_marks {
        Cow::Owned(marked)
    } else {
        Cow::Borrowed(text)
    }
}

/// A string of octal digits, or a number (cloud-init's cc_write_files.py, decode_perms): 493 is 0755. What is neither is what
/// nobody sets.
fn mode(value: &Value, into: &mut Collector) -> Result<u32> {
    let usual = 0o644;
    let mode = match value {
        Value::Null => return Ok(usual),
        Value::String(text) => {
            let digits = text.trim().trim_start_matches("0o");
            u32::from_str_radix(digits, 8).ok()
        }
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok()),
        _ => None,
    };
    if mode.is_none() {
        into.note("permissions that cloud-init cannot read, for which it takes 0644".into())?;
    }
    Ok(mode.unwrap_or(usual) & 0o7777)
}

fn decoded<'a>(content: &'a str, encoding: &str, into: &mut Collector) -> Result<Cow<'a, [u8]>> {
    let base64 = |content: &str| {
        let digits: Vec<u8> = content
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        BASE64.decode(digits).context("content that is not base64")
    };
    let is_binary = content.starts_with(BINARY);
    let content = content.strip_prefix(BINARY).unwrap_or(content);
    let bytes = match encoding.to_ascii_lowercase().as_str() {
        _ if is_binary && encoding.is_empty() => Cow::Owned(base64(content)?),
        "b64" | "base64" => Cow::Owned(base64(content)?),
        "gz+b64" | "gz+base64" | "gzip+b64" | "gzip+base64" => {
            let packed = base64(content)?;
            Cow::Owned(unpacked(&packed, into)?.into_owned())
        }
        // Packed bytes in YAML itself: `!!binary`, which comes as base64.
        "gz" | "gzip" => Cow::Owned(unpacked(&base64(content)?, into)?.into_owned()),
        _ => Cow::Borrowed(content.as_bytes()),
    };
    Ok(bytes)
}
