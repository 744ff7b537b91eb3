//! What is reserved from pods: cgroups, CPUs, memory.

use std::collections::BTreeSet;

use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::kubernetes::value;
use crate::report::Id;

const ENFORCE: &str = "enforceNodeAllocatable";

/// systemCgroups lives below cgroupRoot.
pub fn cgroups(reading: &ConfigReader<'_>) -> Known<()> {
    if !reading.text("systemCgroups")?.is_empty() && reading.text("cgroupRoot")?.is_empty() {
        reading.advise(
            Id::KubeletCgroupsInvalid,
            "systemCgroups",
            "needs cgroupRoot",
            "set cgroupRoot to /",
        );
    }
    Ok(())
}

/// What is enforced, and what that needs.
pub fn enforcement(reading: &ConfigReader<'_>) -> Known<()> {
    let minor = reading.minor;
    let qos = reading.bool_or("cgroupsPerQOS", true)?;
    let written = reading.texts(ENFORCE)?;
    // Before 1.31 `cgroupsPerQOS: false` refuses even `none`.
    let count = written.as_ref().map_or(1, Vec::len);
    let without_qos = match minor {
        ..31 => count > 0,
        _ => written
            .as_ref()
            .is_none_or(|all| all.iter().any(|one| *one != "none" && known(one, minor))),
    };
    if !qos && without_qos {
        let repair = match minor {
            ..31 => "set enforceNodeAllocatable to []",
            _ => "set enforceNodeAllocatable to [none]",
        };
        let rule = format!(
            "must be true while {ENFORCE} has an entry ({} by default)",
            "pods"
        );
        reading.advise(Id::KubeletReservedInvalid, "cgroupsPerQOS", rule, repair);
    }
    let all = written.unwrap_or_default();
    for (index, one) in all.iter().enumerate() {
        let at = index.to_string();
        if minor >= 31 && all[..index].contains(one) {
            reading.say_of(
                Id::KubeletReservedInvalid,
                ENFORCE,
                &at,
                format!("{one:?} is there already"),
            );
            continue;
        }
        enforce_one(reading, one, &at, all.len())?;
    }
    for part in ["system-reserved", "kube-reserved"] {
        let compressible = format!("{part}-compressible");
        if minor >= 32 && all.contains(&part) && all.contains(&compressible.as_str()) {
            let rule = format!("{part} and {compressible} exclude each other");
            reading.say(Id::KubeletReservedInvalid, ENFORCE, rule);
        }
    }
    Ok(())
}

fn known(word: &str, minor: u32) -> bool {
    matches!(word, "pods" | "none" | "system-reserved" | "kube-reserved")
        || minor >= 32
            && matches!(
                word,
                "system-reserved-compressible" | "kube-reserved-compressible"
            )
}

fn enforce_one(reading: &ConfigReader<'_>, word: &str, at: &str, count: usize) -> Known<()> {
    if !known(word, reading.minor) {
        let more = match reading.minor {
            ..32 => "",
            _ => ", system-reserved-compressible, kube-reserved-compressible",
        };
        let rule = format!(
            "must be one of pods, system-reserved, kube-reserved{more}, none; got {word:?}"
        );
        reading.say_of(Id::KubeletReservedInvalid, ENFORCE, at, rule);
    } else if word == "none" && count > 1 {
        reading.say_of(
            Id::KubeletReservedInvalid,
            ENFORCE,
            at,
            "`none` must be alone in the list",
        );
    }
    for (part, cgroup) in [
        ("system-reserved", "systemReservedCgroup"),
        ("kube-reserved", "kubeReservedCgroup"),
    ] {
        if word.starts_with(part) && known(word, reading.minor) && reading.text(cgroup)?.is_empty()
        {
            reading.say_of(
                Id::KubeletReservedInvalid,
                ENFORCE,
                at,
                format!("{word} needs {cgroup}"),
            );
        }
    }
    Ok(())
}

