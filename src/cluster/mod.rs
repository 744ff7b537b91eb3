//! What an administrator applies so that the nodes may join: RBAC, one Secret for each bootstrap token, and a script
//! for labels that a kubelet may not set itself. In: plain facts and tokens, one at a time. Out: text with stable
//! bytes. It knows nothing of what is on the nodes.

mod approver;
mod ended;
mod group;
mod labels;
mod rbac;
mod scrapers;
mod tokens;

pub use approver::{ApproverObjects, approver, approver_kustomization};
pub use ended::commands_for_ended;
pub use group::{DEFAULT_NODE_GROUP, Groups, IMPLICIT_GROUP, default_group, group_fault};
pub use labels::{NodeMarks, Taint, write_node_labels};
pub use rbac::rbac;
pub use tokens::{push_token_secret, write_tokens};

use crate::inventory::Scraper;
use crate::model::{Approval, TokenUsage};

/// Names of the files, relative to the bundle's `cluster/`.
pub mod names {
    /// ClusterRoles and bindings: may be applied at any time.
    pub const RBAC: &str = "rbac/rbac.yaml";
    /// Its kustomization.
    pub const RBAC_KUSTOMIZATION: &str = "rbac/kustomization.yaml";
    /// Token Secrets, one document each: 0600, applied once.
    pub const TOKENS: &str = "tokens/tokens.yaml";
    /// Its kustomization.
    pub const TOKENS_KUSTOMIZATION: &str = "tokens/kustomization.yaml";
    /// What reviews of requests go by; no secret is in it.
    pub const REVIEW: &str = "approver/review.json";
    /// Its signature by the bundle's key, an SSHSIG.
    pub const REVIEW_SIGNATURE: &str = "approver/review.json.sshsig";
    /// The same, compressed, where a ConfigMap would be too large with it.
    pub const REVIEW_PACKED: &str = "approver/review.json.gz";
    /// What the approver runs with.
    pub const APPROVER: &str = "approver/approver.yaml";
    /// Its kustomization.
    pub const APPROVER_KUSTOMIZATION: &str = "approver/kustomization.yaml";
    /// Labels and taints: 0755.
    pub const NODE_LABELS: &str = "node-labels.sh";
}

/// Text of `rbac/kustomization.yaml`.
pub const RBAC_KUSTOMIZATION: &str = "\
# Safe at any time: kubectl apply -k rbac
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- rbac.yaml
";

/// Text of `tokens/kustomization.yaml`. `create`, because `apply` would keep a second copy of each secret in an
/// annotation, and would bring back tokens that were revoked since. Kustomize compares each object with each: 1,000
/// take seconds, 10,000 minutes.
pub const TOKENS_KUSTOMIZATION: &str = "\
# Once, before the nodes boot: kubectl create -k tokens
# With thousands of nodes kubectl create -f tokens/tokens.yaml does the same in less time.
# Never from an old bundle: that would bring back tokens that were revoked since.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- tokens.yaml
";

/// What the cluster's objects are made from.
#[derive(Clone, Debug)]
pub struct ClusterObjects {
    /// The groups of the tokens.
    pub groups: Groups,
    /// What the tokens may be used for.
    pub usages: Vec<TokenUsage>,
    /// Who approves client certificates.
    pub approval: Approval,
    /// Who the API server is when it calls a kubelet: the CN of its client certificate.
    pub kubelet_client_user: String,
    /// Also write `approve-node-server-renewal-csr` and its binding. No built-in controller reads them (1.16 to
    /// 1.34); they are there for clusters that were set up by the procedure and may have an approver of their own.
    pub server_renewal: bool,
    /// Whether kube-proxy runs with the certificates of kubelets.
    pub kube_proxy: bool,
    /// Programs that read from kubelets.
    pub scrapers: Vec<Scraper>,
}
