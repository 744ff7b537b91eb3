//! A kubelet that is open to everybody is an error, however it was told to be, and is none where it is not open.

use serde_json::Value;

use super::project;
use crate::support::tool;

/// The findings of `check` that are about an open kubelet, all of them errors.
fn open(profile: &str, minor: u32, more: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), profile, minor, more);
    let output = tool::nodebake(&project, &["check", "--format", "json"]).run();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let mut ids: Vec<String> = findings
        .filter(|one| one["severity"] == "error")
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .filter(|id| OPEN.contains(&id.as_str()))
        .collect();
    ids.dedup();
    ids.sort();
    ids
}

const OPEN: [&str; 7] = [
    "kubelet-anonymous",
    "kubelet-authorization-open",
    "kubelet-client-ca-missing",
    "kubelet-debugging-open",
    "kubelet-read-only-port",
    "kubelet-rotation-off",
    "kubelet-tls-weak",
];

#[test]
fn what_leaves_a_kubelet_open_is_an_error_in_every_place_that_can_say_it() {
    let unit = |flags: &str| {
        format!(
            "units: {{kubelet.service: {{replace: true, text: \"[Service]\\nExecStart=/usr/local/bin/kubelet {flags}\\n\"}}}}\n"
        )
    };
    let whole = "--config=/etc/kubernetes/kubelet-config.yaml";
    let field = |fields: &str| format!("kubelet: {{config: {{{fields}}}}}\n");
    let flag = |flags: &str| format!("kubelet: {{flags: {{{flags}}}}}\n");
    for (more, ids) in [
        (
            field("authentication: {anonymous: {enabled: true}}"),
            vec!["kubelet-anonymous"],
        ),
        (flag("anonymous-auth: true"), vec!["kubelet-anonymous"]),
        (
            unit(&format!("{whole} --anonymous-auth")),
            vec!["kubelet-anonymous"],
        ),
        (
            unit(&format!("{whole} --anonymous-auth=1")),
            vec!["kubelet-anonymous"],
        ),
        (
            field("authorization: {mode: AlwaysAllow}"),
            vec!["kubelet-authorization-open"],
        ),
        (
            flag("authorization-mode: AlwaysAllow"),
            vec!["kubelet-authorization-open"],
        ),
        (
            unit(&format!("{whole} --authorization-mode AlwaysAllow")),
            vec!["kubelet-authorization-open"],
        ),
        (
            field(
                "authentication: {anonymous: {enabled: true}}, authorization: {mode: AlwaysAllow}",
            ),
            vec![
                "kubelet-anonymous",
                "kubelet-authorization-open",
                "kubelet-debugging-open",
            ],
        ),
        (
            field(
                "authentication: {anonymous: {enabled: true}}, authorization: {mode: AlwaysAllow}, enableDebuggingHandlers: false",
            ),
            vec!["kubelet-anonymous", "kubelet-authorization-open"],
        ),
        (
            field("authentication: {x509: null}"),
            vec!["kubelet-client-ca-missing"],
        ),
        (
            field("authentication: {x509: {clientCAFile: \"\"}}"),
            vec!["kubelet-client-ca-missing"],
        ),
        (field("readOnlyPort: 10255"), vec!["kubelet-read-only-port"]),
        (
            flag("read-only-port: \"10255\""),
            vec!["kubelet-read-only-port"],
        ),
        (
            unit(&format!("{whole} --read-only-port 10255")),
            vec!["kubelet-read-only-port"],
        ),
        (
            field("rotateCertificates: false"),
            vec!["kubelet-rotation-off"],
        ),
        (
            field("rotateCertificates: null"),
            vec!["kubelet-rotation-off"],
        ),
        (
            field("tlsMinVersion: VersionTLS10"),
            vec!["kubelet-tls-weak"],
        ),
        (
            field("tlsMinVersion: VersionTLS11"),
            vec!["kubelet-tls-weak"],
        ),
        (
            flag("tls-min-version: VersionTLS11"),
            vec!["kubelet-tls-weak"],
        ),
        (
            field("tlsCipherSuites: [TLS_RSA_WITH_3DES_EDE_CBC_SHA]"),
            vec!["kubelet-tls-weak"],
        ),
        (
            flag(
                "tls-cipher-suites: \"TLS_ECDHE_RSA_WITH_RC4_128_SHA,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"",
            ),
            vec!["kubelet-tls-weak"],
        ),
        (
            "kubelet: {flags: {config-dir: /etc/kubernetes/kubelet.d}}\nfiles: {/etc/kubernetes/kubelet.d/10-x.conf: {content: \"kind: KubeletConfiguration\\napiVersion: kubelet.config.k8s.io/v1beta1\\nreadOnlyPort: 10255\\n\"}}\n".to_owned(),
            vec!["kubelet-read-only-port"],
        ),
        (
            unit(&format!("{whole} $EXTRA")).replace("\"}}", "EnvironmentFile=/etc/default/kubelet\\n\"}}")
                + "files: {/etc/default/kubelet: {content: \"EXTRA=--anonymous-auth=true\\n\"}}\n",
            vec!["kubelet-anonymous"],
        ),
        // A kubelet without a configuration file has the defaults of its flags.
        (
            unit("--kubeconfig=/var/lib/kubelet/kubeconfig"),
            vec![
                "kubelet-anonymous",
                "kubelet-authorization-open",
                "kubelet-client-ca-missing",
                "kubelet-debugging-open",
                "kubelet-read-only-port",
                "kubelet-rotation-off",
            ],
        ),
    ] {
        assert_eq!(open("worker", 34, &more), ids, "{more}");
    }
}

