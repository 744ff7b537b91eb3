//! The selection of formats and nodes to build: `--format` and `--node`.

use std::collections::HashSet;
use std::path::Path;

use anyhow::bail;

use crate::bundle::{Old, OldBundle};
use crate::error::Result;
use crate::model::output::Format;
use crate::plan::NodePlan;
use crate::project::{BuildRequest, chosen};
use crate::signing::PublicKey;

/// The chosen formats, each once; None if none was chosen.
pub fn formats(request: &BuildRequest) -> Option<Vec<Format>> {
    let mut formats = request.formats.clone();
    formats.sort();
    formats.dedup();
    (!formats.is_empty()).then_some(formats)
}

/// The nodes to bake, and the bundle that the others are reused from.
pub fn old<'p>(
    request: &BuildRequest,
    out: &Path,
    key: Option<&PublicKey>,
    nodes: &'p [NodePlan],
) -> Result<Option<(HashSet<&'p str>, Box<OldBundle>)>> {
    if request.nodes.is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = nodes.iter().map(|node| &*node.name).collect();
    let chosen = chosen(&request.nodes, &names, "in the inventory")?;
    if out.symlink_metadata().is_err() {
        bail!(
            "there is no bundle in {} yet to keep the other nodes from: build all nodes once first, without --node",
            out.display()
        );
    }
    let Some(key) = key else {
        bail!("reusing nodes of the last bundle: that needs the key that signed it");
    };
    match OldBundle::open_verified(out, key)? {
        Old::Verified(old) => Ok(Some((chosen.into_iter().collect(), old))),
        Old::Unusable(reason) => bail!("reusing nodes of the last bundle: {reason}"),
    }
}
