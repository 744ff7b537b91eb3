//! Nodes by name: those of an inventory, those that join with a token, those that the user names.

use std::collections::HashSet;

use anyhow::{Context, bail};
use globset::Glob;

use crate::closest::closest;
use crate::error::Result;
use crate::inventory::Inventory;
use crate::plan::needs_token;

/// The inventory's nodes in order.
pub fn names(inventory: &Inventory) -> Vec<&str> {
    let nodes = inventory.nodes.iter();
    nodes.map(|node| node.name.value.as_str()).collect()
}

/// The nodes that join with a token; the others bring certificates.
pub fn joining(inventory: &Inventory) -> Vec<&str> {
    let nodes = inventory.nodes.iter().zip(&inventory.spec_of);
    let spec = |index: &Option<usize>| inventory.specs.get((*index)?);
    nodes
        .filter(|(_, index)| needs_token(spec(index).map(|spec| &**spec)))
        .map(|(node, _)| node.name.value.as_str())
        .collect()
}

/// The nodes that the user named, by name or glob, each once and in the order in which they are known; all if none was
/// named. A name that fits no node is an error: nothing is done by halves.
pub fn chosen<'a>(named: &[String], known: &[&'a str], location: &str) -> Result<Vec<&'a str>> {
    if named.is_empty() {
        return Ok(known.to_vec());
    }
    let mut wanted: HashSet<&str> = HashSet::new();
    // Of thousands of names each is a look-up; only a glob is held against every node.
    let by_name: HashSet<&str> = known.iter().copied().collect();
    for text in named {
        if let Some(node) = by_name.get(text.as_str()) {
            wanted.insert(*node);
            continue;
        }
        let glob = Glob::new(text).with_context(|| format!("reading the node {text}"))?;
        let glob = glob.compile_matcher();
        let matching: Vec<&&str> = known.iter().filter(|node| glob.is_match(node)).collect();
        wanted.extend(matching.iter().copied().copied());
        if matching.is_empty() {
            let hint = closest(text, known.iter().copied());
            let hint = hint.map(|near| format!("; did you mean {near}?"));
            bail!(
                "there is no node {text} {location}{}",
                hint.unwrap_or_default()
            );
        }
    }
    let chosen = known.iter().filter(|node| wanted.contains(*node));
    Ok(chosen.copied().collect())
}
