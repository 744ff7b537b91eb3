//! Words, sockets and addresses.

use serde_json::json;

use crate::kubernetes::rules::at_start::checked;

#[test]
fn words_are_those_that_the_kubelet_looks_up() {
    let cloud = |name: &'static str| [("cloud-provider", name)];
    checked(&[
        (
            34,
            json!({"tlsCipherSuites": ["TLS_AES_128_GCM_SHA256"], "tlsMinVersion": "VersionTLS13"}),
            &[],
            &[],
        ),
        (
            18,
            json!({"tlsCipherSuites": ["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]}),
            &[],
            &["tlsCipherSuites/0: must be a cipher"],
        ),
        (
            34,
            json!({"tlsCipherSuites": ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]}),
            &[],
            &["tlsCipherSuites: must have TLS_ECDHE_RSA_WITH_AES_128"],
        ),
        (
            34,
            json!({"tlsCipherSuites": ["TLS_FOO"]}),
            &[],
            &["tlsCipherSuites/0: must be a cipher"],
        ),
        (
            34,
            json!({}),
            &[("tls-cipher-suites", "TLS_FOO")],
            &["tlsCipherSuites/0: must be a cipher"],
        ),
        (
            34,
            json!({"tlsMinVersion": "VersionTLS14"}),
            &[],
            &["tlsMinVersion: must be one of"],
        ),
        (
            34,
            json!({"tlsMinVersion": "1.2"}),
            &[],
            &["tlsMinVersion: must be one of"],
        ),
        (
            34,
            json!({"tlsCertFile": "/a.crt"}),
            &[],
            &["tlsCertFile: needs tlsPrivateKeyFile"],
        ),
        (
            34,
            json!({"tlsPrivateKeyFile": "/a.key"}),
            &[],
            &["tlsPrivateKeyFile: needs tlsCertFile"],
        ),
        (34, json!({}), &cloud("external"), &[]),
        (34, json!({}), &cloud(""), &[]),
        (
            34,
            json!({}),
            &cloud("aws"),
            &["--cloud-provider: must be external or not set"],
        ),
        (
            27,
            json!({}),
            &cloud("aws"),
            &["--cloud-provider: must be external or a provider of 1.27"],
        ),
        (26, json!({}), &cloud("aws"), &[]),
        (
            29,
            json!({}),
            &cloud("gce"),
            &["--cloud-provider: must be external or not set"],
        ),
        (
            29,
            json!({"featureGates": {"DisableCloudProviders": false, "DisableKubeletCloudCredentialProviders": false}}),
            &cloud("gce"),
            &[],
        ),
        (
            16,
            json!({}),
            &cloud("digitalocean"),
            &["--cloud-provider: must be external or a provider"],
        ),
        (23, json!({}), &[("container-runtime", "docker")], &[]),
        (
            24,
            json!({}),
            &[("container-runtime", "docker")],
            &["--container-runtime: must be remote"],
        ),
        (
            16,
            json!({}),
            &[("container-runtime", "rkt")],
            &["--container-runtime: must be docker or remote"],
        ),
    ]);
}

#[test]
fn sockets_of_the_runtime_are_unix_sockets() {
    let endpoint = |text: &str| json!({"containerRuntimeEndpoint": text});
    let wrong: &[&str] = &["containerRuntimeEndpoint: must"];
    checked(&[
        (
            34,
            endpoint("unix:///run/containerd/containerd.sock"),
            &[],
            &[],
        ),
        (34, endpoint("/run/containerd/containerd.sock"), &[], &[]),
        (
            34,
            endpoint("unix:/run/containerd/containerd.sock"),
            &[],
            &[],
        ),
        (34, endpoint(""), &[], &[]),
        (
            34,
            endpoint("unix://run/containerd/containerd.sock"),
            &[],
            wrong,
        ),
        (34, endpoint("tcp://127.0.0.1:1"), &[], wrong),
        (34, endpoint("npipe:////./pipe/containerd"), &[], wrong),
        (34, json!({}), &[("container-runtime-endpoint", "")], wrong),
        (
            26,
            json!({}),
            &[("container-runtime-endpoint", "tcp://127.0.0.1:1")],
            &["--container-runtime-endpoint: must"],
        ),
        (
            34,
            json!({"imageServiceEndpoint": "http://x"}),
            &[],
            &["imageServiceEndpoint: must"],
        ),
    ]);
}

#[test]
fn addresses_are_addresses_and_of_use() {
    let ip = |text: &'static str| [("node-ip", text)];
    let both = |cloud: &'static str| [("node-ip", "10.0.0.1,fd00::1"), ("cloud-provider", cloud)];
    let node = |rule: &'static str| -> Vec<&'static str> { vec![rule] };
    let unusable = node("--node-ip: must not be a ");
    let form = node("--node-ip: must be ");
    checked(&[
        (34, json!({}), &ip("10.0.0.1"), &[]),
        (34, json!({}), &ip("10.0.0.1,fd00::1"), &[]),
        (34, json!({}), &ip("fd00::1,10.0.0.1"), &[]),
        (34, json!({}), &ip("::"), &[]),
        (
            16,
            json!({}),
            &ip("::"),
            &["--node-ip: must not be the unspecified"],
        ),
        (16, json!({}), &ip("10.0.0.1,fd00::1"), &form),
        (
            20,
            json!({}),
            &ip("10.0.0.1,fd00::1"),
            &["--node-ip: an address of each family needs"],
        ),
        (21, json!({}), &ip("10.0.0.1,fd00::1"), &[]),
        (34, json!({}), &ip("10.0.0.1,10.0.0.2"), &form),
        (34, json!({}), &ip("10.0.0.1,fd00::1,fd00::2"), &form),
        (
            34,
            json!({}),
            &ip("10.0.0.1,::"),
            &["--node-ip: must not have 0.0.0.0"],
        ),
        (34, json!({}), &ip("banana"), &form),
        (34, json!({}), &ip("127.0.1.1"), &unusable),
        (34, json!({}), &ip("224.0.0.1"), &unusable),
        (34, json!({}), &ip("169.254.7.7"), &unusable),
        (34, json!({}), &ip("fe80::1"), &unusable),
        (34, json!({}), &ip("ff02::1"), &unusable),
        (
            34,
            json!({}),
            &ip("::ffff:10.0.0.1"),
            &["--node-ip: must be an IPv4 address and not"],
        ),
        (34, json!({}), &ip(""), &[]),
        (
            26,
            json!({}),
            &both("external"),
            &["--cloud-provider: excludes --node-ip"],
        ),
        (
            28,
            json!({}),
            &both("external"),
            &["--cloud-provider: excludes --node-ip"],
        ),
        (
            28,
            json!({"featureGates": {"CloudDualStackNodeIPs": true}}),
            &both("external"),
            &[],
        ),
        (29, json!({}), &both("external"), &[]),
        (
            26,
            json!({}),
            &[("node-ip", "10.0.0.1"), ("cloud-provider", "external")],
            &[],
        ),
        (
            34,
            json!({"address": "0.0.0.0", "healthzBindAddress": "::1"}),
            &[],
            &[],
        ),
        (
            34,
            json!({"address": "foo", "healthzBindAddress": "foo"}),
            &[],
            &["address: must", "healthzBindAddress: must"],
        ),
        (
            34,
            json!({"clusterDNS": ["10.0.0.1", "not-an-ip"]}),
            &[],
            &["clusterDNS/1: must be an IP address"],
        ),
        (
            34,
            json!({}),
            &[("cluster-dns", "dns.example.com")],
            &["clusterDNS/0: must be an IP address"],
        ),
        (
            34,
            json!({"readOnlyPort": 10250}),
            &[],
            &["readOnlyPort: must not be the port"],
        ),
        (34, json!({"readOnlyPort": 10255}), &[], &[]),
        (
            34,
            json!({"healthzPort": 10250}),
            &[],
            &["healthzPort: must not be the port"],
        ),
        (
            34,
            json!({"healthzPort": 10250, "address": "10.0.0.1"}),
            &[],
            &[],
        ),
        (
            34,
            json!({"port": 10248}),
            &[],
            &["healthzPort: must not be the port"],
        ),
        (34, json!({"healthzPort": 0}), &[], &[]),
    ]);
}
