//! What users write, `cluster.yaml` and the files beside it: read, checked, and refused with a finding at its place.

mod accepted;
pub mod bad_input;
pub mod existing;
mod findings;
mod fleet;
mod meant;
mod node_token;
pub mod profiles;
pub mod schema;
mod tables;
pub mod templates;
pub mod unstarted;
