//! The overlay `kube-proxy`: kube-proxy itself reads its configuration, and beside a real API server it finds its Node and writes
//! the rules of a Service with the kubelet's certificate.

use std::fs;

use super::{Node, findings, project};
use crate::support::fixture::{Project, sha256, text};
use crate::support::oracles::{self, Target};

const OVERLAY: &str = "overlays: {kube-proxy: {}}\n";
const CONFIG: &str = "etc/kubernetes/kube-proxy-config.yaml";
/// As `make versions` builds them.
const RELEASES: [&str; 3] = ["v1.34.4", "v1.20.15", "v1.37.2"];

fn cluster_rbac(project: &Project) -> String {
    fs::read_to_string(project.out().join("cluster/rbac/rbac.yaml")).unwrap()
}

#[test]
fn kube_proxy_reads_its_configuration() {
    for release in RELEASES {
        let node = Node::bake(release, "worker", OVERLAY);
        let config = node.file(CONFIG);
        let unit = node.file("etc/systemd/system/kube-proxy.service");
        assert!(
            unit.contains("ExecStart=/usr/local/bin/kube-proxy --config=/etc/kubernetes/kube-proxy-config.yaml\n"),
            "{unit}"
        );
        assert!(cluster_rbac(&node.project).contains("name: system:node-proxier"));
        let program = oracles::folder()
            .join("kubernetes")
            .join(release)
            .join("kube-proxy");
        if !program.is_file() {
            let oracle = format!("kube-proxy {release}");
            if Target::Versions.asks(&oracle) {
                Target::Versions.lacks(&oracle);
            }
            continue;
        }
        oracles::needs(["env"]);
        let program = program.to_str().unwrap();
        let read = |file: &str| {
            let args = [program, "--config", file, "--write-config-to", "read.yaml"];
            oracles::run(&node.root, "env", &args)
        };
        let output = read(CONFIG);
        let said = text(&output.stderr) + &text(&output.stdout);
        assert!(
            output.status.success() && !said.contains("lenient"),
            "{said}"
        );
        let read_back = fs::read_to_string(node.root.join("read.yaml")).unwrap();
        for line in [
            "hostnameOverride: n1",
            "clusterCIDR: 10.244.0.0/16",
            "  kubeconfig: /var/lib/kubelet/kubeconfig",
            "mode: iptables",
        ] {
            assert!(
                read_back.lines().any(|has| has == line),
                "{line}: {read_back}"
            );
        }
        // It would tell us of a key that it does not know, and end over a network that is none.
        fs::write(
            node.root.join("bad.yaml"),
            config.replace("clusterCIDR: \"10.244", "clusterCIDR: \"x"),
        )
        .unwrap();
        assert!(!read("bad.yaml").status.success(), "{release}");
    }
}

/// The path of the kubeconfig is that of the kubelet's flag, whichever profile sets it.
#[test]
fn its_kubeconfig_is_the_kubelets() {
    for (profiles, more, expected) in [
        ("worker", "", "/var/lib/kubelet/kubeconfig"),
        ("kubeadm", "", "/etc/kubernetes/kubelet.conf"),
        ("by-hand", "", "/etc/kubernetes/kubelet.kubeconfig"),
        ("worker", "paths: {kubeconfig: /data/k}\n", "/data/k"),
    ] {
        let project = project("v1.34.4", profiles, &format!("{OVERLAY}{more}"));
        let config = project.good(&[
            "show",
            "n1",
            "--file",
            "/etc/kubernetes/kube-proxy-config.yaml",
        ]);
        assert!(
            config.contains(&format!("kubeconfig: \"{expected}\"\n")),
            "{config}"
        );
    }
    let program = "#!/bin/sh\n";
    let digest = sha256(program.as_bytes());
    let asset = format!(
        "assets: {{/opt/k/kube-proxy: {{source: files/kube-proxy, mode: \"0755\", sha256: {digest}}}}}\n"
    );
    let project = project("v1.34.4", "worker", &format!("{OVERLAY}{asset}"));
    fs::create_dir_all(project.dir.join("files")).unwrap();
    fs::write(project.dir.join("files/kube-proxy"), program).unwrap();
    let unit = project.run(&[
        "show",
        "n1",
        "--file",
        "/etc/systemd/system/kube-proxy.service",
    ]);
    let unit = text(&unit.stdout);
    assert!(unit.contains("ExecStart=/opt/k/kube-proxy "), "{unit}");
}

#[test]
fn a_bundle_without_it_lets_nodes_do_no_more() {
    let node = Node::bake("v1.34.4", "worker", "");
    assert!(!cluster_rbac(&node.project).contains("node-proxier"));
}

