//! What `kubectl get … -o json` printed, in a file, in a pipe or on stdin.

use std::io;
use std::path::Path;

use anyhow::Context;
use zeroize::Zeroizing;

use crate::cmd::project::say;
use crate::error::Result;
use crate::input::{self, Limit};
use crate::report::Report;

/// 10,000 requests for certificates take 40 MiB.
const LIMIT: Limit = Limit::mib(512);

/// Its bytes; `-` is stdin. None after a finding, which was printed: it is nothing that can be read to its end.
pub fn read(file: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let shown = file.display().to_string();
    let read = match file == Path::new("-") {
        true => input::secret_from(io::stdin().lock(), LIMIT),
        false => input::read_or_pipe(file, LIMIT).map(|(bytes, _)| bytes),
    };
    let mut report = Report::default();
    let read = report
        .take(read, &shown)
        .with_context(|| format!("reading {shown}"))?;
    say(&report)?;
    Ok(read)
}
