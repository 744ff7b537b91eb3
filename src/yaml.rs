//! YAML: the only user of the YAML crates. In: a document's text. Out: typed values with their locations, or a located
//! [`Fault`], or a tree of located values. It knows no document's meaning. Also here: how a string is quoted in the block YAML that we write.

use std::fmt::Write;

mod located;
mod nodes;
mod unclosed;

use serde::de::DeserializeOwned;
pub use serde_saphyr::Spanned;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Budget, Error, Options, options};

pub use located::{Field, Located, Map, Value, parse, parse_part, to_text};
pub use nodes::{Node, NodeContent, first_document};

/// Why a text is not the document that was asked for. YAML readers stop at their first fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// 1-based line, 0 where the reader gives none.
    pub line: u32,
    /// 1-based column in characters, 0 where the reader gives none.
    pub column: u32,
    /// What is wrong, on one line. It may quote the text: see [`Fault::without_quotes`].
    pub message: String,
}

impl Fault {
    fn new(error: &Error) -> Self {
        let error = error.without_snippet();
        let place = error.location();
        Self {
            line: place.map_or(0, |p| u32::try_from(p.line()).unwrap_or(u32::MAX)),
            column: place.map_or(0, |p| u32::try_from(p.column()).unwrap_or(u32::MAX)),
            message: match error {
                // The crate's own words for these two speak of its options to a programmer.
                Error::DuplicateMappingKey { key: Some(key), .. } => {
                    format!("the key {key} is there twice")
                }
                Error::MultipleDocuments { .. } => "more than one document".to_owned(),
                other => bare_message(&other.to_string()),
            },
        }
    }

    /// The message, or `instead` if it repeats anything of the document but `known` words: for documents that hold
    /// secrets. A word counts from five characters on, or "a", "of" and "key" would hide every message.
    pub fn without_quotes<'a>(
        &'a self,
        document: &str,
        known: &[&str],
        instead: &'a str,
    ) -> &'a str {
        let mut words = self.message.split(|c: char| !c.is_ascii_alphanumeric());
        let is_quote =
            |word: &str| word.len() > 4 && !known.contains(&word) && document.contains(word);
        if words.any(is_quote) {
            instead
        } else {
            &self.message
        }
    }
}

/// One line, without the "line 3 column 4:" that the location already says.
fn bare_message(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    // Hints to a programmer, and the location once more.
    let end = [" at line ", "; use "]
        .iter()
        .filter_map(|hint| line.find(hint))
        .min();
    let line = &line[..end.unwrap_or(line.len())];
    let stripped = line
        .strip_prefix("error: ")
        .unwrap_or(line)
        .strip_prefix("line ")
        .and_then(|rest| rest.split_once(": "))
        .map_or(line, |(_, message)| message);
    stripped.trim_end_matches('.').to_owned()
}

/// Reads one document. Booleans are `true` and `false` only and numbers have no leading zeros or underscores, so that
/// what YAML 1.1 and 1.2 read differently stays a string.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    read_within(text, NODES)
}

/// The same for a document that nobody vouches for, with at most so many nodes (scalars, lists and maps).
pub fn read_within<T: DeserializeOwned>(text: &str, nodes: usize) -> Result<T, Fault> {
    serde_saphyr::from_str_with_options(text, reading(nodes, SCALARS))
        .map_err(|error| Fault::new(&error))
}

/// The same as lax readers of YAML 1.1 like PyYAML do it: of a key that is there twice the last one counts.
pub fn read_lax<T: DeserializeOwned>(text: &str, nodes: usize) -> Result<T, Fault> {
    let options = options! {
        budget: budget(nodes, SCALARS),
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| Fault::new(&error))
}

/// Reads all documents of a text that nobody vouches for, by the same rules; empty ones are left out. Whatever they repeat
/// by aliases, they do not become much larger than the longest text that is compared.
pub fn read_all<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Fault> {
    serde_saphyr::from_multiple_with_options(text, reading(500_000, 32 << 20))
        .map_err(|error| Fault::new(&error))
}

/// The crate's own default refuses 10,000 rich nodes of a cluster.
const NODES: usize = 20_000_000;
/// Bytes of all scalars together.
const SCALARS: usize = 1 << 30;

/// It protects against billion-laughs documents.
fn budget(nodes: usize, scalars: usize) -> Option<Budget> {
    serde_saphyr::budget! { max_nodes: nodes, max_events: nodes.saturating_mul(3), max_total_scalar_bytes: scalars }
}

fn reading(nodes: usize, scalars: usize) -> Options {
    options! {
        budget: budget(nodes, scalars),
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    }
}

/// Appends a string in double quotes: a string to every reader (YAML 1.1, YAML 1.2, JSON), whatever it looks like.
pub fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            // Writing to a String cannot fail.
            c if u32::from(c) > 0xffff => _ = write!(out, "\\U{:08x}", u32::from(c)),
            c => _ = write!(out, "\\u{:04x}", u32::from(c)),
        }
    }
    out.push('"');
}

/// What is allowed unescaped: PyYAML and Go's reader refuse the rest, or take it as a line break or a byte order mark.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A string in double quotes: see [`push_quoted`].
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_fault_says_where_and_one_line_of_what() {
        for (text, line, column, message) in [
            ("a: 1\nb: \"x\n", 2, 4, "unclosed quote"),
            ("a: 1\n\tb: 2\n", 1, 4, "found a tab"),
            ("a: 1\na: 2\n", 2, 1, "the key a is there twice"),
            ("a: 1\n---\nb: 1\n", 3, 1, "more than one document"),
            ("a: 1\nb: many\n", 2, 4, "invalid u8"),
        ] {
            let fault = read::<BTreeMap<String, u8>>(text).unwrap_err();
            assert_eq!((fault.line, fault.column), (line, column), "{fault:?}");
            assert!(fault.message.ends_with(message), "{fault:?}");
            assert!(!fault.message.contains("line "), "{fault:?}");
        }
    }

    #[test]
    fn a_message_that_repeats_the_document_is_withheld() {
        let text = "0123456789abcdef: 1\n0123456789abcdef: 2\n";
        let fault = read::<BTreeMap<String, u8>>(text).unwrap_err();
        assert!(fault.message.contains("0123456789abcdef"), "{fault:?}");
        assert_eq!(
            fault.without_quotes(text, &["twice"], "not YAML"),
            "not YAML"
        );
    }

    #[test]
    fn quoted_strings_are_read_back_the_same() {
        for text in [
            "",
            "yes",
            "1e3",
            "0644",
            "~",
            "a\"b\\c",
            "tab\tnew\nline",
            "\u{1}\u{7f}\u{85}\u{2028}\u{feff}",
            "é 🔑",
        ] {
            let back: String = read(&quoted(text)).unwrap();
            assert_eq!(back, text);
        }
    }
}
