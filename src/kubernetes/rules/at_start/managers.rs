//! The managers of CPUs, memory and topology.

use serde_json::{Value as Json, json};

use crate::kubernetes::rules::at_start::checked;

const NEEDS_CPU: &[&str] = &["cpuManagerPolicy: static needs CPUs"];

#[test]
fn static_cpus_need_a_reservation() {
    let with = |more: Json| {
        let mut config = json!({"cpuManagerPolicy": "static"});
        for (key, value) in more.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        config
    };
    checked(&[
        (16, with(json!({})), &[], NEEDS_CPU),
        (37, with(json!({})), &[], NEEDS_CPU),
        (34, with(json!({"kubeReserved": {"cpu": "500m"}})), &[], &[]),
        (34, with(json!({"systemReserved": {"cpu": "1"}})), &[], &[]),
        (
            34,
            with(json!({"systemReserved": {"cpu": "0"}, "kubeReserved": {"memory": "1Gi"}})),
            &[],
            NEEDS_CPU,
        ),
        (
            34,
            with(json!({"kubeReserved": {"cpu": "0.0"}})),
            &[],
            NEEDS_CPU,
        ),
        (17, with(json!({"reservedSystemCPUs": "0,1"})), &[], &[]),
        // A flag replaces the file's whole map.
        (
            34,
            with(json!({"kubeReserved": {"cpu": "500m"}})),
            &[("kube-reserved", "memory=10Mi")],
            NEEDS_CPU,
        ),
        (34, with(json!({})), &[("kube-reserved", "cpu=100m")], &[]),
        (
            34,
            json!({}),
            &[("cpu-manager-policy", "static")],
            NEEDS_CPU,
        ),
        (34, with(json!({})), &[("cpu-manager-policy", "none")], &[]),
        (
            34,
            with(json!({"kubeReserved": {"cpu": "{{ vars.cpu }}"}})),
            &[],
            &[],
        ),
        (34, with(json!({})), &[("reserved-cpus", "0")], &[]),
        (
            24,
            with(json!({"featureGates": {"CPUManager": false}})),
            &[],
            &[],
        ),
    ]);
}

#[test]
fn options_have_their_minors_gates_and_company() {
    let cpu = |options: Json| json!({"cpuManagerPolicy": "static", "kubeReserved": {"cpu": "1"}, "cpuManagerPolicyOptions": options});
    let gated = |options: Json, gate: &str| {
        let mut config = cpu(options);
        config["featureGates"] = json!({gate: true});
        config
    };
    let topology = |policy: &str, options: Json| json!({"topologyManagerPolicy": policy, "topologyManagerPolicyOptions": options});
    checked(&[
        (34, cpu(json!({"full-pcpus-only": "true"})), &[], &[]),
        (
            34,
            cpu(json!({"full-pcpus-only": "yes"})),
            &[],
            &["cpuManagerPolicyOptions/full-pcpus-only: must be \"true\""],
        ),
        (
            34,
            cpu(json!({"full-cpus": "true"})),
            &[],
            &["cpuManagerPolicyOptions/full-cpus: must be an option of 1.34"],
        ),
        (
            22,
            cpu(json!({"full-pcpus-only": "true"})),
            &[],
            &["cpuManagerPolicyOptions: needs the feature gate CPUManagerPolicyOptions"],
        ),
        (
            22,
            gated(
                json!({"full-pcpus-only": "true"}),
                "CPUManagerPolicyOptions",
            ),
            &[],
            &[],
        ),
        (
            31,
            cpu(json!({"strict-cpu-reservation": "true"})),
            &[],
            &["cpuManagerPolicyOptions/strict-cpu-reservation: must be an option"],
        ),
        (
            32,
            cpu(json!({"strict-cpu-reservation": "true"})),
            &[],
            &[
                "cpuManagerPolicyOptions/strict-cpu-reservation: needs the feature gate CPUManagerPolicyAlphaOptions",
            ],
        ),
        (
            32,
            gated(
                json!({"strict-cpu-reservation": "true"}),
                "CPUManagerPolicyAlphaOptions",
            ),
            &[],
            &[],
        ),
        (33, cpu(json!({"strict-cpu-reservation": "true"})), &[], &[]),
        (
            34,
            cpu(json!({"align-by-socket": "true"})),
            &[],
            &["cpuManagerPolicyOptions/align-by-socket: needs the feature gate"],
        ),
        (
            34,
            json!({"cpuManagerPolicyOptions": {"full-pcpus-only": "true"}}),
            &[],
            &["cpuManagerPolicyOptions: need cpuManagerPolicy"],
        ),
        (
            34,
            json!({}),
            &[("cpu-manager-policy-options", "full-pcpus-only=true")],
            &["cpuManagerPolicyOptions: need cpuManagerPolicy"],
        ),
        (
            34,
            cpu(
                json!({"distribute-cpus-across-numa": "true", "prefer-align-cpus-by-uncorecache": "true"}),
            ),
            &[],
            &[
                "cpuManagerPolicyOptions/distribute-cpus-across-numa: prefer-align-cpus-by-uncorecache and",
            ],
        ),
        (
            34,
            cpu(
                json!({"distribute-cpus-across-numa": "true", "prefer-align-cpus-by-uncorecache": "false"}),
            ),
            &[],
            &[],
        ),
        (34, topology("none", json!({"nonsense": "1"})), &[], &[]),
        (
            34,
            topology("restricted", json!({"nonsense": "1"})),
            &[],
            &["topologyManagerPolicyOptions/nonsense: must be an option of 1.34"],
        ),
        (
            34,
            topology(
                "restricted",
                json!({"prefer-closest-numa-nodes": "true", "max-allowable-numa-nodes": "8"}),
            ),
            &[],
            &[],
        ),
        (
            34,
            topology("restricted", json!({"max-allowable-numa-nodes": "7"})),
            &[],
            &["topologyManagerPolicyOptions/max-allowable-numa-nodes: must be a whole number of 8"],
        ),
        (
            30,
            topology("restricted", json!({"max-allowable-numa-nodes": "8"})),
            &[],
            &["topologyManagerPolicyOptions/max-allowable-numa-nodes: must be an option"],
        ),
    ]);
}

