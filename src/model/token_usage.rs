//! What bootstrap tokens may do.

use crate::model::named;

named! {
    /// What the API server lets a token do, in kubeadm's words, which are those of the Secret's `usage-bootstrap-*` keys.
    #[derive(PartialOrd, Ord)]
    pub enum TokenUsage {
        /// Logging in as a node that has no certificate yet.
        Authentication = "authentication",
        /// Signing the public `cluster-info` ConfigMap, which `kubeadm join` reads; not needed with an embedded CA.
        Signing = "signing",
    }
}
