//! What Kubernetes makes of the output: the objects for an administrator, upstream's own rules, real kubelets, and the
//! procedure by hand.

mod approver;
pub mod by_hand;
pub mod cluster;
mod good_configurations;
mod kubeadm;
pub mod kubelet_rules;
pub mod kubelet_start;
pub mod kubelets;
pub mod node_restriction;
pub mod policy;
pub mod reserved;
pub mod rules;
mod scrapers;
pub mod start_sites;
mod static_pods;
pub mod struct_merge;
