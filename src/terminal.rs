//! Text of other people on its way to a terminal. The rule for all printers is here: [`shown`] for one name or one line, and
//! the writers to which everything is printed, which let nothing else through. `clippy.toml` forbids the ways around them.
//!
//! A terminal obeys control characters, and it draws some characters as nothing or from right to left, so that one name
//! looks like another. Those are escaped, like `\u{202e}`; all other text stays as it is, in any script.

use std::io::{self, IsTerminal, StderrLock, StdoutLock, Write};
use std::ops::RangeInclusive;
use std::process::Stdio;

use anstream::AutoStream;
pub use anstream::ColorChoice;
use anstream::stream::RawStream;
use serde::Serialize;

/// Characters that are drawn as nothing, beside those that Unicode itself calls control, format, space or not assigned:
/// the rest of `Default_Ignorable_Code_Point` in DerivedCoreProperties.txt of Unicode 17, and the blank of Braille.
const DRAWN_AS_NOTHING: [RangeInclusive<char>; 10] = [
    '\u{34f}'..='\u{34f}',     // combining grapheme joiner
    '\u{115f}'..='\u{1160}',   // Hangul fillers
    '\u{17b4}'..='\u{17b5}',   // Khmer inherent vowels
    '\u{180b}'..='\u{180f}',   // Mongolian variation selectors and vowel separator
    '\u{2800}'..='\u{2800}',   // Braille pattern blank
    '\u{3164}'..='\u{3164}',   // Hangul filler
    '\u{fe00}'..='\u{fe0f}',   // variation selectors
    '\u{ffa0}'..='\u{ffa0}',   // halfwidth Hangul filler
    '\u{fff0}'..='\u{fffb}',   // specials, interlinear annotations
    '\u{e0000}'..='\u{e0fff}', // tags, more variation selectors
];

/// A foreign text on one line: what would move the cursor, hide, or turn the direction of writing is escaped.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) {
            shown.extend(c.escape_default())
        } else {
            shown.push(c)
        }
    }
    shown
}

fn hides(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_control()
    } else {
        DRAWN_AS_NOTHING.iter().any(|range| range.contains(&c)) || is_unprintable(c)
    }
}

/// Whether Unicode puts it among the categories C (control, format, private, unassigned) or Z (spaces, line ends). The
/// standard library has the table, for the escapes of `Debug`. It would escape combining marks too, but only at the
/// beginning of a text, so another character goes before.
fn is_unprintable(c: char) -> bool {
    let mut text = String::from("x");
    text.push(c);
    text.escape_debug().nth(1) == Some('\\')
}

/// Stdout for people.
pub fn stdout() -> Escaping<StdoutLock<'static>> {
    #[allow(clippy::disallowed_methods, reason = "this is the way out")]
    let stdout = io::stdout().lock();
    Escaping::new(stdout, Escape::Text)
}

/// Stderr for people.
pub fn stderr() -> Escaping<StderrLock<'static>> {
    #[allow(clippy::disallowed_methods, reason = "this is the way out")]
    let stderr = io::stderr().lock();
    Escaping::new(stderr, Escape::Text)
}

/// Sets whether findings have colours, before anything is printed.
pub fn set_colors(choice: ColorChoice) {
    choice.write_global();
}

/// Stdout for people, with our own colours where it has them.
pub fn stdout_with_colors() -> Escaping<StdoutLock<'static>> {
    #[allow(clippy::disallowed_methods, reason = "this is the way out")]
    let stdout = io::stdout();
    let escape = colors(&stdout);
    Escaping::new(stdout.lock(), escape)
}

/// Stderr for people, with our own colours where it has them.
pub fn stderr_with_colors() -> Escaping<StderrLock<'static>> {
    #[allow(clippy::disallowed_methods, reason = "this is the way out")]
    let stderr = io::stderr();
    let escape = colors(&stderr);
    Escaping::new(stderr.lock(), escape)
}

/// NO_COLOR, CLICOLOR_FORCE and TERM count where the user did not choose.
fn colors(stream: &impl RawStream) -> Escape {
    match AutoStream::choice(stream) {
        ColorChoice::Never => Escape::Text,
        _ => Escape::TextWithColors,
    }
}

/// Our stderr as the stdout of a program that we run: what it prints is its own.
pub fn stderr_of_programs() -> Stdio {
    #[allow(clippy::disallowed_methods, reason = "this is the way out")]
    io::stderr().into()
}

/// Whether somebody looks at stderr.
pub fn is_watched() -> bool {
    #[allow(clippy::disallowed_methods, reason = "nothing is printed")]
    io::stderr().is_terminal()
}

/// Stdout for what is a file, of ours or of a node: a program or a file gets its bytes as they are, a terminal gets them
/// escaped.
pub fn stdout_for_files() -> Box<dyn Write> {
    #[allow(clippy::disallowed_methods, reason = "this is the way out")]
    let stdout = io::stdout().lock();
    if stdout.is_terminal() {
        Box::new(Escaping::new(stdout, Escape::Text))
    } else {
        Box::new(stdout)
    }
}

/// Prints a result on stdout as JSON.
pub fn print_json(value: &impl Serialize) -> io::Result<()> {
    write_json(&mut stdout(), value)
}

/// Writes a result as JSON with a line break after it. What hides is escaped there too: it is the same value for a program,
/// and people look at JSON as well.
pub fn write_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut out = escaping_json(out);
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)
}

/// Takes JSON, and escapes what hides in it as JSON does.
pub fn escaping_json<W: Write>(out: W) -> Escaping<W> {
    Escaping::new(out, Escape::Json)
}

