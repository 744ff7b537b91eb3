//! Findings about interfaces that were rendered for each node: what is wrong with many of them at one location is one
//! finding with their names. The message is about the first of them.

use std::collections::BTreeMap;

use crate::model::Location;
use crate::report::{Finding, Id, Report};

/// Where a finding is, its rule, and which of the same node's findings there it is.
type Key = (Location, Id, usize);

/// Findings of several nodes.
#[derive(Default)]
pub struct OfNodes {
    found: BTreeMap<Key, Finding>,
}

impl OfNodes {
    /// Adds what was found about one node.
    pub fn add(&mut self, node: &str, findings: Report) {
        let findings = findings.into_findings();
        for (index, finding) in findings.iter().enumerate() {
            let same = |one: &&Finding| (&one.location, one.id) == (&finding.location, finding.id);
            let nth = findings.iter().take(index).filter(same).count();
            let key = (finding.location.clone(), finding.id, nth);
            let known = self.found.entry(key).or_insert_with(|| finding.clone());
            known.nodes.push(node.to_owned());
        }
    }

    /// Gives all of them to a report.
    pub fn finish(self, report: &mut Report) {
        self.found
            .into_values()
            .for_each(|finding| report.add(finding));
    }
}