#[test]
fn static_memory_is_reserved_to_the_byte() {
    let config = |amount: &str| {
        json!({"memoryManagerPolicy": "Static", "kubeReserved": {"memory": "256Mi"}, "systemReserved": {"memory": "0.25Gi"},
            "evictionHard": {"memory.available": "100Mi"}, "reservedMemory": [{"numaNode": 0, "limits": {"memory": amount}}]})
    };
    let wrong: &[&str] = &["reservedMemory: the memory of reservedMemory must be"];
    checked(&[
        (34, config("612Mi"), &[], &[]),
        (34, config("641728512"), &[], &[]),
        (34, config("612M"), &[], wrong),
        (34, config("512Mi"), &[], wrong),
        (21, config("512Mi"), &[], &[]),
        (22, config("512Mi"), &[], wrong),
        (
            34,
            config("612Mi"),
            &[("kube-reserved", "memory=1Gi")],
            wrong,
        ),
        (
            34,
            config("612Mi"),
            &[("reserved-memory", "0:memory=512Mi;1:memory=100Mi")],
            &[],
        ),
        (
            34,
            config("512Mi"),
            &[("experimental-allocatable-ignore-eviction", "true")],
            &[],
        ),
        (
            34,
            json!({"memoryManagerPolicy": "Static"}),
            &[],
            &["memoryManagerPolicy: the memory of reservedMemory"],
        ),
        (
            34,
            json!({"memoryManagerPolicy": "Static", "reservedMemory": [{"numaNode": 0, "limits": {"memory": "100Mi"}}]}),
            &[],
            &[],
        ),
        (
            34,
            json!({"memoryManagerPolicy": "Static", "evictionHard": {"memory.available": "5%"}, "reservedMemory": [{"numaNode": 0, "limits": {"memory": "1Gi"}}]}),
            &[],
            &["evictionHard/memory.available: must be a quantity"],
        ),
        (
            34,
            json!({"memoryManagerPolicy": "Static", "reservedMemory": [{"numaNode": 0, "limits": {"memory": "100Mi", "hugepages-2Mi": "4Mi"}}]}),
            &[],
            &["reservedMemory: must have memory alone"],
        ),
        (
            34,
            json!({"reservedMemory": [{"numaNode": 0, "limits": {"memory": "7Gi"}}]}),
            &[],
            &[],
        ),
    ]);
}
