//! What a project says of findings and of rules of security benchmarks: which it accepts, and which it takes more or less
//! seriously. cluster.yaml says it of all nodes, a profile of the nodes that use it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::report::{BenchmarkRule, Finding, Leveled, Severity};

/// How bad a finding is in a project, and why.
#[derive(Clone, Debug)]
pub struct LevelRule {
    /// None accepts it.
    pub severity: Option<Severity>,
    /// Why, in the project's words.
    pub reason: Arc<String>,
}

/// What a profile's levels are about: its own file, and nodes that use it.
#[derive(Debug)]
pub struct LevelScope {
    /// The profile's file.
    pub file: Arc<str>,
    /// The names of the nodes.
    pub nodes: BTreeSet<String>,
    /// Their items in cluster.yaml, like `nodes[2]`: every node of each uses the profile.
    pub items: BTreeSet<String>,
    /// Whether the cluster uses the profile, so that it is about everything.
    pub is_of_cluster: bool,
}

impl LevelScope {
    fn holds(&self, finding: &Finding) -> bool {
        let item = finding.path.find(']').map(|end| &finding.path[..=end]);
        self.is_of_cluster
            || finding.location.file == self.file
            || item.is_some_and(|item| self.items.contains(item))
            || !finding.nodes.is_empty()
                && finding.nodes.iter().all(|node| self.nodes.contains(node))
    }
}

/// The levels of a project. As with settings, what a node's own profiles say counts before what cluster.yaml says, and that before
/// what the cluster's profiles say; a later profile counts before an earlier one.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    project: BTreeMap<Leveled, LevelRule>,
    profiles: BTreeMap<Leveled, Vec<(Arc<LevelScope>, LevelRule)>>,
}

impl Levels {
    /// Adds what cluster.yaml says.
    pub fn add(&mut self, of: Leveled, rule: LevelRule) {
        self.project.insert(of, rule);
    }

    /// Adds what a profile says.
    pub fn add_of(&mut self, scope: &Arc<LevelScope>, of: Leveled, rule: LevelRule) {
        let known = self.profiles.entry(of).or_default();
        known.push((scope.clone(), rule));
    }

    /// Takes over another one's.
    pub fn merge(&mut self, other: Self) {
        self.project.extend(other.project);
        for (id, rules) in other.profiles {
            self.profiles.entry(id).or_default().extend(rules);
        }
    }

    /// How bad a finding is in this project; None where it is accepted.
    pub fn severity(&self, finding: &Finding) -> Option<Severity> {
        let rule = self.rule(finding);
        rule.map_or(Some(finding.severity), |rule| rule.severity)
    }

    /// What holds for a finding.
    pub fn rule(&self, finding: &Finding) -> Option<&LevelRule> {
        self.said(finding.id.into(), |scope| scope.holds(finding))
    }

    /// What holds for a rule of a benchmark at a node.
    pub fn rule_of(&self, rule: BenchmarkRule, node: &str) -> Option<&LevelRule> {
        self.said(Leveled::Rule(rule), |scope| {
            scope.is_of_cluster || scope.nodes.contains(node)
        })
    }

    fn said(&self, of: Leveled, holds: impl Fn(&LevelScope) -> bool) -> Option<&LevelRule> {
        let of_profile = |is_of_cluster: bool| {
            let rules = self.profiles.get(&of)?.iter().rev();
            let rules = rules.filter(|(scope, _)| scope.is_of_cluster == is_of_cluster);
            let mut fitting = rules.filter(|(scope, _)| holds(scope));
            fitting.next().map(|(_, rule)| rule)
        };
        let of_project = || self.project.get(&of);
        of_profile(false)
            .or_else(of_project)
            .or_else(|| of_profile(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Location;
    use crate::report::Id;

    #[test]
    fn a_profile_speaks_for_its_file_and_its_nodes_and_cluster_yaml_for_all() {
        let rule = |severity, reason: &str| LevelRule {
            severity,
            reason: Arc::new(reason.to_owned()),
        };
        let scope = |file: &str, nodes: &[&str], is_of_cluster| {
            Arc::new(LevelScope {
                file: file.into(),
                nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
                items: BTreeSet::from(["nodes[1]".to_owned()]),
                is_of_cluster,
            })
        };
        let id = Id::DnsOutsideServices;
        let finding = |file: &str, path: &str, nodes: &[&str]| {
            let mut finding = Finding::new(id, &Location::new(file, 1, 1), path, "m");
            finding.nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
            finding
        };
        let mut levels = Levels::default();
        levels.add_of(
            &scope("profiles/gpu.yaml", &["g1", "g2"], false),
            id.into(),
            rule(None, "gpu"),
        );
        let reason = |levels: &Levels, finding: &Finding| {
            levels.rule(finding).map(|rule| rule.reason.to_string())
        };
        for (file, path, nodes, holds) in [
            ("profiles/gpu.yaml", "x", &[][..], true),
            ("profiles/gpu.yaml", "x", &["other"], true),
            ("cluster.yaml", "nodes[1].labels", &[], true),
            ("cluster.yaml", "nodes[11].labels", &[], false),
            ("cluster.yaml", "network", &[], false),
            ("cluster.yaml", "x", &["g1", "g2"], true),
            ("cluster.yaml", "x", &["g1", "other"], false),
        ] {
            let found = reason(&levels, &finding(file, path, nodes));
            assert_eq!(found.is_some(), holds, "{file} {path} {nodes:?}");
        }
        let of_all = finding("cluster.yaml", "network", &[]);
        levels.add_of(
            &scope("profiles/worker.yaml", &[], true),
            id.into(),
            rule(None, "worker"),
        );
        assert_eq!(reason(&levels, &of_all).as_deref(), Some("worker"));
        levels.add(id.into(), rule(Some(Severity::Error), "cluster"));
        assert_eq!(reason(&levels, &of_all).as_deref(), Some("cluster"));
        assert!(
            levels
                .rule(&Finding::new(
                    Id::FieldUnknown,
                    &Location::new("a", 1, 1),
                    "",
                    "m"
                ))
                .is_none()
        );
    }
}
