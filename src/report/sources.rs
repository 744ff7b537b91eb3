//! The texts that findings may be quoted from: files that everybody reads who works on the project. Files of secrets are
//! never here, and of the files that are, the entries that are declared secret are left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::model::Location;
use crate::redact::redacted;
use crate::terminal::shown;

/// Words of keys whose values are not quoted, whoever reads the file.
const TELLING: [&str; 6] = ["pass", "secret", "token", "credential", "private", "apikey"];

/// An entry of a map that may hold what is secret, like a file with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceEntry {
    /// The entry's key: a path on the node.
    pub key: Arc<str>,
    /// Whether it is declared secret here. Another layer may do that for the same key.
    pub secret: bool,
    /// The lines of the entry, 1-based.
    pub lines: RangeInclusive<u32>,
}

#[derive(Clone, Debug)]
struct SourceText {
    text: Arc<str>,
    /// Where each line begins, in bytes.
    starts: Vec<usize>,
    entries: Vec<SourceEntry>,
}

/// The texts by file.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: BTreeMap<Arc<str>, SourceText>,
    /// Keys of entries that some layer declares secret.
    secret: BTreeSet<Arc<str>>,
}

/// A line of a source, as it may be shown.
#[derive(Debug, PartialEq, Eq)]
pub struct Quote {
    /// The line, without what is secret or steers a terminal.
    pub line: String,
    /// The bytes of it that the finding is about; empty where nothing is known but the beginning.
    pub span: std::ops::Range<usize>,
}

impl Sources {
    /// Remembers the text of a file that may be quoted.
    pub fn add(&mut self, file: Arc<str>, text: &str, entries: Vec<SourceEntry>) {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = [0].into_iter().chain(breaks).collect();
        let secret = entries.iter().filter(|entry| entry.secret);
        self.secret.extend(secret.map(|entry| entry.key.clone()));
        let text = SourceText {
            text: Arc::from(text),
            starts,
            entries,
        };
        self.files.insert(file, text);
    }

    /// Takes over another's texts.
    pub fn merge(&mut self, other: Self) {
        self.files.extend(other.files);
        self.secret.extend(other.secret);
    }

    /// The line that a location is on, if it may be quoted and looks as it was written before the value begins.
    pub fn quote(&self, at: &Location) -> Option<Quote> {
        let source = self.files.get(&at.file)?;
        let number = usize::try_from(at.line).ok()?.checked_sub(1)?;
        if self.is_withheld(source, at.line) {
            return None;
        }
        let line = source.text.get(*source.starts.get(number)?..)?;
        let line = line.split('\n').next()?.trim_end_matches('\r');
        let from = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let start = byte_of(line, from)?;
        let end = match at.end {
            Some(end) if end.line.get() == at.line => {
                let end = usize::try_from(end.column).ok()?.checked_sub(1)?;
                byte_of(line, end).unwrap_or(line.len())
            }
            Some(_) => line.len(),
            None => start,
        };
        quote(line, start, end.max(start))
    }

    /// Whether a line is part of an entry that some layer declares secret.
    fn is_withheld(&self, source: &SourceText, line: u32) -> bool {
        let mut here = source.entries.iter();
        here.any(|entry| entry.lines.contains(&line) && self.secret.contains(&entry.key))
    }
}

/// The byte at which a character begins; the end of the line counts.
fn byte_of(line: &str, character: usize) -> Option<usize> {
    let mut starts = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    starts.nth(character)
}

/// A line with the span that is meant. Nothing is quoted where a terminal or the redaction changes what is before it:
/// the column would be another one.
fn quote(line: &str, start: usize, end: usize) -> Option<Quote> {
    let (before, rest) = line.split_at(start);
    let (value, after) = rest.split_at(end - start);
    if redacted(line) != line || clean(before) != before {
        return None;
    }
    let shown_value = clean(value);
    let mut quoted = format!("{before}{shown_value}");
    let span = before.len()..quoted.len();
    quoted.push_str(&clean(after));
    Some(Quote {
        line: without_telling(&quoted, &span)?,
        span,
    })
}

