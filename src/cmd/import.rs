//! `nodebake import`: a project out of a cluster that is there.

use std::io::Write;

use crate::cli::Import;
use crate::cmd::print_findings;
use crate::error::{Exit, Result};
use crate::import::import;
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
    let nodes = counted(imported.nodes, "node");
    writeln!(stdout, "{dir}: a project with {nodes}")?;
    write!(stdout, "{}", created_text(&imported.tokens))?;
    for one in &imported.unknown {
        writeln!(stdout, "not known: {}: {}", one.what, one.look)?;
    }
    writeln!(stdout, "next: nodebake check {dir}")?;
    Ok(Exit::Good)
}
