//! Where what is wrong in a node's file stands in the user's own: the text was written in a file of the project, in a
//! template, or in the YAML around it.

use crate::model::{FieldLocation, Location};
use crate::project_folder::SOURCE;
use crate::render::Renderer;
use crate::render::cause::{BUILT_IN, cause};
use crate::report::{Finding, Id};
use crate::tree::Position;
use crate::yaml::Located;

/// A place in a text of the node.
pub struct At<'a> {
    /// Where the text was written.
    pub location: &'a FieldLocation,
    /// The text as the node gets it.
    pub text: &'a str,
    /// Where in it; None is all of it.
    pub position: Option<Position>,
    /// How a message calls the text where its file does not say so.
    pub about: &'a str,
    /// What the node's layers say.
    pub merged: &'a Located,
}

/// A finding at the line and column of the file that holds the text, if that file says the line word for word.
pub fn placed(renderer: &Renderer, at: &At<'_>, id: Id, mut message: String) -> Finding {
    let location = at.location;
    let is_own_file = location.at.line == 0;
    if is_own_file {
        message = format!("{}: {message}", at.about);
    }
    let Some(position) = at.position else {
        return Finding::new(id, &location.at, &*location.path, message);
    };
    let line = at.text.split('\n').nth(position.line - 1);
    if location.at.file.starts_with(BUILT_IN)
        && let Some(cause) = line.and_then(|line| cause(at.merged, line, position.column))
    {
        let message = format!("{message} (in {})", location.at.file);
        return Finding::new(id, &cause.location, cause.path, message);
    }
    let source = source(renderer, location);
    let lines = at.text.split('\n').count();
    let found = line.zip(source.as_deref()).and_then(|(line, source)| {
        let from = usize::try_from(location.at.line).unwrap_or(0);
        locate(source, from.saturating_sub(1), lines, line)
    });
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let here = match found {
        Some((found, shift)) => {
            let column = position.column.saturating_add_signed(shift);
            Location::new(location.at.file.clone(), number(found), number(column))
        }
        None => {
            message.push_str(&format!(" (line {} of the text)", position.line));
            location.at.clone()
        }
    };
    Finding::new(id, &here, &*location.path, message)
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
/// template a tag is allowed on the same line, and between double quotes the line has escapes.
fn locate(source: &str, from: usize, lines: usize, line: &str) -> Option<(usize, isize)> {
    // A template may be longer than what it renders to; a value is as long as it is, and its first line with it.
    let most = if from == 0 { usize::MAX } else { lines + 1 };
    let candidates = || source.lines().enumerate().skip(from).take(most);
    let wanted = line.trim();
    if wanted.is_empty() {
        return None;
    }
    let escaped = wanted.replace('\\', "\\\\").replace('"', "\\\"");
    let part = |wanted: &str| candidates().find(|(_, other)| other.contains(wanted));
    let same = candidates().find(|(_, other)| other.trim() == wanted);
    let found = same.or_else(|| part(wanted)).map(|found| (found, wanted));
    let ((index, found), found_as) = match found {
        Some(found) => found,
        None => (part(&escaped)?, escaped.as_str()),
    };
    let column = |line: &str, of: &str| {
        let before = line.find(of).and_then(|at| line.get(..at));
        before.unwrap_or_default().chars().count() as isize
    };
    let shift = column(found, found_as) - column(line, wanted);
    Some((index + 1, shift))
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
        let quoted = "a: {content: \"b = [\\\"c\\\"]\\n\"}\n";
        assert_eq!(locate(quoted, 1, 1, "b = [\"c\"]"), None);
        assert_eq!(locate(quoted, 0, 1, "b = [\"c\"]"), Some((1, 14)));
        assert_eq!(locate("a\n  b\n", 0, 1, "b"), Some((2, 2)));
        assert_eq!(locate("a\n{% endif %} B=1\n", 0, 1, " B=1"), Some((2, 11)));
    }
}
