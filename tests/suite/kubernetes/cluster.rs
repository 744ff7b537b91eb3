//! That the objects which an administrator applies are what the procedure creates, to kubectl, two readers of YAML and the shell.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nodebake::cluster::{
    ClusterObjects, Groups, IMPLICIT_GROUP, NodeMarks, RBAC_KUSTOMIZATION, TOKENS_KUSTOMIZATION,
    Taint, names, rbac, write_node_labels, write_tokens,
};
use nodebake::model::{Approval, TokenUsage};
use nodebake::secrets::Token;
use serde_json::{Value, json};

use crate::identity::kubeconfig::token;
use crate::support::oracles;

/// As the reference procedure has it.
fn by_hand() -> ClusterObjects {
    ClusterObjects {
        groups: Groups {
            shared: IMPLICIT_GROUP.into(),
            node: "system:bootstrappers:{node}".into(),
        },
        usages: TokenUsage::ALL.to_vec(),
        approval: Approval::Auto,
        kubelet_client_user: "kubernetes-master".into(),
        server_renewal: true,
        kube_proxy: false,
        scrapers: Vec::new(),
    }
}

fn modern() -> ClusterObjects {
    ClusterObjects {
        groups: Groups {
            shared: "system:bootstrappers:nodebake:prod".into(),
            node: "system:bootstrappers:node:{node}".into(),
        },
        usages: vec![TokenUsage::Authentication],
        approval: Approval::Review,
        kubelet_client_user: "1e3".into(),
        server_renewal: false,
        kube_proxy: false,
        scrapers: Vec::new(),
    }
}

fn write_folders(folder: &Path, objects: &ClusterObjects, tokens: &[(&str, Token)]) {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write(names::RBAC, rbac(objects).as_bytes());
    write(names::RBAC_KUSTOMIZATION, RBAC_KUSTOMIZATION.as_bytes());
    write(names::TOKENS_KUSTOMIZATION, TOKENS_KUSTOMIZATION.as_bytes());
    let mut secrets = Vec::new();
    write_tokens(
        &mut secrets,
        objects,
        tokens.iter().map(|(node, token)| (*node, token)),
    )
    .unwrap();
    write(names::TOKENS, &secrets);
}

/// All documents of a text as kubectl's library and PyYAML see them.
pub fn documents(folder: &Path, text: &str) -> Vec<Value> {
    let file = folder.join("to-read.yaml");
    fs::write(&file, text).unwrap();
    oracles::same_values(&file)
}

/// Documents without regard to their order.
fn sorted(mut documents: Vec<Value>) -> Vec<Value> {
    documents
        .sort_by_key(|document| format!("{} {}", document["kind"], document["metadata"]["name"]));
    documents
}

fn kustomized(folder: &Path, sub: &str) -> Vec<Value> {
    let text = oracles::content(folder, "kubectl", &["kustomize", sub]);
    sorted(documents(folder, &text))
}

fn binding(name: &str, kind: &str, subject: &str, role: &str) -> Value {
    const GROUP: &str = "rbac.authorization.k8s.io";
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "subjects": [{"apiGroup": GROUP, "kind": kind, "name": subject}],
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
    })
}

const CSR: &str = "system:certificates.k8s.io:certificatesigningrequests";

#[test]
fn rbac_is_that_of_the_procedure() {
    oracles::needs(["kubectl"]);
    let folder = tempfile::tempdir().unwrap();
    write_folders(
        folder.path(),
        &by_hand(),
        &[("a", token("abcdef", "0123456789abcdef"))],
    );
    let expected = sorted(vec![
        // kubectl create clusterrolebinding …
        binding(
            "kube-apiserver:kubelet-apis",
            "User",
            "kubernetes-master",
            "system:kubelet-api-admin",
        ),
        binding(
            "kubelet-bootstrap",
            "Group",
            "system:bootstrappers",
            "system:node-bootstrapper",
        ),
        // csr-crb.yaml
        binding(
            "auto-approve-csrs-for-group",
            "Group",
            "system:bootstrappers",
            &format!("{CSR}:nodeclient"),
        ),
        binding(
            "node-client-cert-renewal",
            "Group",
            "system:nodes",
            &format!("{CSR}:selfnodeclient"),
        ),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "approve-node-server-renewal-csr"},
            "rules": [{
                "apiGroups": ["certificates.k8s.io"],
                "resources": ["certificatesigningrequests/selfnodeserver"],
                "verbs": ["create"],
            }],
        }),
        binding(
            "node-server-cert-renewal",
            "Group",
            "system:nodes",
            "approve-node-server-renewal-csr",
        ),
    ]);
    let ours = documents(folder.path(), &rbac(&by_hand()));
    assert_eq!(sorted(ours), expected);
    assert_eq!(kustomized(folder.path(), "rbac"), expected);
}