#[test]
fn what_is_closed_or_accepted_is_no_error() {
    let accepted = "findings: {kubelet-read-only-port: {level: off, reason: a probe reads it}}\n";
    for more in [
        String::new(),
        // The flag wins.
        "kubelet: {flags: {anonymous-auth: false, read-only-port: \"0\"}, config: {authentication: {anonymous: {enabled: true}}, readOnlyPort: 10255}}\n".to_owned(),
        "kubelet: {config: {authentication: {anonymous: null}, authorization: null, readOnlyPort: null}}\n".to_owned(),
        "kubelet: {config: {enableDebuggingHandlers: false}}\n".to_owned(),
        "kubelet: {config: {tlsMinVersion: VersionTLS13, tlsCipherSuites: [TLS_RSA_WITH_3DES_EDE_CBC_SHA]}}\n".to_owned(),
        // Without forward secrecy, but on CIS's own list until 1.11.
        "kubelet: {config: {tlsCipherSuites: [TLS_RSA_WITH_AES_256_GCM_SHA384]}}\n".to_owned(),
        "kubelet: {config: {readOnlyPort: 10255}}\n".to_owned() + accepted,
        // Who brings a certificate renews it himself.
        "identity: {client: clientCertificate}\nkubelet: {config: {rotateCertificates: false}}\n".to_owned(),
        // What the environment adds is not known, and the file is read.
        "units: {kubelet.service: {replace: true, text: \"[Service]\\nExecStart=/usr/local/bin/kubelet $ARGS\\nEnvironmentFile=-/etc/default/kubelet\\n\"}}\n".to_owned(),
    ] {
        assert_eq!(open("worker", 34, &more), Vec::<String>::new(), "{more}");
    }
    for minor in [16, 19, 22, 25, 27, 30, 37] {
        for profile in ["worker", "by-hand"] {
            assert_eq!(
                open(profile, minor, ""),
                Vec::<String>::new(),
                "{profile} 1.{minor}"
            );
        }
    }
}

#[test]
fn what_is_accepted_is_built_and_what_is_not_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let port = "kubelet: {config: {readOnlyPort: 10255}}\n";
    let dir = project(folder.path(), "worker", 34, port);
    let refused = tool::nodebake(&dir, &["build"]).run();
    assert_eq!(refused.status.code(), Some(3));
    assert!(!dir.join("out").exists());
    let file = dir.join("cluster.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let accepted = "findings: {kubelet-read-only-port: {level: off, reason: a probe reads it}}\n";
    std::fs::write(&file, text + accepted).unwrap();
    tool::nodebake(&dir, &["build"]).good();
    tool::nodebake(&dir, &["verify", "out", "--key", "keys/sign.pub"]).good();
    for node in ["worker-1", "edge-01", "edge-02", "edge-03"] {
        assert!(dir.join(format!("out/nodes/{node}/tree.json")).is_file());
    }
}
