//! The selection of formats and nodes to build: `--format` and `--node`.

use std::path::Path;

use anyhow::{Context, bail};
use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::bundle::{Old, OldBundle};
use crate::error::Result;
use crate::inventory::format;
use crate::model::output::Format;
use crate::plan::NodePlan;
use crate::project::BuildRequest;
use crate::signing::PublicKey;

/// `--format`, checked.
pub fn formats(names: &[String]) -> Result<Option<Vec<Format>>> {
    let formats = names
        .iter()
        .map(|name| format(name).map_err(anyhow::Error::msg));
    let mut formats: Vec<_> = formats.collect::<Result<_>>().context("reading --format")?;
    formats.sort();
    formats.dedup();
    Ok((!formats.is_empty()).then_some(formats))
}

/// The nodes to bake, and the bundle that the others are kept from.
pub fn old(
    request: &BuildRequest,
    out: &Path,
    key: Option<&PublicKey>,
    nodes: &[NodePlan],
) -> Result<Option<(GlobSet, Box<OldBundle>)>> {
    if request.nodes.is_empty() {
        return Ok(None);
    }
    let mut globs = GlobSetBuilder::new();
    for text in &request.nodes {
        let glob = Glob::new(text).with_context(|| format!("reading --node {text}"))?;
        let matcher = glob.compile_matcher();
        // Beside others that match, a misspelt name would look like a node that was baked.
        if !nodes.iter().any(|node| matcher.is_match(&node.name)) {
            bail!("there is no node {text} in the inventory");
        }
        globs.add(glob);
    }
    let globs = globs.build().context("reading --node")?;
    let Some(key) = key else {
        bail!("reusing nodes of the last bundle: that needs the key that signed it");
    };
    match OldBundle::open_verified(out, key)? {
        Old::Verified(old) => Ok(Some((globs, old))),
        Old::Unusable(reason) => bail!("reusing nodes of the last bundle: {reason}"),
    }
}
