//! One good and one bad case of each rule; that they are upstream's is asked in the suite, of upstream itself.

use serde_json::json;

use super::*;

/// The verdict on a configuration without flags.
fn alone(config: &Json, minor: u32) -> Verdict {
    let settings = Settings {
        config,
        flags: &[],
        minor,
    };
    check(&settings, |text| text.contains("{{"))
}

/// `path: rule` of each broken rule.
fn broken(minor: u32, config: &Json) -> Vec<String> {
    let verdict = alone(config, minor);
    let said = verdict.broken.iter();
    said.map(|one| format!("{}: {}", one.path.join("/"), one.message))
        .collect()
}

/// A table: minor, configuration, and the broken rules (the start of each) that it must have, and no others.
fn checked(cases: &[(u32, Json, &[&str])]) {
    for (minor, config, expected) in cases {
        let said = broken(*minor, config);
        assert_eq!(said.len(), expected.len(), "1.{minor} {config}: {said:?}");
        for (said, expected) in said.iter().zip(*expected) {
            assert!(said.starts_with(expected), "1.{minor} {config}: {said}");
        }
    }
}

#[test]
fn numbers_are_in_their_ranges() {
    checked(&[
        (16, json!({"port": 65535, "maxPods": 0}), &[]),
        (
            16,
            json!({"port": 65536}),
            &["port: must be between 0 and 65535"],
        ),
        (
            34,
            json!({"oomScoreAdj": -1001}),
            &["oomScoreAdj: must be between"],
        ),
        (18, json!({"nodeStatusMaxImages": -2}), &[]),
        (
            19,
            json!({"nodeStatusMaxImages": -2}),
            &["nodeStatusMaxImages: must be -1 or more"],
        ),
        (
            32,
            json!({"containerLogMaxFiles": 1}),
            &["containerLogMaxFiles: must"],
        ),
    ]);
    let config = json!({"containerLogMaxFiles": 1});
    let at_start = |minor| alone(&config, minor).broken[0].at_start;
    assert!(at_start(32) && !at_start(33));
}

#[test]
fn images_are_collected_and_pulled_by_rules() {
    checked(&[
        (34, json!({"imageGCHighThresholdPercent": 81}), &[]),
        (
            34,
            json!({"imageGCHighThresholdPercent": 80}),
            &[
                "imageGCHighThresholdPercent: imageGCLowThresholdPercent (80, the default) must be less",
            ],
        ),
        (
            34,
            json!({"imageGCLowThresholdPercent": 85}),
            &[
                "imageGCLowThresholdPercent: imageGCLowThresholdPercent (85) must be less than imageGCHighThresholdPercent (85, the default)",
            ],
        ),
        (34, json!({"maxParallelImagePulls": 5}), &[]),
        (
            34,
            json!({"maxParallelImagePulls": 5, "serializeImagePulls": true}),
            &["maxParallelImagePulls: 5 pulls"],
        ),
        (
            34,
            json!({"imageMaximumGCAge": "2m"}),
            &["imageMaximumGCAge: must be longer"],
        ),
        (34, json!({"imageMaximumGCAge": "3m"}), &[]),
        (
            29,
            json!({"imageMaximumGCAge": "3m"}),
            &["imageMaximumGCAge: needs the feature gate"],
        ),
        (
            33,
            json!({"imagePullCredentialsVerificationPolicy": "AlwaysVerify"}),
            &["imagePullCredentialsVerificationPolicy: needs the feature gate"],
        ),
    ]);
    for (pattern, good) in [
        ("registry.example.com/a", true),
        ("registry.example.com:5000/a/*", true),
        ("registry.example.com/a:v1", false),
        ("a@sha256:0", false),
        ("*", false),
        ("/*", false),
        ("a*/b", false),
        (" a", false),
    ] {
        let config = json!({
            "featureGates": {"KubeletEnsureSecretPulledImages": true},
            "imagePullCredentialsVerificationPolicy": "NeverVerifyAllowlistedImages",
            "preloadedImagesVerificationAllowlist": [pattern],
        });
        assert_eq!(broken(34, &config).is_empty(), good, "{pattern}");
    }
}

