//! Sysctls, shares, what goes together, and flags that are checked as fields.

use serde_json::json;

use crate::kubernetes::rules::at_start::{broken, checked};

#[test]
fn sysctls_and_shares_are_those_that_the_kubelet_can_give() {
    let sysctls = |pattern: &str| json!({"allowedUnsafeSysctls": [pattern]});
    let wrong: &[&str] = &["allowedUnsafeSysctls/0: must be"];
    for good in [
        "net.core.somaxconn",
        "net.*",
        "kernel.msg*",
        "kernel.shm*",
        "kernel.sem",
        "fs.mqueue.*",
        "kernel.shm_rmid_forced",
    ] {
        checked(&[(16, sysctls(good), &[], &[]), (37, sysctls(good), &[], &[])]);
    }
    for bad in [
        "bogus sysctl",
        "vm.swappiness",
        "*",
        "kernel.*",
        "net",
        "Net.core",
        "net.*.core",
        ".net",
    ] {
        assert_eq!(broken(37, &sysctls(bad), &[]).len(), 1, "{bad}");
        assert_eq!(broken(16, &sysctls(bad), &[]).len(), 1, "{bad}");
    }
    checked(&[
        (34, sysctls("net/ipv4/ip_forward"), &[], &[]),
        (22, sysctls("net/ipv4/ip_forward"), &[], wrong),
        (28, sysctls("kernel.shmother"), &[], &[]),
        (
            29,
            sysctls("kernel.shmother"),
            &[],
            &["allowedUnsafeSysctls/0: must begin"],
        ),
        (
            34,
            json!({}),
            &[("allowed-unsafe-sysctls", "vm.swappiness")],
            &["allowedUnsafeSysctls/0: must begin"],
        ),
        (34, json!({"qosReserved": {"memory": "50%"}}), &[], &[]),
        (
            34,
            json!({"qosReserved": {"cpu": "50%"}}),
            &[],
            &["qosReserved/cpu: must be memory"],
        ),
        (
            34,
            json!({"qosReserved": {"memory": "101%"}}),
            &[],
            &["qosReserved/memory: must be a whole percentage"],
        ),
        (
            34,
            json!({"qosReserved": {"memory": "50"}}),
            &[],
            &["qosReserved/memory: must be a whole percentage"],
        ),
        (
            34,
            json!({}),
            &[("qos-reserved", "memory=1.5%")],
            &["qosReserved/memory: must be a whole percentage"],
        ),
        (
            34,
            json!({"userNamespaces": {"idsPerPod": 393_216}}),
            &[],
            &[],
        ),
        (
            35,
            json!({"userNamespaces": {"idsPerPod": 393_216}}),
            &[],
            &["userNamespaces/idsPerPod: must be a power of two"],
        ),
        (
            35,
            json!({"userNamespaces": {"idsPerPod": 33_554_432}}),
            &[],
            &[],
        ),
        (
            35,
            json!({"userNamespaces": {"idsPerPod": 33_554_432}, "maxPods": 250}),
            &[],
            &["userNamespaces/idsPerPod: leaves identities for 127"],
        ),
    ]);
}

