//! Labels: what we let a kubelet give its own Node, a real API server with NodeRestriction accepts and the kubelet of
//! that version takes; what we hold back for an administrator, at least one of the two refuses.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nodebake::kubernetes::labels::self_settable;

use crate::support::fixture::text;
use crate::support::oracles::{self, Target};

/// Every label that a table of any version names, and what is near them.
const LABELS: &[&str] = &[
    "rack",
    "example.com/rack",
    "notkubernetes.io/rack",
    "kubernetes.io.example.com/rack",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "kubernetes.io/instance-type",
    "kubernetes.io/role",
    "kubernetes.io/rack",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/rack",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/rack",
    "failure-domain.kubernetes.io/zone",
    "failure-domain.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/rack",
    "node.kubernetes.io/instance-type",
    "node.kubernetes.io/anything",
    "sub.node.kubernetes.io/anything",
    "xnode.kubernetes.io/anything",
    "kubelet.kubernetes.io/anything",
    "sub.kubelet.kubernetes.io/anything",
    "xkubelet.kubernetes.io/anything",
    "node-role.kubernetes.io/worker",
    "node-role.kubernetes.io/control-plane",
    "node-restriction.kubernetes.io/pci",
    "sub.node-restriction.kubernetes.io/pci",
    "k8s.io/rack",
    "sub.k8s.io/rack",
    "node.k8s.io/rack",
    "xk8s.io/rack",
];

/// Where `make versions` puts the programs of a version.
fn kubernetes(version: &str, program: &str) -> PathBuf {
    oracles::folder()
        .join("kubernetes")
        .join(version)
        .join(program)
}

/// What the API server of a version says to each label, by its key.
fn api_server(version: &str) -> BTreeMap<String, String> {
    let program = kubernetes(version, "kube-apiserver");
    let mut child = oracles::command(Path::new("/"), "node-restriction")
        .args([program.to_str().unwrap(), version])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let labels: String = LABELS.iter().map(|label| format!("{label}\n")).collect();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(labels.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let verdicts = text(&output.stdout);
    let verdicts = verdicts.lines().map(|line| line.split_once('\t').unwrap());
    verdicts
        .map(|(label, verdict)| (label.to_owned(), verdict.to_owned()))
        .collect()
}

/// Whether a kubelet takes the label in its flags. It looks at them before it opens the configuration, which is not
/// there, so that it never starts.
fn kubelet_takes(version: &str, label: &str) -> bool {
    let program = kubernetes(version, "kubelet");
    let flag = format!("--node-labels={label}=x");
    let args = ["--config=/nowhere/kubelet-config.yaml", &flag];
    let output = oracles::run(Path::new("/"), program.to_str().unwrap(), &args);
    assert!(!output.status.success());
    let said = text(&output.stderr) + &text(&output.stdout);
    let refuses = said.contains("labels specified with --node-labels");
    assert!(
        refuses || said.contains("/nowhere/kubelet-config.yaml"),
        "{label}: {said}"
    );
    !refuses
}

#[test]
fn a_kubelet_may_set_what_we_let_it_and_nothing_that_we_hold_back() {
    Target::Versions.needs(["node-restriction"]);
    for (version, minor) in [("v1.16.6", 16), ("v1.34.4", 34)] {
        let server = api_server(version);
        assert_eq!(server.len(), LABELS.len());
        let mut refused = 0;
        for label in LABELS {
            let verdict = server[*label].as_str();
            let taken = kubelet_takes(version, label);
            assert_eq!(
                self_settable(label, minor),
                taken && verdict == "accepted",
                "{version}: {label}: the API server: {verdict}; the kubelet takes it: {taken}"
            );
            refused += usize::from(verdict != "accepted");
        }
        // v1.16 still lets new nodes bring labels of Kubernetes' own, and leaves the refusal to the kubelet.
        assert!(refused >= 2, "{version}: NodeRestriction is not at work");
    }
}