#[test]
fn what_is_enforced_has_its_cgroup() {
    checked(&[
        (16, json!({"enforceNodeAllocatable": ["pods"]}), &[]),
        (
            16,
            json!({"cgroupsPerQOS": false}),
            &["cgroupsPerQOS: must be true"],
        ),
        (
            30,
            json!({"cgroupsPerQOS": false, "enforceNodeAllocatable": ["none"]}),
            &["cgroupsPerQOS: "],
        ),
        (
            31,
            json!({"cgroupsPerQOS": false, "enforceNodeAllocatable": ["none"]}),
            &[],
        ),
        (
            16,
            json!({"cgroupsPerQOS": false, "enforceNodeAllocatable": []}),
            &[],
        ),
        (
            34,
            json!({"enforceNodeAllocatable": ["pods", "kube-reserved"]}),
            &["enforceNodeAllocatable/1: kube-reserved needs kubeReservedCgroup"],
        ),
        (
            34,
            json!({"enforceNodeAllocatable": ["none", "pods"]}),
            &["enforceNodeAllocatable/0: `none` must be alone in the list"],
        ),
        (30, json!({"enforceNodeAllocatable": ["pods", "pods"]}), &[]),
        (
            31,
            json!({"enforceNodeAllocatable": ["pods", "pods"]}),
            &["enforceNodeAllocatable/1: \"pods\" is there"],
        ),
        (
            31,
            json!({"enforceNodeAllocatable": ["kube-reserved-compressible"], "kubeReservedCgroup": "/k"}),
            &[
                "enforceNodeAllocatable/0: must be one of pods, system-reserved, kube-reserved, none",
            ],
        ),
        (34, json!({"reservedSystemCPUs": "0-3,8"}), &[]),
        (
            34,
            json!({"reservedSystemCPUs": "3-0"}),
            &["reservedSystemCPUs: must be a list of CPUs"],
        ),
        (
            34,
            json!({"systemReserved": {"cpu": "1", "gpu": "1"}}),
            &["systemReserved/gpu: must be"],
        ),
        (
            34,
            json!({"reservedMemory": [{"numaNode": 0, "limits": {"memory": "0"}}]}),
            &["reservedMemory/0: must"],
        ),
        (
            34,
            json!({"systemCgroups": "/s"}),
            &["systemCgroups: needs cgroupRoot"],
        ),
    ]);
}

#[test]
fn pods_end_by_rules() {
    checked(&[
        (
            34,
            json!({"shutdownGracePeriod": "45s", "shutdownGracePeriodCriticalPods": "15s"}),
            &[],
        ),
        (
            34,
            json!({"shutdownGracePeriod": "15s", "shutdownGracePeriodCriticalPods": "45s"}),
            &["shutdownGracePeriodCriticalPods: must not"],
        ),
        (
            34,
            json!({"shutdownGracePeriod": "500ms"}),
            &["shutdownGracePeriod: must be 0s"],
        ),
        (
            20,
            json!({"shutdownGracePeriod": "45s"}),
            &["shutdownGracePeriod: needs the feature gate GracefulNodeShutdown"],
        ),
        (
            27,
            json!({"memorySwap": {"swapBehavior": "LimitedSwap"}}),
            &["memorySwap/swapBehavior: needs"],
        ),
        (
            34,
            json!({"failSwapOn": false, "memorySwap": {"swapBehavior": "UnlimitedSwap"}}),
            &["memorySwap/swapBehavior: must be one of LimitedSwap, NoSwap"],
        ),
        (
            34,
            json!({"memorySwap": {"swapBehavior": "LimitedSwap"}}),
            &["memorySwap/swapBehavior: a kubelet with failSwapOn"],
        ),
        (
            34,
            json!({"failSwapOn": false, "memorySwap": {"swapBehavior": "LimitedSwap"}}),
            &[],
        ),
    ]);
}