#[test]
fn what_must_go_together_does() {
    let nobody = json!({"authentication": {"webhook": {"enabled": false}}});
    checked(&[
        (34, json!({}), &[("root-dir", "/var/lib/kubelet/")], &[]),
        (
            34,
            json!({}),
            &[("root-dir", "kubelet")],
            &["--root-dir: must be an absolute path"],
        ),
        (
            34,
            json!({}),
            &[("exit-on-lock-contention", "true")],
            &["--exit-on-lock-contention: needs"],
        ),
        (
            34,
            json!({}),
            &[
                ("exit-on-lock-contention", "true"),
                ("lock-file", "/run/k.lock"),
            ],
            &[],
        ),
        (
            34,
            json!({}),
            &[("hostname-override", " ")],
            &["--hostname-override: must be a host name"],
        ),
        (
            34,
            json!({}),
            &[("image-credential-provider-config", "/c.yaml")],
            &["--image-credential-provider-config: needs the flag"],
        ),
        (
            34,
            json!({}),
            &[("image-credential-provider-bin-dir", "/bin")],
            &["--image-credential-provider-bin-dir: needs the flag"],
        ),
        (
            23,
            json!({}),
            &[("image-credential-provider-bin-dir", "/bin")],
            &[],
        ),
        (
            34,
            json!({}),
            &[
                ("image-credential-provider-bin-dir", "/bin"),
                ("image-credential-provider-config", "/c.yaml"),
            ],
            &[],
        ),
        (
            34,
            nobody.clone(),
            &[],
            &["authentication: nobody can call"],
        ),
        (34, nobody.clone(), &[("client-ca-file", "/ca.crt")], &[]),
        (34, nobody, &[("anonymous-auth", "true")], &[]),
        (
            34,
            json!({}),
            &[("node-labels", "a=b,example.com/c=d,e")],
            &[],
        ),
        (
            34,
            json!({}),
            &[("node-labels", "node-role.kubernetes.io/worker=")],
            &["--node-labels: must not have a label"],
        ),
        (
            34,
            json!({}),
            &[("node-labels", "a b=c")],
            &["--node-labels: the key"],
        ),
        (
            34,
            json!({}),
            &[("node-labels", "a=b/c")],
            &["--node-labels: the value"],
        ),
        (
            31,
            json!({"runOnce": true}),
            &[],
            &["runOnce: must be false"],
        ),
        (
            31,
            json!({}),
            &[("runonce", "true")],
            &["runOnce: must be false"],
        ),
        (
            34,
            json!({"containerLogMaxSize": "1.5Gi"}),
            &[],
            &["containerLogMaxSize: must be a whole number"],
        ),
        (34, json!({"containerLogMaxSize": "1.5G"}), &[], &[]),
        (19, json!({"containerLogMaxSize": "-1Mi"}), &[], &[]),
        (
            18,
            json!({"containerLogMaxSize": "-1Mi"}),
            &[],
            &["containerLogMaxSize: must be a whole number"],
        ),
        (
            27,
            json!({"iptablesMasqueradeBit": 15}),
            &[],
            &["iptablesMasqueradeBit: must be different"],
        ),
        (
            27,
            json!({"iptablesMasqueradeBit": 15, "makeIPTablesUtilChains": false}),
            &[],
            &[],
        ),
        (28, json!({"iptablesMasqueradeBit": 15}), &[], &[]),
        (
            34,
            json!({"fileCheckFrequency": "-1s"}),
            &[],
            &["fileCheckFrequency: must be more"],
        ),
        (
            34,
            json!({"syncFrequency": "-1s"}),
            &[],
            &["syncFrequency: must be more"],
        ),
        (
            24,
            json!({}),
            &[("seccomp-default", "true")],
            &["--seccomp-default: needs the feature gate"],
        ),
        (25, json!({}), &[("seccomp-default", "true")], &[]),
    ]);
}

#[test]
fn flags_are_checked_as_their_fields_are() {
    checked(&[
        (
            34,
            json!({}),
            &[("image-gc-high-threshold", "70")],
            &["imageGCHighThresholdPercent: imageGCLow"],
        ),
        (
            34,
            json!({"imageGCLowThresholdPercent": 60}),
            &[("image-gc-high-threshold", "70")],
            &[],
        ),
        (
            34,
            json!({}),
            &[("eviction-hard", "memory.available<0")],
            &["evictionHard/memory.available: must be more than zero"],
        ),
        (
            34,
            json!({}),
            &[("eviction-soft", "memory.available<1Gi")],
            &["evictionSoft/memory.available: a soft threshold"],
        ),
        (
            34,
            json!({}),
            &[
                ("eviction-soft", "memory.available<1Gi"),
                ("eviction-soft-grace-period", "memory.available=1m"),
            ],
            &[],
        ),
        (
            34,
            json!({}),
            &[("kube-reserved", "gpu=1")],
            &["kubeReserved/gpu: must be one of"],
        ),
        (
            34,
            json!({}),
            &[("max-pods", "-1")],
            &["maxPods: must be 0 or more"],
        ),
        (
            34,
            json!({}),
            &[("feature-gates", "NoSuchGate=true")],
            &["featureGates/NoSuchGate: the feature gate"],
        ),
        (34, json!({"maxPods": -1}), &[("max-pods", "110")], &[]),
    ]);
}
