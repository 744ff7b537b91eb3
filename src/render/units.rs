//! Units are read as systemd would read them, and what it would not take is found at the line that says it.

use crate::model::{FieldLocation, Location};

use crate::project_folder::SOURCE;
use crate::render::{NodeRendering, Renderer};
use crate::report::Finding;
use crate::tree::{Content, Texts, Unit, UnitFault, check_unit};

impl NodeRendering<'_> {
    /// Checks every unit whose text or drop-ins are ours.
    pub(super) fn check_units(&mut self) {
        let mut findings = Vec::new();
        let units = self.builder.tree().units().clone();
        for (name, unit) in units.iter().filter(|(_, unit)| !unit.masked) {
            let parts = parts(unit);
            let texts = Texts {
                name,
                has_file: unit.text.is_some(),
                texts: parts.iter().map(|(_, text)| *text).collect(),
            };
            for fault in check_unit(&texts) {
                let Some((dropin, text)) = parts.get(fault.text) else {
                    continue;
                };
                if let Some(location) = self.builder.unit_location(name, *dropin) {
                    findings.push(finding(self.renderer, location, text, fault, name));
                }
            }
        }
        self.builder.fail(findings);
    }
}

/// The texts of a unit with their drop-ins' names, as systemd orders them.
fn parts(unit: &Unit) -> Vec<(Option<&str>, &str)> {
    let file = unit.text.iter().map(|text| (None, text));
    let dropins = unit.dropins.iter();
    let dropins = dropins.map(|(name, text)| (Some(name.as_str()), text));
    file.chain(dropins)
        .filter_map(|(name, (content, _))| match content {
            Content::Blob(blob) => Some((name, std::str::from_utf8(blob.bytes()).ok()?)),
            Content::Asset(_) => None,
        })
        .collect()
}

/// A fault at its line and column of the file that holds the text, if that file says the line word for word.
fn finding(
    renderer: &Renderer,
    location: &FieldLocation,
    text: &str,
    fault: UnitFault,
    unit: &str,
) -> Finding {
    let line = text.split('\n').nth(fault.position.line - 1);
    let source = source(renderer, location);
    let is_own_file = location.at.line == 0;
    let lines = text.split('\n').count();
    let found = line.zip(source.as_deref()).and_then(|(line, source)| {
        let from = usize::try_from(location.at.line).unwrap_or(0);
        locate(source, from.saturating_sub(1), lines, line)
    });
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut message = fault.message;
    if is_own_file {
        message = format!("{unit}: {message}");
    }
    let at = match found {
        Some((found, shift)) => {
            let column = fault.position.column.saturating_add_signed(shift);
            Location::new(location.at.file.clone(), number(found), number(column))
        }
        None => {
            message.push_str(&format!(" (line {} of the text)", fault.position.line));
            location.at.clone()
        }
    };
    Finding {
        help: fault.help.map(String::into),
        ..Finding::new(fault.id, &at, &*location.path, message)
    }
}

/// The text of the file in which a unit's text was written: a template, a file of an overlay, or the YAML around it.
/// Built-in files that are no templates are right as they are, and a test says so.
fn source<'o>(
    renderer: &'o Renderer,
    location: &FieldLocation,
) -> Option<std::borrow::Cow<'o, str>> {
    if let Some(template) = renderer.templates.text_of(&location.at) {
        return Some(template.into());
    }
    let file = renderer.project.read_text(&*location.at.file, SOURCE);
    file.ok().map(Into::into)
}

/// The number of the first line that says the same, blanks around it aside, and how much further right it is. In a
/// template a tag is allowed on the same line.
fn locate(source: &str, from: usize, lines: usize, line: &str) -> Option<(usize, isize)> {
    // A template may be longer than what it renders to; a value is as long as it is, and its first line with it.
    let most = if from == 0 { usize::MAX } else { lines + 1 };
    let candidates = || source.lines().enumerate().skip(from).take(most);
    let wanted = line.trim();
    let same = candidates().find(|(_, other)| other.trim() == wanted);
    let part = || candidates().find(|(_, other)| !wanted.is_empty() && other.contains(wanted));
    let (index, found) = same.or_else(part)?;
    let column = |line: &str| {
        let before = line.find(wanted).and_then(|at| line.get(..at));
        before.unwrap_or_default().chars().count() as isize
    };
    Some((index + 1, column(found) - column(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_where_it_stands_in_its_source() {
        let yaml = "units:\n  a.service:\n    text: |\n      [Unit]\n      Foo=1\n  b.service:\n    text: |\n      Foo=1\n";
        assert_eq!(locate(yaml, 2, 2, "Foo=1"), Some((5, 6)));
        assert_eq!(locate(yaml, 6, 1, "Foo=1"), Some((8, 6)));
        assert_eq!(locate(yaml, 2, 2, "Foo=2"), None);
        assert_eq!(locate("a\n  b\n", 0, 1, "b"), Some((2, 2)));
        assert_eq!(locate("a\n{% endif %} B=1\n", 0, 1, " B=1"), Some((2, 11)));
    }
}
