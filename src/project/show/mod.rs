//! One node of a project, to be looked at.

mod file;
mod origins;
mod sizes;
mod summary;

use std::io::Write;

use anyhow::bail;

use crate::closest::closest;
use crate::error::Result;
use crate::plan::NodePlan;
use crate::project::{Project, Reading, open};
use crate::render::RenderedNode;
use crate::report::Report;

pub use origins::ValueOrigin;
pub use sizes::{AssetSizes, DocumentSize, PathSize, Sizes};
pub use summary::{CertificateLine, Summary, TreeLine, UnitLine};

/// A node that was rendered.
pub struct NodeView {
    project: Project,
    index: usize,
    rendered: RenderedNode,
}

/// Renders one node of a project; None after findings.
pub fn show(reading: &Reading, name: &str, report: &mut Report) -> Result<Option<NodeView>> {
    let project = open(reading, report)?;
    reading.apply_strictness(report);
    let Some(project) = project.filter(|_| !report.has_errors()) else {
        return Ok(None);
    };
    let nodes = &project.plan.nodes;
    let Some(index) = nodes.iter().position(|node| node.name == name) else {
        let known = nodes.iter().map(|node| node.name.as_str());
        let hint = closest(name, known).map(|near| format!("; did you mean {near}?"));
        bail!(
            "there is no node {name} in the inventory{}",
            hint.unwrap_or_default()
        );
    };
    match project.render(&nodes[index], report.levels()) {
        Ok(rendered) => Ok(Some(NodeView {
            project,
            index,
            rendered,
        })),
        Err(findings) => {
            project.add(findings, report);
            Ok(None)
        }
    }
}

impl NodeView {
    fn node(&self) -> &NodePlan {
        &self.project.plan.nodes[self.index]
    }

    /// Its plan and tree.
    pub fn summary(&self) -> Summary<'_> {
        Summary::of(self.node(), &self.rendered)
    }

    /// Every final value with the layer that set it.
    pub fn origins(&self) -> Vec<ValueOrigin> {
        origins::of(self.node(), &self.project.plan.locations)
    }

    /// How large its documents are in each form.
    pub fn sizes(&self) -> Result<Sizes> {
        sizes::of(&self.project, self.node(), &self.rendered)
    }

    /// Writes one file of its tree. Secrets are hidden, unless `reveal` is set.
    pub fn write_file(&self, path: &str, reveal: bool, out: &mut dyn Write) -> Result<()> {
        file::write(path, (self.node(), &self.rendered), (reveal, out))
    }
}
