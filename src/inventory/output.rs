//! `output`: which payloads a node gets, and how they are written.

use crate::inventory::cursor::Cursor;
use crate::payload::{Compression, Format, IgnitionSpec, Settings};

/// Reads `output`; what is not said has the default.
pub fn read(at: Option<&Cursor<'_>>) -> Settings {
    let mut settings = Settings {
        formats: Format::ALL.to_vec(),
        tarball: Compression::Gzip,
        initramfs: Compression::Gzip,
        // 3.3.0 is read by nearly every Ignition in the field (formats.md 3.3).
        ignition: IgnitionSpec { minor: 3 },
    };
    let Some(fields) = at.and_then(|at| at.fields()) else {
        return settings;
    };
    if let Some(list) = fields.optional("formats") {
        settings.formats = formats(&list);
    }
    // Secrets travel inside the payload; it is the only way so far, and it may be said.
    let _ = fields
        .optional("secrets")
        .and_then(|at| at.choice(&[("inline", ())]));
    if let Some(target) = sub(fields.optional("cloudInit"), "target") {
        let _ = target.choice(&[("nocloud", ())]);
    }
    if let Some(spec) =
        sub(fields.optional("ignition"), "spec").and_then(|at| at.parse(ignition_spec))
    {
        settings.ignition = spec;
    }
    if let Some(compression) =
        sub(fields.optional("tarball"), "compression").and_then(|at| compression(&at))
    {
        settings.tarball = compression;
    }
    if let Some(compression) =
        sub(fields.optional("initramfs"), "compression").and_then(|at| compression(&at))
    {
        settings.initramfs = compression;
    }
    fields.finish();
    settings
}

/// The only field of a format's settings.
fn sub<'a>(at: Option<Cursor<'a>>, key: &'static str) -> Option<Cursor<'a>> {
    let fields = at?.fields()?;
    let found = fields.optional(key);
    fields.finish();
    found
}

fn formats(list: &Cursor<'_>) -> Vec<Format> {
    let items = list.items();
    let mut formats: Vec<Format> = items.iter().filter_map(|item| item.parse(format)).collect();
    formats.sort();
    formats.dedup();
    if items.is_empty() {
        list.error("names no format");
    }
    formats
}

/// A format by its name; the error is the rule.
pub fn format(text: &str) -> Result<Format, String> {
    Format::ALL
        .into_iter()
        .find(|format| format.name() == text)
        .ok_or_else(|| {
            let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
            format!(
                "{text:?} is no format; the formats are {}",
                names.join(", ")
            )
        })
}

fn compression(at: &Cursor<'_>) -> Option<Compression> {
    at.choice(&[
        ("none", Compression::None),
        ("gzip", Compression::Gzip),
        ("zstd", Compression::Zstd),
        ("xz", Compression::Xz),
    ])
}

fn ignition_spec(text: &str) -> Result<IgnitionSpec, String> {
    let minor = text
        .strip_prefix("3.")
        .and_then(|rest| rest.strip_suffix(".0"));
    match minor.and_then(|minor| minor.parse().ok()) {
        Some(minor @ 0..=6) => Ok(IgnitionSpec { minor }),
        _ => Err(format!(
            "{text:?} is no Ignition specification from 3.0.0 to 3.6.0"
        )),
    }
}
