//! RBAC of programs that read from kubelets: a role and its binding for each. Source: Kubernetes, "Kubelet
//! authentication/authorization"; kubelets ask for the split of nodes/proxy since 1.33 (KubeletFineGrainedAuthz).

use std::fmt::Write;

use crate::inventory::Scraper;
use crate::yaml::quoted;

/// The objects of one program.
pub fn scraper(scraper: &Scraper) -> String {
    let name = format!("kubelet-scraper:{}", scraper.name);
    let resources: Vec<String> = scraper
        .reads
        .iter()
        .map(|word| format!("\"nodes/{word}\""))
        .collect();
    let is_split = |word: &&str| ["configz", "healthz", "pods"].contains(word);
    let note = if scraper.reads.iter().any(is_split) {
        "# Kubelets before 1.33 ask for nodes/proxy in place of nodes/configz, nodes/healthz and nodes/pods.\n"
    } else {
        ""
    };
    let mut text = format!(
        "---
# {} reads from kubelets.
{note}apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {name}
rules:
- apiGroups: [\"\"]
  resources: [{}]
  verbs: [\"get\"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {name}
subjects:
",
        scraper.name,
        resources.join(", ")
    );
    // Writing to a String cannot fail.
    for (namespace, name) in &scraper.service_accounts {
        let _ = writeln!(
            text,
            "- kind: ServiceAccount\n  name: {}\n  namespace: {}",
            quoted(name),
            quoted(namespace)
        );
    }
    let named = [("User", &scraper.users), ("Group", &scraper.groups)];
    for (kind, name) in named
        .iter()
        .flat_map(|(kind, names)| names.iter().map(move |name| (kind, name)))
    {
        let _ = writeln!(
            text,
            "- apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: {}",
            quoted(name)
        );
    }
    let _ = writeln!(
        text,
        "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {name}"
    );
    text
}
