//! What is wrong in a file of the node, at its place in the file's text.

use crate::report::Id;
use crate::tree::Position;

/// One thing that the file's reader would not take, or would take for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which rule.
    pub id: Id,
    /// Where in the text; None is the file as a whole.
    pub position: Option<Position>,
    /// The rule and how it is broken, without anything that the file holds but names of keys.
    pub rule: String,
    /// The bad value. It is not printed for a file that is secret.
    pub value: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Fault {
    /// A fault of a file as a whole.
    pub fn whole(id: Id, rule: impl Into<String>) -> Self {
        Self {
            id,
            position: None,
            rule: rule.into(),
            value: None,
            help: None,
        }
    }

    /// A fault at a place.
    pub fn at(id: Id, position: Position, rule: impl Into<String>) -> Self {
        Self {
            position: Some(position),
            ..Self::whole(id, rule)
        }
    }

    /// The same with the value that is wrong.
    pub fn got(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// The same with what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message: the rule first, the bad value last.
    pub fn message(&self, is_secret: bool) -> String {
        match &self.value {
            Some(value) if !is_secret => format!("{}; got {value:?}", self.rule),
            _ => self.rule.clone(),
        }
    }
}

/// Where a byte of a text stands.
pub fn position(text: &str, byte: usize) -> Position {
    let before = text.get(..byte).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before[start..].chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_has_a_line_and_a_column() {
        let at = |byte| {
            let Position { line, column } = position("ä\nbc", byte);
            (line, column)
        };
        assert_eq!(
            (at(0), at(2), at(4), at(99)),
            ((1, 1), (1, 2), (2, 2), (2, 3))
        );
    }

    #[test]
    fn a_secret_file_keeps_its_values() {
        let fault = Fault::whole(Id::ScriptInvalid, "must be x").got("hunter2");
        assert_eq!(fault.message(false), "must be x; got \"hunter2\"");
        assert_eq!(fault.message(true), "must be x");
    }
}
