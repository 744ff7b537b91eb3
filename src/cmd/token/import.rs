//! `token import`: tokens that a cluster already has.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;
use time::OffsetDateTime;

use crate::cli::TokenImport;
use crate::cmd::token::{groups, load, print};
use crate::error::{Exit, Result};
use crate::project::{names, read_dump};
use crate::report::Report;
use crate::secrets::{Change, Imported, Owners};
use crate::terminal::shown;
use crate::timing::rfc3339;

/// Runs `token import`.
pub(super) fn run(args: &TokenImport, report: &mut Report) -> Result<Exit> {
    let Some(inventory) = load(&args.dir, &args.file, report)? else {
        return Ok(Exit::Findings);
    };
    let secrets = &args.file.secrets.choice();
    let stdin = |path: &PathBuf| path == Path::new("-");
    if stdin(&args.dump) && secrets.identities.iter().any(stdin) {
        bail!("reading stdin: the dump and the identities cannot both come from there");
    }
    let Some(dump) = read_dump(&args.dump, report)? else {
        return Ok(Exit::Findings);
    };
    let recipients = &inventory.cluster.tokens.recipients;
    let Some(mut change) = Change::begin(&args.dir, secrets, recipients, report)? else {
        return Ok(Exit::Findings);
    };
    let groups = groups(&inventory);
    let owners = Owners {
        nodes: &names(&inventory),
        group: &|node| groups.of_node(node),
    };
    let shown = args.dump.display().to_string();
    let imported = change
        .store
        .import(&dump, &shown, &owners, OffsetDateTime::now_utc())?;
    if !imported.taken.is_empty() {
        change.save()?;
    }
    print(args.file.output, &imported, &text(&imported))?;
    Ok(Exit::Good)
}

fn text(imported: &Imported) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for taken in &imported.taken {
        let until = rfc3339(taken.expires).unwrap_or_default();
        let _ = writeln!(
            text,
            "{}: took {}, good until {until}",
            taken.node, taken.id
        );
    }
    for left in &imported.left_out {
        let id = shown(left.id.as_deref().unwrap_or("a token"));
        let _ = writeln!(text, "left out {id}: {}", shown(&left.reason));
    }
    if text.is_empty() {
        text.push_str("there is no bootstrap token in it\n");
    }
    text
}
