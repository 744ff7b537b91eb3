//! `nodebake preflight`: what the nodes need that their payloads do not bring.

use std::collections::BTreeMap;
use std::io::Write;

use rayon::prelude::*;
use serde::Serialize;

use crate::cli::{Check, Print};
use crate::cmd::project::{Prepared, Tokens, prepare, say};
use crate::columns::table;
use crate::error::{Exit, Result};
use crate::preflight::{Need, needs};
use crate::report::Report;
use crate::terminal;

/// A need, and who has it.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    need: Need,
    nodes: Vec<&'a str>,
}

/// Runs `preflight`.
pub fn run(args: &Check) -> Result<Exit> {
    let mut report = Report::default();
    let tokens = Tokens::asked(args.no_tokens);
    tokens.say()?;
    let prepared = prepare(
        &args.project.folder()?,
        &args.project.reading,
        &tokens,
        &mut report,
    )?;
    let rows = prepared
        .as_ref()
        .map(|prepared| rows(prepared, &mut report));
    if args.project.reading.strict {
        report.make_strict();
    }
    say(&report)?;
    let (Some(prepared), Some(rows), false) = (&prepared, rows, report.has_errors()) else {
        return Ok(Exit::Findings);
    };
    let mut stdout = terminal::stdout();
    match args.output {
        Print::Text => stdout.write_all(text(&rows, prepared.plan.nodes.len()).as_bytes())?,
        Print::Json => {
            terminal::write_json(&mut stdout, &rows)?;
        }
    }
    Ok(Exit::Good)
}

fn rows<'p>(prepared: &'p Prepared, report: &mut Report) -> Vec<Row<'p>> {
    let nodes = &prepared.plan.nodes;
    let of_node = |node| {
        let baked = prepared.renderer.render(node)?;
        Ok(needs(
            &prepared.plan.cluster,
            &prepared.renderer,
            node,
            &baked,
        ))
    };
    let found: Vec<std::result::Result<_, Vec<_>>> = nodes.par_iter().map(of_node).collect();
    let mut all: BTreeMap<Need, Vec<&str>> = BTreeMap::new();
    let mut findings = Vec::new();
    for (node, found) in nodes.iter().zip(found) {
        match found {
            Ok(needs) => {
                for need in needs {
                    all.entry(need).or_default().push(&node.name);
                }
            }
            Err(wrong) => findings.extend(wrong.into_iter().map(|one| (node.name.clone(), one))),
        }
    }
    prepared.add(prepared.name_concerned(findings), report);
    let rows = all.into_iter();
    rows.map(|(need, nodes)| Row { need, nodes }).collect()
}

fn text(rows: &[Row<'_>], nodes: usize) -> String {
    let header = ["NEED", "WHAT", "WHY", "NODES"].map(str::to_owned);
    let rows = rows.iter().map(|row| {
        let whose = match row.nodes.as_slice() {
            all if all.len() == nodes => "all".to_owned(),
            [one] => (*one).to_owned(),
            many => format!("{}, like {}", many.len(), many[0]),
        };
        let Need { need, what, why } = &row.need;
        [need.name().to_owned(), what.clone(), why.clone(), whose]
    });
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    table(&rows, 3, 0)
}
