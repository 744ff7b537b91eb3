//! Who approves the nodes' requests for certificates.

use crate::model::named;

named! {
    /// Who approves the nodes' requests for certificates.
    #[derive(PartialOrd, Ord)]
    pub enum Approval {
        /// The controller manager, those for client certificates, of whoever holds a token.
        Auto = "auto",
        /// A person or program that has compared them with the inventory.
        Review = "review",
        /// nodebake-approver in the cluster, by the inventory.
        Approver = "approver",
    }
}
