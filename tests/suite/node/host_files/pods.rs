//! Static pods.

use serde_json::json;

use super::{Case, each_is_as_it_says};

const GOOD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: kube-system, labels: {app: a}}\nspec:\n  hostNetwork: true\n  priorityClassName: system-node-critical\n  containers:\n  - name: a\n    image: registry.example.com/a:1\n    args: [--v=2, \"8080\"]\n    env: [{name: A, value: \"1\"}, {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]\n    ports: [{containerPort: 8080, hostPort: 8080, protocol: TCP}]\n    resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 1}}\n    volumeMounts: [{name: etc, mountPath: /etc/a, readOnly: true}]\n  volumes:\n  - {name: etc, hostPath: {path: /etc/a, type: DirectoryOrCreate}}\n  - {name: tmp, emptyDir: {}}\n  - {name: me, projected: {sources: [{downwardAPI: {items: []}}]}}\n";

/// A pod of one container with more in its spec.
fn pod(spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers: [{{name: a, image: a/b:1}}]\n{spec}"
    )
}

/// A pod whose container has more.
fn container(more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers: [{{name: a, image: a/b:1, {more}}}]\n"
    )
}

fn at(
    name: &'static str,
    file: &str,
    content: &str,
    ids: &'static [&'static str],
) -> Case<'static> {
    let path = format!("/etc/kubernetes/manifests/{file}");
    super::file(name, &path, content, ids)
}

const INVALID: &[&str] = &["static-pod-invalid"];
const REFERENCE: &[&str] = &["static-pod-reference"];

/// References to objects of the API, in every place that upstream looks at.
fn references(ids: &'static [&'static str]) -> Vec<Case<'static>> {
    let specs = [
        ("service account", "  serviceAccountName: x\n"),
        ("old service account", "  serviceAccount: x\n"),
        ("pull secret", "  imagePullSecrets: [{name: x}]\n"),
        (
            "secret volume",
            "  volumes: [{name: x, secret: {secretName: x}}]\n",
        ),
        (
            "config map volume",
            "  volumes: [{name: x, configMap: {name: x}}]\n",
        ),
        (
            "claim",
            "  volumes: [{name: x, persistentVolumeClaim: {claimName: x}}]\n",
        ),
        (
            "ephemeral",
            "  volumes: [{name: x, ephemeral: {volumeClaimTemplate: {spec: {}}}}]\n",
        ),
        ("csi", "  volumes: [{name: x, csi: {driver: x}}]\n"),
        (
            "projected secret",
            "  volumes: [{name: x, projected: {sources: [{secret: {name: x}}]}}]\n",
        ),
        (
            "projected map",
            "  volumes: [{name: x, projected: {sources: [{configMap: {name: x}}]}}]\n",
        ),
        (
            "projected token",
            "  serviceAccountName: x\n  volumes: [{name: x, projected: {sources: [{serviceAccountToken: {path: x}}]}}]\n",
        ),
        (
            "ceph secret",
            "  volumes: [{name: x, cephfs: {monitors: [m], secretRef: {name: x}}}]\n",
        ),
        (
            "azure file",
            "  volumes: [{name: x, azureFile: {secretName: x, shareName: s}}]\n",
        ),
    ];
    let containers = [
        (
            "env secret",
            "env: [{name: X, valueFrom: {secretKeyRef: {name: x, key: k}}}]",
        ),
        (
            "env map",
            "env: [{name: X, valueFrom: {configMapKeyRef: {name: x, key: k}}}]",
        ),
        ("env from secret", "envFrom: [{secretRef: {name: x}}]"),
        ("env from map", "envFrom: [{configMapRef: {name: x}}]"),
    ];
    let specs = specs
        .into_iter()
        .map(|(name, spec)| at(name, "a.yaml", &pod(spec), ids));
    let containers = containers
        .into_iter()
        .map(|(name, more)| at(name, "a.yaml", &container(more), ids));
    specs.chain(containers).collect()
}

