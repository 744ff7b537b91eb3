//! `nodebake init`: a project that builds as it is.

use std::io::Write;

use crate::cli::Init;
use crate::cmd::print_findings;
use crate::error::{Exit, Result};
use crate::project::{NewProject, NewProjectMade, create_project};
use crate::report::Report;
use crate::secrets::created_text;
use crate::terminal;

/// Runs `init`.
pub fn run(args: &Init) -> Result<Exit> {
    let new = NewProject {
        dir: args.dir.clone(),
        profiles: args.profiles.clone(),
        name: args.name.clone(),
        server: args.server.clone(),
        kubernetes: args.kubernetes.clone(),
        recipients: args.recipients.clone(),
    };
    let mut report = Report::default();
    let made = create_project(&new, &mut report)?;
    print_findings(&report)?;
    let dir = args.dir.display();
    let mut stdout = terminal::stdout();
    match made {
        None => return Ok(Exit::Findings),
        Some(NewProjectMade::Completed) => {
            let said = "what an earlier run had made and not put in its place is there now";
            writeln!(terminal::stderr(), "nodebake: {said}")?;
        }
        Some(NewProjectMade::Created(created)) => {
            let what = "a project with one worker, three edge nodes, a signing key and tokens";
            write!(stdout, "{dir}: {what}:\n{}", created_text(&created))?;
        }
    }
    writeln!(stdout, "next: nodebake build {dir}")?;
    Ok(Exit::Good)
}
