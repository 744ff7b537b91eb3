//! A project's nodes against a security benchmark.

use rayon::prelude::*;

use crate::error::Result;
use crate::policy::{Policy, PolicyReport, judge};
use crate::project::{Reading, open, signing};
use crate::report::Report;

/// Which benchmark is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedPolicy {
    /// CIS in the version that has the newest kubelet of the project.
    Cis,
    /// This one.
    Exactly(Policy),
}

/// Judges all nodes that can be baked, beside all findings of a check; None if the inventory cannot be read or a node cannot
/// be baked.
pub fn policy(
    reading: &Reading,
    wanted: WantedPolicy,
    report: &mut Report,
) -> Result<Option<PolicyReport>> {
    let Some(project) = open(reading, report)? else {
        reading.apply_strictness(report);
        return Ok(None);
    };
    project.check_nodes(report)?;
    let nodes = &project.plan.nodes;
    signing::check(&reading.dir, report)?;
    reading.apply_strictness(report);
    let policy = match wanted {
        WantedPolicy::Exactly(policy) => policy,
        WantedPolicy::Cis => {
            let minors = nodes
                .iter()
                .map(|node| node.class.spec.kubernetes.value.minor());
            Policy::cis_for(minors.max().unwrap_or_default())
        }
    };
    let levels = report.levels();
    let judged = nodes.par_iter().map(|node| {
        let baked = project.renderer.render(node).ok()?;
        Some(judge(policy, levels, node, &baked))
    });
    let judged: Option<Vec<_>> = judged.collect();
    Ok(judged.map(|judged| PolicyReport::of(policy, &judged)))
}
