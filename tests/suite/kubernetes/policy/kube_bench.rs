//! kube-bench itself on roots that were made of our payloads: for each rule it says what our report says, or what our report
//! says that it says, with the reason.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{project, report};
use crate::support::oracles;
use crate::support::tool;

/// The words of the kubelet's command line: our last drop-in repeats it.
fn command_line(root: &Path) -> Vec<String> {
    let unit = root.join("etc/systemd/system/kubelet.service.d/zz~nodebake.conf");
    let text = fs::read_to_string(unit).unwrap().replace("\\\n", " ");
    let mut lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("ExecStart="));
    let line = lines.rfind(|line| !line.is_empty()).unwrap();
    line.split_whitespace().skip(1).map(str::to_owned).collect()
}

/// A root with the payload of worker-1, as it is after the node has joined.
fn joined_root(project: &Path) -> PathBuf {
    tool::nodebake(project, &["build"]).good();
    let root = project.join("root");
    fs::create_dir(&root).unwrap();
    let archive = "out/nodes/worker-1/worker-1.tar.gz";
    oracles::content(project, "tar", &["-xpf", archive, "-C", "root"]);
    let words = command_line(&root);
    let mut words = words.iter();
    if let Some(path) = words.find_map(|word| word.strip_prefix("--kubeconfig=")) {
        let file = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        // As client-go writes it.
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(file).unwrap();
    }
    root
}

