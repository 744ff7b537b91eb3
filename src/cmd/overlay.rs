//! `nodebake overlay`: all overlays, and the files of a built-in one.

use std::io::Write;

use anyhow::bail;

use crate::cli::OverlayArgs;
use crate::cmd::profile::{ListedRow, list};
use crate::compile::overlay::{built_in_overlay, overlays};
use crate::error::{Exit, Result};
use crate::project_folder::ProjectFolder;
use crate::terminal;

/// Runs `overlay`.
pub fn run(args: &OverlayArgs) -> Result<Exit> {
    let Some(name) = &args.name else {
        let project = ProjectFolder::new(&args.listed.project, &[])?;
        let rows = overlays(&project)?.into_iter().map(|overlay| ListedRow {
            name: overlay.name,
            from: overlay.folder,
            description: overlay.description,
        });
        return list(&args.listed, rows.collect());
    };
    let overlay = built_in_overlay(name)?;
    if let Some(out) = &args.out {
        overlay.copy(out)?;
        writeln!(terminal::stdout(), "wrote {}", out.display())?;
    } else if let Some(path) = &args.file {
        let Some(text) = overlay.file(path) else {
            bail!("the overlay {name} has no file {path}; `nodebake overlay {name}` lists them");
        };
        terminal::stdout_for_files().write_all(text.as_bytes())?;
    } else {
        let mut out = terminal::stdout();
        for (file, _) in &overlay.files {
            writeln!(out, "{file}")?;
        }
    }
    Ok(Exit::Good)
}
