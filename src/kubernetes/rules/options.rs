//! Options of the CPU manager's and the topology manager's policies: which a minor has, at which level, and which exclude one
//! another. `make facts` compares the levels with upstream's own tables.

use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::kubernetes::value;
use crate::report::Id;

/// How far an option has come: one that is not stable needs the gate of its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Alpha,
    Beta,
    Stable,
}

/// An option, with the level that it has from each minor on.
struct PolicyOption {
    name: &'static str,
    levels: &'static [(u32, Level)],
}

impl PolicyOption {
    fn level(&self, minor: u32) -> Option<Level> {
        let reached = self.levels.iter().rev().find(|(since, _)| *since <= minor);
        reached.map(|(_, level)| *level)
    }
}

use Level::{Alpha, Beta, Stable};

/// Source: pkg/kubelet/cm/cpumanager/policy_options.go. 1.22 has one option, and no levels yet.
const CPU: [PolicyOption; 6] = [
    PolicyOption {
        name: "full-pcpus-only",
        levels: &[(22, Stable), (23, Beta), (33, Stable)],
    },
    PolicyOption {
        name: "distribute-cpus-across-numa",
        levels: &[(23, Alpha), (33, Beta)],
    },
    PolicyOption {
        name: "align-by-socket",
        levels: &[(25, Alpha)],
    },
    PolicyOption {
        name: "distribute-cpus-across-cores",
        levels: &[(31, Alpha)],
    },
    PolicyOption {
        name: "strict-cpu-reservation",
        levels: &[(32, Alpha), (33, Beta), (35, Stable)],
    },
    PolicyOption {
        name: "prefer-align-cpus-by-uncorecache",
        levels: &[(32, Alpha), (34, Beta), (36, Stable)],
    },
];

/// Source: pkg/kubelet/cm/topologymanager/policy_options.go.
const TOPOLOGY: [PolicyOption; 2] = [
    PolicyOption {
        name: "prefer-closest-numa-nodes",
        levels: &[(26, Alpha), (28, Beta), (32, Stable)],
    },
    PolicyOption {
        name: "max-allowable-numa-nodes",
        levels: &[(31, Beta), (35, Stable)],
    },
];

/// Options that exclude one another. Source: NewStaticPolicyOptions of the same file, since the later of the two is there.
const APART: [(&str, &str); 4] = [
    ("full-pcpus-only", "distribute-cpus-across-cores"),
    (
        "distribute-cpus-across-numa",
        "distribute-cpus-across-cores",
    ),
    (
        "prefer-align-cpus-by-uncorecache",
        "distribute-cpus-across-cores",
    ),
    (
        "prefer-align-cpus-by-uncorecache",
        "distribute-cpus-across-numa",
    ),
];

/// Options of one manager.
struct Kind {
    field: &'static str,
    options: &'static [PolicyOption],
    gates: (&'static str, &'static str),
}

const CPU_KIND: Kind = Kind {
    field: "cpuManagerPolicyOptions",
    options: &CPU,
    gates: (
        "CPUManagerPolicyAlphaOptions",
        "CPUManagerPolicyBetaOptions",
    ),
};

const TOPOLOGY_KIND: Kind = Kind {
    field: "topologyManagerPolicyOptions",
    options: &TOPOLOGY,
    gates: (
        "TopologyManagerPolicyAlphaOptions",
        "TopologyManagerPolicyBetaOptions",
    ),
};

/// Options of the CPU manager. Source: cmd/kubelet/app/server.go, run; pkg/kubelet/cm/cpumanager, NewNonePolicy and
/// NewStaticPolicy.
pub fn cpu(reading: &ConfigReader<'_>) -> Known<()> {
    const POLICY: &str = "cpuManagerPolicy";
    let options = reading.pairs(CPU_KIND.field)?;
    if options.is_empty() || reading.is_off("CPUManager") {
        return Ok(());
    }
    if needs_gate(reading, CPU_KIND.field, "CPUManagerPolicyOptions") {
        return Ok(());
    }
    if matches!(reading.text(POLICY)?, "" | "none") {
        let rule = format!("need {POLICY}: static; with none the kubelet refuses every option");
        let repair = "remove them, or set the policy";
        reading.refuse(Id::KubeletManagerInvalid, &[CPU_KIND.field], rule, repair);
        return Ok(());
    }
    for (name, written) in &options {
        if known(reading, &CPU_KIND, name) && value::go_bool(written).is_none() {
            not_a_bool(reading, CPU_KIND.field, name, written);
        }
    }
    let is_on = |name: &str| {
        let mut all = options.iter();
        all.any(|(known, written)| *known == name && value::go_bool(written) == Some(true))
    };
    for (one, other) in APART {
        if is_on(one) && is_on(other) {
            let rule = format!("{one} and {other} exclude each other");
            reading.refuse(
                Id::KubeletManagerInvalid,
                &[CPU_KIND.field, other],
                rule,
                "",
            );
        }
    }
    if is_on("align-by-socket") && reading.text("topologyManagerPolicy")? == "single-numa-node" {
        // ValidateStaticPolicyOptions
        let rule = "align-by-socket excludes topologyManagerPolicy: single-numa-node";
        let path = [CPU_KIND.field, "align-by-socket"];
        reading.refuse(Id::KubeletManagerInvalid, &path, rule, "");
    }
    Ok(())
}

