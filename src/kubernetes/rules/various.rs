//! Rules of one field or two: gates, quota, certificates, memory QoS, taints, sysctls, user namespaces.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::kubernetes::names;
use crate::kubernetes::rules::images::needs;
use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::report::Id;

/// Gates that are unknown, locked, on their way out, or in want of others.
pub fn gates(reading: &ConfigReader<'_>) -> Known<()> {
    let broken = reading.gates().check();
    broken.into_iter().for_each(|broken| reading.push(broken));
    Ok(())
}

/// The CFS quota's period: another than 100ms needs a gate, and must be in the kernel's range.
pub fn quota_period(reading: &ConfigReader<'_>) -> Known<()> {
    const PERIOD: &str = "cpuCFSQuotaPeriod";
    const GATE: &str = "CustomCPUCFSQuotaPeriod";
    const MS: i64 = 1_000_000;
    let Some(period) = reading.duration(PERIOD)? else {
        return Ok(());
    };
    if !reading.enabled(GATE) {
        if period != 100 * MS && reading.minor >= 20 {
            needs(reading, PERIOD, GATE);
        }
        return Ok(());
    }
    let (least, said) = match reading.minor {
        ..26 => (1000, "1us"),
        _ => (MS, "1ms"),
    };
    if !(least..=1000 * MS).contains(&period) {
        reading.say(
            Id::KubeletFieldRange,
            PERIOD,
            format!("must be between {said} and 1s"),
        );
    }
    Ok(())
}

/// Certificates of the kubelet's own.
pub fn certificates(reading: &ConfigReader<'_>) -> Known<()> {
    if reading.minor < 19 && reading.bool_or("rotateCertificates", false)? {
        needs(
            reading,
            "rotateCertificates",
            "RotateKubeletClientCertificate",
        );
    }
    if reading.bool_or("serverTLSBootstrap", false)? {
        needs(
            reading,
            "serverTLSBootstrap",
            "RotateKubeletServerCertificate",
        );
    }
    if reading.minor < 27
        && reading.bool_or("seccompDefault", false)?
        && !reading.enabled("SeccompDefault")
    {
        // cmd/kubelet/app/server.go
        let rule = "needs the feature gate SeccompDefault";
        reading.say_at_start(
            Id::KubeletFeatureNeedsGate,
            vec!["seccompDefault".to_owned()],
            rule,
        );
    }
    Ok(())
}

/// Memory of pods by their class.
pub fn memory_qos(reading: &ConfigReader<'_>) -> Known<()> {
    const FACTOR: &str = "memoryThrottlingFactor";
    const POLICY: &str = "memoryReservationPolicy";
    const GATE: &str = "MemoryQoS";
    if let Some(factor) = reading.float(FACTOR)? {
        if !(factor > 0.0 && factor <= 1.0) {
            reading.say(
                Id::KubeletFieldRange,
                FACTOR,
                format!("must be more than 0 and at most 1; got {factor}"),
            );
        }
        // 0.9 was the default, and may be in old files.
        if reading.minor >= 37 && (factor - 0.9).abs() > f64::EPSILON {
            needs(reading, FACTOR, GATE);
        }
    }
    if reading.text(POLICY)? == "TieredReservation" {
        needs(reading, POLICY, GATE);
    }
    if reading.bool_or("enableSystemLogQuery", false)? {
        needs(reading, "enableSystemLogQuery", "NodeLogQuery");
        if !reading.bool_or("enableSystemLogHandler", true)? {
            reading.say(
                Id::KubeletFieldsConflict,
                "enableSystemLogQuery",
                "needs enableSystemLogHandler",
            );
        }
    }
    if reading.minor >= 32 && reading.bool_or("runOnce", false)? {
        reading.say(
            Id::KubeletFieldRange,
            "runOnce",
            "is refused since Kubernetes 1.32",
        );
    }
    Ok(())
}

/// Taints, sysctls, identities of user namespaces.
pub fn lists_and_paths(reading: &ConfigReader<'_>) -> Known<()> {
    for (index, taint) in reading
        .list("registerWithTaints")?
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        for rule in taint_objections(taint) {
            reading.say_of(
                Id::TaintInvalid,
                "registerWithTaints",
                &index.to_string(),
                rule,
            );
        }
    }
    sysctls(reading)?;
    const IDS: &str = "userNamespaces.idsPerPod";
    if let Some(ids) = reading.int(IDS)?
        && (ids < 65_536 || ids % 65_536 != 0 || ids > i64::from(u32::MAX))
    {
        reading.say(
            Id::KubeletFieldRange,
            IDS,
            format!("must be a multiple of 65536, and at most 4294967295; got {ids}"),
        );
    }
    Ok(())
}

/// Source: pkg/util/taints, CheckTaintValidation. The effect's words are an enumeration, which the types check.
fn taint_objections(taint: &Json) -> Vec<String> {
    let text = |key| taint.get(key).and_then(Json::as_str).unwrap_or_default();
    let mut rules = Vec::new();
    rules.extend(names::label_key(text("key")).err());
    rules.extend(names::label_value(text("value")).err());
    if taint.get("timeAdded").is_some_and(|time| !time.is_null()) {
        rules.push("timeAdded is not for a configuration".to_owned());
    }
    rules
}

/// Default sysctls of pods. Source: component-helpers `node/util/sysctl`, namespaces of the kernel.
fn sysctls(reading: &ConfigReader<'_>) -> Known<()> {
    const SYSCTLS: &str = "defaultPodSysctls";
    let mut seen = BTreeSet::new();
    let all = reading.pairs(SYSCTLS)?;
    if !all.is_empty() {
        needs(reading, SYSCTLS, "DefaultPodSysctls");
    }
    for (name, _) in all {
        let dotted = name.replace('/', ".");
        if !is_sysctl(name) {
            reading.say_of(
                Id::KubeletSysctlInvalid,
                SYSCTLS,
                name,
                format!(
                    "must be the name of a sysctl (for example net.core.somaxconn); got {name:?}"
                ),
            );
            continue;
        }
        if !is_namespaced(&dotted) {
            let rule =
                format!("{name} is not known to belong to a namespace of its own in each pod");
            reading.say_of(Id::KubeletSysctlInvalid, SYSCTLS, name, rule);
        }
        if !seen.insert(dotted) {
            reading.say_of(
                Id::KubeletSysctlInvalid,
                SYSCTLS,
                name,
                format!("{name} is there already"),
            );
        }
    }
    Ok(())
}

fn is_sysctl(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(inner)
            && part.ends_with(inner)
            && part.chars().all(|c| inner(c) || c == '-' || c == '_')
    };
    name.len() <= 253 && name.split(['.', '/']).all(part)
}

fn is_namespaced(name: &str) -> bool {
    let alone = ["kernel.sem"];
    let below = ["kernel.shm", "kernel.msg", "fs.mqueue.", "net."];
    alone.contains(&name) || below.iter().any(|prefix| name.starts_with(prefix))
}
