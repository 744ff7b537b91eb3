//! How bad a finding is.

use crate::model::named;

named! {
    /// How bad a finding is.
    #[derive(PartialOrd, Ord)]
    pub enum Severity {
        /// Nothing is built.
        Error = "error",
        /// Built all the same, unless `--strict`.
        Warning = "warning",
    }
}