#[test]
fn a_kube_proxy_with_another_name_or_network_is_found() {
    let config = |text: &str| {
        format!(
            "files: {{/etc/kp.yaml: {{content: {}}}}}\nunits: {{kube-proxy.service: {{enabled: true, text: \"[Service]\\nExecStart=/usr/bin/kube-proxy FLAGS\\n[Install]\\nWantedBy=multi-user.target\\n\"}}}}\n",
            serde_json::json!(format!(
                "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n{text}"
            ))
        )
    };
    let with = |flags: &str, text: &str| config(text).replace("FLAGS", flags);
    for (more, line) in [
        (
            with("--config=/etc/kp.yaml", "hostnameOverride: n2\n"),
            "n2",
        ),
        (
            with("--config /etc/kp.yaml", "hostnameOverride: n2\n"),
            "n2",
        ),
        (
            with(
                "--config=/etc/kp.yaml --hostname-override=n3",
                "hostnameOverride: n1\n",
            ),
            "n3",
        ),
        (with("--hostname-override n3", ""), "n3"),
        (
            with("--config=/etc/kp.yaml", "clusterCIDR: 10.99.0.0/16\n"),
            "10.99.0.0/16",
        ),
        (with("--cluster-cidr=10.99.0.0/16", ""), "10.99.0.0/16"),
        (
            with(
                "--config=/etc/kp.yaml",
                "clusterCIDR: 10.244.0.0/16,fd00:1::/64\n",
            ),
            "fd00:1::/64",
        ),
        (
            with("--config=/etc/kp.yaml", "mode: iptables\n") + "hostname: other\n",
            "other",
        ),
    ] {
        let said = findings("v1.34.4", "worker", &more);
        assert!(
            said.contains("kube-proxy ") && said.contains(line),
            "{more}: {said}"
        );
    }
    for more in [
        OVERLAY.to_owned(),
        with("--config=/etc/kp.yaml", "hostnameOverride: N1\n"),
        with(
            "--config=/etc/kp.yaml --hostname-override=n1",
            "hostnameOverride: n2\n",
        ),
        with("--config=/etc/kp.yaml", "clusterCIDR: \" 10.244.0.0/16\"\n"),
        with("--config=/etc/elsewhere.yaml", ""),
        with("--config=/etc/kp.yaml", "mode: iptables\n"),
    ] {
        let output = project("v1.34.4", "worker", &more).run(&["check", "--format", "json"]);
        let said = text(&output.stdout);
        // The other nodes have the same file, and other names.
        let is_found = said.contains("kube-proxy-disagrees") && said.contains("\"n1\"");
        assert!(!is_found, "{more}: {said}");
    }
}

/// An overlay that names the kubelet's kubeconfig is no kubelet.
#[test]
fn kube_proxy_alone_starts_no_kubelet() {
    let more = format!("{OVERLAY}units: {{kubelet.service: {{masked: true}}}}\n");
    let said = findings("v1.34.4", "worker", &more);
    assert!(
        said.contains("nothing on the node starts a kubelet"),
        "{said}"
    );
}

/// With the bundle's RBAC it writes the rules, and without it reads nothing.
#[test]
fn it_finds_its_node_and_writes_a_services_rules() {
    Target::Conformance.must_run("kube-proxy beside an API server");
    oracles::needs_root();
    oracles::needs([
        "unshare",
        "etcd",
        "kubectl",
        "openssl",
        "ip",
        "iptables-save",
    ]);
    let kubernetes = oracles::folder().join("kubernetes/v1.34.4");
    if !kubernetes.join("kube-proxy").is_file() {
        Target::Versions.lacks("kube-proxy v1.34.4");
        return;
    }
    let node = Node::bake("v1.34.4", "worker", OVERLAY);
    let rbac = node.project.out().join("cluster/rbac/rbac.yaml");
    let config = node.root.join(CONFIG);
    let script = oracles::source("kube-proxy/sync.sh");
    let run = || {
        let args = [
            "-n",
            "sh",
            script.to_str().unwrap(),
            kubernetes.to_str().unwrap(),
            config.to_str().unwrap(),
            rbac.to_str().unwrap(),
        ];
        oracles::run(&node.root, "unshare", &args)
    };
    let output = run();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("--to-destination 10.244.1.5:8080"), "{said}");
    assert!(
        said.contains("! -s 10.244.0.0/16 -d 10.96.0.77/32"),
        "{said}"
    );
    assert!(said.contains("NodeIPs=[\"10.20.4.11\"]"), "{said}");
    let without: String = cluster_rbac(&node.project)
        .split("---\n")
        .filter(|object| !object.contains("system:node-proxier"))
        .collect::<Vec<_>>()
        .join("---\n");
    fs::write(&rbac, without).unwrap();
    let output = run();
    assert!(
        text(&output.stderr).contains("forbidden"),
        "{}",
        text(&output.stderr)
    );
}
