//! The RBAC objects of the procedure. Their number does not depend on the nodes: they are bound to groups.

use crate::cluster::ClusterObjects;
use crate::cluster::scrapers::scraper;
use crate::model::Approval;
use crate::yaml::quoted;

/// One ClusterRoleBinding.
struct Binding<'a> {
    /// What it is for, as a comment.
    why: &'a str,
    name: &'a str,
    /// `User` or `Group`.
    subject_kind: &'a str,
    subject: &'a str,
    role: &'a str,
}

const NODES: &str = "system:nodes";
const SERVER_RENEWAL_ROLE: &str = "approve-node-server-renewal-csr";

/// The text of `rbac/rbac.yaml`.
pub fn rbac(objects: &ClusterObjects) -> String {
    let shared = objects.groups.shared.as_str();
    let mut text = String::with_capacity(4096);
    text.push_str(
        &Binding {
            why: "The API server may call kubelets: logs, exec, metrics.",
            name: "kube-apiserver:kubelet-apis",
            subject_kind: "User",
            subject: &objects.kubelet_client_user,
            role: "system:kubelet-api-admin",
        }
        .document(),
    );
    text.push_str(
        &Binding {
            why: "A node with a bootstrap token may ask for a certificate.",
            name: "kubelet-bootstrap",
            subject_kind: "Group",
            subject: shared,
            role: "system:node-bootstrapper",
        }
        .document(),
    );
    text.push_str(&approval(objects.approval, shared));
    if objects.server_renewal {
        text.push_str(&server_renewal());
    }
    if objects.kube_proxy {
        let binding = Binding {
            why: "kube-proxy shows the kubelet's certificate, and reads Services, EndpointSlices and Nodes with it.",
            name: "node-proxier-of-kubelets",
            subject_kind: "Group",
            subject: NODES,
            role: "system:node-proxier",
        };
        text.push_str(&binding.document());
    }
    text.extend(objects.scrapers.iter().map(scraper));
    text
}

/// What the controller manager approves by itself. With review that is nothing, renewals neither: a node that is revoked
/// would go on renewing its certificate forever. Apply does not prune, so that the absence of the names is said.
fn approval(approval: Approval, shared: &str) -> String {
    const FIRST: &str = "auto-approve-csrs-for-group";
    const RENEWAL: &str = "node-client-cert-renewal";
    const ROLE: &str = "system:certificates.k8s.io:certificatesigningrequests";
    match approval {
        Approval::Auto => {
            let first = Binding {
                why: "The first client certificate of a node is approved by the controller manager. A token does not bind\n\
                      # a name: whoever holds one can become any node.",
                name: FIRST,
                subject_kind: "Group",
                subject: shared,
                role: &format!("{ROLE}:nodeclient"),
            };
            let renewal = Binding {
                why: "A node may renew its own client certificate.",
                name: RENEWAL,
                subject_kind: "Group",
                subject: NODES,
                role: &format!("{ROLE}:selfnodeclient"),
            };
            first.document() + &renewal.document()
        }
        Approval::Review | Approval::Approver => format!(
            "# Client certificates are approved after review, renewals too. If an earlier bundle approved them automatically:\n\
             # kubectl delete clusterrolebinding --ignore-not-found {FIRST} {RENEWAL}\n"
        ),
    }
}

fn server_renewal() -> String {
    let role = format!(
        "---
# Kept from the procedure; no controller of Kubernetes itself reads it.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {SERVER_RENEWAL_ROLE}
rules:
- apiGroups: [\"certificates.k8s.io\"]
  resources: [\"certificatesigningrequests/selfnodeserver\"]
  verbs: [\"create\"]
"
    );
    let binding = Binding {
        why: "A node may renew its own serving certificate.",
        name: "node-server-cert-renewal",
        subject_kind: "Group",
        subject: NODES,
        role: SERVER_RENEWAL_ROLE,
    };
    role + &binding.document()
}

impl Binding<'_> {
    fn document(&self) -> String {
        let Self {
            why,
            name,
            subject_kind,
            subject,
            role,
        } = self;
        let subject = quoted(subject);
        format!(
            "---
# {why}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {name}
subjects:
- apiGroup: rbac.authorization.k8s.io
  kind: {subject_kind}
  name: {subject}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {role}
"
        )
    }
}
