//! Where a bracket or a quote begins that is never closed: a reader of YAML stops far below it, at what it takes for a part of it.

/// What was opened and not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclosed {
    /// `[`, `{`, `"` or `'`.
    pub(super) mark: char,
    /// 1-based.
    pub(super) line: usize,
    /// 1-based, in characters.
    pub(super) column: usize,
}

impl Unclosed {
    /// What closes it.
    pub(super) fn closing(self) -> char {
        match self.mark {
            '[' => ']',
            '{' => '}',
            quote => quote,
        }
    }
}

/// Walks over a text as YAML 1.2 (chapter 7) has flow collections and quoted scalars: brackets open where a value may begin,
/// and everywhere inside brackets; comments and block scalars hold none.
struct Walk {
    open: Vec<Unclosed>,
    /// Lines that are indented further are a block scalar.
    block: Option<usize>,
    line: usize,
}

/// What is not closed in a text: the innermost bracket where another one is closed, else the outermost at the end.
pub(super) fn unclosed(text: &str) -> Option<Unclosed> {
    let mut walk = Walk {
        open: Vec::new(),
        block: None,
        line: 0,
    };
    let mut quote: Option<Unclosed> = None;
    for line in text.lines() {
        walk.line += 1;
        if let Some(found) = walk.line(line, &mut quote) {
            return Some(found);
        }
    }
    quote.or_else(|| walk.open.first().copied())
}

impl Walk {
    fn line(&mut self, text: &str, quote: &mut Option<Unclosed>) -> Option<Unclosed> {
        let indent = text.chars().take_while(|c| *c == ' ').count();
        if let Some(above) = self.block {
            if text.trim().is_empty() || indent > above {
                return None;
            }
            self.block = None;
        }
        let mut before = ' ';
        // Whether a value may begin here: at the start of a line, and after the marks of keys and items.
        let mut begins = true;
        let mut characters = (1..).zip(text.chars()).peekable();
        while let Some((column, c)) = characters.next() {
            let here = Unclosed {
                mark: c,
                line: self.line,
                column,
            };
            if let Some(open) = *quote {
                match (open.mark, c) {
                    ('"', '\\') => _ = characters.next(),
                    // Two are one that is meant.
                    ('\'', '\'') if characters.peek().is_some_and(|(_, next)| *next == '\'') => {
                        _ = characters.next();
                    }
                    (mark, c) if mark == c => {
                        *quote = None;
                        let rest = text.chars().skip(column).collect::<String>();
                        let ends = |rest: &str| {
                            rest.is_empty() || rest.starts_with([',', ']', '}', ':', '#'])
                        };
                        // It was closed by a quote that opens another one, lines below.
                        if open.line < self.line && !ends(rest.trim_start()) {
                            return Some(open);
                        }
                    }
                    _ => {}
                }
                before = c;
                begins = false;
                continue;
            }
            let inside = !self.open.is_empty();
            match c {
                '#' if before == ' ' || before == '\t' => return None,
                '"' | '\'' if begins => *quote = Some(here),
                '[' | '{' if begins || inside => self.open.push(here),
                ']' | '}' if inside => {
                    let opened = self.open.pop()?;
                    if opened.closing() != c {
                        return Some(opened);
                    }
                }
                _ => {}
            }
            begins = match c {
                ' ' | '\t' => begins || matches!(before, ':' | '-' | '?'),
                '[' | '{' | ',' => inside || begins,
                ':' => inside && matches!(before, '"' | '\''),
                _ => false,
            };
            before = c;
        }
        let end = text.trim_end().rsplit([' ', '\t']).next();
        let is_block = end.is_some_and(|word| {
            word.starts_with(['|', '>']) && word[1..].chars().all(|c| "+-123456789".contains(c))
        });
        if is_block && self.open.is_empty() && quote.is_none() {
            self.block = Some(indent);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_is_named_and_what_is_closed_is_not() {
        for (text, expected) in [
            ("a: [b, c\nd: [e]\n", Some(('[', 1, 4))),
            ("a: {b: [c, d}\ne: f\n", Some(('[', 1, 8))),
            ("a: {b: {c: d}\ne: f\n", Some(('{', 1, 4))),
            ("- [a\n- [b]\n", Some(('[', 1, 3))),
            ("[a\n", Some(('[', 1, 1))),
            ("a: \"b\nc: d\n", Some(('"', 1, 4))),
            ("a: 'b''\nc: d\n", Some(('\'', 1, 4))),
            ("a: \"b\nc: [\"d\", e]\n", Some(('"', 1, 4))),
            ("a: 'b\nc: ['d']\n", Some(('\'', 1, 4))),
            ("a: \"b\n  c\" # d\ne: {\"f\n  g\": h}\n", None),
            ("a: [\"b\\\"]\nc: d\n", Some(('"', 1, 5))),
            ("ä: {x: [ü]\n", Some(('{', 1, 4))),
            ("a: [b,\n  c]\nd: {e: f}\n", None),
            ("a: b[0\nc: it's {\n", None),
            ("a: \"[\" # [ {\nb: '{'\n", None),
            ("# it's [\na: |\n  x: [\n  y: \"\n\n  z\nb: c\n", None),
            ("- a: >-\n    [ {\n  b: c\n", None),
            ("a: {\"b\":[c],'d':{e: f}}\n", None),
            ("a: {template: \"{{ x }}\"}\n", None),
            ("a: [http://x/[y], b]\n", None),
            ("", None),
        ] {
            let found = unclosed(text).map(|at| (at.mark, at.line, at.column));
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
