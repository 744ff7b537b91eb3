//! Puts filters that count (`meter.rs`) into a template. In: a template's text. Out: the same template with each
//! `for x in LIST` as `for x in (LIST)|__iterate(body=N)`, each `set x = VALUE` as `set x = (VALUE)|__keep`, the same in
//! comprehensions of lists and in what is captured; and where in the text each was put, since Tera's errors have locations in
//! the text that it was given.

use std::collections::HashMap;

use crate::template::meter::{ITERATE, KEEP};
use crate::template::words::{Is, Word, words};

/// Tera reads and drops the branches of a condition by recursion, without a limit.
const BRANCHES: usize = 200;

/// A template with filters that count.
#[derive(Default)]
pub struct Metered {
    /// What Tera compiles.
    pub text: String,
    /// What was put in, in the order of the text.
    added: Vec<Added>,
}

struct Added {
    /// 1-based line, and column from 0, in the text as it was.
    at: (usize, usize),
    length: usize,
    /// The location that an error in it is about.
    about: (usize, usize),
}

/// Counts lines and characters on the way through a text.
pub struct Position<'a> {
    text: &'a str,
    byte: usize,
    line: usize,
    column: usize,
}

impl<'a> Position<'a> {
    /// At the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            byte: 0,
            line: 1,
            column: 0,
        }
    }

    /// 1-based line, and column in characters from 0. What is asked for in order is counted once.
    pub fn of(&mut self, byte: usize) -> (usize, usize) {
        if byte < self.byte {
            *self = Self::new(self.text);
        }
        for c in self.text.get(self.byte..byte).unwrap_or_default().chars() {
            match c {
                '\n' => (self.line, self.column) = (self.line + 1, 0),
                _ => self.column += 1,
            }
        }
        self.byte = byte;
        (self.line, self.column)
    }
}

/// Why a template cannot be bounded: where, from the beginning of its text, and the rule.
pub struct Refused {
    /// 1-based line.
    pub line: usize,
    /// Column in characters, from 0 as Tera counts.
    pub column: usize,
    /// What the rule is.
    pub rule: String,
}

impl Metered {
    /// Puts them in.
    pub fn new(text: &str) -> Result<Self, Refused> {
        let words = words(text);
        let mut at = Insertions::default();
        at.read(&words).map_err(|(byte, rule)| {
            let (line, column) = Position::new(text).of(byte);
            Refused { line, column, rule }
        })?;
        at.list
            .sort_by_key(|insertion| (insertion.at, insertion.order));
        let mut metered = Self::default();
        let mut position = Position::new(text);
        let blanks = |byte: usize| {
            let rest = text.get(byte..).unwrap_or_default();
            rest.len() - rest.trim_ascii_start().len()
        };
        // Abouts are before their locations: with one counter for both, each would begin again.
        let mut abouts = at
            .list
            .iter()
            .map(|insertion| insertion.about)
            .collect::<Vec<_>>();
        abouts.sort_unstable();
        let about: HashMap<usize, (usize, usize)> = abouts
            .into_iter()
            .map(|byte| (byte, position.of(byte + blanks(byte))))
            .collect();
        position = Position::new(text);
        let mut from = 0;
        for Insertion {
            at,
            about: of,
            text: more,
            ..
        } in &at.list
        {
            metered
                .text
                .push_str(text.get(from..*at).unwrap_or_default());
            metered.text.push_str(more);
            metered.added.push(Added {
                at: position.of(*at),
                length: more.len(),
                about: about.get(of).copied().unwrap_or_default(),
            });
            from = *at;
        }
        metered.text.push_str(text.get(from..).unwrap_or_default());
        Ok(metered)
    }

    /// Where a location of the rewritten text is in the text as it was.
    pub fn original(&self, line: usize, column: usize) -> (usize, usize) {
        let mut before = 0;
        for added in self.added.iter().filter(|added| added.at.0 == line) {
            let at = added.at.1 + before;
            if at > column || (at == column && added.length == 1) {
                break;
            }
            if at + added.length > column {
                return added.about;
            }
            before += added.length;
        }
        (line, column - before)
    }
}

