//! `preflight` says what the control plane must have, and finds what the manifests of one lack.

mod certificate;
mod node_networks;

use std::fs;

use serde_json::Value;

use crate::support::findings::one_line_each;
use crate::support::fixture::{Project, fixtures, text};

const FILES: [&str; 2] = ["kube-apiserver.yaml", "kube-controller-manager.yaml"];

/// A project beside manifests in which a text is another one.
fn project(from: &str, to: &str) -> Project {
    let project = Project::of("bad/project");
    let mut changed = from.is_empty();
    for file in FILES {
        let text = fs::read_to_string(fixtures().join("control-plane").join(file)).unwrap();
        changed |= text.contains(from);
        fs::write(project.dir.join(file), text.replace(from, to)).unwrap();
    }
    assert!(changed, "{from}");
    project
}

const ARGS: [&str; 5] = [
    "preflight",
    "--kube-apiserver",
    "kube-apiserver.yaml",
    "--kube-controller-manager",
    "kube-controller-manager.yaml",
];

/// The rows about the control plane, and what is said of findings.
fn checked(project: &Project, args: &[&str]) -> (Vec<Value>, String, Option<i32>) {
    let output = project.run(&[args, &["-o", "json"]].concat());
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let rows = rows.as_array().cloned().unwrap_or_default().into_iter();
    let rows = rows.filter(|row| row["need"] == "controlPlane").collect();
    let said = one_line_each(&text(&output.stderr));
    (rows, said, output.status.code())
}

