//! What a kubelet keeps on its node: `diff` says what the new payload does not reach, and an upgrade removes it.

use std::fs;
use std::path::Path;

use crate::support::new_project::NewProject;
use crate::support::oracles;

const NODES: &str = "profiles: [worker]\nnodes: [{name: n1, addresses: [192.168.10.11]}]\n";

/// Builds, changes the inventory, builds over it; the notes of `diff`, and what is left of a root after the upgrade.
fn upgrade(change: impl Fn(&NewProject), kept: &[&str]) -> (Vec<String>, Vec<String>) {
    let project = NewProject::new(NODES);
    project.good(&["build", "--out", "old"]);
    change(&project);
    let said = project.good(&["diff", "old", "-o", "json"]);
    let diff: serde_json::Value = serde_json::from_str(&said).unwrap();
    let notes = diff["summary"]["notes"].as_array().unwrap();
    let notes = notes.iter().map(|note| note.as_str().unwrap().to_owned());
    project.good(&["build", "--out", "new", "--upgrade-from", "old"]);
    let root = project.dir().join("root");
    for file in kept {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "kept").unwrap();
    }
    let script = project.dir().join("new/nodes/n1/n1.upgrade.sh");
    oracles::run(
        &project.dir(),
        "sh",
        &[script.to_str().unwrap(), root.to_str().unwrap()],
    );
    let left = kept.iter().filter(|file| root.join(file).exists());
    (
        notes.collect(),
        left.map(|file| (*file).to_owned()).collect(),
    )
}

fn edit(project: &NewProject, from: &str, to: &str) {
    let file = project.dir().join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from));
    fs::write(file, text.replace(from, to)).unwrap();
}

const KUBECONFIG: &str = "var/lib/kubelet/kubeconfig";
const CPU: &str = "var/lib/kubelet/cpu_manager_state";
const MEMORY: &str = "var/lib/kubelet/memory_manager_state";
const CERTIFICATE: &str = "var/lib/kubelet/pki/kubelet-client-current.pem";
const ALL: [&str; 4] = [KUBECONFIG, CPU, MEMORY, CERTIFICATE];

#[test]
fn an_upgrade_removes_what_the_kubelet_would_go_on_with() {
    oracles::needs(["sh"]);
    let (notes, left) = upgrade(
        |project| edit(project, "api.example.internal", "api2.example.internal"),
        &ALL,
    );
    assert!(
        notes
            .iter()
            .any(|note| note.contains("remove /var/lib/kubelet/kubeconfig")
                && note.contains("apiServer.url")),
        "{notes:?}"
    );
    assert_eq!(left, [CPU, MEMORY, CERTIFICATE]);
    // A CA beside the first one.
    let (notes, left) = upgrade(
        |project| {
            let other = NewProject::new(NODES);
            let ca = fs::read_to_string(other.dir().join("pki/ca.pem")).unwrap();
            let file = project.dir().join("pki/ca.pem");
            let own = fs::read_to_string(&file).unwrap();
            fs::write(file, own + &ca).unwrap();
        },
        &ALL,
    );
    assert!(
        notes
            .iter()
            .any(|note| note.contains("apiServer.ca changed")),
        "{notes:?}"
    );
    assert_eq!(left, [CPU, MEMORY, CERTIFICATE]);
    let config = |text: &str| {
        let text = format!("kubelet: {text}\n{NODES}");
        move |project: &NewProject| edit(project, NODES, &text)
    };
    let (notes, left) = upgrade(config("{config: {cpuManagerPolicy: static}}"), &ALL);
    assert!(
        notes
            .iter()
            .any(|note| note.contains("drain the node") && note.contains("cpuManagerPolicy")),
        "{notes:?}"
    );
    assert_eq!(left, [KUBECONFIG, MEMORY, CERTIFICATE]);
    let (_, left) = upgrade(
        config(
            "{config: {memoryManagerPolicy: Static, reservedMemory: [{numaNode: 0, limits: {memory: 612Mi}}]}}",
        ),
        &ALL,
    );
    assert_eq!(left, [KUBECONFIG, CPU, CERTIFICATE]);
    // What no state is made by.
    let (notes, left) = upgrade(config("{config: {maxPods: 50}}"), &ALL);
    assert!(
        !notes.iter().any(|note| note.contains("remove")),
        "{notes:?}"
    );
    assert_eq!(left, ALL);
}

