//! Findings of nodes: what their formats cannot say, each said once and with the nodes that it concerns.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::error::Result;
use crate::model::Location;
use crate::payload::{Forms, Job, Objection, credential, initramfs, pxe as network, sysext};
use crate::plan::NodePlan;
use crate::preflight::memory;
use crate::project::{Project, location_of, tree_key};
use crate::project_folder::CLUSTER_FILE;
use crate::report::{Amount, Finding, Report};
use crate::tree::NodeTree;
use crate::verify::embedded::as_counted;

impl Project {
    /// Bakes every node and throws the trees away: the findings are what is wanted. Returns the node whose root in the
    /// initramfs takes the most memory, and how much.
    pub fn check_nodes(&self, report: &mut Report) -> Result<Option<(u64, &str)>> {
        let nodes = &self.plan.nodes;
        let forms = Forms::default();
        let key = tree_key(self.plan.project.path())?;
        let of_node = |node: &NodePlan| -> Result<(Vec<Finding>, Option<u64>)> {
            match self.renderer.render(node) {
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
                    findings.extend(baked.warnings);
                    Ok((findings, memory))
                }
                Err(findings) => Ok((findings, None)),
            }
        };
        let found: Vec<_> = nodes.par_iter().map(of_node).collect::<Result<_>>()?;
        let most = nodes.iter().zip(&found);
        let most = most.filter_map(|(node, (_, memory))| Some(((*memory)?, &*node.name)));
        let most = most.max_by_key(|(memory, _)| *memory);
        let named = nodes.iter().zip(found).flat_map(|(node, (findings, _))| {
            let name = |finding| (node.name.clone(), finding);
            findings.into_iter().map(name).collect::<Vec<_>>()
        });
        self.add(self.name_concerned(named.collect()), report);
        Ok(most)
    }

    /// Says each finding of nodes once, and whom it concerns where neither its place nor its rule does.
    pub fn name_concerned(&self, findings: Vec<(String, Finding)>) -> Vec<Finding> {
        let said = |finding: &Finding| {
            self.plan.locations.prefix(&finding.location).is_some()
                || finding.rule.contains("(node ")
        };
        name_concerned(findings, self.plan.nodes.len(), said)
    }

    /// What a node's formats cannot say of its tree, and what of it is larger than where it goes to takes.
    pub fn objections(
        &self,
        node: &NodePlan,
        job: &Job<'_>,
        forms: &Forms,
    ) -> Result<Vec<Finding>> {
        let mut objections = Vec::new();
        for format in &job.settings.formats {
            objections.extend(format.check(job));
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
        findings.into_iter().for_each(|finding| report.add(finding));
        self.name_nodes(report);
    }

    /// A finding in merged layers is named after the node that set the value.
    pub(super) fn name_nodes(&self, report: &mut Report) {
        report.name_places(|location| self.plan.locations.prefix(location));
    }
}

/// Groups equal findings and names their nodes, unless all have them: a template of a profile may be wrong for the one
/// node that has no address. Where each node has its own amount, the group says the largest and whose it is.
fn name_concerned(
    findings: Vec<(String, Finding)>,
    nodes: usize,
    said: impl Fn(&Finding) -> bool,
) -> Vec<Finding> {
    let mut grouped: BTreeMap<(Location, String, String), Vec<(String, Finding)>> = BTreeMap::new();
    for (node, finding) in findings {
        let what = match &finding.amount {
            Some(amount) => amount.of.clone(),
            None => finding.rule.clone(),
        };
        let key = (finding.location.clone(), finding.path.clone(), what);
        grouped.entry(key).or_default().push((node, finding));
    }
    let mut named = Vec::with_capacity(grouped.len());
    for mut group in grouped.into_values() {
        group.sort_by(|(a, _), (b, _)| a.cmp(b));
        group.dedup_by(|(a, _), (b, _)| a == b);
        let count = group.len();
        let bytes = |finding: &Finding| finding.amount.as_ref().map(|amount| amount.bytes);
        let most = group.iter().filter_map(|(_, finding)| bytes(finding)).max();
        let said_of = group
            .into_iter()
            .find(|(_, finding)| bytes(finding) == most);
        let Some((node, mut finding)) = said_of else {
            continue;
        };
        if (count < nodes || most.is_some()) && !said(&finding) {
            let whom = match count {
                1 => format!(" (node {node})"),
                many => format!(" ({many} nodes, like {node})"),
            };
            finding.rule.push_str(&whom);
        }
        named.push(finding);
    }
    named
}

/// An objection as a finding. What stands in a file of the user's or in a field is about all nodes that share it, so the
/// node is named only where nothing better is known.
fn finding(objection: Objection, node: &NodePlan, tree: &NodeTree) -> Finding {
    let amount = objection.bytes.map(|bytes| {
        let of = objection.subject.clone();
        Box::new(Amount { of, bytes })
    });
    if let Some(location) = &objection.location {
        return Finding::error(location, objection.subject, objection.rule);
    }
    let entry = tree.get(&objection.subject);
    let of_node = objection
        .field
        .is_none()
        .then(|| format!("node {}", node.name));
    let of_entry = entry.map(|entry| format!("written by {}", entry.origin));
    let more: Vec<String> = of_node.into_iter().chain(of_entry).collect();
    let more = match more.is_empty() {
        true => String::new(),
        false => format!(" ({})", more.join(", ")),
    };
    let field = objection.field.unwrap_or("output");
    let location = location_of(&node.class.spec.merged, field);
    let location = location.unwrap_or_else(|| Location::file(CLUSTER_FILE));
    Finding {
        amount,
        ..Finding::error(&location, field, format!("{objection}{more}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_its_nodes_unless_all_have_it_or_its_place_says_so() {
        let finding = |path: &str, rule: &str| {
            Finding::error(&Location::new("profiles/a.yaml", 1, 1), path, rule)
        };
        let of = |nodes: &[&str], finding: &Finding| {
            let all = nodes
                .iter()
                .map(|node| ((*node).to_owned(), finding.clone()));
            let rules: Vec<String> =
                name_concerned(all.collect(), 3, |finding| finding.path == "said")
                    .into_iter()
                    .map(|finding| finding.rule)
                    .collect();
            rules
        };
        assert_eq!(of(&["c", "c"], &finding("p", "r")), ["r (node c)"]);
        assert_eq!(of(&["c", "b"], &finding("p", "r")), ["r (2 nodes, like b)"]);
        assert_eq!(of(&["c", "b", "a"], &finding("p", "r")), ["r"]);
        assert_eq!(of(&["c"], &finding("said", "r")), ["r"]);
        let sized = |node: &str, bytes| {
            let amount = Amount {
                of: "user-data".into(),
                bytes,
            };
            let finding = Finding {
                amount: Some(Box::new(amount)),
                ..finding("p", &format!("is {bytes} bytes"))
            };
            (node.to_owned(), finding)
        };
        let of_all = vec![sized("c", 7), sized("a", 5), sized("b", 7)];
        let said = name_concerned(of_all, 3, |_| false);
        let rules: Vec<&str> = said.iter().map(|finding| &*finding.rule).collect();
        assert_eq!(rules, ["is 7 bytes (3 nodes, like b)"]);
    }
}
