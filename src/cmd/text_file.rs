//! A text file of the project that the inventory names.

use anyhow::Context;

use crate::error::Result;
use crate::input;
use crate::inventory::At;
use crate::project_folder::{DOCUMENT, ProjectFolder};
use crate::report::Report;

/// Its text, or `None` after a finding: it is missing, or not UTF-8.
pub fn read(
    project: &ProjectFolder,
    source: &At<String>,
    report: &mut Report,
) -> Result<Option<String>> {
    match project.read_text(&source.value, DOCUMENT) {
        Ok(text) => Ok(Some(text)),
        Err(error) => match input::mistake(&error) {
            Some(flaw) => {
                report.add(source.spot.no_file(&source.value, &flaw));
                Ok(None)
            }
            None => {
                let path = project.join(&source.value);
                Err(error).with_context(|| format!("reading {}", path.display()))
            }
        },
    }
}
