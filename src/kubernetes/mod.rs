//! Facts about Kubernetes, by version. What upstream's own types say is a data table, made by the program in
//! `tests/judge/kubelet-facts`; the rest are rules of names, labels, values and version skew, each with its source.
//! This room knows nothing of nodes, files or formats.

/// What the values of a kubelet's flags may be.
pub mod flags;
/// What a kubelet configuration of each minor version may say.
pub mod kubelet_config;
/// Which labels a kubelet may set on its own Node.
pub mod labels;
/// How nodes, labels and taints may be called.
pub mod names;
/// Texts that stand for durations and quantities.
pub mod value;
/// Versions and the skew allowed between them.
pub mod version;

mod table;
