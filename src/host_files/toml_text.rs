//! TOML with places: the only user of the TOML crates. In: a text. Out: its root table, and all faults of its syntax. The
//! runtimes read TOML 1.0 (pelletier/go-toml), so that what TOML 1.1 added is a fault too.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;
pub use toml::de::DeValue as Toml;
use toml_parser::parser::{Event, EventKind, parse_document};
use toml_parser::{ParseError, Source};

use crate::host_files::fault::{Fault, position};
use crate::report::Id;
use crate::tree::Position;

/// A text that was read as TOML.
pub struct TomlText<'t> {
    text: &'t str,
    root: Spanned<DeTable<'t>>,
}

/// A table, or the value of a key.
pub type Table<'t> = DeTable<'t>;
/// A value and its range of bytes in the text.
pub type Value<'t> = Spanned<Toml<'t>>;

impl<'t> TomlText<'t> {
    /// Reads a text; a fault of its syntax has this id.
    pub fn read(text: &'t str, id: Id) -> Result<Self, Vec<Fault>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let fault = |span: Option<Range<usize>>, message: &str| {
            let at = position(text, span.map_or(0, |span| span.start));
            Fault::at(id, at, format!("is not valid TOML: {message}"))
        };
        let mut faults: Vec<Fault> = errors
            .iter()
            .map(|error| fault(error.span(), error.message()))
            .collect();
        if faults.is_empty() {
            let newer = newer_than_1_0(text).into_iter();
            faults.extend(newer.map(|(at, what)| {
                let rule = format!("is TOML 1.1: {what}; the runtime reads TOML 1.0");
                Fault::at(id, position(text, at), rule)
            }));
        }
        if faults.is_empty() {
            Ok(Self { text, root })
        } else {
            Err(faults)
        }
    }

    /// The root table.
    pub fn root(&self) -> &Table<'t> {
        self.root.get_ref()
    }

    /// Where some bytes begin.
    pub fn at(&self, span: Range<usize>) -> Position {
        position(self.text, span.start)
    }
}

/// A value below keys; None if one of them is missing or no table.
pub fn find<'a, 't>(table: &'a Table<'t>, path: &[&str]) -> Option<&'a Value<'t>> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    match rest {
        [] => Some(value),
        _ => find(value.get_ref().as_table()?, rest),
    }
}

/// What TOML 1.1 added to 1.0 (toml-lang/toml, CHANGELOG.md): line breaks and a last comma in inline tables, `\e` and `\x`,
/// times without seconds.
fn newer_than_1_0(text: &str) -> Vec<(usize, &'static str)> {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut events: Vec<Event> = Vec::new();
    parse_document(&tokens, &mut events, &mut None::<ParseError>);
    let mut found = Vec::new();
    // Of each bracket that is open, whether it is an inline table's.
    let mut open = Vec::new();
    let mut comma = None;
    for event in events {
        let at = event.span().start();
        match event.kind() {
            EventKind::InlineTableOpen => open.push(true),
            EventKind::ArrayOpen => open.push(false),
            EventKind::InlineTableClose | EventKind::ArrayClose => {
                if let (Some(true), Some(comma)) = (open.pop(), comma) {
                    found.push((comma, "an inline table ends in a comma"));
                }
            }
            EventKind::Newline if open.last() == Some(&true) => {
                found.push((at, "an inline table goes over several lines"));
            }
            EventKind::Scalar | EventKind::SimpleKey => {
                let raw = text.get(at..event.span().end()).unwrap_or_default();
                found.extend(newer_scalar(raw).map(|what| (at, what)));
            }
            _ => {}
        }
        match event.kind() {
            EventKind::ValueSep => comma = Some(at),
            EventKind::Whitespace | EventKind::Comment | EventKind::Newline => {}
            _ => comma = None,
        }
    }
    found
}

fn newer_scalar(raw: &str) -> Option<&'static str> {
    if raw.starts_with('"') {
        let mut chars = raw.chars();
        while let Some(c) = chars.next() {
            if c == '\\' && matches!(chars.next(), Some('e' | 'x')) {
                return Some("the escapes \\e and \\x");
            }
        }
        return None;
    }
    let (_, time) = raw.rsplit_once(['T', 't', ' ']).unwrap_or(("", raw));
    let time = time.split(['Z', 'z', '+', '-']).next().unwrap_or_default();
    let is_time = raw.starts_with(|c: char| c.is_ascii_digit()) && time.contains(':');
    (is_time && time.matches(':').count() == 1).then_some("a time without seconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(usize, usize, String)> {
        let faults = TomlText::read(text, Id::ContainerdConfigInvalid).err();
        let faults = faults.unwrap_or_default().into_iter();
        faults
            .map(|fault| {
                let at = fault.position.expect("a place");
                (at.line, at.column, fault.rule)
            })
            .collect()
    }

    #[test]
    fn toml_1_0_is_taken_as_it_is() {
        for text in [
            "",
            "a = 1\n[b.\"c.d\"]\ne = [\n  1,\n  2,\n]\nf = {g = 1, h = \"\\\\e\"}\n",
            "a = 1979-05-27T07:32:00Z\nb = 07:32:00\nc = 'C:\\x'\nd = \"\"\"\n x\n\"\"\"\n",
        ] {
            assert_eq!(faults(text), [], "{text}");
        }
        let text = TomlText::read("[a.\"b.c\"]\nd = 1\n", Id::ContainerdConfigInvalid);
        let text = text.unwrap_or_else(|_| unreachable!());
        assert!(find(text.root(), &["a", "b.c", "d"]).is_some());
        assert!(find(text.root(), &["a", "b", "d"]).is_none());
    }

    #[test]
    fn all_faults_are_found_and_1_1_is_one() {
        assert_eq!(faults("a = [\nb = 1\n")[0].0, 2);
        assert_eq!(faults("a = 1\na = 2\n")[0].0, 2);
        assert!(faults("a = \nb = x y\n").len() > 1);
        for (text, line) in [
            ("a = 1\nb = {c = 1,}\n", 2),
            ("b = {c = 1,\n d = 2}\n", 1),
            ("b = \"\\e[0m\"\n", 1),
            ("b = 07:32\n", 1),
            ("b = 1979-05-27 07:32\n", 1),
        ] {
            let found = faults(text);
            assert_eq!((found.len(), found[0].0), (1, line), "{text}: {found:?}");
            assert!(found[0].2.contains("TOML 1.1"), "{found:?}");
        }
    }
}
