//! An import into a project that is there: shown first, written only when asked, and nothing of the user's is lost.

use std::fs;

use crate::commands::import::{dump, folder, import, import_all, now, written};
use crate::support::fixture::Project;
use crate::support::oracles;

/// The nodes of the dumps with one more, as its object.
fn with_another(name: &str, address: &str) -> String {
    let nodes = dump("nodes.json");
    let one = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{{\"name\":\"{name}\"}},\"status\":{{\"addresses\":[{{\"type\":\"InternalIP\",\
         \"address\":\"{address}\"}}],\"nodeInfo\":{{\"kubeletVersion\":\"v1.34.4\"}}}}}},"
    );
    nodes.replacen("\"items\":[", &format!("\"items\":[{one}"), 1)
}

/// An imported project whose inventory somebody has worked on.
fn project() -> Project {
    let project = folder(&[]);
    import_all(&project, &[]);
    let text = written(&project, "cluster.yaml")
        .replace(
            "name: prod-eu1\n",
            "name: prod-eu1                      # ours since May\n",
        )
        .replace(
            "nodes:\n",
            "# mine\nvars: {a: \"1\"}\n\nnodes:   # all of them\n",
        )
        + "\n# the end\n";
    fs::write(project.dir.join("p/cluster.yaml"), text).unwrap();
    project
}

#[test]
fn the_same_cluster_changes_nothing() {
    let project = folder(&[]);
    import_all(&project, &[]);
    let before = written(&project, "cluster.yaml");
    let (said, printed) = import_all(&project, &["--write"]);
    assert_eq!(
        (said.as_str(), printed.starts_with("p: nothing to change")),
        ("", true),
        "{printed}"
    );
    assert_eq!(written(&project, "cluster.yaml"), before);
}

#[test]
fn what_is_new_is_shown_as_a_diff_and_written_when_asked() {
    let project = project();
    fs::write(
        project.dir.join("nodes.json"),
        with_another("worker-4", "192.0.2.24"),
    )
    .unwrap();
    let before = written(&project, "cluster.yaml");
    let (said, printed, code) = import(&project, &["nodes.json"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("nothing was written; --write changes the project"),
        "{said}"
    );
    assert_eq!(written(&project, "cluster.yaml"), before);
    let added = "+  - name: worker-4                  # v1.34.4\n+    managed: false\n+    addresses: [192.0.2.24]\n";
    assert!(
        printed.starts_with("--- a/cluster.yaml\n+++ b/cluster.yaml\n@@ "),
        "{printed}"
    );
    assert!(printed.contains(added), "{printed}");
    let removed = printed
        .lines()
        .filter(|line| line.starts_with('-') && !line.starts_with("---"));
    assert_eq!(removed.count(), 0, "{printed}");
    // What patch makes of the diff is what --write writes.
    let patched = oracles::present("patch").then(|| {
        fs::write(project.dir.join("diff"), &printed).unwrap();
        fs::copy(
            project.dir.join("p/cluster.yaml"),
            project.dir.join("cluster.yaml"),
        )
        .unwrap();
        oracles::run(&project.dir, "patch", &["-p1", "-i", "diff"]);
        fs::read_to_string(project.dir.join("cluster.yaml")).unwrap()
    });
    let (said, printed, code) = import(&project, &["nodes.json", "--write"]);
    assert_eq!((said.as_str(), code), ("", Some(0)));
    assert!(
        printed.starts_with("p: changed cluster.yaml\n"),
        "{printed}"
    );
    let after = written(&project, "cluster.yaml");
    assert_eq!(patched.unwrap_or_else(|| after.clone()), after);
    // Every line of the user's is there, in its order.
    let mut lines = after.lines();
    for line in before.lines() {
        assert!(lines.any(|one| one == line), "{line}\n{after}");
    }
    assert!(
        after.ends_with("    addresses: [192.0.2.24]\n\n# the end\n"),
        "{after}"
    );
    now(&project, &["check", "p", "--strict"]);
}

#[test]
fn what_the_cluster_has_otherwise_is_told_and_not_changed() {
    let project = project();
    let nodes = dump("nodes.json")
        .replace("192.0.2.21", "192.0.2.99")
        .replace(
            "\"example.com/disk\":\"ssd\"",
            "\"example.com/disk\":\"nvme\"",
        );
    let info = dump("cluster-info.yaml").replace("api.prod-eu1", "api2.prod-eu1");
    fs::write(project.dir.join("all"), format!("{nodes}{info}")).unwrap();
    let before = written(&project, "cluster.yaml");
    let (said, printed, code) = import(&project, &["all", "--write"]);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "apiServer.url: https://api.prod-eu1.example.com:6443 here and https://api2.prod-eu1.example.com:6443 in the cluster",
        "worker-1: addresses: 192.0.2.21, 2001:db8::21 here and 192.0.2.99, 2001:db8::21 in the cluster",
        "worker-1: labels: example.com/disk=ssd, topology.kubernetes.io/zone=a here and example.com/disk=nvme",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(printed.starts_with("p: nothing to change"), "{printed}");
    assert_eq!(written(&project, "cluster.yaml"), before);
}

#[test]
fn an_upgraded_cluster_changes_the_version_and_the_settings() {
    let project = project();
    let config = dump("kubeadm-config.yaml")
        .replace("kubernetesVersion: v1.34.4", "kubernetesVersion: v1.35.0");
    let kubelet = dump("kubelet-config.yaml").replace("maxPods: 110", "maxPods: 200");
    fs::write(project.dir.join("all"), format!("{config}---\n{kubelet}")).unwrap();
    let (said, printed, code) = import(&project, &["all"]);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "-  version: v1.34.4                  # no kubelet may be newer\n+  version: v1.35.0                  # no kubelet may be newer\n",
        "+++ b/profiles/imported.yaml\n",
        "+    maxPods: 200\n",
    ] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    import(&project, &["all", "--write"]);
    assert!(written(&project, "cluster.yaml").contains("\nkubernetes: v1.34.4 "));
    now(&project, &["check", "p", "--strict"]);
}

#[test]
fn a_new_ca_is_added_beside_the_old_one() {
    oracles::needs(["openssl"]);
    let project = project();
    let args = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "k",
        "-out",
        "ca.pem",
        "-subj",
        "/CN=new",
        "-days",
        "30",
    ];
    oracles::run(&project.dir, "openssl", &args);
    let new = fs::read_to_string(project.dir.join("ca.pem")).unwrap();
    let both = format!("{}{new}", written(&project, "pki/ca.pem"));
    let map = serde_json::json!({"kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": both}});
    fs::write(project.dir.join("map.json"), map.to_string()).unwrap();
    let (_, printed, code) = import(&project, &["map.json", "--write"]);
    assert_eq!(
        (code, printed.starts_with("p: changed pki/ca.pem\n")),
        (Some(0), true),
        "{printed}"
    );
    assert_eq!(written(&project, "pki/ca.pem"), both);
}

