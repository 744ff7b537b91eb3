//! Verifying: a bundle, single files of one, and payloads that contain their own signed list. Foreign bytes come in; what
//! they make fail is in the verdict, and only what the machine fails at is an error.

mod agree;
mod bundle;
/// Signed trees in payloads.
pub mod embedded;
mod files;
mod scan;
mod text;
mod verdict;
mod warnings;

pub use bundle::{Checked, check, open, verify, verify_partial};
pub use files::{FileVerdict, Single, Sums as SumsFiles, verify_files};
pub use scan::TREE_LIMIT;
pub use verdict::{Problem, Verdict};
