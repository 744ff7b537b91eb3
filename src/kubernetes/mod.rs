//! Facts about Kubernetes, by version. What upstream's own types say is a data table, made by the program in
//! `tests/oracle/kubelet-facts`; the rest are rules of names, labels, values and version skew, each with its source.
//! This room knows nothing of nodes, files or formats.

/// What a kubelet of each minor takes where nothing is set.
pub mod defaults;
/// Flags, file and drop-ins as the one configuration that a kubelet has in the end.
pub mod effective;
/// A flag's text as the value of the field that it sets.
pub mod flag_value;
/// What the values of a kubelet's flags may be.
pub mod flags;
/// Which feature gates a kubelet knows.
pub mod gates;
/// What a kubelet configuration of each minor version may say.
pub mod kubelet_config;
/// Which labels a kubelet may set on its own Node.
pub mod labels;
/// Where a setting of a kubelet lives: in a flag, in a field, or nowhere.
pub mod moves;
/// How nodes, labels and taints may be called.
pub mod names;
/// Which settings of a kubelet hold paths.
pub mod paths;
/// What a kubelet keeps back from pods.
pub mod reservation;
/// What a kubelet refuses although every field is of the right type.
pub mod rules;
/// Which runtime a kubelet talks to.
pub mod runtime;
/// Settings that security benchmarks name, in effect.
pub mod security;
/// How long a kubelet holds up the machine's shutdown.
pub mod shutdown;
/// What a kubelet keeps on its node.
pub mod state;
/// Texts that stand for durations and quantities.
pub mod value;
/// Versions and the skew allowed between them.
pub mod version;

mod broken;
mod table;

pub use broken::BrokenRule;