/// `kubectl create --dry-run=client` is the program that the procedure itself runs for two of the bindings.
#[test]
fn bindings_equal_those_of_kubectl_create() {
    oracles::needs(["kubectl"]);
    let folder = tempfile::tempdir().unwrap();
    let ours = documents(folder.path(), &rbac(&by_hand()));
    for (name, role, subject) in [
        (
            "kube-apiserver:kubelet-apis",
            "--clusterrole=system:kubelet-api-admin",
            "--user=kubernetes-master",
        ),
        (
            "kubelet-bootstrap",
            "--clusterrole=system:node-bootstrapper",
            "--group=system:bootstrappers",
        ),
    ] {
        let args = [
            "create",
            "clusterrolebinding",
            name,
            role,
            subject,
            "--dry-run=client",
            "-o",
            "json",
        ];
        let mut theirs: Value =
            serde_json::from_str(&oracles::content(folder.path(), "kubectl", &args)).unwrap();
        theirs["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("creationTimestamp");
        assert!(ours.contains(&theirs), "{theirs:#}");
    }
}

#[test]
fn with_review_nothing_is_approved_automatically() {
    let folder = tempfile::tempdir().unwrap();
    let ours = documents(folder.path(), &rbac(&modern()));
    assert_eq!(
        sorted(ours),
        sorted(vec![
            binding(
                "kube-apiserver:kubelet-apis",
                "User",
                "1e3",
                "system:kubelet-api-admin"
            ),
            binding(
                "kubelet-bootstrap",
                "Group",
                "system:bootstrappers:nodebake:prod",
                "system:node-bootstrapper"
            ),
        ])
    );
}

#[test]
fn token_secrets_are_what_the_api_server_reads() {
    oracles::needs(["kubectl"]);
    let folder = tempfile::tempdir().unwrap();
    let odd = Token {
        description: "yes: \"#\"\né\u{1f511}".into(),
        ..token("1e3456", "0123456789012345")
    };
    let tokens = [
        ("gpu-1.example.com", odd),
        ("n2", token("123456", "00000000000000e1")),
    ];
    write_folders(folder.path(), &modern(), &tokens);
    let secret = |node: &str, token: &Token| {
        let id = &token.id;
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": format!("bootstrap-token-{id}"), "namespace": "kube-system"},
            "type": "bootstrap.kubernetes.io/token",
            "stringData": {
                "token-id": id,
                "token-secret": token.secret.expose(),
                "expiration": "2026-11-25T15:00:00Z",
                "usage-bootstrap-authentication": "true",
                "auth-extra-groups": format!("system:bootstrappers:nodebake:prod,system:bootstrappers:node:{}", node.replace('.', ":")),
                "description": token.description,
            },
        })
    };
    let expected = sorted(
        tokens
            .iter()
            .map(|(node, token)| secret(node, token))
            .collect(),
    );
    let text = fs::read_to_string(folder.path().join(names::TOKENS)).unwrap();
    let ours = documents(folder.path(), &text);
    assert_eq!(sorted(ours), expected);
    assert_eq!(kustomized(folder.path(), "tokens"), expected);

    write_folders(
        folder.path(),
        &by_hand(),
        &[("zhangjun-k8s-01", token("abcdef", "0123456789abcdef"))],
    );
    let seen = &kustomized(folder.path(), "tokens")[0]["stringData"];
    assert_eq!(
        seen["auth-extra-groups"],
        "system:bootstrappers:zhangjun-k8s-01"
    );
    assert_eq!(seen["usage-bootstrap-signing"], "true");
}

