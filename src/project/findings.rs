//! Findings of nodes: what their formats cannot say, each with the node that it is about.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::error::Result;
use crate::model::Location;
use crate::payload::{
    Forms, Job, Objection, clashes, credential, initramfs, pxe as network, sysext,
};
use crate::plan::NodePlan;
use crate::preflight::memory;
use crate::project::{Project, location_of, tree_key};
use crate::project_folder::CLUSTER_FILE;
use crate::render::RenderedNode;
use crate::report::{Finding, Id, Levels, Report, Severity};
use crate::tree::NodeTree;
use crate::verify::embedded::as_counted;

impl Project {
    /// Renders a node; findings where it cannot be rendered, or has an error that the project does not accept. Each finding
    /// has the node's name.
    pub(super) fn render(
        &self,
        node: &NodePlan,
        levels: &Levels,
    ) -> std::result::Result<RenderedNode, Vec<Finding>> {
        let of_node = |findings: Vec<Finding>| -> Vec<Finding> {
            let findings = findings.into_iter();
            findings.map(|one| one.of_node(&*node.name)).collect()
        };
        let is_error = |one: &Finding| levels.severity(one) == Some(Severity::Error);
        match self.renderer.render(node) {
            Ok(mut rendered) => {
                rendered.findings = of_node(rendered.findings);
                if rendered.findings.iter().any(is_error) {
                    return Err(rendered.findings);
                }
                Ok(rendered)
            }
            Err(findings) => {
                let mut findings = of_node(findings);
                if !findings.iter().any(is_error) {
                    let errors = findings
                        .iter()
                        .filter(|one| one.severity == Severity::Error);
                    let accepted = errors.map(needed).collect::<Vec<_>>();
                    findings.extend(accepted);
                }
                Err(findings)
            }
        }
    }

    /// Bakes every node and throws the trees away: the findings are what is wanted. Returns the node whose root in the
    /// initramfs takes the most memory, and how much.
    pub fn check_nodes(&self, report: &mut Report) -> Result<Option<(u64, &str)>> {
        let nodes = &self.plan.nodes;
        let forms = Forms::default();
        let key = tree_key(self.plan.project.path())?;
        let levels = report.levels();
        let of_node = |node: &NodePlan| -> Result<(Vec<Finding>, Option<u64>)> {
            match self.render(node, levels) {
                Ok(baked) => {
                    let facts = self.facts(node, &baked);
                    let tree = as_counted(&node.name, &baked.tree, key.as_ref())?;
                    let job = Job {
                        tree: &tree,
                        facts: &facts,
                        settings: &node.class.spec.output,
                    };
                    let mut findings = self.objections(node, &job, &forms)?;
                    let memory = initramfs::memory(&job);
                    findings.extend(baked.findings);
                    Ok((findings, memory))
                }
                Err(findings) => Ok((findings, None)),
            }
        };
        let found: Vec<_> = nodes.par_iter().map(of_node).collect::<Result<_>>()?;
        let most = nodes.iter().zip(&found);
        let most = most.filter_map(|(node, (_, memory))| Some(((*memory)?, &*node.name)));
        let most = most.max_by_key(|(memory, _)| *memory);
        let of_nodes = nodes.iter().zip(found).flat_map(|(node, (findings, _))| {
            let of_node = findings.into_iter();
            of_node.map(|finding| finding.of_node(&*node.name))
        });
        self.add(of_nodes.collect(), report);
        Ok(most)
    }

    /// What a node's formats cannot say of its tree, and what of it is larger than where it goes to takes.
    pub fn objections(
        &self,
        node: &NodePlan,
        job: &Job<'_>,
        forms: &Forms,
    ) -> Result<Vec<Finding>> {
        let mut objections = Vec::new();
        if !job.settings.formats.is_empty() {
            objections.extend(clashes(job.tree));
        }
        for format in &job.settings.formats {
            objections.extend(format.check_apart(job));
            objections.extend(format.oversize(job, forms)?);
        }
        objections.extend(credential::check(job));
        objections.extend(network::check(job));
        objections.extend(sysext::check(job));
        let base = self.bases.get(node.class.index).copied().flatten();
        let objections = objections
            .into_iter()
            .map(|objection| finding(objection, node, job.tree));
        Ok(objections.chain(memory::check(node, job, base)).collect())
    }

