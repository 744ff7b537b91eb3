//! Where users wrote things: a character of a file, the field that stands there, a value with both.

use std::fmt;
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
        }
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