/// kube-bench's verdicts by the rules' numbers.
fn kube_bench(root: &Path) -> BTreeMap<String, String> {
    let rules = oracles::folder().join("kube-bench/cfg");
    let output = oracles::command(root.parent().unwrap(), "unshare")
        .args(["--mount", "--pid", "--fork", "sh"])
        .arg(oracles::source("kube-bench/run.sh"))
        .args([root, &rules])
        .arg("cis-1.12")
        .args(command_line(root))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kube-bench: {said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let sections = report["Controls"][0]["tests"].as_array().unwrap().iter();
    let results = sections.flat_map(|section| section["results"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    results
        .map(|one| (text(&one["test_number"]), text(&one["status"])))
        .collect()
}

/// What kube-bench must say by our report.
fn expected(report: &Value) -> BTreeMap<String, String> {
    let rules = report["rules"].as_array().unwrap().iter();
    let of_rule = |rule: &Value| {
        let mut results = rule["results"].as_array().unwrap().iter();
        let is_ours = |result: &&Value| {
            let nodes = result["nodes"].as_array().unwrap();
            nodes.iter().any(|node| node == "worker-1")
        };
        let result = results.find(is_ours).unwrap();
        let other = result["kubeBench"]["verdict"].as_str();
        let verdict = other.unwrap_or_else(|| match (&result["verdict"], &rule["weight"]) {
            (verdict, _) if verdict == "pass" => "PASS",
            (_, weight) if weight == "manual" => "WARN",
            _ => "FAIL",
        });
        if let Some(other) = result["kubeBench"].as_object() {
            assert!(!other["because"].as_str().unwrap().is_empty());
        }
        (
            rule["number"].as_str().unwrap().to_owned(),
            verdict.to_owned(),
        )
    };
    rules.map(of_rule).collect()
}

/// What makes a kubelet open is wanted here.
const ACCEPTED: &str = "findings:
  kubelet-anonymous: {level: off, reason: a test}
  kubelet-authorization-open: {level: off, reason: a test}
  kubelet-client-ca-missing: {level: off, reason: a test}
  kubelet-debugging-open: {level: off, reason: a test}
  kubelet-read-only-port: {level: off, reason: a test}
  kubelet-rotation-off: {level: off, reason: a test}
  kubelet-tls-weak: {level: off, reason: a test}
  kubelet-flag-deprecated: {level: off, reason: a test}
";

#[test]
fn kube_bench_says_of_each_rule_what_the_report_says_or_foretells() {
    oracles::needs(["kube-bench", "unshare", "ps", "bash", "tar"]);
    oracles::needs_root();
    let field = |fields: &str| format!("kubelet: {{config: {{{fields}}}}}\n");
    let flag = |flags: &str| format!("kubelet: {{flags: {{{flags}}}}}\n");
    let strong = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    let mut wrong = Vec::new();
    for (profile, minor, more) in [
        ("worker", 34, String::new()),
        ("worker", 32, String::new()),
        ("worker", 16, String::new()),
        ("by-hand", 34, String::new()),
        ("by-hand", 16, String::new()),
        // All that is open, as fields, as flags, and as what nobody wrote.
        ("worker", 34, field("authentication: {anonymous: {enabled: true}}, authorization: {mode: AlwaysAllow}, readOnlyPort: 10255, rotateCertificates: false, makeIPTablesUtilChains: false, podPidsLimit: -1, seccompDefault: false, serverTLSBootstrap: false")),
        ("worker", 34, flag("anonymous-auth: \"true\", authorization-mode: AlwaysAllow, read-only-port: \"10255\", rotate-certificates: \"false\", streaming-connection-idle-timeout: \"0\"")),
        ("worker", 34, field("authentication: {anonymous: null, x509: null}, authorization: null, readOnlyPort: null, rotateCertificates: null, podPidsLimit: null, seccompDefault: null, serverTLSBootstrap: null")),
        // Values that kube-bench compares as text.
        ("worker", 34, field("streamingConnectionIdleTimeout: 0s, eventRecordQPS: 0, staticPodPath: null")),
        ("worker", 34, flag("streaming-connection-idle-timeout: 0s, hostname-override: null")),
        ("worker", 34, field(&format!("tlsCipherSuites: [{strong}, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305]"))),
        ("worker", 34, field(&format!("tlsCipherSuites: [{strong}, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256]"))),
        ("worker", 34, field(&format!("tlsCipherSuites: [{strong}, TLS_RSA_WITH_AES_128_CBC_SHA]"))),
        ("worker", 34, field("tlsMinVersion: VersionTLS13")),
        ("worker", 34, "kubelet: {flags: {config-dir: /etc/kubernetes/kubelet.d}}\nfiles: {/etc/kubernetes/kubelet.d/10-x.conf: {content: \"kind: KubeletConfiguration\\napiVersion: kubelet.config.k8s.io/v1beta1\\nreadOnlyPort: 10255\\npodPidsLimit: -1\\n\"}}\n".into()),
        // Paths that are in its lists and others, modes and owners.
        ("worker", 34, "paths: {kubeletConfig: /etc/kubernetes/own.yaml}\n".into()),
        ("worker", 34, "paths: {kubeletConfig: /var/lib/kubelet/config.yaml, kubeconfig: /etc/kubernetes/kubelet.conf}\n".into()),
        ("worker", 34, "paths: {clusterCA: /etc/ssl/cluster-ca.crt, kubeconfig: /srv/kubeconfig}\n".into()),
        ("worker", 34, "units: {kubelet.service: {mode: \"0644\", dropins: {10-kubeadm.conf: \"[Service]\\nNice=0\\n\"}}}\n".into()),
        ("worker", 34, "files: {/etc/kubernetes/pki/ca.crt: {mode: \"0666\", group: {name: daemon, id: 1}}, /etc/kubernetes/kubelet-config.yaml: {mode: \"0640\", user: {name: daemon, id: 1}}}\n".into()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let more = format!("output: {{formats: [tarball]}}\n{ACCEPTED}{more}");
        let dir = project(folder.path(), profile, minor, &more);
        let (report, _) = report(&dir, "cis-1.12");
        let said = kube_bench(&joined_root(&dir));
        assert_eq!(said.len(), 25, "{said:?}");
        let foretold = expected(&report);
        for (number, verdict) in &said {
            if foretold[number] != *verdict {
                let expected = &foretold[number];
                wrong.push(format!("{profile} 1.{minor} {more}: {number} is {verdict}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
