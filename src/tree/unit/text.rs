//! A unit's text as systemd reads it (src/shared/conf-parser.c): sections, assignments, continuation lines, comments.
//! In: text. Out: assignments with their locations, and what is wrong with the lines themselves.

/// systemd before 236 cut lines here, and what Ignition parses units with refuses longer ones. In bytes.
const LINE_LIMIT: usize = 2048;

/// A location in a text: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, as the text is split at newlines.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// One `Key=value`, continuation lines joined.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The section that it is in, without brackets.
    pub section: String,
    /// Before the `=`.
    pub key: String,
    /// After it; may be empty, which resets many keys.
    pub value: String,
    line: Logical,
    value_at: usize,
}

/// One line of systemd's: physical lines that end in a backslash are one with the next.
#[derive(Clone, Debug, Default)]
struct Logical {
    text: String,
    /// Where each physical line begins in `text`, and its number from 1.
    starts: Vec<(usize, usize)>,
}

/// What a text says.
#[derive(Debug, Default)]
pub struct UnitText {
    /// All assignments in order.
    pub assignments: Vec<Assignment>,
    /// Section headers.
    pub sections: Vec<(String, Position)>,
    /// What no parser would take.
    pub faults: Vec<(Position, &'static str)>,
    /// Whether systemd would take nothing of it.
    pub is_broken: bool,
}

impl Assignment {
    /// Where the key is.
    pub fn key_position(&self) -> Position {
        let leading = self.line.text.len() - self.line.text.trim_start().len();
        self.line.position(leading)
    }

    /// Where a byte of the value is.
    pub fn position(&self, offset: usize) -> Position {
        self.line.position(self.value_at + offset)
    }
}

impl Logical {
    fn position(&self, offset: usize) -> Position {
        let start = self.starts.iter().rev().find(|(at, _)| *at <= offset);
        let (at, line) = start.copied().unwrap_or((0, 1));
        let before = self.text.get(at..offset).unwrap_or_default();
        Position {
            line,
            column: before.chars().count() + 1,
        }
    }
}

/// Reads a text.
pub fn read(text: &str) -> UnitText {
    let mut read = UnitText::default();
    let mut section = None;
    let mut pending: Option<Logical> = None;
    // A byte order mark is passed over, and CRLF ends a line as LF does (config_parse, read_line).
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let number = index + 1;
        if line.len() >= LINE_LIMIT {
            let at = Position {
                line: number,
                column: 1,
            };
            let rule = "the line has 2048 bytes or more, which Ignition and old systemd cannot read; wrap it with backslashes";
            read.faults.push((at, rule));
        }
        // A comment does not end a continuation.
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let mut logical = pending.take().unwrap_or_default();
        logical.starts.push((logical.text.len(), number));
        match ends_in_backslash(line) {
            Some(part) => {
                logical.text.push_str(part);
                logical.text.push(' ');
                pending = Some(logical);
            }
            None => {
                logical.text.push_str(line);
                read.line(logical, &mut section);
            }
        }
    }
    if let Some(logical) = pending {
        read.line(logical, &mut section);
    }
    read
}

/// The line without the backslash that continues it; an even number of them continues nothing.
fn ends_in_backslash(line: &str) -> Option<&str> {
    let bare = line.trim_end_matches('\\');
    match (line.len() - bare.len()) % 2 {
        0 => None,
        _ => line.strip_suffix('\\'),
    }
}

impl UnitText {
    fn line(&mut self, line: Logical, section: &mut Option<String>) {
        let trimmed = line.text.trim();
        if trimmed.is_empty() || self.is_broken {
            return;
        }
        let leading = line.text.len() - line.text.trim_start().len();
        let start = line.position(leading);
        if let Some(rest) = trimmed.strip_prefix('[') {
            match rest.strip_suffix(']') {
                Some(name) => {
                    *section = Some(name.to_owned());
                    self.sections.push((name.to_owned(), start));
                }
                None => {
                    let rule = "the section header is not closed, so systemd takes nothing of it";
                    self.faults.push((start, rule));
                    self.is_broken = true;
                }
            }
            return;
        }
        let Some(section) = section.as_ref() else {
            self.faults
                .push((start, "is before the first section, so systemd ignores it"));
            return;
        };
        let Some(equals) = trimmed.find('=') else {
            self.faults.push((
                start,
                "is neither a section nor an assignment, so systemd ignores it",
            ));
            return;
        };
        let key = trimmed[..equals].trim_end();
        if key.is_empty() {
            self.faults
                .push((start, "has no key before the '=', so systemd ignores it"));
            return;
        }
        let value = &trimmed[equals + 1..];
        let spaces = value.len() - value.trim_start().len();
        self.assignments.push(Assignment {
            section: section.clone(),
            key: key.to_owned(),
            value: value.trim().to_owned(),
            value_at: leading + equals + 1 + spaces,
            line,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_keep_their_locations() {
        let text = read("[Service]\nExecStart=/bin/x \\\n# why\n  --a \\\n  --b=ü c\n Key = v \n");
        let seen: Vec<(&str, &str)> = text
            .assignments
            .iter()
            .map(|a| (&*a.key, &*a.value))
            .collect();
        assert_eq!(
            seen,
            [("ExecStart", "/bin/x    --a    --b=ü c"), ("Key", "v")]
        );
        let exec = &text.assignments[0];
        let at = |what: &str| exec.position(exec.value.find(what).expect(what));
        assert_eq!(
            at("/bin/x"),
            Position {
                line: 2,
                column: 11
            }
        );
        assert_eq!(at("--a"), Position { line: 4, column: 3 });
        assert_eq!(at(" c"), Position { line: 5, column: 8 });
        assert_eq!(
            text.assignments[1].key_position(),
            Position { line: 6, column: 2 }
        );
        assert!(text.faults.is_empty());
    }

    #[test]
    fn lines_that_are_nothing_are_faults() {
        let long = format!("[Unit]\nDescription={}\n", "x".repeat(2048));
        for (text, line, part) in [
            ("Key=v\n[Unit]\n", 1, "before the first section"),
            ("[Unit\nKey=v\n", 1, "not closed"),
            ("[Unit]\nDescription\n", 2, "neither a section"),
            ("[Unit]\n=v\n", 2, "no key"),
            // The blank after the backslash makes it no continuation.
            (
                "[Service]\nExecStart=/x \\ \n  --a\n",
                3,
                "neither a section",
            ),
            (&long, 2, "2048 bytes"),
        ] {
            let read = read(text);
            let (at, rule) = read.faults.first().expect(text);
            assert!(
                at.line == line && rule.contains(part),
                "{text}: {at:?} {rule}"
            );
        }
        assert!(read("[Unit]\nA=b\\\\\nC=d").faults.is_empty());
    }
}
