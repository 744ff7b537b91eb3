//! A text file of the project that the inventory names.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;

use crate::error::Result;
use crate::inventory::At;
use crate::report::Report;

/// Its text, or `None` after a finding: it is missing, or not UTF-8.
pub fn read(dir: &Path, source: &At<String>, report: &mut Report) -> Result<Option<String>> {
    let path = dir.join(&source.value);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let rule = format!("the file {} is missing", source.value);
            let repair = "paths are relative to the project";
            report.add(source.spot.error(rule).repair(repair));
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => {
            let rule = format!("the file {} is not UTF-8", source.value);
            report.add(source.spot.error(rule));
            Ok(None)
        }
    }
}