#[test]
fn static_pods_are_read_as_the_kubelet_reads_them() {
    let mut cases = vec![
        at("good", "a.yaml", GOOD, &[]),
        at(
            "json",
            "a.json",
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a","image":"a/b:1"}]}}"#,
            &[],
        ),
        at("any suffix", "a.manifest", GOOD, &[]),
        at("hidden", ".a.yaml.swp", "not: [yaml", &[]),
        Case {
            name: "one file",
            node: json!({
                "kubelet": {"config": {"staticPodPath": "/etc/kubernetes/pod.yaml"}},
                "files": {"/etc/kubernetes/pod.yaml": {"content": "kind: Pod\n"}},
            }),
            ids: INVALID,
        },
        at(
            "a misspelt field",
            "a.yaml",
            &pod("  hostnetwork: true\n"),
            &["static-pod-field-misspelt"],
        ),
        at(
            "an unknown field",
            "a.yaml",
            &pod("  replicas: 1\n"),
            &["static-pod-field-unknown"],
        ),
        Case {
            name: "one UID twice",
            node: json!({"files": {
                "/etc/kubernetes/manifests/a.yaml": {"content": pod("").replace("name: a}\nspec", "name: a, uid: \"1\"}\nspec")},
                "/etc/kubernetes/manifests/b.yaml": {"content": pod("").replace("name: a}\nspec", "name: b, uid: \"1\"}\nspec")},
            }}),
            ids: &["static-pod-repeated"],
        },
        at(
            "words of YAML 1.1",
            "a.yaml",
            &pod("  hostNetwork: yes\n"),
            &[],
        ),
        at(
            "an empty document at the end",
            "a.yaml",
            &format!("{GOOD}---\n"),
            &[],
        ),
        at(
            "below a folder is not read",
            "old/a.yaml",
            "not: [yaml",
            &[],
        ),
        at(
            "nobody's secret",
            "a.yaml",
            &pod("  volumes: [{name: x, projected: {sources: [{secret: {}}]}}]\n")
                .replace("[{secret: {}}]", "[]"),
            &[],
        ),
        at(
            "optional ref without a name",
            "a.yaml",
            &container("envFrom: [{secretRef: {name: \"\"}}]"),
            INVALID,
        ),
        at("no yaml", "c.yaml", "not: [yaml\n", INVALID),
        at(
            "deployment",
            "d.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n",
            INVALID,
        ),
        at(
            "list",
            "d.yaml",
            "apiVersion: v1\nkind: List\nitems: []\n",
            INVALID,
        ),
        at(
            "two documents",
            "d.yaml",
            &format!("{GOOD}---\n{GOOD}"),
            INVALID,
        ),
        at("empty", "d.yaml", "", INVALID),
        at("text", "README", "Put static pods here.\n", INVALID),
        at(
            "no name",
            "d.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {}\nspec: {containers: [{name: a, image: a/b}]}\n",
            INVALID,
        ),
        at(
            "upper case name",
            "d.yaml",
            &GOOD.replace("name: a,", "name: A,"),
            INVALID,
        ),
        at(
            "no containers",
            "d.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n",
            INVALID,
        ),
        at(
            "no image",
            "d.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a}]}\n",
            INVALID,
        ),
        at(
            "number in args",
            "d.yaml",
            &container("args: [--port, 8080]"),
            INVALID,
        ),
        at(
            "number in env",
            "d.yaml",
            &container("env: [{name: A, value: 1}]"),
            INVALID,
        ),
        at(
            "port",
            "d.yaml",
            &container("ports: [{containerPort: 70000}]"),
            INVALID,
        ),
        at(
            "no such volume",
            "d.yaml",
            &container("volumeMounts: [{name: x, mountPath: /x}]"),
            INVALID,
        ),
        at(
            "quantity",
            "d.yaml",
            &container("resources: {limits: {memory: 1GB}}"),
            INVALID,
        ),
        at(
            "policy",
            "d.yaml",
            &container("imagePullPolicy: Sometimes"),
            INVALID,
        ),
        at(
            "restart policy",
            "d.yaml",
            &pod("  restartPolicy: always\n"),
            INVALID,
        ),
        at(
            "host path type",
            "d.yaml",
            &pod("  volumes: [{name: x, hostPath: {path: /x, type: Dir}}]\n"),
            INVALID,
        ),
        at(
            "boolean in quotes",
            "d.yaml",
            &pod("  hostNetwork: \"true\"\n"),
            INVALID,
        ),
        at(
            "container twice",
            "d.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a/b}, {name: a, image: a/c}]}\n",
            INVALID,
        ),
        at(
            "label of a number",
            "d.yaml",
            &GOOD.replace("{app: a}", "{app: 1}"),
            INVALID,
        ),
        at(
            "disabled, it was thought",
            "a.yaml.disabled",
            GOOD,
            &["static-pod-stray"],
        ),
        Case {
            name: "two of a name",
            node: json!({"files": {
                "/etc/kubernetes/manifests/a.yaml": {"content": GOOD},
                "/etc/kubernetes/manifests/b.yaml": {"content": GOOD},
                "/etc/kubernetes/manifests/c.yaml": {"content": GOOD.replace("kube-system", "default")},
            }}),
            ids: &["static-pod-repeated"],
        },
        Case {
            name: "a backup",
            node: json!({"files": {
                "/etc/kubernetes/manifests/a.yaml": {"content": GOOD},
                "/etc/kubernetes/manifests/a.yaml.bak": {"content": GOOD},
            }}),
            ids: &["static-pod-repeated", "static-pod-stray"],
        },
        Case {
            name: "another folder",
            node: json!({
                "kubelet": {"config": {"staticPodPath": "/etc/pods/"}},
                "files": {"/etc/pods/a.yaml": {"content": "x"}, "/etc/kubernetes/manifests/b": {"content": "x"}},
            }),
            ids: INVALID,
        },
        Case {
            name: "no folder",
            node: json!({
                "kubelet": {"config": {"staticPodPath": ""}},
                "files": {"/etc/kubernetes/manifests/b": {"content": "x"}},
            }),
            ids: &[],
        },
        Case {
            name: "a template",
            node: json!({"files": {"/etc/kubernetes/manifests/a.yaml": {"template": GOOD.replace("name: a,", "name: \"{{ node.name }}\",").replace("apiVersion: v1", "apiVersion: v2")}}}),
            ids: INVALID,
        },
        Case {
            name: "the gate is off",
            node: json!({
                "kubelet": {"config": {"featureGates": {"PreventStaticPodAPIReferences": false}}},
                "files": {"/etc/kubernetes/manifests/a.yaml": {"content": pod("  serviceAccountName: x\n")}},
            }),
            ids: &["static-pod-unmirrored"],
        },
    ];
    cases.extend(references(REFERENCE));
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
    each_is_as_it_says(
        "v1.31.1",
        &json!({}),
        &references(&["static-pod-unmirrored"]),
    );
}

