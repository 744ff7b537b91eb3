//! The steps of a publication, between which the process may die: a test makes it do so.

#[cfg(test)]
use std::cell::Cell;
use std::io;

/// One step more.
#[cfg(not(test))]
#[allow(clippy::unnecessary_wraps)]
pub fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
thread_local! {
    /// After so many steps the process "dies"; none means that it lives.
    pub static STEPS: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Counts down to the end that a test has set.
#[cfg(test)]
pub fn step() -> io::Result<()> {
    match STEPS.get() {
        Some(0) => Err(io::Error::other("killed by the test")),
        left => {
            STEPS.set(left.map(|left| left - 1));
            Ok(())
        }
    }
}
