//! The test suite: one binary, one module for each subject.
#![allow(missing_docs)]
// Tests may panic: that is how they fail.
#![allow(clippy::panic, clippy::unwrap_used)]

mod archives;
mod around;
mod assets;
mod bad_input;
mod boot_formats;
mod boots;
mod budgets;
mod bundle;
mod by_hand;
mod cluster;
mod credential;
mod csr;
mod docs;
mod fetched_assets;
mod first_boot;
mod golden;
mod identical;
mod identity;
mod ignition;
mod ignition_boots;
mod images;
mod initrd;
mod inspect;
mod judges;
mod kubelet_rules;
mod kubelets;
mod kubernetes_rules;
mod large;
mod layers;
mod line;
mod links;
mod machine;
mod man;
mod node_restriction;
mod pki;
mod profiles;
mod project;
mod pxe;
#[cfg(feature = "age")]
mod sealed;
mod secrets;
mod seed_boots;
mod seeds;
mod separate;
mod smoke;
mod sysext;
mod tokens;
mod tool;
mod tree_check;
mod trees;
mod units;
mod unpack;
mod upgrade;
