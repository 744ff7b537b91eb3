//! Tokens that a cluster already has.

use std::path::{Path, PathBuf};

use anyhow::bail;
use time::OffsetDateTime;

use crate::error::Result;
use crate::project::tokens::{TokensRequest, groups};
use crate::project::{names, read_dump};
use crate::report::Report;
use crate::secrets::{Imported, Owners};

/// Takes over the tokens of a dump; None after findings.
pub fn import(
    request: &TokensRequest,
    dump: &Path,
    report: &mut Report,
) -> Result<Option<Imported>> {
    let Some(inventory) = request.inventory(report) else {
        return Ok(None);
    };
    let stdin = |path: &PathBuf| path == Path::new("-");
    if dump == Path::new("-") && request.secrets.identities.iter().any(stdin) {
        bail!("reading stdin: the dump and the identities cannot both come from there");
    }
    let shown = dump.display().to_string();
    let Some(dump) = read_dump(dump, report)? else {
        return Ok(None);
    };
    let Some(mut change) = request.change(&inventory, report)? else {
        return Ok(None);
    };
    let groups = groups(&inventory);
    let owners = Owners {
        nodes: &names(&inventory),
        group: &|node| groups.of_node(node),
    };
    let now = OffsetDateTime::now_utc();
    let imported = change.store.import(&dump, &shown, &owners, now)?;
    if !imported.taken.is_empty() {
        change.save()?;
    }
    Ok(Some(imported))
}