/// Options of the topology manager, which looks at them only if it has a policy. Source: cmd/kubelet/app/server.go, run;
/// pkg/kubelet/cm/topologymanager, NewManager and NewPolicyOptions.
pub fn topology(reading: &ConfigReader<'_>) -> Known<()> {
    let field = TOPOLOGY_KIND.field;
    let options = reading.pairs(field)?;
    if options.is_empty() || needs_gate(reading, field, "TopologyManagerPolicyOptions") {
        return Ok(());
    }
    if matches!(reading.text("topologyManagerPolicy")?, "" | "none") {
        return Ok(());
    }
    for (name, written) in options {
        if !known(reading, &TOPOLOGY_KIND, name) {
            continue;
        }
        if name == "max-allowable-numa-nodes" {
            if !written.parse::<i64>().is_ok_and(|number| number >= 8) {
                let rule = format!("must be a whole number of 8 or more; got {written:?}");
                reading.refuse(Id::KubeletManagerInvalid, &[field, name], rule, "");
            }
        } else if value::go_bool(written).is_none() {
            not_a_bool(reading, field, name, written);
        }
    }
    Ok(())
}

/// Whether options as such need a gate that is off; it is said then.
fn needs_gate(reading: &ConfigReader<'_>, field: &str, gate: &str) -> bool {
    if !reading.is_off(gate) {
        return false;
    }
    off(reading, &[field], gate);
    true
}

fn off(reading: &ConfigReader<'_>, path: &[&str], gate: &str) {
    let minor = reading.minor;
    let rule = format!("needs the feature gate {gate}, which is off in Kubernetes 1.{minor}");
    let repair = "remove it, or set the gate in featureGates";
    reading.refuse(Id::KubeletFeatureNeedsGate, path, rule, repair);
}

/// Whether an option can be used; what is against it is said.
fn known(reading: &ConfigReader<'_>, kind: &Kind, name: &str) -> bool {
    let minor = reading.minor;
    let path = [kind.field, name];
    let found = kind.options.iter().find(|option| option.name == name);
    let Some(level) = found.and_then(|option| option.level(minor)) else {
        let all = kind.options.iter().filter(|one| one.level(minor).is_some());
        let all: Vec<&str> = all.map(|option| option.name).collect();
        let rule = format!(
            "must be an option of 1.{minor} ({}); got {name:?}",
            all.join(", ")
        );
        reading.refuse(Id::KubeletManagerInvalid, &path, rule, "");
        return false;
    };
    let gate = match level {
        Alpha => kind.gates.0,
        Beta => kind.gates.1,
        Stable => return true,
    };
    if reading.is_off(gate) {
        off(reading, &path, gate);
        return false;
    }
    true
}

fn not_a_bool(reading: &ConfigReader<'_>, field: &str, name: &str, written: &str) {
    let rule = format!("must be \"true\" or \"false\"; got {written:?}");
    reading.refuse(Id::KubeletManagerInvalid, &[field, name], rule, "");
}
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kubernetes::kubelet_config::Schema;

    /// What the facts program read in upstream's own tables.
    const SITES: &str = include_str!("../../../tests/fixtures/kubelet-start/sites.txt");

    /// The options of a minor, as `cpu full-pcpus-only beta`.
    fn levels(minor: u32) -> BTreeSet<String> {
        let of = |manager: &'static str, options: &'static [PolicyOption]| {
            options.iter().filter_map(move |option| {
                let level = option.level(minor)?;
                Some(format!("{manager} {} {level:?}", option.name).to_lowercase())
            })
        };
        of("cpu", &CPU).chain(of("topology", &TOPOLOGY)).collect()
    }

    #[test]
    fn options_and_their_levels_are_upstreams() {
        // 1.22 has no table yet.
        for minor in 23..=*Schema::load().minors().end() {
            let upstream = SITES.lines().filter_map(|line| {
                let (option, minors) = line.strip_prefix("option\t")?.split_once('\t')?;
                let (first, last) = minors.split_once('-')?;
                let last = last.parse().unwrap_or(u32::MAX);
                (first.parse().ok()?..=last)
                    .contains(&minor)
                    .then(|| option.to_owned())
            });
            let upstream: BTreeSet<String> = upstream.collect();
            assert!(!upstream.is_empty());
            assert_eq!(levels(minor), upstream, "1.{minor}");
        }
    }
}
