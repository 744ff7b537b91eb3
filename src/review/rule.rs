//! The rules by which requests are decided. Each has a name that programs may rely on, one decision, and one row in
//! the guide's table (`man/requests.md`), which a test walks.

use serde::{Serialize, Serializer};

use crate::review::Decision::{self, Approve, Deny, Leave};

macro_rules! rules {
    ($($rule:ident $name:literal $decision:ident;)*) => {
        /// What decided a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // the guide says what each means
        pub enum Rule { $($rule),* }

        impl Rule {
            /// All rules, approvals first.
            pub const ALL: &[Self] = &[$(Self::$rule),*];

            /// As it is printed.
            pub fn name(self) -> &'static str {
                match self { $(Self::$rule => $name),* }
            }

            /// What it decides, unless the user asks for more (`--deny-unknown`).
            pub fn decision(self) -> Decision {
                match self { $(Self::$rule => $decision),* }
            }
        }
    };
}

rules! {
    FirstClient "first-client" Approve;
    ClientRenewal "client-renewal" Approve;
    Serving "serving" Approve;

    Impostor "impostor" Deny;
    NotANode "not-a-node" Deny;
    Organisation "organisation" Deny;
    TokenSigner "token-signer" Deny;
    SystemSigner "system-signer" Deny;
    Revoked "revoked" Deny;
    ClientNames "client-names" Deny;
    OtherNodesName "other-nodes-name" Deny;
    ImpossibleName "impossible-name" Deny;
    Authority "authority" Deny;
    WeakKey "weak-key" Deny;
    WrongSignature "wrong-signature" Deny;

    UnknownToken "unknown-token" Leave;
    UnknownNode "unknown-node" Leave;
    UnknownName "unknown-name" Leave;
    ExpiredToken "expired-token" Leave;
    UsedToken "used-token" Leave;
    Groups "groups" Leave;
    Subject "subject" Leave;
    Attributes "attributes" Leave;
    Extensions "extensions" Leave;
    Usages "usages" Leave;
    UnlistedName "unlisted-name" Leave;
    UnlistedAddress "unlisted-address" Leave;
    NoAddresses "no-addresses" Leave;
    NoNames "no-names" Leave;
    UncheckedKey "unchecked-key" Leave;
    UncheckedSignature "unchecked-signature" Leave;
    Unreadable "unreadable" Leave;
    Decided "decided" Leave;
    Superseded "superseded" Leave;
    ForeignRequestor "foreign-requestor" Leave;
    ForeignSigner "foreign-signer" Leave;
    RequestName "request-name" Leave;
}

impl Rule {
    /// Whether it is for what the inventory and the tokens do not know: a user may want that denied.
    pub(super) fn is_unknown(self) -> bool {
        matches!(
            self,
            Self::UnknownToken | Self::UnknownNode | Self::UnknownName
        )
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A rule that decided, in words.
#[derive(Debug)]
pub(super) struct Ruling {
    pub rule: Rule,
    pub reason: String,
    /// What makes it right, where something can.
    pub repair: Option<String>,
}

impl Ruling {
    pub fn new(rule: Rule, reason: impl Into<String>) -> Self {
        Self {
            rule,
            reason: reason.into(),
            repair: None,
        }
    }

    pub fn repair(mut self, repair: impl Into<String>) -> Self {
        self.repair = Some(repair.into());
        self
    }
}
