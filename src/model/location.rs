//! Where users wrote things: a character of a file, the field that is there, a value with both.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use serde::Serialize;

/// Where a value was written. Line and column are 1-based; line 0 means the file as a whole.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file as the user would name it: relative to the project, or `built-in:profiles/worker.yaml`.
    pub file: Arc<str>,
    /// 1-based line, 0 for the whole file.
    pub line: u32,
    /// 1-based column in characters, 0 for the whole file.
    pub column: u32,
    /// The first character after the value, where that is known.
    pub end: Option<Position>,
}

/// A character of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// 1-based line.
    pub line: NonZeroU32,
    /// 1-based column in characters.
    pub column: u32,
}

impl Location {
    /// A file as a whole.
    pub fn file(file: impl Into<Arc<str>>) -> Self {
        Self::new(file, 0, 0)
    }

    /// One character of a file.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32) -> Self {
        Self {
            file: file.into(),
            line,
            column,
            end: None,
        }
    }

    /// The same with the first character after the value.
    pub fn until(self, line: u32, column: u32) -> Self {
        let end = NonZeroU32::new(line).map(|line| Position { line, column });
        Self { end, ..self }
    }

    /// The same for a value of one line and so many characters.
    pub fn spanning(self, characters: usize) -> Self {
        let width = u32::try_from(characters).unwrap_or(u32::MAX);
        let (line, column) = (self.line, self.column.saturating_add(width));
        self.until(line, column)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file),
            line => write!(f, "{}:{}:{}", self.file, line, self.column),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Location {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a value was written and how the user would name it: what a later finding about it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldLocation {
    /// File, line and column.
    pub at: Location,
    /// `nodes[2].labels`.
    pub path: Arc<str>,
}

impl FieldLocation {
    /// The location and the path that belong together.
    pub fn new(at: Location, path: impl Into<Arc<str>>) -> Self {
        Self {
            at,
            path: path.into(),
        }
    }
}

/// A value with its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub location: FieldLocation,
}
