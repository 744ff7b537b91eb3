//! What security benchmarks ask of a worker, judged on nodes as they are baked: the worker sections of the CIS Kubernetes
//! Benchmark and the kubelet's rules of the DISA Kubernetes STIG. In: a plan, rendered nodes. Out: a [`PolicyReport`].
//!
//! Values in effect are judged. Where kube-bench, which most auditors use, gets another verdict, that is said with the
//! reason. Titles are in our own words: the benchmarks' texts have their own terms.

mod cis;
mod cis_kubelet;
mod decision;
mod files;
mod judged;
mod kube_bench;
mod report;
mod stig;
mod subject;
mod text;

pub use decision::Decision;
pub use judged::{KubeBench, Verdict};
pub use report::{JudgedNode, PolicyReport, PolicyRow, RuleResult, judge};
pub use text::text;

use judged::Judged;
use subject::Subject;

/// A benchmark in one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// CIS 1.12, for Kubernetes 1.32 to 1.34.
    Cis112,
    /// CIS 2.0, for Kubernetes 1.34 and 1.35.
    Cis20,
    /// The Kubernetes STIG V2R4.
    Stig,
}

/// How a benchmark wants a rule to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// CIS: by a program.
    Automated,
    /// CIS: by a person.
    Manual,
    /// STIG: CAT I.
    High,
    /// STIG: CAT II.
    Medium,
}

/// One rule of a benchmark.
pub struct Rule {
    /// `4.2.1`, `V-242391`.
    pub number: &'static str,
    /// How it is looked at, or how much it weighs.
    pub weight: Weight,
    /// What it asks for.
    pub title: &'static str,
    judge: fn(&Subject<'_>) -> Judged,
}

impl Policy {
    /// The benchmark in its newest version that has a minor: `cis` and `stig` alone.
    pub fn cis_for(minor: u32) -> Self {
        if minor >= 34 {
            Self::Cis20
        } else {
            Self::Cis112
        }
    }

    /// `cis-2.0`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cis112 => "cis-1.12",
            Self::Cis20 => "cis-2.0",
            Self::Stig => "stig-v2r4",
        }
    }

    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            Self::Cis112 => "CIS Kubernetes Benchmark 1.12, section 4 (workers)",
            Self::Cis20 => "CIS Kubernetes Benchmark 2.0, section 4 (workers)",
            Self::Stig => "DISA Kubernetes STIG V2R4, rules about workers",
        }
    }

    /// The minors that it is written for.
    pub fn minors(self) -> std::ops::RangeInclusive<u32> {
        match self {
            Self::Cis112 => 32..=34,
            Self::Cis20 => 34..=35,
            Self::Stig => 0..=u32::MAX,
        }
    }

    /// Its rules in its own order. CIS 2.0 kept all rules of 1.12.
    pub fn rules(self) -> &'static [Rule] {
        match self {
            Self::Cis112 | Self::Cis20 => cis::RULES,
            Self::Stig => stig::RULES,
        }
    }
}

impl Weight {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Automated => "automated",
            Self::Manual => "manual",
            Self::High => "high",
            Self::Medium => "medium",
        }
    }
}
