//! Inputs of many clusters and tools: each row is one kind, with what the project says of it.

use std::fs;

use serde_json::{Value, json};

use crate::commands::import::{dump, folder, import, now, written};
use crate::support::fixture::Project;

/// A Node with what matters here.
fn node(name: &str, labels: &[(&str, &str)], info: &Value) -> Value {
    let labels: serde_json::Map<String, Value> = labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    let mut node_info = json!({"kubeletVersion": "v1.33.6", "operatingSystem": "linux", "architecture": "amd64", "osImage": "Ubuntu 24.04.2 LTS"});
    let own = info.as_object().cloned().unwrap_or_default();
    let last = name.bytes().map(u32::from).sum::<u32>() % 250 + 1;
    let address = format!("10.0.0.{last}");
    node_info.as_object_mut().unwrap().extend(own);
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": {"providerID": info["providerID"]},
        "status": {"addresses": [{"type": "InternalIP", "address": address}], "nodeInfo": node_info},
    })
}

fn list(items: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// Imports nodes; the inventory and what was printed.
fn imported(items: &[Value]) -> (String, String) {
    let project = folder(&[("in.json", &list(items))]);
    let (said, printed, code) = import(&project, &["in.json"]);
    assert_eq!(code, Some(0), "{said}");
    now(&project, &["check", "p"]);
    (written(&project, "cluster.yaml"), printed)
}

#[test]
fn the_profile_and_the_machine_of_new_nodes_are_those_of_most_workers() {
    let image = |image: &str| json!({"osImage": image});
    let worker = |name: &str, info: &Value| node(name, &[], info);
    let server = |info: &Value| node("cp", &[("node-role.kubernetes.io/control-plane", "")], info);
    let debian = image("Debian GNU/Linux 12 (bookworm)");
    let arm = json!({"architecture": "arm64"});
    for (nodes, written, said) in [
        (
            vec![server(&debian), worker("a", &image("Ubuntu 22.04.5 LTS"))],
            "profiles: [worker, ubuntu-22.04]\n",
            None,
        ),
        (
            vec![server(&debian)],
            "profiles: [worker, debian-12]\n",
            None,
        ),
        (
            vec![
                worker("a", &debian),
                worker("b", &image("Ubuntu 24.04.1 LTS")),
                worker("c", &debian),
            ],
            "profiles: [worker, debian-12]\n",
            Some(
                "whether new nodes have Debian GNU/Linux 12 (bookworm), as most nodes, or Ubuntu 24.04.1 LTS, as b: ",
            ),
        ),
        (
            vec![worker("a", &image("Rocky Linux 9.4 (Blue Onyx)"))],
            "profiles: [worker]\n",
            Some("the profile of Rocky Linux 9.4 (Blue Onyx): "),
        ),
        (
            vec![worker("a", &image(""))],
            "profiles: [worker]\n",
            Some("the operating system of new nodes: "),
        ),
        (
            vec![
                worker("a", &arm),
                worker("b", &arm),
                worker("c", &json!({})),
            ],
            "os: {arch: arm64}\nprofiles: ",
            None,
        ),
        (
            vec![
                worker("a", &arm),
                worker("b", &arm),
                worker("c", &json!({})),
            ],
            "  - name: c                         # v1.33.6\n    managed: false\n    # os: {arch: amd64}\n",
            None,
        ),
        (
            vec![worker("a", &json!({"architecture": "mips64le"}))],
            "profiles: [worker, ubuntu-24.04]\n",
            Some("how to build nodes for mips64le: "),
        ),
    ] {
        let (inventory, printed) = imported(&nodes);
        assert!(inventory.contains(written), "{written}: {inventory}");
        let words = said.map(|said| format!("not known: {said}"));
        assert!(
            words.is_none_or(|words| printed.contains(&words)),
            "{said:?}: {printed}"
        );
        let is_said = [
            "whether new nodes have",
            "the profile of",
            "the operating system of",
            "how to build",
        ];
        assert_eq!(
            is_said.iter().any(|start| printed.contains(start)),
            said.is_some(),
            "{printed}"
        );
    }
}

/// Labels of distributions are theirs; whose nodes join in a way of their own is said.
#[test]
fn distributions_are_known_by_their_labels_and_images() {
    for (labels, info, name) in [
        (
            vec![("kubernetes.azure.com/agentpool", "np")],
            json!({"providerID": "azure:///x"}),
            "AKS",
        ),
        (
            vec![
                ("eks.amazonaws.com/nodegroup", "a"),
                ("topology.k8s.aws/zone-id", "b"),
                ("k8s.io/cloud-provider-aws", "c"),
            ],
            json!({}),
            "EKS",
        ),
        (
            vec![("cloud.google.com/gke-nodepool", "a")],
            json!({}),
            "GKE",
        ),
        (
            vec![
                ("microk8s.io/cluster", "true"),
                ("node.kubernetes.io/microk8s-worker", "x"),
            ],
            json!({}),
            "MicroK8s",
        ),
        (
            vec![("node.openshift.io/os_id", "rhcos")],
            json!({"kubeletVersion": "v1.29.6+aba1e8d"}),
            "OpenShift",
        ),
        (
            vec![("node.k0sproject.io/role", "x")],
            json!({"kubeletVersion": "v1.32.1+k0s"}),
            "k0s",
        ),
        (
            vec![
                ("rke.cattle.io/machine", "a"),
                ("cattle.io/os", "linux"),
                ("plan.upgrade.cattle.io/x", "h"),
            ],
            json!({}),
            "RKE2",
        ),
        (
            vec![
                ("node.kubernetes.io/instance-type", "k3s"),
                ("p2p.k3s.cattle.io/enabled", "true"),
            ],
            json!({"kubeletVersion": "v1.30.4+k3s1", "providerID": "k3s://a"}),
            "k3s",
        ),
        (vec![], json!({"osImage": "Talos (v1.7.6)"}), "Talos"),
    ] {
        let mut labels = labels;
        labels.push(("team", "web"));
        let (inventory, printed) = imported(&[node("a", &labels, &info)]);
        let words = format!("whether nodes of yours may join {name}: ");
        assert!(printed.contains(&words), "{name}: {printed}");
        assert!(
            inventory.contains("    labels: {team: web}\n"),
            "{name}: {inventory}"
        );
    }
    let (inventory, _) = imported(&[node(
        "a",
        &[("node.kubernetes.io/microk8s-controlplane", "x")],
        &json!({}),
    )]);
    assert!(
        inventory.contains("# control plane; v1.33.6"),
        "{inventory}"
    );
}

const SERVER: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system}\nspec:\n  containers:\n  \
    - {name: kube-apiserver, image: \"registry.k8s.io/kube-apiserver:v1.33.6\", command: [kube-apiserver, \
    --advertise-address=10.0.0.1, --service-cluster-ip-range=10.96.0.0/12]}\n";

fn tree(files: &[(&str, &str)]) -> Project {
    let project = folder(&[]);
    for (name, text) in files {
        let path = project.dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    project
}

/// `/etc/kubernetes` of a control plane with dumps beside it, in one argument.
#[test]
fn a_folder_is_read_with_all_its_files() {
    let view = dump("config-view.yaml");
    let program = view.replace("api.prod-eu1.example.com", "10.0.0.1");
    let program = program.replace("kubernetes-admin", "system:kube-scheduler");
    let project = tree(&[
        ("k/admin.conf", &view),
        ("k/scheduler.conf", &program),
        ("k/manifests/kube-apiserver.yaml", SERVER),
        ("k/manifests/.kubelet-keep", ""),
        ("k/pki/ca.key", "testonly-key-77"),
        ("k/pki/sa.pub", "x"),
        ("k/values.yaml", "replicas: 3\n"),
        ("k/chart.yaml", "a: {{ .Values.a }}\nb: [\n"),
        ("k/dumps/nodes.json", &list(&[node("w1", &[], &json!({}))])),
        ("k/p/cluster.yaml", "kind: Cluster\n"),
    ]);
    let args = ["import", "--project", "k/p2", "k"];
    let output = project.command(&args).run();
    let said =
        crate::support::findings::one_line_each(&crate::support::fixture::text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    for words in [
        "warning: k: 2 files are not read, the first is pki/ca.key; files that end with .yaml, .yml, .json, .conf are\n",
        "warning: k/chart.yaml:",
        "warning: k/values.yaml:1:1: is not read: it is no object of Kubernetes\n",
        "Cluster is not read",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(
        !said.contains("testonly-key") && !said.contains("the API server's URL is"),
        "{said}"
    );
    let inventory = fs::read_to_string(project.dir.join("k/p2/cluster.yaml")).unwrap();
    for line in [
        "  url: https://api.prod-eu1.example.com:6443\n",
        "  serviceCIDRs: [10.96.0.0/12]\n",
        "  - name: w1 ",
    ] {
        assert!(inventory.contains(line), "{line}: {inventory}");
    }
    // The project that is there is none of the dumps.
    let again = project.command(&["import", "--project", "k/p2", "k"]).run();
    let said = crate::support::fixture::text(&again.stderr);
    assert!(!said.contains("k/p2/"), "{said}");
    assert!(crate::support::fixture::text(&again.stdout).contains("nothing to change"));
    let empty = tree(&[("e/x.txt", "")]);
    let (said, _, code) = import(&empty, &["e"]);
    assert_eq!(code, Some(3));
    assert!(
        said.contains("error: e: there is nothing to import"),
        "{said}"
    );
}

/// PowerShell writes UTF-16, Excel a line for itself and empty rows, switches MAC addresses of another form.
#[test]
fn files_of_other_programs_are_read_as_they_write_them() {
    let nodes = list(&[node("w1", &[], &json!({}))]);
    for (mark, unit) in [
        ([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]),
        ([0xfe, 0xff], u16::to_be_bytes),
    ] {
        let project = folder(&[]);
        let units = nodes.encode_utf16().flat_map(unit);
        let bytes: Vec<u8> = mark.into_iter().chain(units).collect();
        fs::write(project.dir.join("in.json"), bytes).unwrap();
        let (said, _, code) = import(&project, &["in.json"]);
        assert_eq!((said.as_str(), code), ("", Some(0)));
        assert!(written(&project, "cluster.yaml").contains("- name: w1 "));
    }
    let project = folder(&[]);
    fs::write(project.dir.join("in.json"), [0xff, 0xfe, 0x41]).unwrap();
    let (said, _, code) = import(&project, &["in.json"]);
    assert!(said.contains("is not UTF-8") && code == Some(3), "{said}");
    for mac in [
        "52-54-00-12-34-56",
        "5254.0012.3456",
        "525400123456",
        "52:54:00:12:34:56",
    ] {
        let table = format!("sep=;\r\nname;ip;mac\r\nn1;10.0.0.1;{mac}\r\n;;\r\n;;\r\n");
        let project = folder(&[("in.csv", &table)]);
        let (said, _, code) = import(&project, &["--from", "csv", "in.csv"]);
        assert_eq!((said.as_str(), code), ("", Some(0)), "{mac}");
        let inventory = written(&project, "cluster.yaml");
        assert!(
            inventory.contains("    macs: [\"52:54:00:12:34:56\"]\n"),
            "{inventory}"
        );
    }
    let project = folder(&[("in.csv", "sep=,\nname,ip\nn1,10.0.0.1\nn_2,10.0.0.2\n")]);
    let (said, _, _) = import(&project, &["--from", "csv", "in.csv"]);
    assert!(said.starts_with("error: in.csv:4:1: name: "), "{said}");
}

#[test]
fn another_runtime_and_the_nodes_parts_of_the_pod_network_are_told() {
    for (runtime, said) in [
        ("cri-o://1.29.5", true),
        ("docker://20.10.7", true),
        ("containerd://2.0.5", false),
    ] {
        let (_, printed) =
            imported(&[node("a", &[], &json!({"containerRuntimeVersion": runtime}))]);
        let words = format!("not known: whether new nodes run {runtime}, as most nodes: ");
        assert_eq!(printed.contains(&words), said, "{printed}");
    }
    let mut with_pods = node("a", &[], &json!({}));
    with_pods["spec"] =
        json!({"podCIDR": "10.42.0.0/24", "podCIDRs": ["10.42.0.0/24", "fd00::/64"]});
    let (_, printed) = imported(&[with_pods]);
    let words = "not known: the pod network, of which nodes have 10.42.0.0/24, fd00::/64: ";
    assert!(printed.contains(words), "{printed}");
}

/// What a kubelet has comes as its /configz, as what jq leaves of it, or as its file.
#[test]
fn the_settings_of_one_kubelet_come_in_each_of_their_forms() {
    for own in [
        r#"{"kubeletconfig": {"maxPods": 222, "clusterDNS": ["10.96.0.10"]}}"#,
        r#"{"maxPods": 222, "clusterDNS": ["10.96.0.10"]}"#,
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 222\nclusterDNS: [10.96.0.10]\n",
    ] {
        let nodes = list(&[node("w1", &[], &json!({})), node("w2", &[], &json!({}))]);
        let shared = own.replace("222", "99");
        let shared = if shared.starts_with("api") {
            shared
        } else {
            String::new()
        };
        let project = folder(&[("in.json", &nodes), ("own", own), ("shared.yaml", &shared)]);
        let mut args = vec!["in.json", "--configz", "w2=own"];
        if !shared.is_empty() {
            args.push("shared.yaml");
        }
        let (said, _, code) = import(&project, &args);
        assert_eq!((said.as_str(), code), ("", Some(0)), "{own}");
        let inventory = written(&project, "cluster.yaml");
        assert!(
            inventory.contains("  clusterDNS: [10.96.0.10]\n"),
            "{inventory}"
        );
        let file = if shared.is_empty() {
            "profiles/imported.yaml"
        } else {
            "profiles/w2.yaml"
        };
        assert!(
            written(&project, file).contains("    maxPods: 222\n"),
            "{own}"
        );
    }
}

/// kubeadm's configuration as people write it: the version may be a wish, and kube-proxy's may be beside it.
#[test]
fn a_configuration_of_kubeadm_that_was_written_by_hand_is_read() {
    let text = "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nkubernetesVersion: stable-1.29\ncontrolPlaneEndpoint: lb:6443\n---\n\
                apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/16\n---\n\
                apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nclusterDNS: [10.96.0.10]\n";
    let project = folder(&[("init.yaml", text)]);
    let (said, printed, code) = import(&project, &["init.yaml"]);
    assert_eq!((said.as_str(), code), ("", Some(0)));
    assert!(
        printed.contains("not known: the version of Kubernetes: "),
        "{printed}"
    );
    let inventory = written(&project, "cluster.yaml");
    for line in [
        "  url: https://lb:6443\n",
        "  podCIDRs: [10.244.0.0/16]\n",
        "  clusterDNS: [10.96.0.10]\n",
    ] {
        assert!(inventory.contains(line), "{line}: {inventory}");
    }
    let project = folder(&[(
        "a.yaml",
        "kind: ClusterConfiguration\nkubernetesVersion: newest\n",
    )]);
    let (said, _, code) = import(&project, &["a.yaml"]);
    assert!(
        said.contains("must be a version; got \"newest\"") && code == Some(3),
        "{said}"
    );
}

/// Lists of machines are where each API has them.
#[test]
fn a_list_of_machines_is_found_in_the_answer_of_an_api() {
    let rows =
        json!([{"name": "g1", "status": "ACTIVE", "primary_ip4": {"address": "10.2.0.1/16"}}]);
    for answer in [
        rows.clone(),
        json!({"results": rows}),
        json!({"data": {"device_list": rows}}),
        json!({"count": 1, "items": rows}),
    ] {
        let project = folder(&[("in.json", &answer.to_string())]);
        let (said, _, code) = import(&project, &["--from", "json", "in.json"]);
        assert_eq!((said.as_str(), code), ("", Some(0)), "{answer}");
        let inventory = written(&project, "cluster.yaml");
        assert!(
            inventory.contains("  - name: g1\n    addresses: [10.2.0.1]\n"),
            "{inventory}"
        );
    }
}