fn node_labels() -> String {
    let taint = |key, value, effect| Taint { key, value, effect };
    let nodes = [
        NodeMarks {
            node: "bare",
            ..NodeMarks::default()
        },
        NodeMarks {
            node: "cp-1.example.com",
            labels: vec![
                ("node-role.kubernetes.io/control-plane", ""),
                ("x/y", "it's $(touch pwned) `\\*"),
            ],
            annotations: vec![("example.com/owner", "team a,\nphone 42")],
            taints: vec![
                taint("node-role.kubernetes.io/control-plane", "", "NoSchedule"),
                taint("gpu", "present", "NoExecute"),
            ],
        },
        NodeMarks {
            node: "n2",
            labels: vec![("a", "b")],
            ..NodeMarks::default()
        },
    ];
    let mut script = Vec::new();
    write_node_labels(&mut script, nodes).unwrap();
    String::from_utf8(script).unwrap()
}

#[test]
fn node_labels_sh_runs_in_every_shell_and_fails_when_a_node_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    write("node-labels.sh", &node_labels());
    // Notes its arguments; knows no node of the name in $ABSENT. It eats standard input, as some plugins do.
    write(
        "fake-kubectl",
        "#!/bin/sh\ncat >/dev/null\nfor word; do printf '[%s]' \"$word\" >>log; done\necho >>log\n\
         for word; do [ \"$word\" != \"$ABSENT\" ] || exit 1; done\n",
    );
    let label = "[--context][prod][label][node][cp-1.example.com][--overwrite]\
                 [node-role.kubernetes.io/control-plane=][x/y=it's $(touch pwned) `\\*]\n";
    let annotation = "[--context][prod][annotate][node][cp-1.example.com][--overwrite]\
                      [example.com/owner=team a,\nphone 42]\n";
    let taint = "[--context][prod][taint][node][cp-1.example.com][--overwrite]\
                 [node-role.kubernetes.io/control-plane:NoSchedule][gpu=present:NoExecute]\n";
    let last = "[--context][prod][label][node][n2][--overwrite][a=b]\n";
    for shell in ["sh", "dash", "bash", "busybox"] {
        if !oracles::present(shell) {
            continue;
        }
        let prefix = if shell == "busybox" {
            "busybox sh"
        } else {
            shell
        };
        oracles::content(
            folder.path(),
            "sh",
            &["-c", &format!("{prefix} -n node-labels.sh")],
        );
        for (absent, is_good) in [("nobody", true), ("cp-1.example.com", false)] {
            let _ = fs::remove_file(folder.path().join("log"));
            // Through standard input, which the fake would eat.
            let line = format!(
                "ABSENT={absent} KUBECTL='./fake-kubectl --context prod' {prefix} <node-labels.sh"
            );
            let output = oracles::run(folder.path(), "sh", &["-c", &line]);
            let log = fs::read_to_string(folder.path().join("log")).unwrap();
            assert_eq!(log, format!("{label}{annotation}{taint}{last}"), "{shell}");
            assert_eq!(output.status.code(), Some(i32::from(!is_good)), "{shell}");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(said.contains("3 not done"), !is_good, "{said}");
        }
    }
    assert!(!folder.path().join("pwned").exists());
}

/// Where kubectl itself reads the arguments: it parses labels and taints before it asks a server that is not there.
#[test]
fn kubectl_takes_the_arguments_of_node_labels_sh() {
    oracles::needs(["kubectl"]);
    let folder = tempfile::tempdir().unwrap();
    for (args, complaint) in [
        (
            &[
                "label",
                "node",
                "n",
                "--overwrite",
                "node-role.kubernetes.io/control-plane=",
                "a=b",
            ][..],
            "refused",
        ),
        (
            &[
                "taint",
                "node",
                "n",
                "--overwrite",
                "node-role.kubernetes.io/control-plane:NoSchedule",
                "gpu=present:NoExecute",
            ],
            "refused",
        ),
        (
            &["taint", "node", "n", "--overwrite", "gpu=present:Never"],
            "invalid taint",
        ),
    ] {
        let all = [
            &["--kubeconfig=/dev/null", "--server=http://127.0.0.1:1"],
            args,
        ]
        .concat();
        let output = oracles::run(folder.path(), "kubectl", &all);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(complaint), "{args:?}: {said}");
    }
}
