//! `nodebake schema`: JSON Schema for editors and validators.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::cli::{SchemaFile, SchemaOf};
use crate::error::{Exit, Result};
use crate::schema::{SchemaKind, findings_text, policy_text, text};
use crate::terminal;

/// Runs `schema`.
pub fn run(args: &SchemaOf) -> Result<Exit> {
    let minor = args.kubernetes;
    if let Some(out) = &args.out {
        write_all(out, minor)?;
        return Ok(Exit::Good);
    }
    let kind = match args.file {
        SchemaFile::Findings => return print(&findings_text()),
        SchemaFile::Policy => return print(&policy_text()),
        SchemaFile::Cluster => SchemaKind::Cluster,
        SchemaFile::Profile => SchemaKind::Profile,
        SchemaFile::Overlay => SchemaKind::Overlay,
    };
    print(&text(kind, minor))
}

fn print(text: &str) -> Result<Exit> {
    terminal::stdout_for_files().write_all(text.as_bytes())?;
    Ok(Exit::Good)
}

/// Writes the schemas of all kinds into a folder.
pub fn write_all(out: &Path, minor: Option<u32>) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("creating {}", out.display()))?;
    for kind in SchemaKind::ALL {
        let file = out.join(kind.file());
        fs::write(&file, text(kind, minor))
            .with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}