    /// Adds what baking found.
    pub fn add(&self, findings: Vec<Finding>, report: &mut Report) {
        let layers = ["overlays", "profiles", "extends"];
        let is_partial = layers.iter().any(|field| report.has_error_at(field));
        let is_unread = report
            .errors()
            .any(|error| is_all_of_a_kubelet(&error.path));
        let mut of_nodes = report.beside();
        let of_errors = findings
            .iter()
            .filter(|one| of_nodes.levels().severity(one) == Some(Severity::Error));
        let errors: HashSet<(Id, String)> = of_errors
            .flat_map(|one| one.nodes.iter().map(|node| (one.id, node.clone())))
            .collect();
        for finding in findings {
            // What a broken layer would have brought is not there: that follows from its own finding.
            let is_of_layers = is_partial && finding.id.compares_layers();
            let is_of_error = finding.follows().is_some_and(|id| {
                let mut nodes = finding.nodes.iter();
                nodes.all(|node| errors.contains(&(id, node.clone())))
            });
            let is_of_unread = is_unread && finding.id.follows_unread_settings();
            if !is_of_layers && !is_of_error && !is_of_unread {
                of_nodes.add(finding);
            }
        }
        for finding in of_nodes.sorted() {
            report.add(self.placed(finding));
        }
        report.accept(of_nodes.accepted());
        self.name_nodes(report);
    }

    /// A finding in a built-in file that only some nodes have, at the first of them: what is special about it is the user's.
    /// One about node-ip is about the node's addresses, which the built-in profiles put there.
    fn placed(&self, finding: Finding) -> Finding {
        if !finding.location.file.starts_with("built-in:") {
            return finding;
        }
        let is_of_addresses = finding.path.ends_with("flags.node-ip");
        let is_of_some = is_of_addresses || finding.nodes.len() < self.plan.nodes.len();
        let of_some = finding.nodes.first().filter(|_| is_of_some);
        let node = of_some.and_then(|name| self.plan.nodes.iter().find(|node| node.name == *name));
        let Some(node) = node else {
            return finding;
        };
        let (at, path) = match &node.written.addresses {
            Some(addresses) if is_of_addresses => (&addresses.at, addresses.path.to_string()),
            _ => (&node.written.name.at, finding.path.to_string()),
        };
        Finding {
            message: format!("{} (set by {})", finding.message, finding.location).into(),
            location: at.clone(),
            path: path.into(),
            ..finding
        }
    }

    /// A finding in merged layers is named after the node that set the value.
    pub(super) fn name_nodes(&self, report: &mut Report) {
        self.plan.locations.apply(report);
    }
}

/// Whether a field is the whole of a kubelet's settings. What is below it is one of them, and the others were read.
fn is_all_of_a_kubelet(path: &str) -> bool {
    ["kubelet", "kubelet.config", "kubelet.flags"]
        .iter()
        .any(|whole| path == *whole || path.ends_with(&format!(".{whole}")))
}

/// That an accepted finding keeps a node from being built.
fn needed(accepted: &Finding) -> Finding {
    let rule = format!(
        "{} is accepted, and without it the node cannot be built: {}",
        accepted.id, accepted.message
    );
    let finding = Finding::new(
        Id::FindingGuarded,
        &accepted.location,
        &*accepted.path,
        rule,
    );
    Finding {
        nodes: accepted.nodes.clone(),
        ..finding
    }
}

/// An objection as a finding: where the user wrote what it is about, or at the field that asks for it.
fn finding(objection: Objection, node: &NodePlan, tree: &NodeTree) -> Finding {
    let Objection { id, subject, .. } = &objection;
    if let Some(location) = &objection.location {
        return Finding::new(*id, location, subject, &objection.message);
    }
    let written_by = match tree.get(subject) {
        Some(entry) => format!(" (written by {})", entry.origin),
        None => String::new(),
    };
    let field = objection.field.unwrap_or("output");
    let location = location_of(&node.class.spec.merged, field);
    let location = location.unwrap_or_else(|| Location::file(CLUSTER_FILE));
    let finding = Finding::new(*id, &location, field, format!("{objection}{written_by}"));
    match objection.bytes {
        Some(bytes) => finding.measuring(subject, bytes),
        None => finding,
    }
}
