//! `nodebake explain`: the page of a finding, or a list of all.

use std::io::Write;
use std::iter::once;

use crate::cli::Explain;
use crate::columns::table;
use crate::error::{Exit, Result};
use crate::report::Id;
use crate::terminal;

/// Runs `explain`.
pub fn run(args: &Explain) -> Result<Exit> {
    let text = args.id.map_or_else(list, page);
    terminal::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Good)
}

fn page(id: Id) -> String {
    let entry = id.entry();
    let firm = entry
        .firm
        .map(|firm| format!("; it {}, so a project cannot make it less", firm.why()));
    let firm = firm.unwrap_or_default();
    let severity = entry.severity.name();
    let page = entry.page().unwrap_or_default();
    let summary = entry.summary;
    format!("{id}: {summary}\n({severity}{firm})\n\n{page}\n")
}

fn list() -> String {
    let header = ["ID", "LEVEL", "WHAT"].map(str::to_owned);
    let rows = Id::all().map(|id| {
        let entry = id.entry();
        [
            id.to_string(),
            entry.severity.name().to_owned(),
            entry.summary.to_owned(),
        ]
    });
    let rows: Vec<_> = once(header).chain(rows).collect();
    table(&rows, 3, 0)
}