/// What is put in: before which byte, which of several at one place goes first, and the text.
#[derive(Default)]
struct Insertions {
    list: Vec<Insertion>,
    /// Loops whose end is still to come: where the list is, and where the loop begins.
    loops: Vec<((usize, usize), usize)>,
    /// How many captures the words are in.
    captures: usize,
}

type Problem = (usize, String);

struct Insertion {
    /// Before which byte.
    at: usize,
    /// Which of several there goes first.
    order: usize,
    /// The byte that an error in it is about.
    about: usize,
    text: String,
}

/// A bracket that is open.
struct Bracket {
    is_list: bool,
    /// Behind it.
    start: usize,
    has_for: bool,
    /// Where what the comprehension goes through begins, and where it ends if a condition follows.
    source: Option<usize>,
    source_end: Option<usize>,
}

impl Insertions {
    fn add(&mut self, at: usize, about: usize, text: impl Into<String>) {
        self.list.push(Insertion {
            at,
            order: self.list.len(),
            about,
            text: text.into(),
        });
    }

    fn around(&mut self, (from, to): (usize, usize), filter: &str) {
        self.add(from, from, "(");
        self.add(to, from, format!(")|{filter} "));
    }

    fn read(&mut self, words: &[Word<'_>]) -> Result<(), Problem> {
        let mut branches = 0;
        let tags = words.split_inclusive(|word| word.is == Is::Close);
        for tag in tags {
            let (Some(open), Some(close)) = (tag.first(), tag.last()) else {
                continue;
            };
            self.comprehensions(tag);
            let Some(inside) = tag
                .get(1..tag.len() - 1)
                .filter(|inside| !inside.is_empty())
            else {
                continue;
            };
            if open.is == (Is::Open { prints: true }) {
                if self.captures > 0 {
                    self.around((open.end, close.at), KEEP);
                }
                continue;
            }
            let Some(Is::Name(name)) = inside.first().map(|word| word.is) else {
                continue;
            };
            match name {
                "for" => self.begin_loop(inside, open, close),
                "endfor" => self.end_loop(open.at),
                "set" | "set_global" => self.set(inside, close),
                "filter" => self.captures += 1,
                "endset" | "endfilter" => self.captures = self.captures.saturating_sub(1),
                "elif" => branches += 1,
                "include" | "extends" | "block" | "component" => {
                    let rule =
                        format!("`{name}` cannot be used: each template is one text by itself");
                    return Err((open.at, rule));
                }
                _ => {}
            }
            if branches > BRANCHES {
                return Err((open.at, format!("there are more than {BRANCHES} `elif`")));
            }
        }
        Ok(())
    }

    fn begin_loop(&mut self, inside: &[Word<'_>], open: &Word<'_>, close: &Word<'_>) {
        let word = inside.iter().position(|word| word.is == Is::Name("in"));
        if let Some(after) = word.and_then(|word| inside.get(word)) {
            self.loops.push(((after.end, close.at), open.at));
        }
    }

    fn end_loop(&mut self, end: usize) {
        if let Some((list, start)) = self.loops.pop() {
            self.around(list, &format!("{ITERATE}(body={})", end - start));
        }
    }

    fn set(&mut self, inside: &[Word<'_>], close: &Word<'_>) {
        match inside.get(2) {
            Some(word) if word.is == Is::Sign(b'=') => self.around((word.end, close.at), KEEP),
            // What is captured until `endset`.
            _ => {
                self.captures += 1;
                self.add(
                    close.at,
                    inside.first().map_or(close.at, |word| word.at),
                    format!("|{KEEP}"),
                );
            }
        }
    }

    /// `[ITEM for x in LIST if CONDITION]`, wherever it is in a tag.
    fn comprehensions(&mut self, tag: &[Word<'_>]) {
        let mut open: Vec<Bracket> = Vec::new();
        let mut last = None;
        for word in tag {
            let is_field = last == Some(Is::Sign(b'.'));
            last = Some(word.is);
            let bracket = open
                .last_mut()
                .filter(|bracket| bracket.is_list && !is_field);
            match (word.is, bracket) {
                (Is::Sign(sign @ (b'[' | b'(' | b'{')), _) => open.push(Bracket {
                    is_list: sign == b'[',
                    start: word.end,
                    has_for: false,
                    source: None,
                    source_end: None,
                }),
                (Is::Sign(b']' | b')' | b'}'), _) => {
                    let Some(bracket) = open.pop() else { continue };
                    let Some(source) = bracket.source else {
                        continue;
                    };
                    let list = (source, bracket.source_end.unwrap_or(word.at));
                    let body = word.at - bracket.start;
                    self.around(list, &format!("{ITERATE}(body={body})"));
                }
                (Is::Name("for"), Some(bracket)) if !bracket.has_for => {
                    bracket.has_for = true;
                    self.around((bracket.start, word.at), KEEP);
                }
                (Is::Name("in"), Some(bracket)) if bracket.has_for && bracket.source.is_none() => {
                    bracket.source = Some(word.end);
                }
                (Is::Name("if"), Some(bracket)) if bracket.source.is_some() => {
                    bracket.source_end.get_or_insert(word.at);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metered(text: &str) -> String {
        Metered::new(text).map_or_else(|refused| refused.rule, |metered| metered.text)
    }

    #[test]
    fn loops_and_values_are_counted_and_the_rest_stays() {
        for (text, expected) in [
            ("{{ a }}{% if a %}{{ b }}{% endif %}", None),
            (
                "{# {% for x in y %} #}{% raw %}{% for x in y %}{% endraw -%} x",
                None,
            ),
            ("{{ \"{% for x in y %}\" ~ '%}' }}{{ x.for }}{{ for", None),
            (
                "{%- for x in y -%}é{% endfor %}",
                Some("{%- for x in( y )|__iterate(body=20) -%}é{% endfor %}"),
            ),
            (
                "{% for k, v in {\"a\": \"%}\"} %}{% for x in y %}{% endfor %}{% endfor %}",
                Some(
                    "{% for k, v in( {\"a\": \"%}\"} )|__iterate(body=57) %}{% for x in( y )|__iterate(body=16) %}{% endfor %}{% endfor %}",
                ),
            ),
            ("{% set x = x ~ x %}", Some("{% set x =( x ~ x )|__keep %}")),
            (
                "{% set_global x=x -%}",
                Some("{% set_global x=(x )|__keep -%}"),
            ),
            (
                "{{ a }}{% set x | upper %}{{- a -}}{% endset %}{{ a }}",
                Some("{{ a }}{% set x | upper |__keep%}{{-( a )|__keep -}}{% endset %}{{ a }}"),
            ),
            (
                "{% filter upper %}{{ a }}{% endfilter %}{{ a }}",
                Some("{% filter upper %}{{( a )|__keep }}{% endfilter %}{{ a }}"),
            ),
            (
                "{{ f(v=[x.in for x in y if x in z]) }}",
                Some("{{ f(v=[(x.in )|__keep for x in( y )|__iterate(body=25) if x in z]) }}"),
            ),
            (
                "{{ [a in b, [x for x in y]] }}",
                Some("{{ [a in b, [(x )|__keep for x in( y)|__iterate(body=12) ]] }}"),
            ),
        ] {
            assert_eq!(metered(text), expected.unwrap_or(text), "{text}");
        }
    }

    #[test]
    fn locations_are_those_of_the_text_as_it_was() {
        let text = "a\n{% set x = bcd ~ e %} f";
        let metered = Metered::new(text).unwrap_or_default();
        let line = metered.text.lines().nth(1).unwrap_or_default();
        let original = text.lines().nth(1).unwrap_or_default();
        for name in ["set", "bcd", "e %", "f"] {
            let Some(there) = original.find(name) else {
                continue;
            };
            let name = name.split(' ').next().unwrap_or_default();
            let here = line
                .match_indices(name)
                .find(|(at, _)| metered.original(2, *at) == (2, there));
            assert!(here.is_some(), "{name}: {line}");
        }
        assert_eq!(metered.original(1, 5), (1, 5));
    }
}