#[derive(Clone, Copy)]
enum Escape {
    Text,
    /// Colours pass (SGR of ECMA-48, 8.3.117): what is foreign in the text was [`shown`] before.
    TextWithColors,
    Json,
}

/// A writer of text that lets nothing through that hides, but line breaks and tabs: they are the printers' own, since
/// names are [`shown`] before they become part of a line.
pub struct Escaping<W: Write> {
    inner: W,
    escape: Escape,
    /// The beginning of a character whose end was not written yet.
    begun: Vec<u8>,
}

impl<W: Write> Escaping<W> {
    fn new(inner: W, escape: Escape) -> Self {
        Self {
            inner,
            escape,
            begun: Vec::new(),
        }
    }

    /// Whether colours pass.
    pub fn has_colors(&self) -> bool {
        matches!(self.escape, Escape::TextWithColors)
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let mut from = 0;
        for (at, c) in text.char_indices() {
            if matches!(c, '\n' | '\t') || !hides(c) {
                continue;
            }
            if matches!(self.escape, Escape::TextWithColors) && begins_color(&text[at..]) {
                continue;
            }
            self.inner.write_all(&text.as_bytes()[from..at])?;
            from = at + c.len_utf8();
            match self.escape {
                Escape::Text | Escape::TextWithColors => {
                    write!(self.inner, "{}", c.escape_default())?
                }
                Escape::Json => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(self.inner, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        self.inner.write_all(&text.as_bytes()[from..])
    }

    fn not_text(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut bytes = bytes.iter();
        bytes.try_for_each(|byte| write!(self.inner, "\\x{byte:02x}"))
    }
}

/// Whether a text begins with `ESC [ numbers m`.
fn begins_color(text: &str) -> bool {
    let numbers = text.strip_prefix("\u{1b}[");
    numbers.is_some_and(|rest| {
        let end = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        end.starts_with('m')
    })
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let joined = [&std::mem::take(&mut self.begun), bytes].concat();
        let mut chunks = joined.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.text(chunk.valid())?;
            let invalid = chunk.invalid();
            let ends_early =
                || std::str::from_utf8(invalid).is_err_and(|e| e.error_len().is_none());
            if chunks.peek().is_none() && ends_early() {
                self.begun = invalid.to_vec()
            } else {
                self.not_text(invalid)?
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let begun = std::mem::take(&mut self.begun);
        self.not_text(&begun)?;
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What steers, hides, or turns the direction of writing.
    const HIDING: &str = "\u{1b}\u{7}\u{8}\u{7f}\u{80}\u{85}\u{9b}\u{9d}\u{a0}\u{ad}\u{34f}\u{600}\u{61c}\u{6dd}\u{115f}\u{1160}\
        \u{17b4}\u{180b}\u{180e}\u{180f}\u{2000}\u{200b}\u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{202f}\u{2060}\
        \u{2062}\u{2064}\u{2065}\u{2066}\u{2069}\u{206a}\u{206f}\u{2800}\u{3000}\u{3164}\u{e000}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\
        \u{fff9}\u{fffb}\u{ffff}\u{110bd}\u{1bca0}\u{1d173}\u{e0001}\u{e0020}\u{e007f}\u{e0100}\u{e01ef}\u{f0000}\u{10ffff}";
    /// What stays: other scripts with their combining marks, signs, emoji.
    const HARMLESS: &str =
        "a b/ł e\u{301} עברית العربية ภาษาไทย हिन्दी 日本語 한국어 🔑 … – “x” \\'\"";

    #[test]
    fn what_steers_or_hides_is_escaped_and_the_rest_stays() {
        assert_eq!(shown(HARMLESS), HARMLESS);
        for c in HIDING.chars().chain("\n\r\t".chars()) {
            let said = shown(&format!("a{c}b"));
            assert!(said.len() > 3 && !said.contains(c), "{said}");
        }
    }

    fn written(escape: Escape, bytes: &[u8], at_once: usize) -> String {
        let mut out = Vec::new();
        let mut writer = Escaping::new(&mut out, escape);
        for part in bytes.chunks(at_once) {
            writer.write_all(part).unwrap();
        }
        writer.flush().unwrap();
        drop(writer);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writers_escape_however_the_bytes_arrive() {
        let text = format!("{HARMLESS}\n\tx{HIDING}y");
        let expected = format!("{HARMLESS}\n\tx{}y", shown(HIDING));
        for at_once in [1, 2, 3, 7, 10_000] {
            let said = written(Escape::Text, text.as_bytes(), at_once);
            assert_eq!(said, expected, "{at_once} bytes at once");
            let broken = written(Escape::Text, b"a\xffb\xf0\x9f\x94", at_once);
            assert_eq!(broken, "a\\xffb\\xf0\\x9f\\x94");
        }
    }

    #[test]
    fn colors_pass_and_nothing_else_that_steers() {
        let text = "\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m\u{1b}[2J\u{1b}]0;x\u{7}\u{1b}";
        let said = written(Escape::TextWithColors, text.as_bytes(), 10_000);
        let rest = "\\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{1b}";
        assert_eq!(said, format!("\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m{rest}"));
        assert!(!written(Escape::Text, text.as_bytes(), 10_000).contains('\u{1b}'));
    }

    #[test]
    fn json_is_the_same_value_with_nothing_that_hides() {
        let value = format!("{HARMLESS}{HIDING}\n");
        let mut out = Vec::new();
        // As printed: through the writer for text.
        write_json(&mut Escaping::new(&mut out, Escape::Text), &[&value]).unwrap();
        let said = String::from_utf8(out).unwrap();
        assert!(!said.contains(|c| HIDING.contains(c)), "{said}");
        let read: Vec<String> = serde_json::from_str(&said).unwrap();
        assert_eq!(read, [value]);
    }
}
