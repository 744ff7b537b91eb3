//! Findings: the user's files are wrong. They are data: a rule from the [`catalogue`], a location, a field, a message,
//! help, and the nodes that they are about. They are collected, sorted and printed all at once; none of them ever holds
//! a secret's value.

mod benchmark;
pub mod catalogue;
mod collected;
mod finding;
mod levels;
pub mod print;
mod severity;
mod sources;
mod summary;

pub use benchmark::{BenchmarkRule, Leveled};
pub use catalogue::Id;
pub use collected::Report;
pub use finding::{Amount, Aside, Finding};
pub use levels::{LevelRule, LevelScope, Levels};
pub use severity::Severity;
pub use sources::SourceEntry;
pub use summary::Summary;
