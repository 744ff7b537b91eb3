//! A text file of the project that the inventory names.

use std::path::Path;

use anyhow::Context;

use crate::error::Result;
use crate::inventory::At;
use crate::project_file;
use crate::report::Report;

/// Its text, or `None` after a finding: it is missing, or not UTF-8.
pub fn read(dir: &Path, source: &At<String>, report: &mut Report) -> Result<Option<String>> {
    let path = dir.join(&source.value);
    match project_file::read_text(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) => match project_file::mistake(&error) {
            Some(why) => {
                let rule = format!("the file {} {why}", source.value);
                let repair = "paths are relative to the project";
                report.add(source.spot.error(rule).repair(repair));
                Ok(None)
            }
            None => Err(error).with_context(|| format!("reading {}", path.display())),
        },
    }
}
