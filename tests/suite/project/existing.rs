//! Clusters that exist already: nodes of others, names that a cloud gives, nodes that authenticate in another way, profiles
//! of rolling upgrades, pods in the machines' network, registries of the site.

use std::fs;

use crate::identity::csr;
use crate::support::new_project::NewProject;
use crate::support::oracles;

const ONE: &str = "profiles: [worker]\nnodes: [{name: n1, addresses: [192.168.10.11]}]\n";

#[test]
fn nodes_of_others_are_known_and_not_built() {
    let project = NewProject::new(
        "profiles: [worker]
nodes:
  - {name: n1, addresses: [192.168.10.11]}
  - {name: cp-1, managed: false, addresses: [192.168.10.2], labels: {node-role.kubernetes.io/control-plane: \"\"},
     taints: {\"node-role.kubernetes.io/control-plane:NoSchedule\": \"\"}}
  - {range: {names: \"old-[1-3]\", start: 192.168.10.50, within: 192.168.10.0/24}, managed: false}
  - {name: old-2, managed: true}
",
    );
    project.run(&["token", "create"]);
    assert_eq!(
        project.good(&["check", "--strict"]),
        "2 nodes can be built\n"
    );
    project.good(&["build"]);
    let mut nodes: Vec<String> = fs::read_dir(project.dir().join("out/nodes"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    nodes.sort();
    assert_eq!(nodes, ["n1", "old-2"]);
    let secrets = project.built("cluster/tokens/tokens.yaml");
    assert_eq!(secrets.matches("kind: Secret").count(), 2);
    assert!(!secrets.contains("cp-1") && !secrets.contains("old-1"));
    let labels = project.built("cluster/node-labels.sh");
    let label = "mark label node 'cp-1' --overwrite 'node-role.kubernetes.io/control-plane='\n";
    assert!(labels.contains(label), "{labels}");
    assert!(
        labels.contains("node-role.kubernetes.io/control-plane:NoSchedule"),
        "{labels}"
    );
    // An address of such a node is taken.
    let project = NewProject::new(
        "profiles: [worker]
nodes:
  - {name: n1, addresses: [192.168.10.2]}
  - {name: cp-1, managed: false, addresses: [192.168.10.2]}
",
    );
    assert_eq!(project.ids(), ["node-address-repeated"]);
}

#[test]
fn requests_of_nodes_of_others_and_of_clouds_are_reviewed() {
    oracles::needs(["openssl"]);
    let project = NewProject::new(
        "profiles: [worker]
nodes:
  - {name: n1, addresses: [192.168.10.11], certSANs: [ec2-203-0-113-9.example.com, 203.0.113.9]}
  - {name: cp-1, managed: false, addresses: [192.168.10.2]}
",
    );
    let request = |node: &str, sans: &str| {
        csr::serving_request(
            node,
            &csr::pem(&project.dir(), node, "system:nodes", Some(sans)),
        )
    };
    let items = [
        request(
            "n1",
            "DNS:n1,DNS:ec2-203-0-113-9.example.com,IP:192.168.10.11,IP:203.0.113.9",
        ),
        request(
            "n1",
            "DNS:n1,DNS:ec2-203-0-113-8.example.com,IP:192.168.10.11",
        ),
        request("cp-1", "DNS:cp-1,IP:192.168.10.2"),
        request("cp-1", "DNS:cp-1,IP:192.168.10.11"),
    ];
    let dump = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items});
    fs::write(project.dir().join("csr.json"), dump.to_string()).unwrap();
    let verdicts = project.run(&["csr", "review", "csr.json"]);
    let verdicts: Vec<&str> = verdicts
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(verdicts, ["approve", "leave", "approve", "leave"]);
}

#[test]
fn a_nodes_own_profiles_override_what_the_cluster_says_for_all() {
    let old = "apiVersion: nodebake/v1\nkind: Profile\nextends: [worker]\nkubernetes: v1.33.6\nkubelet: {config: {maxPods: 64}}\n";
    let project = NewProject::with_files(
        "profiles: [worker]
kubelet: {config: {maxPods: 110, podPidsLimit: 1000}}
nodes:
  - {name: n1, addresses: [192.168.10.11], profiles: [old]}
  - {name: n2, addresses: [192.168.10.12], profiles: [old], kubelet: {config: {maxPods: 10}}}
nodesFrom: [more.csv]
",
        &[
            ("profiles/old.yaml", old),
            (
                "more.csv",
                "name,kubernetes,label:node-role.kubernetes.io/edge,taint:edge:NoSchedule\nn3,v1.32.1,,\nn4,,\"\",\"\"\n",
            ),
        ],
    );
    let config = project.on_node("/etc/kubernetes/kubelet-config.yaml");
    assert!(config.contains("maxPods: 64"), "{config}");
    // The profile's parent is the cluster's already, and does not come above what the cluster says.
    assert!(config.contains("podPidsLimit: 1000"), "{config}");
    assert!(project.good(&["show", "n1"]).contains("v1.33.6"));
    assert!(project.good(&["show", "n3"]).contains("v1.32.1"));
    let second = project.good(&[
        "show",
        "n2",
        "--file",
        "/etc/kubernetes/kubelet-config.yaml",
    ]);
    assert!(second.contains("maxPods: 10\n"), "{second}");
    let edge = project.good(&["show", "n4"]);
    assert!(
        edge.contains("node-role.kubernetes.io/edge") && edge.contains("edge"),
        "{edge}"
    );
    assert!(
        !project
            .good(&["show", "n3"])
            .contains("role.kubernetes.io/edge")
    );
}

#[test]
fn a_profile_may_extend_the_built_in_one_that_it_hides() {
    for extends in ["worker", "built-in:worker"] {
        let own = format!(
            "apiVersion: nodebake/v1\nkind: Profile\nextends: [\"{extends}\"]\nkubelet: {{config: {{podPidsLimit: 777}}}}\n"
        );
        let project = NewProject::with_files(ONE, &[("profiles/worker.yaml", &own)]);
        assert_eq!(
            project.good(&["check", "--strict"]),
            "1 node can be built\n"
        );
        let config = project.on_node("/etc/kubernetes/kubelet-config.yaml");
        assert!(
            config.contains("podPidsLimit: 777") && config.contains("staticPodPath"),
            "{config}"
        );
    }
    let own = "apiVersion: nodebake/v1\nkind: Profile\nextends: [mine]\n";
    let project = NewProject::with_files(
        "profiles: [mine]\nnodes: [{name: n1, addresses: [192.168.10.11]}]\n",
        &[("profiles/mine.yaml", own)],
    );
    assert_eq!(project.ids(), ["profile-cycle"]);
}

#[test]
fn pods_may_have_addresses_of_the_machines_network() {
    let lines = |network: &str, more: &str| {
        format!(
            "{more}profiles: [worker]\nnodes:\n  - {{name: n1, addresses: [{network}.1.23]}}\n  - {{name: n2, addresses: [{network}.1.24]}}\n"
        )
    };
    let project = NewProject::new(&lines("10.244", ""));
    assert_eq!(project.ids(), ["node-address-in-pods"]);
    assert!(project.run(&["check"]).contains("2 nodes can be built"));
    let accepted = "findings: {node-address-in-pods: {level: off, reason: native routing}}\n";
    let project = NewProject::new(&lines("10.244", accepted));
    project.good(&["check", "--strict"]);
    let project = NewProject::new(&lines("10.96", ""));
    assert_eq!(project.ids(), ["node-address-in-cluster"]);
}

#[test]
fn registries_of_the_site_count_where_there_is_no_way_out() {
    let lines = |registry: &str| {
        format!(
            "profiles: [worker, debian]
airgap: true
containerd: {{version: \"2.1\", sandboxImage: \"registry.site.example:5000/pause:3.10\"}}
overlays: {{containerd: {{}}}}
registries: {{registry.site.example:5000: {registry}}}
nodes: [{{name: n1, addresses: [192.168.10.11]}}]
"
        )
    };
    let project = NewProject::new(&lines("{ca: pki/ca.pem}"));
    assert_eq!(project.ids(), ["image-missing"]);
    assert!(project.run(&["check"]).contains("onSite"));
    let project = NewProject::new(&lines("{ca: pki/ca.pem, onSite: true}"));
    assert!(project.good(&["check"]).contains("1 node can be built"));
}

#[test]
fn a_node_may_bring_a_kubeconfig_of_its_own() {
    let exec = "apiVersion: v1\\nkind: Config\\nusers: [{name: kubelet, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws, args: [eks, get-token]}}}]\\n";
    let files = format!(
        "files: {{/var/lib/kubelet/kubeconfig: {{content: \"{exec}\", mode: \"0600\"}}}}\n"
    );
    let project = NewProject::new(&format!("identity: {{client: kubeconfig}}\n{files}{ONE}"));
    assert!(project.good(&["check"]).contains("1 node can be built"));
    project.good(&["build"]);
    let shown = project.good(&["show", "n1"]);
    assert!(!shown.contains("bootstrap"), "{shown}");
    assert!(!project.dir().join("out/cluster/tokens").exists());
    let unit = project.on_node("/etc/systemd/system/kubelet.service");
    assert!(
        unit.contains("--kubeconfig=") && !unit.contains("--bootstrap-kubeconfig"),
        "{unit}"
    );
    let config = project.on_node("/etc/kubernetes/kubelet-config.yaml");
    assert!(config.contains("rotateCertificates: false"), "{config}");
    let project = NewProject::new(&format!(
        "identity: {{client: kubeconfig}}\nkubelet: {{config: {{rotateCertificates: true}}}}\n{ONE}"
    ));
    assert_eq!(project.ids(), ["identity-conflict"]);
}

#[test]
fn users_may_be_allowed_sudo() {
    oracles::needs(["visudo"]);
    for (rule, is_good) in [
        ("ALL=(ALL) NOPASSWD:ALL", true),
        (
            "ALL=(ALL:ALL) NOPASSWD: SETENV: /usr/bin/journalctl -u kubelet, !/usr/bin/su",
            true,
        ),
        ("ALL=(root) /usr/bin/crictl", true),
        ("ALL=(ALL) NOPASSWORD:ALL", false),
        ("ALL=(ALL NOPASSWD:ALL", false),
        ("ALL=(ALL) journalctl", false),
        ("ALL=ALL,", false),
    ] {
        let line = format!("ops {rule}\n");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &line).unwrap();
        let visudo = oracles::command(&std::env::temp_dir(), "visudo")
            .args(["-c", "-q", "-f"])
            .arg(file.path())
            .output()
            .unwrap();
        assert_eq!(visudo.status.success(), is_good, "visudo: {rule}");
        let project = NewProject::new(&format!(
            "users: {{ops: {{groups: [sudo], sudo: \"{rule}\"}}}}\noutput: {{formats: [cloudInit]}}\n{ONE}"
        ));
        let said = project.run(&["check"]);
        assert_eq!(said == "1 node can be built\n", is_good, "{rule}: {said}");
        if is_good {
            assert_eq!(project.on_node("/etc/sudoers.d/10-nodebake-ops"), line);
            let listed = project.good(&["show", "n1"]);
            assert!(listed.contains("0440 root:root"), "{listed}");
        }
    }
}

#[test]
fn machines_may_boot_an_installer_that_fetches_ignition() {
    let lines = |url: &str| {
        format!(
            "profiles: [worker, fedora-coreos]
nodes: [{{name: n1, addresses: [192.168.10.11], macs: [\"52:54:00:b2:2f:86\"]}}]
output:
  formats: [ignition]
  pxe:
    url: http://boot.example.com/assets
    kernel: http://boot.example.com/assets/kernel
    initrd: http://boot.example.com/assets/initramfs.img
    arguments: [coreos.inst.install_dev=/dev/sda, \"coreos.inst.ignition_url={url}/{{node}}/config.ign\"]
"
        )
    };
    let project = NewProject::new(&lines("https://boot.example.com"));
    assert_eq!(
        project.good(&["check", "--strict"]),
        "1 node can be built\n"
    );
    project.good(&["build"]);
    let script = project.built("boot/ipxe/52-54-00-b2-2f-86.ipxe");
    assert_eq!(
        script,
        "#!ipxe\n# n1\nkernel http://boot.example.com/assets/kernel initrd=initrd-1 coreos.inst.install_dev=/dev/sda \
         coreos.inst.ignition_url=https://boot.example.com/n1/config.ign\n\
         initrd --name initrd-1 http://boot.example.com/assets/initramfs.img\nboot\n"
    );
    // With the token in it, by http everybody could read it.
    let project = NewProject::new(&lines("http://boot.example.com"));
    assert_eq!(project.ids(), ["secrets-unreachable"]);
}

#[test]
fn a_finding_about_addresses_is_where_they_are_written() {
    let project = NewProject::new(
        "profiles: [worker]\nnodes: [{name: n1, addresses: [192.168.10.11, 203.0.113.9]}]\n",
    );
    let said = project.run(&["check"]);
    assert!(
        said.contains("cluster.yaml:8:32: nodes[0].addresses[0]"),
        "{said}"
    );
}
