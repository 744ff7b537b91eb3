//! Checking a project: all findings, nothing written.

use crate::error::Result;
use crate::project::{Reading, open, signing};
use crate::report::Report;

/// The result of a check, beside its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The number of nodes that can be built, unless there are errors.
    pub nodes: usize,
    /// The node whose root in the initramfs takes the most memory, and how much, in bytes.
    pub memory: Option<(u64, String)>,
}

/// Finds everything that is wrong with a project; None if its inventory cannot be read.
pub fn check(reading: &Reading, report: &mut Report) -> Result<Option<Checked>> {
    let checked = match open(reading, report)? {
        Some(mut project) => {
            project.renderer.for_check();
            let memory = project.check_nodes(report)?;
            Some(Checked {
                nodes: project.plan.nodes.len(),
                memory: memory.map(|(bytes, node)| (bytes, node.to_owned())),
            })
        }
        None => None,
    };
    signing::check(&reading.dir, report)?;
    reading.apply_strictness(report);
    Ok(checked)
}
