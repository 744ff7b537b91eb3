//! A text file of the project that the inventory names.

use std::io;

use anyhow::Context;

use crate::compile::refused;
use crate::error::Result;
use crate::identity::Guarded;
use crate::input;
use crate::model::Spanned;
use crate::project_folder::{DOCUMENT, ProjectFolder};
use crate::report::Report;

/// Its text, or `None` after a finding: it is missing, not UTF-8, or holds what belongs into no payload. `secret` says
/// whether it was declared so; None where it cannot be.
pub fn read(
    project: &ProjectFolder,
    source: &Spanned<String>,
    (guarded, secret): (&Guarded, Option<bool>),
    report: &mut Report,
) -> Result<Option<String>> {
    let read = || {
        let found = project.find(&source.value)?;
        let text = input::text(input::of_file(found.open()?, DOCUMENT)?)?;
        let whole = guarded.file(found.metadata());
        let private = whole.or_else(|| guarded.find(text.as_bytes()));
        io::Result::Ok((text, private))
    };
    match read() {
        Ok((text, private)) => {
            let finding = private.and_then(|private| refused(&source.location, private, secret));
            let is_refused = finding.is_some();
            finding.into_iter().for_each(|finding| report.add(finding));
            Ok((!is_refused).then_some(text))
        }
        Err(error) => match input::mistake(&error) {
            Some(flaw) => {
                report.add(source.location.no_file(&source.value, &flaw));
                Ok(None)
            }
            None => {
                let path = project.join(&source.value);
                Err(error).with_context(|| format!("reading {}", path.display()))
            }
        },
    }
}
