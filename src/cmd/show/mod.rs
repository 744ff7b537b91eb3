//! `nodebake show`: one node's plan and tree, secrets hidden.

mod sizes;
mod summary;

use std::io::Write;

use crate::cli::{Print, Show};
use crate::cmd::{note, print_findings};
use crate::error::{Exit, Result};
use crate::project::Tokens;
use crate::project::show::{ValueOrigin, show};
use crate::report::Report;
use crate::terminal::{self, shown};

/// Runs `show`.
pub fn run(args: &Show) -> Result<Exit> {
    let mut report = Report::default();
    let reading = args.project.reading(Tokens::asked(args.no_tokens));
    note(&reading.tokens)?;
    let view = show(&reading, &args.node, &mut report)?;
    print_findings(&report)?;
    let Some(view) = view else {
        return Ok(Exit::Findings);
    };
    if let (Some(path), false) = (&args.file, args.sizes) {
        let mut out = terminal::stdout_for_files();
        view.write_file(path, args.reveal, &mut *out)?;
        out.flush()?;
        return Ok(Exit::Good);
    }
    let mut out = terminal::stdout();
    match (args.sizes, args.origin, args.output) {
        (true, _, Print::Text) => sizes::write(&view.sizes()?, &mut out)?,
        (true, _, Print::Json) => terminal::write_json(&mut out, &view.sizes()?)?,
        (_, true, Print::Text) => write_origins(&view.origins(), &mut out)?,
        (_, true, Print::Json) => terminal::write_json(&mut out, &view.origins())?,
        (_, _, Print::Text) => summary::write(&view.summary(), &mut out)?,
        (_, _, Print::Json) => terminal::write_json(&mut out, &view.summary())?,
    }
    Ok(Exit::Good)
}

fn write_origins(origins: &[ValueOrigin], out: &mut dyn Write) -> Result<()> {
    for origin in origins {
        let moved = origin.moved.as_ref().map(|why| format!("; {why}"));
        writeln!(
            out,
            "{}: {}  ({}{})",
            shown(&origin.path),
            shown(&origin.value.to_string()),
            shown(&origin.location),
            moved.unwrap_or_default()
        )?;
    }
    Ok(())
}
