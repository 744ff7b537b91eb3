//! Operational errors: the machine failed us. Each layer adds a gerund and a path with
//! [`anyhow::Context`] ("reading cluster.yaml"), lower case, no full stop; `main` prints the chain on one line.

use crate::redact::redacted;
use crate::terminal::shown;

/// The result of everything that can fail for the machine's reasons.
pub type Result<T> = anyhow::Result<T>;

/// How the program ends; the numbers are a promise to scripts (`--help` lists them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Good = 0,
    /// The machine failed us: one line on stderr says what was being done.
    Error = 1,
    /// The command line was wrong (clap's own code).
    Usage = 2,
    /// The user's files are wrong: findings were printed, nothing was written.
    Findings = 3,
    /// A bundle or payload did not verify.
    VerificationFailed = 4,
}

/// The whole chain of an error on one line, reasons to the right. Names of files and what they say may be anybody's;
/// secrets are hidden.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for (depth, cause) in error.chain().enumerate() {
        if depth > 0 {
            line.push_str(": ");
        }
        line.push_str(&shown(&cause.to_string().replace('\n', " ")));
    }
    redacted(&line).into_owned()
}
