//! What the approver runs with, as kubectl reads it: few rights, a pod that the strictest standard takes, the extract and its
//! signature. The program itself is asked by `make approver-replay` and by its own tests.

use std::fs;

use serde_json::{Value, json};

use super::cluster::documents;
use crate::support::fixture::sha256;
use crate::support::new_project::NewProject;
use crate::support::oracles;

const IMAGE: &str = "registry.example.com/nodebake-approver@sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn project(more: &str) -> NewProject {
    NewProject::new(&format!(
        "tokens: {{approval: approver}}\napprover: {{image: \"{IMAGE}\"}}\nprofiles: [worker]\nnodes:\n  - {{name: n1, addresses: [192.168.10.11]}}\n{more}"
    ))
}

fn kustomized(project: &NewProject) -> Vec<Value> {
    let folder = project.dir().join("out/cluster");
    let text = oracles::content(&folder, "kubectl", &["kustomize", "approver"]);
    documents(&project.dir(), &text)
}

fn one<'d>(documents: &'d [Value], kind: &str) -> &'d Value {
    let mut all = documents.iter().filter(|document| document["kind"] == kind);
    let found = all.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(all.next().is_none(), "several of {kind}");
    found
}

#[test]
fn the_approver_has_few_rights_and_the_extract() {
    oracles::needs(["kubectl"]);
    let project = project("");
    project.good(&["build"]);
    let documents = kustomized(&project);
    assert_eq!(
        one(&documents, "ClusterRole")["rules"],
        json!([
            {"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests"], "verbs": ["list", "watch"]},
            {"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests/approval"], "verbs": ["patch"]},
            {"apiGroups": ["certificates.k8s.io"], "resources": ["signers"],
             "resourceNames": ["kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving"],
             "verbs": ["approve"]},
        ])
    );
    let roles = documents
        .iter()
        .filter(|document| document["kind"] == "Role");
    let roles: Vec<_> = roles
        .map(|role| (&role["metadata"]["namespace"], &role["rules"]))
        .collect();
    assert_eq!(
        roles,
        [
            (
                &json!("default"),
                &json!([{"apiGroups": [""], "resources": ["events"], "verbs": ["create"]}])
            ),
            (
                &json!("nodebake-approver"),
                &json!([{
                    "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["nodebake-approver"],
                    "verbs": ["get", "update"],
                }])
            ),
        ]
    );
    for binding in documents
        .iter()
        .filter(|one| one["kind"].as_str().unwrap().ends_with("Binding"))
    {
        assert_eq!(
            binding["subjects"],
            json!([{"kind": "ServiceAccount", "name": "nodebake-approver", "namespace": "nodebake-approver"}])
        );
    }
    // What is mounted is what was signed.
    let map = one(&documents, "ConfigMap");
    let files = map["data"].as_object().unwrap();
    assert_eq!(map["metadata"]["name"], "review");
    assert_eq!(files.len(), 2);
    for (name, text) in files {
        assert_eq!(
            text.as_str().unwrap(),
            project.built(&format!("cluster/approver/{name}"))
        );
    }
    let lease = one(&documents, "Lease");
    assert_eq!(lease["metadata"]["namespace"], "nodebake-approver");
    assert_eq!(
        lease["spec"],
        Value::Null,
        "a second `apply` must not take it from its holder"
    );
    // The controller manager approves nothing beside it.
    assert!(
        !project
            .built("cluster/rbac/rbac.yaml")
            .contains("\n  name: auto-approve")
    );
}

/// Pod security standard `restricted` (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
#[test]
fn the_approvers_pod_is_restricted_and_runs_on_control_planes() {
    oracles::needs(["kubectl"]);
    let project = project("");
    project.good(&["build"]);
    let documents = kustomized(&project);
    assert_eq!(
        one(&documents, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
        "restricted"
    );
    let pod = &one(&documents, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(
        pod["securityContext"]["seccompProfile"]["type"],
        "RuntimeDefault"
    );
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        assert_eq!(pod[host], Value::Null);
    }
    let containers = pod["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    let context = &containers[0]["securityContext"];
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}));
    assert_eq!(containers[0]["image"], IMAGE);
    let volumes = pod["volumes"].as_array().unwrap();
    assert!(volumes.iter().all(|volume| volume["configMap"].is_object()));
    let tolerated = pod["tolerations"].as_array().unwrap().iter();
    let tolerated: Vec<&str> = tolerated.map(|one| one["key"].as_str().unwrap()).collect();
    assert!(tolerated.contains(&"node-role.kubernetes.io/control-plane"));
    // The key is that of the bundle.
    let public = fs::read_to_string(project.dir().join("keys/sign.pub")).unwrap();
    let line: String = public
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    assert_eq!(
        containers[0]["args"],
        json!(["--cluster=example", format!("--public-key={line}")])
    );
}

/// An object of the API has 1 MiB, and `kubectl apply` keeps a second copy in an annotation of 256 KiB.
#[test]
fn a_large_extract_is_compressed_and_the_same_each_time() {
    oracles::needs(["kubectl", "gzip"]);
    let project = project(
        "  - {range: {names: \"old-[00001-10000]\", start: 10.20.0.1, within: 10.20.0.0/16}, managed: false}\n",
    );
    project.good(&["build"]);
    let packed = project.dir().join("out/cluster/approver/review.json.gz");
    let plain = oracles::content(&project.dir(), "gzip", &["-dc", packed.to_str().unwrap()]);
    assert_eq!(plain, project.built("cluster/approver/review.json"));
    let text = oracles::content(
        &project.dir().join("out/cluster"),
        "kubectl",
        &["kustomize", "approver"],
    );
    assert!(text.len() < 256 << 10, "{}", text.len());
    let before = sha256(&fs::read(&packed).unwrap());
    project.good(&["build"]);
    assert_eq!(sha256(&fs::read(&packed).unwrap()), before);
}

#[test]
fn preflight_and_nodes_without_a_network_count_the_image() {
    let project = project("");
    let said = project.run(&["preflight"]);
    for needed in [
        IMAGE,
        "kubectl apply -k cluster/approver",
        "kubeadm:node-autoapprove-bootstrap",
        "approval: approver",
    ] {
        assert!(said.contains(needed), "{needed}: {said}");
    }
    let airgapped = NewProject::new(&format!(
        "tokens: {{approval: approver}}\napprover: {{image: \"{IMAGE}\"}}\nprofiles: [worker]\nairgap: true\nregistries: {{registry.k8s.io: {{onSite: true}}}}\nnodes:\n  - {{name: n1, addresses: [192.168.10.11]}}\n"
    ));
    let said = airgapped.run(&["check"]);
    assert!(said.contains("approver.image: the image"), "{said}");
    assert_eq!(airgapped.ids(), ["image-missing"], "{said}");
}
