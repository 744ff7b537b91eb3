//! Operational errors: the machine failed us. Each layer adds a gerund and a path with
//! [`anyhow::Context`] ("reading cluster.yaml"), lower case, no full stop; `main` prints the chain on one line.

use crate::redact::redacted;
use std::io;

use rustix::io::Errno;

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

/// Whether the machine failed, rather than what a file says: the operating system said no. It also says that it cannot go
/// to a location in a file where there is none, and that is the file's fault.
pub fn is_of_machine(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    code.is_some_and(|code| !matches!(code, Errno::INVAL | Errno::OVERFLOW))
}

/// The same of an error with its context.
pub fn is_machines(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref());
    causes.any(is_of_machine)
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
