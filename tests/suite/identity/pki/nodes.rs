//! Nodes that bring certificates: what `build` makes of them, and what becomes of their tokens.

use std::fs;

use serde_json::Value;

use super::{CLUSTER, issued, kubectl_view, now, shown};
use crate::support::fixture::text;
use crate::support::oracles;

#[test]
fn a_node_that_brings_certificates_needs_no_token() {
    let project = issued();
    now(&project, &["build"]);
    let out = project.out();
    assert!(!out.join("cluster/tokens").exists());
    let bundle = fs::read_to_string(out.join("bundle.json")).unwrap();
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    let node = &bundle["nodes"][0];
    assert_eq!(node["tokenId"], Value::Null);
    let folder = project.dir.join("pki/nodes/a.example.com");
    let tree = fs::read_to_string(out.join("nodes/a.example.com/tree.sums")).unwrap();
    assert!(!tree.contains("bootstrap-kubelet.kubeconfig"), "{tree}");
    let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    let summary = now(&project, &["show", "a.example.com"]);
    let link = summary.lines().find(|line| line.contains(current)).unwrap();
    let dated = link.split("-> ").nth(1).unwrap().split(' ').next().unwrap();
    let pair = shown(&project, "a.example.com", dated);
    assert_eq!(pair, fs::read_to_string(folder.join("client.pem")).unwrap());
    let line = summary
        .lines()
        .find(|line| line.contains(&format!("{dated}  (")))
        .unwrap();
    assert!(line.starts_with("0600 root:root"), "{line}");
    let unit = shown(
        &project,
        "a.example.com",
        "/etc/systemd/system/kubelet.service",
    );
    assert!(!unit.contains("bootstrap-kubeconfig"), "{unit}");
    let certificate = shown(
        &project,
        "a.example.com",
        "/etc/kubernetes/pki/kubelet-serving.crt",
    );
    let key = shown(
        &project,
        "a.example.com",
        "/etc/kubernetes/pki/kubelet-serving.key",
    );
    let serving = fs::read_to_string(folder.join("serving.pem")).unwrap();
    assert_eq!(certificate + &key, serving);
    let config = shown(
        &project,
        "a.example.com",
        "/etc/kubernetes/kubelet-config.yaml",
    );
    for line in [
        "serverTLSBootstrap: false\n",
        "tlsCertFile: /etc/kubernetes/pki/kubelet-serving.crt\n",
        "tlsPrivateKeyFile: /etc/kubernetes/pki/kubelet-serving.key\n",
    ] {
        assert!(config.contains(line), "{config}");
    }
    let other = shown(&project, "b", "/etc/kubernetes/kubelet-config.yaml");
    assert!(other.contains("serverTLSBootstrap: true\n"), "{other}");
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
    // The end of the first certificate, not of the CA.
    let until = node["usableUntil"].as_str().unwrap();
    assert!(
        summary.contains(&format!("certificate   client, until {until}")),
        "{summary}"
    );
    let hidden = ["show", "a.example.com", "--file", dated, "--at", until];
    let said = project.run(&hidden);
    assert!(!text(&said.stdout).contains("PRIVATE KEY"));
}

#[test]
fn kubectl_reads_every_kubeconfig() {
    oracles::needs(["kubectl"]);
    let project = issued();
    let scratch = project.scratch();
    let ca = fs::read_to_string(project.dir.join("pki/ca.pem")).unwrap();
    for (file, user, server) in [
        (
            "/var/lib/kubelet/kubeconfig",
            "default-auth",
            "https://api.example.com:6443",
        ),
        (
            "/etc/kubernetes/kube-proxy.kubeconfig",
            "system:kube-proxy",
            "https://api.example.com:6443",
        ),
        (
            "/etc/example/agent.kubeconfig",
            "token",
            "https://127.0.0.1:8443",
        ),
    ] {
        let said = shown(&project, "a.example.com", file);
        let path = scratch.join("kubeconfig");
        fs::write(&path, said).unwrap();
        let mut seen = oracles::same_values(&path);
        seen.push(kubectl_view(scratch, "kubeconfig"));
        for seen in seen {
            assert_eq!(seen["users"][0]["name"], user);
            assert_eq!(seen["clusters"][0]["cluster"]["server"], server);
            let of_user = &seen["users"][0]["user"];
            let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
            match user {
                "default-auth" => {
                    assert_eq!(of_user["client-certificate"], current);
                    assert_eq!(of_user["client-key"], current);
                }
                "token" => assert_eq!(of_user["tokenFile"], "/var/run/agent/token"),
                _ => {
                    let folder = project.dir.join("pki/nodes/a.example.com");
                    let pem =
                        fs::read_to_string(folder.join("user-system:kube-proxy.pem")).unwrap();
                    let both = decode(&of_user["client-certificate-data"])
                        + &decode(&of_user["client-key-data"]);
                    assert_eq!(both, pem);
                }
            }
            assert_eq!(
                decode(&seen["clusters"][0]["cluster"]["certificate-authority-data"]),
                ca
            );
        }
    }
    let summary = now(&project, &["show", "a.example.com"]);
    assert!(summary.contains("0640 root:agent"), "{summary}");
}

fn decode(value: &Value) -> String {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap());
    String::from_utf8(bytes.unwrap()).unwrap()
}

/// A node that joined by certificate renews it, as itself.
#[test]
fn a_review_knows_nodes_that_have_no_token() {
    let project = issued();
    let csr =
        fs::read_to_string(crate::support::fixture::fixtures().join("csr/client.pem")).unwrap();
    let changed = CLUSTER.replace("- name: b\n", "- name: edge-001\n");
    fs::write(project.dir.join("cluster.yaml"), changed).unwrap();
    use base64::Engine;
    let request = base64::engine::general_purpose::STANDARD.encode(csr);
    let asked = serde_json::json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "csr-1"},
        "spec": {"request": request, "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "username": "system:node:edge-001", "groups": ["system:nodes", "system:authenticated"],
            "usages": ["digital signature", "client auth"]},
    });
    let review = &mut project.command(&["csr", "review", "-", "-o", "json"]);
    let said = review.run_with_input(asked.to_string().as_bytes());
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said[0]["decision"], "approve", "{said}");
}

/// A revoked node must not come back by a certificate, nor get a token when everybody does.
#[test]
fn revoked_nodes_stay_out_and_others_get_no_token() {
    let project = issued();
    project.good(&["token", "create"]);
    assert!(!project.dir.join("secrets.yaml").exists());
    let expiring = project.good(&["token", "expiring", "--within", "9999d"]);
    assert!(expiring.starts_with("no token expires"), "{expiring}");
    project.good(&["token", "create", ".", "b"]);
    now(&project, &["check"]);
    project.good(&["token", "revoke", ".", "b"]);
    let refused = project.run(&["check"]);
    let said = text(&refused.stdout);
    assert!(
        refused.status.code() == Some(3) && said.contains("was revoked at"),
        "{said}"
    );
}