#[test]
fn what_the_control_plane_must_have_is_listed() {
    let (rows, said, code) = checked(&project("", ""), &["preflight"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let what: Vec<&str> = rows
        .iter()
        .map(|row| row["what"].as_str().unwrap())
        .collect();
    for part in [
        "kube-apiserver: --enable-bootstrap-token-auth=true",
        "kube-apiserver: --authorization-mode=Node,RBAC",
        "kube-apiserver: --enable-admission-plugins=NodeRestriction",
        "kube-apiserver: --client-ca-file",
        "kube-apiserver: --kubelet-client-certificate and --kubelet-client-key",
        "kube-apiserver: --kubelet-certificate-authority",
        "kube-apiserver: --service-cluster-ip-range=10.96.0.0/16",
        "kube-apiserver: a serving certificate for api.example.com",
        "kube-apiserver: version 1.34 or newer",
        "kube-controller-manager: --cluster-signing-cert-file and --cluster-signing-key-file",
        "kube-controller-manager: --cluster-signing-duration",
        "kube-controller-manager: --controllers=*,tokencleaner",
        "kube-controller-manager: --controllers with csrsigning",
        "kubectl delete clusterrolebinding kubeadm:node-autoapprove-bootstrap",
        "kubectl delete clusterrolebinding kubeadm:node-autoapprove-certificate-rotation",
    ] {
        assert!(
            what.iter().any(|what| what.contains(part)),
            "{part}: {what:#?}"
        );
    }
    assert!(rows.iter().all(|row| row["met"].is_null()));
}

#[test]
fn what_kubeadm_starts_has_all_that_its_flags_can_tell() {
    let project = project("", "");
    let (rows, said, code) = checked(&project, &ARGS);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let met = rows.iter().filter(|row| row["met"] == true).count();
    assert!(met >= 12, "{rows:#?}");
    assert!(rows.iter().all(|row| row["met"] != false));
    // For people only what is left to look at.
    let table = project.good(&ARGS);
    assert!(!table.contains("--authorization-mode"), "{table}");
    assert!(
        table.contains("a serving certificate for api.example.com"),
        "{table}"
    );
}

#[test]
fn what_a_manifest_lacks_is_found_at_its_line() {
    const UNFIT: &str = "error: kube-";
    const DOUBTFUL: &str = "warning: kube-";
    for (from, to, start, parts) in [
        (
            "--enable-bootstrap-token-auth=true",
            "--v=2",
            UNFIT,
            "apiserver.yaml:13:7: kube-apiserver --enable-bootstrap-token-auth: is not true",
        ),
        (
            "--enable-bootstrap-token-auth=true",
            "--enable-bootstrap-token-auth=false",
            UNFIT,
            "apiserver.yaml:19:7: ",
        ),
        (
            "--authorization-mode=Node,RBAC",
            "--authorization-mode=RBAC",
            UNFIT,
            "Node is not in RBAC",
        ),
        (
            "--authorization-mode=Node,RBAC",
            "--authorization-mode=Node",
            UNFIT,
            "RBAC is not in Node",
        ),
        (
            "--authorization-mode=Node,RBAC",
            "--authorization-mode=AlwaysAllow",
            UNFIT,
            "everybody may do everything",
        ),
        (
            "--authorization-mode=Node,RBAC",
            "--v=2",
            UNFIT,
            "everybody may do everything",
        ),
        (
            "=NodeRestriction",
            "=NamespaceLifecycle",
            UNFIT,
            "has no NodeRestriction",
        ),
        (
            "--secure-port=6443",
            "--disable-admission-plugins=NodeRestriction",
            UNFIT,
            "has no NodeRestriction",
        ),
        (
            "    - --client-ca-file=/etc/kubernetes/pki/ca.crt\n    - --enable-a",
            "    - --enable-a",
            UNFIT,
            "no kubelet is let in",
        ),
        (
            "--kubelet-client-certificate=",
            "--x=",
            UNFIT,
            "--kubelet-client-certificate: is not set",
        ),
        (
            "--kubelet-client-key=",
            "--x=",
            UNFIT,
            "--kubelet-client-key: is not set",
        ),
        (
            "--kubelet-certificate-authority=",
            "--x=",
            DOUBTFUL,
            "does not check which kubelet",
        ),
        (
            "=10.96.0.0/16",
            "=10.97.0.0/16",
            UNFIT,
            "network.serviceCIDRs, which are 10.96.0.0/16; got 10.97.0.0/16",
        ),
        (
            "--service-cluster-ip-range=10.96.0.0/16",
            "--v=2",
            UNFIT,
            "got 10.0.0.0/24",
        ),
        (
            "kube-apiserver:v1.34.4",
            "kube-apiserver:v1.33.1",
            UNFIT,
            "kube-apiserver --image: ",
        ),
        (
            "--cluster-signing-cert-file=",
            "--x=",
            UNFIT,
            "controller-manager.yaml:11:7: kube-controller-manager --cluster-signing-cert-file: is not set",
        ),
        (
            "--cluster-signing-key-file=",
            "--x=",
            UNFIT,
            "--cluster-signing-key-file: is not set",
        ),
        (
            "--leader-elect=true",
            "--cluster-signing-duration=10m",
            DOUBTFUL,
            "is 10m",
        ),
        (
            "--leader-elect=true",
            "--cluster-signing-duration=1d",
            UNFIT,
            "must be a duration",
        ),
        (
            "=*,bootstrapsigner,tokencleaner",
            "=*",
            DOUBTFUL,
            "does not run tokencleaner; got *",
        ),
        (
            "=*,bootstrapsigner,tokencleaner",
            "=*,tokencleaner,-csrsigning",
            UNFIT,
            "does not run csrsigning",
        ),
        (
            "=*,bootstrapsigner,tokencleaner",
            "=tokencleaner",
            UNFIT,
            "does not run csrsigning",
        ),
        (
            "=*,bootstrapsigner,tokencleaner",
            "=*,tokencleaner,-certificatesigningrequest-signing-controller",
            UNFIT,
            "does not run csrsigning",
        ),
        (
            "--tls-cert-file=",
            "--x=",
            UNFIT,
            "--tls-cert-file: is not set, so the API server makes itself a certificate",
        ),
        (
            "--tls-private-key-file=",
            "--x=",
            UNFIT,
            "--tls-private-key-file: is not set",
        ),
        (
            "--cluster-cidr=10.244.0.0/16",
            "--cluster-cidr=10.245.0.0/16",
            UNFIT,
            "controller-manager.yaml:15:7: kube-controller-manager --cluster-cidr: must be network.podCIDRs, which are 10.244.0.0/16; got 10.245.0.0/16",
        ),
        (
            "--cluster-cidr=10.244.0.0/16",
            "--cluster-cidr=10.244.0.0/16,fd00:1::/48",
            UNFIT,
            "got 10.244.0.0/16,fd00:1::/48",
        ),
        (
            "--cluster-cidr=10.244.0.0/16",
            "--v=2",
            UNFIT,
            "--cluster-cidr: is not set, and --allocate-node-cidrs is",
        ),
        (
            "--allocate-node-cidrs=true\n    - --bind-address=127.0.0.1\n    - --client-ca-file=/etc/kubernetes/pki/ca.crt\n    - --cluster-cidr=10.244.0.0/16",
            "--cluster-cidr=10.245.0.0/16",
            DOUBTFUL,
            "got 10.245.0.0/16",
        ),
        (
            "--leader-elect=true",
            "--service-cluster-ip-range=10.97.0.0/16",
            UNFIT,
            "--service-cluster-ip-range: must be network.serviceCIDRs, which are 10.96.0.0/16; got 10.97.0.0/16",
        ),
    ] {
        let (rows, said, code) = checked(&project(from, to), &ARGS);
        let fits = said.starts_with(start) && said.contains(parts) && said.lines().count() == 1;
        assert!(fits, "{from} -> {to}: {said}");
        assert_eq!(code, Some(if start == UNFIT { 3 } else { 0 }), "{said}");
        assert_eq!(
            rows.iter().filter(|row| row["met"] == false).count(),
            1,
            "{to}: {rows:#?}"
        );
    }
}

#[test]
fn other_ways_to_say_the_same_are_as_good() {
    for (from, to) in [
        (
            "--enable-bootstrap-token-auth=true",
            "--enable-bootstrap-token-auth",
        ),
        (
            "--authorization-mode=Node,RBAC",
            "--authorization-mode=RBAC,Webhook,Node",
        ),
        (
            "--authorization-mode=Node,RBAC",
            "--authorization-config=/etc/kubernetes/authz.yaml",
        ),
        ("=NodeRestriction", "=PodSecurity,NodeRestriction"),
        ("--client-ca-file=", "--client_ca_file="),
        ("kube-apiserver:v1.34.4", "kube-apiserver:v1.35.0"),
        (
            "--tls-cert-file=/etc/kubernetes/pki/apiserver.crt",
            "--tls-sni-cert-key=/a.crt,/a.key",
        ),
        (
            "--cluster-cidr=10.244.0.0/16",
            "--cluster-cidr=10.244.7.7/16",
        ),
        // Then the pod network gives addresses itself.
        (
            "    - --allocate-node-cidrs=true\n    - --bind-address=127.0.0.1\n    - --client-ca-file=/etc/kubernetes/pki/ca.crt\n    - --cluster-cidr=10.244.0.0/16\n",
            "",
        ),
        (
            "--leader-elect=true",
            "--service-cluster-ip-range=10.96.0.0/16",
        ),
        ("kube-apiserver:v1.34.4", "kube-apiserver@sha256:00"),
        ("--leader-elect=true", "--cluster-signing-duration=43800h"),
        (
            "=*,bootstrapsigner,tokencleaner",
            "=*,token-cleaner-controller",
        ),
        (
            "    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt\n    - --cluster-signing-key-file=/etc/kubernetes/pki/ca.key\n",
            "    - --cluster-signing-kubelet-client-cert-file=/a\n    - --cluster-signing-kubelet-client-key-file=/b\n    - \
             --cluster-signing-kubelet-serving-cert-file=/a\n    - --cluster-signing-kubelet-serving-key-file=/b\n",
        ),
    ] {
        let (rows, said, code) = checked(&project(from, to), &ARGS);
        assert_eq!((code, said.as_str()), (Some(0), ""), "{from} -> {to}");
        assert!(
            rows.iter().all(|row| row["met"] != false),
            "{to}: {rows:#?}"
        );
    }
}

#[test]
fn nodes_settings_decide_what_is_asked_for() {
    let project = project("", "");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    for (from, to, said) in [
        ("  approval: review\n", "  approval: auto\n", ""),
        (
            "  approval: review\n",
            "  approval: review\n  usages: [authentication, signing]\n",
            "",
        ),
        (
            "profiles: [worker, rack]\n",
            "profiles: [worker, rack]\nkubelet: {config: {serverTLSBootstrap: false}}\n",
            "--kubelet-certificate-authority: is set, and kubelets that sign their own",
        ),
    ] {
        fs::write(&file, inventory.replace(from, to)).unwrap();
        let (rows, found, _) = checked(&project, &ARGS);
        // Automatic approval has a word of its own.
        let found: String = found
            .lines()
            .filter(|line| line.contains("kube-"))
            .collect();
        assert!(
            found.contains(said) && found.is_empty() == said.is_empty(),
            "{to}: {found}"
        );
        let has = |part: &str| {
            rows.iter()
                .any(|row| row["what"].as_str().unwrap().contains(part))
        };
        assert_eq!(has("csrapproving"), to.contains("auto"), "{to}");
        assert_eq!(has("bootstrapsigner"), to.contains("signing"), "{to}");
        assert_eq!(
            has("kubeadm:node-autoapprove"),
            !to.contains("auto\n"),
            "{to}"
        );
    }
}

#[test]
fn a_file_that_is_no_manifest_is_refused() {
    for (content, id) in [
        (
            "kind: ConfigMap\n",
            "must be a manifest that starts kube-apiserver",
        ),
        (
            "spec: {containers: [{command: [etcd, --x]}]}\n",
            "must be a manifest",
        ),
        ("a: [\n", "kube-apiserver.yaml:1"),
        ("", "must be a manifest"),
    ] {
        let project = project("", "");
        fs::write(project.dir.join("kube-apiserver.yaml"), content).unwrap();
        let (_, said, code) = checked(&project, &ARGS);
        assert!(code == Some(3) && said.contains(id), "{content}: {said}");
    }
    let (_, said, code) = checked(
        &project("", ""),
        &["preflight", "--kube-apiserver", "none.yaml"],
    );
    assert!(code != Some(0) && said.contains("none.yaml"), "{said}");
}

#[test]
fn the_clusters_dns_is_an_address_of_services() {
    let project = project("", "");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let bare = inventory.replace("  serviceCIDRs: [10.96.0.0/16]\n", "");
    for (dns, parts) in [
        ("10.96.0.10", ""),
        (
            "10.97.0.10",
            "--service-cluster-ip-range: has no address 10.97.0.10, which is the cluster's DNS; got 10.96.0.0/16",
        ),
    ] {
        fs::write(&file, bare.replace("10.96.0.10", dns)).unwrap();
        let (_, said, code) = checked(&project, &ARGS);
        assert_eq!(code, Some(0), "{said}");
        assert!(
            said.contains(parts) && said.is_empty() == parts.is_empty(),
            "{said}"
        );
    }
}