#[test]
fn thresholds_are_quantities_or_percentages() {
    checked(&[
        (
            34,
            json!({"evictionHard": {"memory.available": "100Mi", "nodefs.available": "10%", "pid.available": "0%"}}),
            &[],
        ),
        (
            34,
            json!({"evictionHard": {"memory.available": "101%"}}),
            &["evictionHard/memory.available: must be"],
        ),
        (
            34,
            json!({"evictionHard": {"memory.available": "0"}}),
            &["evictionHard/memory.available: must be more"],
        ),
        (
            34,
            json!({"evictionHard": {"memory": "1Gi"}}),
            &["evictionHard/memory: must be a signal of"],
        ),
        (
            28,
            json!({"evictionHard": {"containerfs.available": "1Gi"}}),
            &["evictionHard/containerfs.available: "],
        ),
        (
            34,
            json!({"evictionSoft": {"memory.available": "1Gi"}}),
            &["evictionSoft/memory.available: a soft"],
        ),
        (
            34,
            json!({"evictionSoft": {"memory.available": "1Gi"}, "evictionSoftGracePeriod": {"memory.available": "1m"}}),
            &[],
        ),
        (
            34,
            json!({"evictionMinimumReclaim": {"memory.available": "-1"}}),
            &["evictionMinimumReclaim/memory.available: must not be negative; got -1"],
        ),
    ]);
}

#[test]
fn words_are_those_of_the_minor() {
    checked(&[
        (34, json!({"hairpinMode": "hairpin-veth"}), &[]),
        (
            34,
            json!({"hairpinMode": "on"}),
            &["hairpinMode: must be one of"],
        ),
        (
            34,
            json!({"topologyManagerPolicy": "strict"}),
            &["topologyManagerPolicy: must be one of"],
        ),
        (
            17,
            json!({"topologyManagerPolicy": "restricted"}),
            &["topologyManagerPolicy: needs the feature gate TopologyManager"],
        ),
        (
            34,
            json!({"cpuManagerPolicy": "Static"}),
            &["cpuManagerPolicy: must be one of none, static"],
        ),
        (34, json!({"cgroupDriver": "cgroup"}), &["cgroupDriver: "]),
        (
            34,
            json!({"logging": {"format": "xml"}}),
            &["logging/format: must"],
        ),
        (
            34,
            json!({"logging": {"format": "json", "vmodule": [{"filePattern": "a", "verbosity": 1}]}}),
            &["logging/vmodule: is for"],
        ),
        (34, json!({"showHiddenMetricsForVersion": "1.33"}), &[]),
        (
            34,
            json!({"showHiddenMetricsForVersion": "1.32"}),
            &["showHiddenMetricsForVersion: "],
        ),
        (
            34,
            json!({"tracing": {"endpoint": "http://a"}}),
            &["tracing/endpoint: "],
        ),
        (34, json!({"tracing": {"endpoint": "localhost:4317"}}), &[]),
        (
            34,
            json!({"podLogsDir": "/var/log/pods/"}),
            &["podLogsDir: "],
        ),
        (34, json!({"podLogsDir": "var/log"}), &[]),
        (
            34,
            json!({"registerWithTaints": [{"key": "a b", "effect": "NoSchedule"}]}),
            &["registerWithTaints/0: "],
        ),
        (
            34,
            json!({"userNamespaces": {"idsPerPod": 65537}}),
            &["userNamespaces/idsPerPod: "],
        ),
        (
            34,
            json!({"featureGates": {"NoSuch": true}}),
            &["featureGates/NoSuch: "],
        ),
    ]);
}

#[test]
fn templates_leave_their_rules_open_and_no_others() {
    let config = json!({"imageGCHighThresholdPercent": "{{ vars.high }}", "port": -1});
    let verdict = alone(&config, 34);
    assert!(!verdict.open.is_empty());
    assert_eq!(verdict.broken.len(), 1);
    let untouched = json!({"staticPodPath": "{{ paths.staticPods }}"});
    assert!(alone(&untouched, 34).open.is_empty());
}

#[test]
fn what_was_open_is_checked_when_its_text_is_known() {
    let verdict = alone(&json!({"address": "{{ node.address }}"}), 34);
    for (address, count) in [("10.0.0.1", 0), ("node", 1)] {
        let config = json!({"address": address, "port": -1});
        let settings = Settings {
            config: &config,
            flags: &[],
            minor: 34,
        };
        // The port was checked before.
        let broken = check_open(&settings, &verdict.open);
        assert_eq!(broken.len(), count, "{broken:?}");
    }
}
