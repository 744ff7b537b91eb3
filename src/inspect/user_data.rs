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
            "part {number}: {kind}, {name}, {} bytes",
            bytes.len()
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
    let mut document: Value = match yaml::read_within(text, into.limits().values()) {
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
            into.note(format!("{key}: {} commands", commands.len()))?;
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
    row.mode = Some(mode(&file["permissions"])?);
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

/// A string of octal digits; cloud-init takes a number as its decimal digits, read as octal ones.
fn mode(value: &Value) -> Result<u32> {
    let digits = match value {
        Value::Null => return Ok(0o644),
        Value::String(text) => text.trim_start_matches("0o").to_owned(),
        Value::Number(number) => number.to_string(),
        _ => bail!("permissions that are neither text nor a number"),
    };
    let mode = u32::from_str_radix(&digits, 8);
    Ok(mode.context("permissions that are not octal")? & 0o7777)
}

fn decoded<'a>(content: &'a str, encoding: &str, into: &mut Collector) -> Result<Cow<'a, [u8]>> {
    let base64 = || {
        let digits: Vec<u8> = content
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        BASE64.decode(digits).context("content that is not base64")
    };
    let bytes = match encoding.to_ascii_lowercase().as_str() {
        "b64" | "base64" => Cow::Owned(base64()?),
        "gz+b64" | "gz+base64" | "gzip+b64" | "gzip+base64" => {
            let packed = base64()?;
            Cow::Owned(unpacked(&packed, into)?.into_owned())
        }
        // Packed bytes in YAML itself: `!!binary`, which comes as base64.
        "gz" | "gzip" => Cow::Owned(unpacked(&base64()?, into)?.into_owned()),
        _ => Cow::Borrowed(content.as_bytes()),
    };
    Ok(bytes)
}
