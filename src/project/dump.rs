//! Output of `kubectl get … -o json`, in a file, in a pipe or on stdin.

use std::io;
use std::path::Path;

use anyhow::Context;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::input::{self, Limit};
use crate::report::Report;

/// 10,000 requests for certificates take 40 MiB.
const LIMIT: Limit = Limit::mib(512);

/// Its bytes; `-` is stdin. None after a finding: it is nothing that can be read to its end.
pub fn read_dump(file: &Path, report: &mut Report) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let shown = file.display().to_string();
    let read = if file == Path::new("-") {
        input::secret_from(io::stdin().lock(), LIMIT)
    } else {
        input::read_or_pipe(file, LIMIT).map(|(bytes, _)| bytes)
    };
    let reading = || format!("reading {shown}");
    report.take(read, &shown).with_context(reading)
}
