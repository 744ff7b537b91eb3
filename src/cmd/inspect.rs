//! `nodebake inspect`: what is in a payload, or in any file of these kinds.

use std::io::{BufWriter, Write};

use crate::cli::{Inspect, Print};
use crate::error::{Exit, Result, one_line};
use crate::inspect::{Limits, inspect};
use crate::terminal;

/// Runs `inspect`.
pub fn run(args: &Inspect) -> Result<Exit> {
    let mut limits = Limits::default();
    if let Some(unpacked) = args.max_unpacked {
        limits.unpacked = unpacked;
    }
    let (mut listing, outcome) = inspect(&args.file, limits, args.extract.as_deref())?;
    listing.error = outcome.as_ref().err().map(one_line);
    let mut out = BufWriter::new(terminal::stdout());
    match args.output {
        Print::Text => listing.write_text(&mut out)?,
        Print::Json => {
            terminal::write_json(&mut out, &listing)?;
        }
    }
    out.flush()?;
    // What is before the location of an error is printed as well; the exit code says that it is not all.
    outcome.map(|()| Exit::Good)
}
