//! Each rule of a benchmark by the value in effect.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{project, report};
use crate::support::tool;

/// The result of one rule that all nodes share.
fn result<'r>(report: &'r Value, number: &str) -> &'r Value {
    let mut rules = report["rules"].as_array().unwrap().iter();
    let rule = rules.find(|rule| rule["number"] == number);
    &rule.unwrap_or_else(|| panic!("{number} is missing"))["results"][0]
}

#[test]
fn each_rule_is_judged_by_the_value_in_effect() {
    let field = |fields: &str| format!("kubelet: {{config: {{{fields}}}}}\n");
    let flag = |flags: &str| format!("kubelet: {{flags: {{{flags}}}}}\n");
    let strong = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    for (minor, more, policy, number, verdict, value) in [
        (34, String::new(), "cis-2.0", "4.1.1", "pass", "0600"),
        (34, "units: {kubelet.service: {mode: \"0640\"}}\n".into(), "cis-2.0", "4.1.1", "fail", "0640"),
        (34, "units: {kubelet.service: {mode: \"0400\"}}\n".into(), "cis-2.0", "4.1.1", "pass", "0400"),
        (34, "files: {/etc/systemd/system/kubelet.service: {group: {name: adm, id: 4}}}\n".into(), "cis-2.0", "4.1.2", "fail", "root:adm"),
        (34, "files: {/etc/systemd/system/kubelet.service.d/x.conf: {content: \"[Service]\\nNice=1\\n\"}}\nunits: {kubelet.service: {mode: null}}\n".into(), "cis-2.0", "4.1.1", "fail", "0644"),
        (34, String::new(), "cis-1.12", "4.1.9", "pass", "0600"),
        (34, "files: {\"{{ paths.kubeletConfig }}\": {mode: \"0644\"}}\n".into(), "cis-1.12", "4.1.9", "fail", "0644"),
        (34, "files: {/etc/kubernetes/pki/ca.crt: {mode: \"0664\"}}\n".into(), "cis-1.12", "4.1.7", "fail", "0664"),
        (34, field("authentication: {anonymous: null}"), "cis-1.12", "4.2.1", "pass", "false (the default)"),
        (34, field("authorization: null"), "cis-1.12", "4.2.2", "pass", "Webhook (the default)"),
        (34, field("readOnlyPort: 10255"), "cis-1.12", "4.2.4", "fail", "10255"),
        (34, flag("read-only-port: \"0\""), "cis-1.12", "4.2.4", "pass", "--read-only-port: 0"),
        (34, field("streamingConnectionIdleTimeout: 0s"), "cis-1.12", "4.2.5", "pass", "4h0m0s (the default)"),
        (34, flag("streaming-connection-idle-timeout: \"0\""), "cis-1.12", "4.2.5", "fail", "--streaming-connection-idle-timeout: 0"),
        (27, field("makeIPTablesUtilChains: false"), "cis-1.12", "4.2.6", "fail", "false"),
        (34, String::new(), "cis-1.12", "4.2.7", "manual", "the node's name"),
        (34, flag("hostname-override: null"), "cis-1.12", "4.2.7", "pass", "not set"),
        (26, String::new(), "cis-1.12", "4.2.8", "pass", "5 (the default)"),
        (27, String::new(), "cis-1.12", "4.2.8", "pass", "50 (the default)"),
        (34, field("eventRecordQPS: 0"), "cis-1.12", "4.2.8", "manual", "0"),
        (34, "identity: {serving: selfSigned}\n".into(), "cis-1.12", "4.2.9", "manual", "serverTLSBootstrap: false"),
        (34, "identity: {serving: selfSigned}\n".into(), "cis-1.12", "4.2.11", "manual", "serverTLSBootstrap: false"),
        (34, field("rotateCertificates: null"), "cis-1.12", "4.2.10", "fail", "false (the default)"),
        (34, field(&format!("tlsCipherSuites: [{strong}]")), "cis-1.12", "4.2.12", "pass", strong),
        (34, field(&format!("tlsCipherSuites: [{strong}, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256]")), "cis-1.12", "4.2.12", "pass", "CHACHA20"),
        (34, field(&format!("tlsCipherSuites: [{strong}, TLS_RSA_WITH_AES_256_GCM_SHA384]")), "cis-1.12", "4.2.12", "fail", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
        (34, field("tlsMinVersion: VersionTLS13"), "cis-1.12", "4.2.12", "pass", "VersionTLS13"),
        (34, field("podPidsLimit: null"), "cis-1.12", "4.2.13", "manual", "-1 (the default)"),
        (34, field("podPidsLimit: -1"), "cis-1.12", "4.2.13", "fail", "-1"),
        (34, field("seccompDefault: false"), "cis-1.12", "4.2.14", "fail", "false"),
        (34, field("seccompDefault: null"), "cis-1.12", "4.2.14", "manual", "false (the default)"),
        (20, String::new(), "cis-1.12", "4.2.14", "notApplicable", "has no seccompDefault"),
        (34, String::new(), "stig", "V-242397", "fail", "/etc/kubernetes/manifests"),
        (34, field("staticPodPath: null"), "stig", "V-242397", "pass", "nothing"),
        (34, field("streamingConnectionIdleTimeout: 1m"), "stig", "V-245541", "fail", "1m"),
        (34, field("streamingConnectionIdleTimeout: 5m"), "stig", "V-245541", "pass", "5m"),
        (34, field("protectKernelDefaults: false"), "stig", "V-242434", "fail", "false"),
        (34, String::new(), "stig", "V-254801", "notApplicable", "has no gate"),
        (24, String::new(), "stig", "V-254801", "pass", "true (the default)"),
        (22, String::new(), "stig", "V-254801", "fail", "false (the default)"),
        (24, field("featureGates: {PodSecurity: false}"), "stig", "V-254801", "fail", "false"),
        (25, String::new(), "stig", "V-242399", "pass", "false (the default)"),
        (26, String::new(), "stig", "V-242399", "notApplicable", "has no gate"),
        (34, "units: {sshd.service: {masked: true}}\n".into(), "stig", "V-242393", "pass", "sshd.service"),
        (34, String::new(), "stig", "V-242394", "notApplicable", "image's"),
        (34, "units: {kubelet.service: {dropins: {10-kubeadm.conf: \"[Service]\\nNice=1\\n\"}}}\n".into(), "stig", "V-242455", "pass", "0600"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let dir = project(folder.path(), "worker", minor, &more);
        let (report, code) = report(&dir, policy);
        let result = result(&report, number);
        let said = result["value"].as_str().unwrap();
        assert_eq!(result["verdict"], verdict, "1.{minor} {more} {number}: {result}");
        assert!(said.contains(value), "1.{minor} {more} {number}: {said}");
        if verdict == "fail" {
            assert_eq!(code, 3, "{more} {number}");
        }
    }
}

#[test]
fn the_worker_profile_fails_no_cis_rule_and_says_what_is_left_to_people() {
    for (minor, policy, named) in [
        (32, "cis", "cis-1.12"),
        (33, "cis-1.12", "cis-1.12"),
        (34, "cis", "cis-2.0"),
        (35, "cis-2.0", "cis-2.0"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let dir = project(folder.path(), "worker", minor, "");
        let (report, code) = report(&dir, policy);
        assert_eq!(code, 0, "{report}");
        assert_eq!(report["policy"], named);
        assert_eq!(report["otherMinors"], Value::Null);
        let rules = report["rules"].as_array().unwrap();
        assert_eq!(rules.len(), 25);
        let left: Vec<&str> = rules
            .iter()
            .filter(|rule| rule["verdict"] == "manual")
            .map(|rule| rule["number"].as_str().unwrap())
            .collect();
        assert_eq!(left, ["4.2.7", "4.2.12"]);
    }
}

#[test]
fn a_hardened_layer_meets_all_that_a_payload_can() {
    let suites = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    let more = format!(
        "kubelet:\n  flags: {{hostname-override: null}}\n  config: {{staticPodPath: null, tlsCipherSuites: [{suites}]}}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let dir = project(folder.path(), "worker", 34, &more);
    for policy in ["cis", "stig"] {
        let (report, code) = report(&dir, policy);
        let rules = report["rules"].as_array().unwrap().iter();
        let verdicts: BTreeSet<&str> = rules
            .map(|rule| rule["verdict"].as_str().unwrap())
            .collect();
        assert_eq!(
            verdicts,
            BTreeSet::from(["notApplicable", "pass"]),
            "{policy}"
        );
        assert_eq!(code, 0);
    }
}

#[test]
fn nodes_that_differ_are_told_apart_and_findings_go_to_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let dir = project(folder.path(), "worker", 34, "    \n");
    let file = dir.join("cluster.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("{maxPods: 60}", "{maxPods: 60, readOnlyPort: 10255}");
    std::fs::write(&file, text).unwrap();
    let output = tool::nodebake(&dir, &["check", "--policy", "cis"]).run();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("fail            4.2.4     The read-only port is off\n"),
        "{said}"
    );
    assert!(
        said.contains("readOnlyPort: 10255 (cluster.yaml:27:51): fail in edge-02\n"),
        "{said}"
    );
    assert!(
        said.contains("readOnlyPort: 0 (built-in:profiles/worker.yaml:"),
        "{said}"
    );
    assert!(
        said.contains("): pass in 3 nodes, like worker-1\n"),
        "{said}"
    );
    assert!(
        said.ends_with("1 fail, 2 manual, 19 pass, 3 not applicable\n"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(3));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("error[kubelet-read-only-port]"), "{errors}");
    let output = tool::nodebake(&dir, &["check", "--policy", "cis", "--format", "sarif"]).run();
    assert_eq!(output.status.code(), Some(2));
}
