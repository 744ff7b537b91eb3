//! Certificates: what `pki` makes, checked by openssl, kubectl and Go's own libraries, and what `build` makes of it.

mod ca_key;
mod issue;
mod nodes;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use crate::support::fixture::{Project, snapshot, text};
use crate::support::oracles;
use crate::support::tool::nodebake;

/// Two nodes without tokens: one brings both of its certificates, one asks for its serving certificate.
const CLUSTER: &str = r#"
apiVersion: nodebake/v1
kind: Cluster
name: lab
kubernetes: v1.34.4
apiServer:
  url: https://api.example.com:6443
  endpoints: ["10.0.0.9:6443", "[fd00::9]:6443"]
  ca: pki/ca.pem
  kubeletClientUser: kubernetes-master
network: {clusterDomain: lab.local, clusterDNS: [10.96.0.10], serviceCIDRs: [10.96.0.0/16, "fd01::/112"], podCIDRs: [10.244.0.0/16]}
profiles: [worker]
identity: {client: clientCertificate}
nodes:
  - name: a.example.com
    addresses: [10.0.0.1, "fd00::1"]
    hostname: a
    interfaces: {lan0: {addresses: [10.0.0.1/24, "fd00::1/64", 10.7.0.1/24]}}
    identity: {serving: preIssued}
    kubeconfigs:
      /etc/kubernetes/kube-proxy.kubeconfig:
        certificate: {user: "system:kube-proxy", group: "system:node-proxier"}
      /etc/example/agent.kubeconfig:
        tokenFile: /var/run/agent/token
        server: https://127.0.0.1:8443
        mode: "0640"
        group: {name: agent, id: 990}
  - name: b
    addresses: [10.0.0.2]
"#;

/// Enough for a project that needs no tokens.
fn project() -> Project {
    let project = Project::empty();
    fs::create_dir_all(project.dir.join("pki")).unwrap();
    fs::write(project.dir.join("cluster.yaml"), CLUSTER).unwrap();
    project.good(&["key", "generate"]);
    project
}

/// A project with a CA and the nodes' certificates of today, so not at the time of the tests.
fn issued() -> Project {
    let project = project();
    project.good(&["pki", "init"]);
    project.good(&["pki", "issue"]);
    project
}

