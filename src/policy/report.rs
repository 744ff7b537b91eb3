//! The report: each rule with its verdicts, and the nodes of each.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::plan::NodePlan;
use crate::policy::decision::{Decision, Decisions};
use crate::policy::judged::{Judged, KubeBench, Verdict};
use crate::policy::{Policy, Subject, kube_bench};
use crate::render::RenderedNode;
use crate::render::command_line::CommandLine;
use crate::report::Levels;

/// A benchmark's rules at all nodes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyReport {
    api_version: &'static str,
    kind: &'static str,
    /// `cis-2.0`.
    pub policy: &'static str,
    /// The benchmark's name.
    pub title: &'static str,
    /// How many nodes were judged.
    pub nodes: usize,
    /// Minors of nodes that the benchmark is not written for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_minors: Vec<u32>,
    /// The rules in the benchmark's order.
    pub rules: Vec<PolicyRow>,
    /// How many rules have which verdict as their worst.
    pub summary: BTreeMap<Verdict, usize>,
}

/// One rule.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRow {
    /// Its number.
    pub number: &'static str,
    /// What it asks for, in our words.
    pub title: &'static str,
    /// `automated`, `manual`, `high` or `medium`.
    pub weight: &'static str,
    /// The worst verdict of all nodes.
    pub verdict: Verdict,
    /// What was found, worst first.
    pub results: Vec<RuleResult>,
}

/// What is the same for some nodes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleResult {
    /// The verdict.
    pub verdict: Verdict,
    /// What was looked at, and its value.
    pub value: String,
    /// Where that was written.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// What else there is to know.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// kube-bench's verdict, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_bench: Option<KubeBench>,
    /// What the project decided about it, with its reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The nodes.
    pub nodes: Vec<String>,
}

/// What came of a rule, what kube-bench would say where that differs, and what the project decided.
type Found = (Judged, Option<KubeBench>, Option<Decision>);

/// One node's verdicts, in the order of the rules.
pub struct JudgedNode {
    name: String,
    minor: u32,
    found: Vec<Found>,
}

impl PolicyReport {
    /// Puts the verdicts of all nodes together.
    pub fn of(policy: Policy, nodes: &[JudgedNode]) -> Self {
        let rules = policy.rules().iter().enumerate().map(|(index, rule)| {
            let mut results: BTreeMap<&Found, Vec<String>> = BTreeMap::new();
            for node in nodes {
                let of_rule = results.entry(&node.found[index]).or_default();
                of_rule.push(node.name.clone());
            }
            let results: Vec<RuleResult> = results
                .into_iter()
                .map(|((judged, kube_bench, decision), nodes)| RuleResult {
                    verdict: judged.verdict,
                    value: judged.value.clone(),
                    location: judged.location.clone(),
                    note: judged.note.clone(),
                    kube_bench: kube_bench.clone(),
                    decision: decision.clone(),
                    nodes,
                })
                .collect();
            let worst = results.first().map(|result| result.verdict);
            PolicyRow {
                number: rule.number,
                title: rule.title,
                weight: rule.weight.name(),
                verdict: worst.unwrap_or(Verdict::NotApplicable),
                results,
            }
        });
        let rules: Vec<PolicyRow> = rules.collect();
        let mut summary = BTreeMap::new();
        for row in &rules {
            *summary.entry(row.verdict).or_default() += 1;
        }
        let minors = nodes.iter().map(|node| node.minor);
        let others: BTreeSet<u32> = minors
            .filter(|minor| !policy.minors().contains(minor))
            .collect();
        Self {
            api_version: "nodebake/v1",
            kind: "PolicyReport",
            policy: policy.name(),
            title: policy.title(),
            nodes: nodes.len(),
            other_minors: others.into_iter().collect(),
            rules,
            summary,
        }
    }

    /// Whether a node fails a rule that the project does not accept.
    pub fn has_failures(&self) -> bool {
        self.summary.contains_key(&Verdict::Fail)
    }
}

/// Judges one node. `levels` are what the project says of findings and rules.
pub fn judge(policy: Policy, levels: &Levels, node: &NodePlan, baked: &RenderedNode) -> JudgedNode {
    let minor = node.class.spec.kubernetes.value.minor();
    let line = CommandLine::of(&baked.tree, &baked.flags, &baked.config, minor);
    let files = baked.tree.materialised();
    let subject = Subject::new(node, baked, &line, &files);
    let decisions = Decisions::of(levels, &node.name, &subject);
    let rules = policy.rules().iter();
    let found = rules.map(|rule| {
        let mut judged = (rule.judge)(&subject);
        let seen = kube_bench::seen(rule.number, &subject);
        let difference = seen.and_then(|seen| seen.difference(rule, &judged));
        let decision = decisions.apply(rule, &mut judged);
        (judged, difference, decision)
    });
    JudgedNode {
        name: node.name.clone(),
        minor: subject.minor(),
        found: found.collect(),
    }
}
