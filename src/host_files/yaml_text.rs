//! YAML of a node's files with places. In: a text. Out: the located tree, or all faults of its syntax.

use std::sync::Arc;

use crate::host_files::fault::Fault;
use crate::model::Location;
use crate::report::{Id, Report};
use crate::tree::Position;
use crate::yaml::{self, Located};

/// Reads a text of one document; a fault of its syntax has this id.
pub fn read(text: &str, id: Id) -> Result<Located, Vec<Fault>> {
    let file: Arc<str> = "".into();
    let mut report = Report::default();
    // An empty file is a document without anything in it.
    let root = yaml::parse(&file, text, &mut report);
    let faults: Vec<Fault> = report
        .findings()
        .map(|finding| {
            let fault = Fault::at(id, position(&finding.location), &*finding.message);
            match &finding.help {
                Some(help) => fault.help(&**help),
                None => fault,
            }
        })
        .collect();
    match root {
        Some(root) if faults.is_empty() => Ok(root),
        _ => Err(faults),
    }
}

/// Texts of fields at the top of a document, with their places; None for what is not there or no text.
pub fn fields<const N: usize>(text: &str, keys: [&str; N]) -> [Option<(String, Position)>; N] {
    let root = read(text, Id::SettingsFileInvalid).ok();
    keys.map(|key| {
        let value = root.as_ref()?.get(key)?;
        Some((value.as_str()?.to_owned(), position(&value.location)))
    })
}

/// A location as a place in the text.
pub fn position(location: &Location) -> Position {
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX).max(1);
    Position {
        line: number(location.line),
        column: number(location.column),
    }
}
