//! What of a node's network each of cloud-init's renderers writes, by release.

mod feature;
mod features;

pub use feature::{Feature, renderer_name};
pub use features::features;