/// CPUs that no pod gets, by number.
pub fn cpus(reading: &ConfigReader<'_>) -> Known<()> {
    const CPUS: &str = "reservedSystemCPUs";
    let cpus = reading.text(CPUS)?;
    if cpus.is_empty() {
        return Ok(());
    }
    if !is_cpu_set(cpus, reading.minor) {
        reading.say(
            Id::KubeletReservedInvalid,
            CPUS,
            format!("must be a list of CPUs (for example 0-3,8); got {cpus:?}"),
        );
    }
    for cgroup in ["systemReservedCgroup", "kubeReservedCgroup"] {
        if !reading.text(cgroup)?.is_empty() {
            reading.say(
                Id::KubeletReservedInvalid,
                CPUS,
                format!("excludes {cgroup}"),
            );
        }
    }
    Ok(())
}

/// Numbers and ranges. Source: k8s.io/utils `cpuset.Parse`, which is older than its check that a range ascends (1.22).
fn is_cpu_set(text: &str, minor: u32) -> bool {
    text.split(',').all(|part| {
        let ends: Vec<&str> = part.split('-').collect();
        let number = |end: &&str| end.parse::<u32>().ok();
        match ends.as_slice() {
            [one] => number(one).is_some(),
            [first, last] => match (number(first), number(last)) {
                (Some(first), Some(last)) => first <= last || minor < 22,
                _ => false,
            },
            // Old kubelets overlook such a part; nobody means it.
            _ => false,
        }
    })
}

/// Memory of each NUMA node.
pub fn memory(reading: &ConfigReader<'_>) -> Known<()> {
    const MEMORY: &str = "reservedMemory";
    let mut seen = BTreeSet::new();
    for (index, entry) in reading.list(MEMORY)?.unwrap_or_default().iter().enumerate() {
        let node = entry.get("numaNode").and_then(serde_json::Value::as_i64);
        let limits = entry.get("limits").and_then(serde_json::Value::as_object);
        for (resource, amount) in limits.into_iter().flatten() {
            let say = |rule: String| {
                reading.say_of(Id::KubeletReservedInvalid, MEMORY, &index.to_string(), rule)
            };
            if resource != "memory" && !resource.starts_with("hugepages-") {
                say(format!(
                    "must be memory or hugepages-SIZE; got {resource:?}"
                ));
            }
            let text = match amount {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if value::is_zero(&text) {
                say(format!("must not be zero; got {resource}"));
            }
            if !seen.insert((node.unwrap_or(0), resource.clone())) {
                say(format!("{resource} of that NUMA node is there already"));
            }
        }
    }
    Ok(())
}

/// `systemReserved` and `kubeReserved`: quantities by resource. Source: cmd/kubelet/app/server.go, parseResourceList.
pub fn resources(reading: &ConfigReader<'_>) -> Known<()> {
    for path in ["systemReserved", "kubeReserved"] {
        for (resource, amount) in reading.pairs(path)? {
            let known = ["cpu", "memory", "ephemeral-storage", "pid"];
            let at = vec![path.to_owned(), resource.to_owned()];
            if !known.contains(&resource) {
                let rule = format!("must be one of {}; got {resource:?}", known.join(", "));
                reading.say_at_start(Id::KubeletReservedInvalid, at, rule);
            } else if let Err(rule) = value::quantity(amount) {
                reading.say_at_start(Id::KubeletReservedInvalid, at, rule);
            } else if amount.starts_with('-') {
                reading.say_at_start(
                    Id::KubeletReservedInvalid,
                    at,
                    format!("must not be negative; got {amount}"),
                );
            }
        }
    }
    Ok(())
}

/// `qosReserved`: memory alone, in whole percent. Source: pkg/kubelet/cm/container_manager.go, ParseQOSReserved, which run of
/// cmd/kubelet/app/server.go calls whatever the gate QOSReserved is.
pub fn qos(reading: &ConfigReader<'_>) -> Known<()> {
    const QOS: &str = "qosReserved";
    for (resource, amount) in reading.pairs(QOS)? {
        let path = [QOS, resource];
        if resource != "memory" {
            let rule = format!("must be memory, the only resource; got {resource:?}");
            reading.refuse(Id::KubeletReservedInvalid, &path, rule, "");
            continue;
        }
        let percent = amount.ends_with('%').then(|| amount.trim_end_matches('%'));
        let percent = percent.and_then(|number| number.parse::<i64>().ok());
        if !percent.is_some_and(|percent| (0..=100).contains(&percent)) {
            let rule = format!("must be a whole percentage between 0% and 100%; got {amount:?}");
            reading.refuse(Id::KubeletReservedInvalid, &path, rule, "");
        }
    }
    Ok(())
}
