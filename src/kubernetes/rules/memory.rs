//! Memory for the static policy of the memory manager: what is reserved on the NUMA nodes is what is reserved from pods, to
//! the byte. Source: pkg/kubelet/cm/memorymanager/memory_manager.go, validateReservedMemory, and policy_static.go,
//! NewPolicyStatic.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::kubernetes::rules::reading::{ConfigReader, Known, Unknown};
use crate::kubernetes::value;
use crate::report::Id;

const LIST: &str = "reservedMemory";
const POLICY: &str = "memoryManagerPolicy";
/// Billionths, which [`value::exact`] counts in, in a mebibyte.
const MIB: i128 = 1_000_000_000 << 20;

/// Compares both sums.
pub fn sums(reading: &ConfigReader<'_>) -> Known<()> {
    if reading.text(POLICY)? != "Static" || reading.is_off("MemoryManager") {
        return Ok(());
    }
    let on_nodes = on_nodes(reading)?;
    let from_pods = match from_pods(reading)? {
        Some(sum) => sum,
        // The other rules of evictions say what is wrong with it.
        None => return Ok(()),
    };
    for (resource, sum) in on_nodes.iter().filter(|(name, _)| *name != "memory") {
        if *sum != 0 {
            let rule = format!(
                "must have memory alone: with {POLICY}: Static the kubelet ends over {resource}, of which nothing can be reserved from pods"
            );
            reading.refuse(Id::KubeletReservedInvalid, &[LIST], rule, "remove it");
        }
    }
    let reserved = on_nodes.get("memory").copied().unwrap_or_default();
    if reserved == from_pods && reserved > 0 {
        return Ok(());
    }
    let amount = shown(from_pods);
    let rule = format!(
        "the memory of {LIST} must be kubeReserved + systemReserved + memory.available of evictionHard ({amount}); got {}",
        if reserved == 0 {
            "none".to_owned()
        } else {
            shown(reserved)
        }
    );
    let is_written = reading.list(LIST)?.is_some_and(|list| !list.is_empty());
    let at = if is_written { LIST } else { POLICY };
    let repair = if from_pods == 0 {
        "set memory in kubeReserved, and as much in reservedMemory".to_owned()
    } else {
        format!(
            "set {LIST} to [{{numaNode: 0, limits: {{memory: {amount}}}}}], or share it among the NUMA nodes"
        )
    };
    reading.refuse(Id::KubeletReservedInvalid, &[at], rule, &repair);
    Ok(())
}

/// What is reserved on all NUMA nodes together, by resource.
fn on_nodes(reading: &ConfigReader<'_>) -> Known<BTreeMap<String, i128>> {
    let mut sums = BTreeMap::new();
    for entry in reading.list(LIST)?.unwrap_or_default() {
        let limits = entry.get("limits").and_then(Json::as_object);
        for (resource, amount) in limits.into_iter().flatten() {
            let text = match reading.known(amount)? {
                Json::String(text) => text.clone(),
                number => number.to_string(),
            };
            let amount = value::exact(&text).ok_or(Unknown)?;
            if !value::is_whole(&text) {
                // convertReserved
                let rule =
                    format!("must be a whole number of bytes, without a fraction; got {text:?}");
                reading.refuse(Id::KubeletReservedInvalid, &[LIST], rule, "write it in Mi");
            }
            *sums.entry(resource.clone()).or_default() += amount;
        }
    }
    Ok(sums)
}

/// What is reserved from pods; None where the threshold is a percentage, which was said then.
fn from_pods(reading: &ConfigReader<'_>) -> Known<Option<i128>> {
    const SIGNAL: &str = "memory.available";
    let mut sum = 0;
    for path in ["systemReserved", "kubeReserved"] {
        if let Some(amount) = reading.entry(path, "memory")? {
            sum += value::exact(amount).ok_or(Unknown)?;
        }
    }
    if reading.flag_is_set("experimental-allocatable-ignore-eviction")? {
        return Ok(Some(sum));
    }
    let written = reading.at("evictionHard")?.is_some();
    let threshold = match reading.entry("evictionHard", SIGNAL)? {
        Some(text) => text,
        None if !written || reading.bool_or("mergeDefaultEvictionSettings", false)? => "100Mi",
        None => "0%",
    };
    if matches!(threshold, "0%" | "100%") {
        return Ok(Some(sum));
    }
    if threshold.ends_with('%') {
        let rule = format!(
            "must be a quantity with {POLICY}: Static, which compares sums to the byte; got {threshold}"
        );
        let path = ["evictionHard", SIGNAL];
        reading.refuse(Id::KubeletReservedInvalid, &path, rule, "write it as 100Mi");
        return Ok(None);
    }
    Ok(Some(sum + value::exact(threshold).ok_or(Unknown)?))
}

/// In mebibytes where that is exact, else in bytes.
fn shown(amount: i128) -> String {
    if amount % MIB == 0 {
        format!("{}Mi", amount / MIB)
    } else {
        format!("{}", amount / 1_000_000_000)
    }
}
