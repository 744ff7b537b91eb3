//! The needs of a project's nodes that their payloads do not meet.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::preflight::{Need, needs};
use crate::project::{Project, Reading, open};
use crate::report::Report;

/// A need, and who has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NeedRow {
    /// The need.
    #[serde(flatten)]
    pub need: Need,
    /// The nodes that need it.
    pub nodes: Vec<String>,
}

/// The needs of all nodes, and how many nodes there are; None after findings.
pub fn preflight(reading: &Reading, report: &mut Report) -> Result<Option<(Vec<NeedRow>, usize)>> {
    let found = open(reading, report)?.map(|project| {
        let rows = rows(&project, report);
        (rows, project.plan.nodes.len())
    });
    reading.apply_strictness(report);
    Ok(found.filter(|_| !report.has_errors()))
}

fn rows(project: &Project, report: &mut Report) -> Vec<NeedRow> {
    let (nodes, levels) = (&project.plan.nodes, report.levels());
    let of_node = |node| {
        let baked = project.render(node, levels)?;
        Ok(needs(
            &project.plan.cluster,
            &project.renderer,
            node,
            &baked,
        ))
    };
    let found: Vec<std::result::Result<_, Vec<_>>> = nodes.par_iter().map(of_node).collect();
    let mut all: BTreeMap<Need, Vec<String>> = BTreeMap::new();
    let mut findings = Vec::new();
    for (node, found) in nodes.iter().zip(found) {
        match found {
            Ok(needs) => {
                for need in needs {
                    all.entry(need).or_default().push(node.name.clone());
                }
            }
            Err(wrong) => findings.extend(wrong),
        }
    }
    project.add(findings, report);
    let rows = all.into_iter();
    rows.map(|(need, nodes)| NeedRow { need, nodes }).collect()
}
