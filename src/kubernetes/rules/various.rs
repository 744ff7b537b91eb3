//! Rules of one field or two: gates, quota, certificates, memory QoS, taints, user namespaces.

use serde_json::Value as Json;

use crate::kubernetes::names;
use crate::kubernetes::rules::images::needs;
use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::report::Id;
use crate::wording::counted;

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
    if reading.flag_is_set("seccomp-default")? && reading.is_off("SeccompDefault") {
        // cmd/kubelet/app/options/options.go, ValidateKubeletFlags
        let rule = "needs the feature gate SeccompDefault";
        let repair = "remove it, or set the gate in kubelet.config.featureGates";
        reading.refuse_flag(Id::KubeletFeatureNeedsGate, "seccomp-default", rule, repair);
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

/// Taints that the kubelet gives its own node.
pub fn taints(reading: &ConfigReader<'_>) -> Known<()> {
    const TAINTS: &str = "registerWithTaints";
    let taints = reading.list(TAINTS)?.unwrap_or_default();
    for (index, taint) in taints.iter().enumerate() {
        for rule in taint_objections(taint) {
            reading.say_of(Id::TaintInvalid, TAINTS, &index.to_string(), rule);
        }
    }
    Ok(())
}

/// Identities of user namespaces. Source: pkg/kubelet/userns/userns_manager.go, MakeUserNsManager; before 1.35 the field
/// is read before it is set.
pub fn user_namespaces(reading: &ConfigReader<'_>) -> Known<()> {
    const IDS: &str = "userNamespaces.idsPerPod";
    const ALL: i64 = 1 << 32;
    let Some(ids) = reading.int(IDS)? else {
        return Ok(());
    };
    if ids < 65_536 || ids % 65_536 != 0 || ids > i64::from(u32::MAX) {
        reading.say(
            Id::KubeletFieldRange,
            IDS,
            format!("must be a multiple of 65536, and at most 4294967295; got {ids}"),
        );
        return Ok(());
    }
    if reading.minor < 35 || reading.is_off("UserNamespacesSupport") {
        return Ok(());
    }
    let path = ["userNamespaces", "idsPerPod"];
    let pods = reading.int("maxPods")?.unwrap_or(110);
    if ALL % ids != 0 {
        let rule = format!("must be a power of two, or the kubelet ends; got {ids}");
        reading.refuse(Id::KubeletFieldRange, &path, rule, "");
    } else if ALL / ids - 1 < pods {
        let rule = format!(
            "leaves identities for {}, and maxPods is {pods}; got {ids}",
            counted(ALL / ids - 1, "pod")
        );
        reading.refuse(Id::KubeletFieldRange, &path, rule, "lower it, or maxPods");
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