/// Commands that check at the time of the tests, told to check now.
fn now(project: &Project, args: &[&str]) -> String {
    let at = time::OffsetDateTime::now_utc();
    let at = nodebake::timing::rfc3339(at).unwrap();
    project.good(&[args, &["--at", &at]].concat())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// openssl's verdict on a leaf: its chain, its purpose, its key.
fn openssl_accepts(folder: &Path, ca: &str, pem: &str, purpose: &str) {
    let checked = oracles::content(
        folder,
        "openssl",
        &[
            "verify",
            "-x509_strict",
            "-CAfile",
            ca,
            "-purpose",
            purpose,
            pem,
        ],
    );
    assert_eq!(checked.trim(), format!("{pem}: OK"));
    let other = match purpose {
        "sslclient" => "sslserver",
        _ => "sslclient",
    };
    let refused = oracles::run(
        folder,
        "openssl",
        &["verify", "-CAfile", ca, "-purpose", other, pem],
    );
    assert!(!refused.status.success(), "{pem} is good as {other} too");
}

fn same_key(folder: &Path, certificate: &str, key: &str) {
    let of = |args: &[&str]| oracles::content(folder, "openssl", args);
    let of_certificate = of(&["x509", "-in", certificate, "-noout", "-pubkey"]);
    assert_eq!(
        of_certificate,
        of(&["pkey", "-in", key, "-pubout"]),
        "{key}"
    );
}

#[test]
fn a_labs_control_plane_is_what_openssl_and_kubectl_accept() {
    let project = project();
    let said = project.good(&["pki", "init", "--san", "lb.example.com", "-o", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["encrypted"], false);
    let pki = project.dir.join("pki");
    assert_eq!(mode(&pki.join("control-plane")), 0o700);
    assert_eq!(mode(&pki.join("ca.key")), 0o600);
    for file in fs::read_dir(pki.join("control-plane")).unwrap() {
        let path = file.unwrap().path();
        let holds_key = fs::read_to_string(&path).unwrap().contains("PRIVATE KEY")
            || path.extension().unwrap() == "conf";
        assert_eq!(
            mode(&path),
            if holds_key { 0o600 } else { 0o644 },
            "{path:?}"
        );
    }
    let before = snapshot(&project.dir);
    let again = project.run(&["pki", "init"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("never overwritten"));
    assert_eq!(snapshot(&project.dir), before);
    oracles::needs(["openssl"]);
    let lab = pki.join("control-plane");
    for (name, ca, purpose) in [
        ("apiserver", "ca.crt", "sslserver"),
        ("apiserver-kubelet-client", "ca.crt", "sslclient"),
        ("front-proxy-client", "front-proxy-ca.crt", "sslclient"),
    ] {
        openssl_accepts(&lab, ca, &format!("{name}.crt"), purpose);
        same_key(&lab, &format!("{name}.crt"), &format!("{name}.key"));
    }
    same_key(&lab, "../ca.pem", "../ca.key");
    let accounts = oracles::content(&lab, "openssl", &["pkey", "-in", "sa.key", "-pubout"]);
    assert_eq!(accounts, fs::read_to_string(lab.join("sa.pub")).unwrap());
    for host in [
        "kubernetes.default.svc.lab.local",
        "api.example.com",
        "lb.example.com",
    ] {
        let args = [
            "verify",
            "-CAfile",
            "ca.crt",
            "-verify_hostname",
            host,
            "apiserver.crt",
        ];
        oracles::content(&lab, "openssl", &args);
    }
    for ip in ["10.0.0.9", "fd00::9", "10.96.0.1", "fd01::1"] {
        let args = [
            "verify",
            "-CAfile",
            "ca.crt",
            "-verify_ip",
            ip,
            "apiserver.crt",
        ];
        oracles::content(&lab, "openssl", &args);
    }
    let subject = [
        "x509",
        "-in",
        "apiserver-kubelet-client.crt",
        "-noout",
        "-subject",
    ];
    assert!(oracles::content(&lab, "openssl", &subject).contains("CN = kubernetes-master"));
    if oracles::present("kubectl") {
        for (name, user) in [
            ("admin", "kubernetes-admin"),
            ("controller-manager", "system:kube-controller-manager"),
            ("scheduler", "system:kube-scheduler"),
        ] {
            let seen = kubectl_view(&lab, &format!("{name}.conf"));
            assert_eq!(seen["users"][0]["name"], user);
            assert_eq!(
                seen["clusters"][0]["cluster"]["server"],
                "https://api.example.com:6443"
            );
        }
    }
}

fn kubectl_view(folder: &Path, file: &str) -> Value {
    let file = format!("--kubeconfig={file}");
    let args = ["config", "view", "--raw", "-o", "json", &file];
    let seen: Value = serde_json::from_str(&oracles::content(folder, "kubectl", &args)).unwrap();
    assert_eq!(seen["contexts"].as_array().unwrap().len(), 1);
    seen
}

#[test]
fn the_example_of_init_makes_room_and_a_ca_of_the_users_does_not() {
    let project = Project::empty();
    nodebake(project.scratch(), &["init", "project"]).good();
    project.good(&["pki", "init"]);
    now(&project, &["check"]);
    fs::remove_file(project.dir.join("pki/ca.key")).unwrap();
    fs::remove_dir_all(project.dir.join("pki/control-plane")).unwrap();
    let again = project.run(&["pki", "init"]);
    assert!(
        text(&again.stderr).contains("ca.pem is there already"),
        "{again:?}"
    );
}

/// One file of a node, as it is shown.
fn shown(project: &Project, node: &str, file: &str) -> String {
    now(project, &["show", node, "--file", file, "--reveal"])
}
