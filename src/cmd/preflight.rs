//! `nodebake preflight`: what the nodes need that their payloads do not contain.

use std::iter::once;

use crate::cli::Preflight;
use crate::cmd::{note, print, print_findings};
use crate::columns::table;
use crate::error::{Exit, Result};
use crate::preflight::Need;
use crate::project::{NeedRow, preflight};
use crate::report::Report;

/// Runs `preflight`.
pub fn run(args: &Preflight) -> Result<Exit> {
    let mut report = Report::default();
    let reading = args.checked.reading();
    note(&reading.tokens)?;
    let found = preflight(&reading, &args.manifests(), &mut report)?;
    print_findings(&report)?;
    if let Some((rows, nodes)) = found {
        print(args.output, &rows, || text(&rows, nodes))?;
    }
    Ok(if report.has_errors() {
        Exit::Findings
    } else {
        Exit::Good
    })
}

fn text(rows: &[NeedRow], nodes: usize) -> String {
    let header = ["NEED", "WHAT", "WHY", "NODES"].map(str::to_owned);
    // What the manifests have needs nobody.
    let open = rows.iter().filter(|row| row.met != Some(true));
    let rows = open.map(|row| {
        let whose = match row.nodes.as_slice() {
            all if all.len() == nodes => "all".to_owned(),
            [one] => one.clone(),
            many => format!("{}, like {}", many.len(), many[0]),
        };
        let Need { need, what, why } = &row.need;
        [need.name().to_owned(), what.clone(), why.clone(), whose]
    });
    let rows: Vec<_> = once(header).chain(rows).collect();
    table(&rows, 3, 0)
}
