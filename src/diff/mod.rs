//! What changed between two bundles: per node and path, field by field, without a secret. In: two bundles that were
//! checked. Out: a [`ClusterDiff`], one [`NodeDiff`] after the other, and a [`Summary`] of what is to be done.
//!
//! Nodes are compared many at once and told in order; memory holds some of them at a time, and files of up to
//! [`content::LONGEST`] bytes, so that it does not grow with nodes or assets.

mod cluster;
pub mod content;
mod field;
mod marks;
mod node;
mod print;
mod reading;
mod summary;
mod tree;
mod walk;

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;

use crate::bundle::OldBundle;
use crate::error::Result;

pub use cluster::{ClusterDiff, FileDiff, Names};
pub use content::{ContentChange, Form};
pub use field::FieldChange;
pub use marks::MarksChange;
pub use node::{NodeDiff, PayloadChange};
pub use print::{JsonPrinter, Printer, TextPrinter};
pub use summary::Summary;
pub use tree::{EntryChange, StateChange, UnitChange};
pub use walk::Change;

/// Nodes that are compared before any of them is told.
const AT_A_TIME: usize = 64;

/// Compares two bundles and tells a printer, in order of the nodes' names. `folder` is where the new one is, or will be.
pub fn diff(
    old: &OldBundle,
    new: &OldBundle,
    folder: &Path,
    printer: &mut dyn Printer,
) -> Result<Summary> {
    let cluster = cluster::cluster(old, new)?;
    let folder = folder.to_string_lossy();
    printer.begin(
        (old, &old.folder().to_string_lossy()),
        (new, &folder),
        &cluster,
    )?;
    let mut summary = Summary::of(old, new, &folder, &cluster);
    let names = |bundle: &'_ OldBundle| -> Vec<String> {
        let nodes = bundle.manifest().nodes.iter();
        nodes.map(|node| node.name.clone()).collect()
    };
    let names: BTreeSet<String> = names(old).into_iter().chain(names(new)).collect();
    let names: Vec<String> = names.into_iter().collect();
    for some in names.chunks(AT_A_TIME) {
        let diffs: Vec<NodeDiff> = some
            .par_iter()
            .map(|name| node::node(name, old, new))
            .collect::<Result<_>>()?;
        for diff in diffs.iter().filter(|diff| !diff.is_same()) {
            summary.add(diff);
            printer.node(diff)?;
        }
    }
    summary.finish();
    printer.end(&summary)?;
    Ok(summary)
}
