//! `nodebake import`: a project out of a cluster that is there.

use std::io::Write;

use crate::cli::Import;
use crate::cmd::print_findings;
use crate::error::{Exit, Result};
use crate::import::{Outcome, import};
use crate::report::Report;
use crate::secrets::created_text;
use crate::terminal;
use crate::wording::counted;

/// Runs `import`.
pub fn run(args: &Import) -> Result<Exit> {
    let mut report = Report::default();
    let imported = import(&args.request(), &mut report)?;
    print_findings(&report)?;
    let Some(imported) = imported else {
        return Ok(Exit::Findings);
    };
    let mut stdout = terminal::stdout();
    let dir = args.project.display();
    match &imported.outcome {
        Outcome::Created(tokens) => {
            let nodes = counted(imported.nodes, "node");
            writeln!(stdout, "{dir}: a project with {nodes}")?;
            if !tokens.is_empty() {
                write!(stdout, "{}", created_text(tokens))?;
            }
        }
        Outcome::Merged { files, .. } if files.is_empty() => {
            writeln!(stdout, "{dir}: nothing to change")?;
        }
        Outcome::Merged {
            files,
            written: true,
            ..
        } => {
            writeln!(stdout, "{dir}: changed {}", files.join(", "))?;
        }
        Outcome::Merged { diff, .. } => {
            write!(stdout, "{diff}")?;
            let said = "nothing was written; --write changes the project";
            writeln!(terminal::stderr(), "nodebake: {said}")?;
            return Ok(Exit::Good);
        }
    }
    for one in &imported.unknown {
        writeln!(stdout, "not known: {}: {}", one.what, one.look)?;
    }
    writeln!(stdout, "next: nodebake check {dir}")?;
    Ok(Exit::Good)
}