/// Builds a payload, and lets the program of its initrd copy it to a root.
fn copy(project: &NewProject, root: &Path) -> String {
    project.good(&["build"]);
    let script = "rm -rf initrd; mkdir initrd; cd initrd; gzip -dc ../out/nodes/n1/initramfs.cpio.gz | cpio -idm --quiet
        exec sh nodebake/copy/apply nodebake/copy \"$0\" 2>&1";
    let args = ["-euc", script, root.to_str().unwrap()];
    let said = oracles::run(&project.dir(), "sh", &args);
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn an_initrd_that_copies_a_payload_removes_it_too() {
    oracles::needs(["sh", "cpio", "gzip"]);
    oracles::needs_root();
    let lines = "output: {formats: [initramfs], secrets: inline, initramfs: {mode: copyToRoot}}\n";
    let project = NewProject::new(&format!("{lines}{NODES}"));
    let root = project.dir().join("root");
    let put = || {
        for file in ALL.map(|file| root.join(file)) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "kept").unwrap();
        }
    };
    let left = || -> Vec<&str> {
        let all = ALL.into_iter();
        all.filter(|file| root.join(file).exists()).collect()
    };
    put();
    // Nobody knows what a state was made by that is older than the first payload.
    assert_eq!(copy(&project, &root), "");
    assert_eq!(left(), ALL);
    // What no state is made by, and the same payload again.
    for change in ["kubelet: {config: {maxPods: 50}}\n", ""] {
        edit(&project, lines, &format!("{change}{lines}"));
        assert_eq!(copy(&project, &root), "");
        assert_eq!(left(), ALL);
    }
    edit(&project, "maxPods: 50", "cpuManagerPolicy: static");
    copy(&project, &root);
    assert_eq!(left(), [KUBECONFIG, MEMORY, CERTIFICATE]);
    put();
    edit(&project, "api.example.internal", "api2.example.internal");
    copy(&project, &root);
    assert_eq!(left(), [CPU, MEMORY, CERTIFICATE]);
    // A disk that the initrd does not mount hides what is there.
    put();
    fs::write(
        root.join("etc/fstab"),
        "/dev/vdb /var/lib/kubelet ext4 defaults 0 2\n",
    )
    .unwrap();
    edit(
        &project,
        "cpuManagerPolicy: static",
        "cpuManagerPolicy: none",
    );
    let said = copy(&project, &root);
    assert!(
        said.contains("cpu_manager_state must go, and stays"),
        "{said}"
    );
    assert_eq!(left(), ALL);
}

#[test]
fn cloud_init_stops_the_kubelet_before_it_removes_its_state() {
    let project = NewProject::new(&format!(
        "output: {{formats: [cloudInit], secrets: inline}}\ngeneration: 1\n{NODES}"
    ));
    project.good(&["build", "--out", "old"]);
    edit(&project, "api.example.internal", "api2.example.internal");
    edit(&project, "generation: 1", "generation: 2");
    project.good(&["build", "--upgrade-from", "old"]);
    let text = project.built("nodes/n1/user-data");
    let removal = format!("systemctl stop -- kubelet.service; rm -f -- '/{KUBECONFIG}'");
    let at = |words: &str| {
        text.find(words)
            .unwrap_or_else(|| panic!("{words}: {text}"))
    };
    assert!(at(&removal) < at("daemon-reload"));
    // Early too, for a kubelet that waits for the network.
    assert!(at("nodebake-removed") < at(&removal));
}