/// A text with what steers a terminal escaped; tabs stay.
fn clean(text: &str) -> Cow<'_, str> {
    if text.split('\t').all(|part| shown(part) == part) {
        return Cow::Borrowed(text);
    }
    let parts: Vec<String> = text.split('\t').map(shown).collect();
    Cow::Owned(parts.join("\t"))
}

/// The line without the value of a key that tells a secret, unless that value is what the finding is about: then nothing.
fn without_telling(line: &str, span: &std::ops::Range<usize>) -> Option<String> {
    let lower = line.to_ascii_lowercase();
    let Some(at) = TELLING.iter().filter_map(|word| lower.find(word)).min() else {
        return Some(line.to_owned());
    };
    let Some(colon) = line[at..].find(':').map(|colon| at + colon + 1) else {
        return Some(line.to_owned());
    };
    match line[colon..].trim() {
        // A map begins, or nothing.
        "" => Some(line.to_owned()),
        _ if span.end > colon => None,
        _ => Some(format!("{} …", &line[..colon])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str, entries: &[(&str, bool, RangeInclusive<u32>)]) -> Sources {
        let mut sources = Sources::default();
        let entries = entries.iter().map(|(key, secret, lines)| SourceEntry {
            key: (*key).into(),
            secret: *secret,
            lines: lines.clone(),
        });
        sources.add("a.yaml".into(), text, entries.collect());
        sources
    }

    fn quoted(text: &str, line: u32, column: u32, width: usize) -> Option<(String, String)> {
        let at = Location::new("a.yaml", line, column).spanning(width);
        let quote = sources(text, &[]).quote(&at)?;
        let meant = quote.line[quote.span.clone()].to_owned();
        Some((quote.line, meant))
    }

    #[test]
    fn a_line_is_quoted_with_the_value() {
        let found = quoted("a: 1\nłb:\t€uro # x\r\n", 2, 5, 4).expect("a quote");
        assert_eq!(found, ("łb:\t€uro # x".to_owned(), "€uro".to_owned()));
        // The end of a line, as a missing value has it, and no line at all.
        assert_eq!(
            quoted("a:", 1, 3, 0),
            Some(("a:".to_owned(), String::new()))
        );
        assert_eq!(quoted("a:", 1, 4, 0), None);
        assert_eq!(quoted("a:", 2, 1, 0), None);
        let other = Location::new("secrets.yaml", 1, 1);
        assert_eq!(sources("a: 1", &[]).quote(&other), None);
    }

    #[test]
    fn what_steers_a_terminal_is_escaped_and_never_moves_the_column() {
        let (line, meant) = quoted("a: x\u{202e}y # \u{1b}", 1, 4, 3).expect("a quote");
        assert_eq!(
            (&*line, &*meant),
            ("a: x\\u{202e}y # \\u{1b}", "x\\u{202e}y")
        );
        assert_eq!(quoted("\u{1b}a: 1", 1, 5, 1), None);
    }

    #[test]
    fn secrets_are_not_quoted() {
        assert_eq!(quoted("name: abcdef.0123456789abcdef", 1, 1, 4), None);
        let key = "key: -----BEGIN PRIVATE KEY-----";
        assert_eq!(quoted(key, 1, 1, 3), None);
        // The key tells it: the value is left out, or the line if the value is meant.
        let line = "dbPassword: hunter2";
        let found = quoted(line, 1, 1, 10).map(|(line, _)| line);
        assert_eq!(found.as_deref(), Some("dbPassword: …"));
        assert_eq!(quoted(line, 1, 13, 7), None);
        assert!(quoted("tokens:", 1, 1, 6).is_some());
    }

    #[test]
    fn entries_that_any_layer_calls_secret_are_not_quoted() {
        let mut both = sources(
            "files:\n  /a:\n    content: x\n  /b: {}\n",
            &[("/a", false, 2..=3)],
        );
        let at = |line| Location::new("a.yaml", line, 3);
        assert!(both.quote(&at(3)).is_some());
        let entry = SourceEntry {
            key: "/a".into(),
            secret: true,
            lines: 1..=1,
        };
        both.add("b.yaml".into(), "x", vec![entry]);
        assert_eq!(both.quote(&at(3)), None);
        assert!(both.quote(&at(4)).is_some());
    }
}
