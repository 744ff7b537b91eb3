//! `nodebake show --sizes`, for people.

use std::io::Write;

use crate::error::Result;
use crate::payload::cloud_init::Fallback;
use crate::project::show::{DocumentSize, PathSize, Sizes};
use crate::wording::counted;

/// Writes the account of each of the node's documents.
pub fn write(sizes: &Sizes, out: &mut dyn Write) -> Result<()> {
    for document in &sizes.documents {
        text(document, out)?;
    }
    let Some(assets) = &sizes.assets else {
        return Ok(());
    };
    for (format, location) in &assets.locations {
        writeln!(out, "assets for {format}: {location}")?;
    }
    files(&assets.files, out)
}

fn text(document: &DocumentSize, out: &mut dyn Write) -> Result<()> {
    let most = document.max_bytes.map_or_else(
        || "no limit".to_owned(),
        |most| format!("at most {}", counted(most, "byte")),
    );
    writeln!(out, "{} for {}: {most}", document.file, document.target)?;
    if let Some(spec) = document.spec {
        let reason = document.spec_reason.as_ref();
        let reason = reason.map(|reason| format!(", because of {reason}"));
        writeln!(out, "specification {spec}{}", reason.unwrap_or_default())?;
    }
    for step in &document.forms {
        let form = match step.fallback {
            Fallback::Plain => "plain",
            Fallback::PackedFiles => "each file packed",
            Fallback::Gzip => "gzip",
            Fallback::Fetched => "fetches the rest",
        };
        let counted = step
            .counted
            .map_or_else(|| "far more".to_owned(), |counted| counted.to_string());
        let fits = if step.fits { "fits" } else { "too large" };
        writeln!(out, "{form:<17} {counted:>8} {fits}")?;
    }
    files(&document.largest, out)
}

fn files(files: &[PathSize], out: &mut dyn Write) -> Result<()> {
    for file in files {
        writeln!(out, "{:>26} {}", file.bytes, file.path)?;
    }
    Ok(())
}
