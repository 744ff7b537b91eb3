//! Checking a project: all findings, nothing written.

use crate::error::Result;
use crate::project::{Reading, open, signing};
use crate::report::Report;

/// What is known of a project beside its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many nodes can be built, unless something is wrong.
    pub nodes: usize,
    /// The node whose root in the initramfs takes the most memory, and how much, in bytes.
    pub memory: Option<(u64, String)>,
}

/// Finds everything that is wrong with a project; None if its inventory cannot be read.
pub fn check(reading: &Reading, report: &mut Report) -> Result<Option<Checked>> {
    let checked = match open(reading, report)? {
        Some(project) => {
            let memory = project.check_nodes(report)?;
            Some(Checked {
                nodes: project.plan.nodes.len(),
                memory: memory.map(|(bytes, node)| (bytes, node.to_owned())),
            })
        }
        None => None,
    };
    signing::check(&reading.dir, report)?;
    reading.judge(report);
    Ok(checked)
}