/// The kubelet appends the node's name, and makes a folder of the namespace, that name and a UID.
#[test]
fn names_of_static_pods_have_room_for_the_nodes_name() {
    let text = |namespace: &str, uid: &str, length: usize| {
        let name = "a".repeat(length);
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}{uid}}}\nspec:\n  containers: [{{name: a, image: a/b:1}}]\n"
        )
    };
    let rows = [
        ("default", "", 1, true),
        ("default", "", 211, true),
        ("default", "", 212, false),
        ("kube-system", "", 207, true),
        ("kube-system", "", 208, false),
        ("kube-system", ", uid: me", 237, true),
        ("kube-system", ", uid: me", 238, false),
        ("default", "", 250, false),
        ("default", "", 251, false),
        ("default", "", 254, false),
    ];
    let mut cases = Vec::new();
    for (number, (namespace, uid, length, is_good)) in rows.into_iter().enumerate() {
        // What the file system of this machine says of the folder; each node's name has two characters.
        let uid_length = if uid.is_empty() { 32 } else { 2 };
        let folder = namespace.len() + 1 + length + 1 + 2 + 1 + uid_length;
        let scratch = tempfile::tempdir().unwrap();
        let made = std::fs::create_dir(scratch.path().join("x".repeat(folder)));
        assert_eq!(made.is_ok(), is_good, "row {number}");
        cases.push(Case {
            name: "row",
            node: json!({"files": {"/etc/kubernetes/manifests/a.yaml": {"content": text(namespace, uid, length)}}}),
            ids: if is_good { &[] } else { INVALID },
        });
    }
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}
