//! `nodebake profile`: all profiles, or the text of a built-in one.

use std::io::Write;

use serde::Serialize;

use crate::cli::{ListedArgs, ProfileArgs};
use crate::cmd::print;
use crate::columns::table;
use crate::error::{Exit, Result};
use crate::inventory::profiles::{built_in_profile, profiles};
use crate::project_folder::ProjectFolder;
use crate::terminal;

/// A line of the list, of profiles as of overlays.
#[derive(Serialize)]
pub struct ListedRow {
    /// The name that the inventory uses.
    pub name: String,
    /// Where it is: in the project, or `built-in:…`.
    pub from: String,
    /// What it is for.
    pub description: String,
}

/// Runs `profile`.
pub fn run(args: &ProfileArgs) -> Result<Exit> {
    if let Some(name) = &args.name {
        let text = built_in_profile(name)?;
        terminal::stdout_for_files().write_all(text.as_bytes())?;
        return Ok(Exit::Good);
    }
    let project = ProjectFolder::new(&args.listed.project, &[])?;
    let rows = profiles(&project)?.into_iter().map(|profile| ListedRow {
        name: profile.name,
        from: profile.file,
        description: profile.description,
    });
    list(&args.listed, rows.collect())
}

/// Prints a list of profiles or overlays.
pub fn list(args: &ListedArgs, rows: Vec<ListedRow>) -> Result<Exit> {
    print(args.output, &rows, || {
        let header = ["NAME", "FROM", "WHAT"].map(str::to_owned);
        let lines = rows
            .iter()
            .map(|row| [&row.name, &row.from, &row.description].map(String::clone));
        let lines: Vec<_> = std::iter::once(header).chain(lines).collect();
        table(&lines, 3, 0)
    })?;
    Ok(Exit::Good)
}