/// Secrets of the inventory are not shown around a change, and a list on one line is not torn apart.
#[test]
fn what_cannot_be_shown_or_changed_is_left_alone() {
    let project = project();
    fs::write(
        project.dir.join("nodes.json"),
        with_another("worker-4", "192.0.2.24"),
    )
    .unwrap();
    let path = project.dir.join("p/cluster.yaml");
    let text = written(&project, "cluster.yaml");
    let hidden = "testonly-hidden-content";
    let secret = text.replace(
        "\n# the end\n",
        &format!("\nfiles:\n  /etc/x: {{content: {hidden}, secret: true}}\n"),
    );
    fs::write(&path, &secret).unwrap();
    let (said, printed, code) = import(&project, &["nodes.json"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(printed.contains("+  - name: worker-4"), "{printed}");
    assert!(
        !printed.contains(hidden) && !said.contains(hidden),
        "{printed}"
    );
    let (head, _) = text.split_once("nodes:   # all").unwrap();
    fs::write(
        &path,
        format!("{head}nodes: [{{name: a, managed: false}}]\n"),
    )
    .unwrap();
    let (said, _, code) = import(&project, &["nodes.json", "--write"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("nodes: 6 nodes cannot be added to a list on one line; write one node a line, each after `- `"), "{said}");
}
