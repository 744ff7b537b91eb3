//! What a kubelet keeps back from pods: it does not start where that is more than the machine has. Source:
//! pkg/kubelet/cm, `validateNodeAllocatable` and `hardEvictionReservation`.

use serde_json::Value as Json;

use crate::kubernetes::value::amount;
use crate::model::named;

named! {
    /// What is reserved of, as `systemReserved` and `kubeReserved` call it.
    pub enum Resource {
        /// The machine's memory.
        Memory = "memory",
        /// The file system of the kubelet's own folder.
        Storage = "ephemeral-storage",
    }
}

impl Resource {
    /// The signal of evictions, and its threshold where a configuration has none at all.
    /// Source: pkg/kubelet/apis/config/v1beta1/defaults_linux.go.
    fn eviction(self) -> (&'static str, &'static str) {
        match self {
            Self::Memory => ("memory.available", "100Mi"),
            Self::Storage => ("nodefs.available", "10%"),
        }
    }
}

/// The bytes that are reserved of `capacity` bytes; None where that is not known, because a value is a template or the
/// kubelet does not look at it.
pub fn reserved(config: &Json, resource: Resource, capacity: u64) -> Option<f64> {
    if resource == Resource::Storage && config["localStorageCapacityIsolation"] == false {
        return None;
    }
    let maps = ["systemReserved", "kubeReserved", "evictionHard"];
    if maps.iter().any(|map| config[map].is_string()) {
        return None;
    }
    let mut sum = 0.0;
    for part in ["systemReserved", "kubeReserved"] {
        sum += match &config[part][resource.name()] {
            Json::Null => 0.0,
            written => quantity(written)?,
        };
    }
    let (signal, default) = resource.eviction();
    let threshold = match &config["evictionHard"] {
        Json::Null => default.to_owned(),
        thresholds => match &thresholds[signal] {
            // Before 1.34 whoever sets one signal sets all; from then on it depends.
            Json::Null => return Some(sum),
            written => written.as_str()?.to_owned(),
        },
    };
    Some(sum + evicted(&threshold, capacity)?)
}

fn quantity(written: &Json) -> Option<f64> {
    match written {
        Json::String(text) => amount(text),
        number => number.as_f64(),
    }
}

/// What a threshold keeps back; `0%` and `100%` switch it off.
fn evicted(threshold: &str, capacity: u64) -> Option<f64> {
    match threshold.strip_suffix('%') {
        None => amount(threshold),
        Some("0" | "100") => Some(0.0),
        Some(percent) => Some(capacity as f64 * percent.parse::<f64>().ok()? / 100.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MIB: f64 = 1_048_576.0;

    #[test]
    fn both_reservations_and_the_threshold_are_added() {
        let config = json!({
            "systemReserved": {"memory": "256Mi", "ephemeral-storage": "1Gi"},
            "kubeReserved": {"memory": "256Mi", "ephemeral-storage": "1Gi"},
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "10%"},
        });
        let of = |config: &Json, resource| reserved(config, resource, 1000 << 20);
        assert_eq!(of(&config, Resource::Memory), Some(612.0 * MIB));
        assert_eq!(of(&config, Resource::Storage), Some(2148.0 * MIB));
        for (config, memory, storage) in [
            (json!({}), 100.0, 100.0),
            (
                json!({"evictionHard": {"imagefs.available": "5%"}}),
                0.0,
                0.0,
            ),
            (
                json!({"evictionHard": {"memory.available": "0%", "nodefs.available": "100%"}}),
                0.0,
                0.0,
            ),
        ] {
            assert_eq!(
                of(&config, Resource::Memory),
                Some(memory * MIB),
                "{config}"
            );
            assert_eq!(
                of(&config, Resource::Storage),
                Some(storage * MIB),
                "{config}"
            );
        }
    }

    #[test]
    fn what_is_not_known_is_not_checked() {
        for config in [
            json!({"localStorageCapacityIsolation": false}),
            json!({"systemReserved": {"ephemeral-storage": "{{ vars.kept }}"}}),
            json!({"systemReserved": "{{ vars.kept | json }}"}),
            json!({"evictionHard": {"nodefs.available": "{{ vars.hard }}"}}),
        ] {
            assert_eq!(
                reserved(&config, Resource::Storage, 1 << 30),
                None,
                "{config}"
            );
        }
    }
}
