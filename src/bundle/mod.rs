//! The output folder: payloads and manifests of a cluster, a manifest of their digests, and a signature over it.
//! In: files handed to a [`BundleBuilder`]. Out: a folder that replaces the old one in one step.
//!
//! Nothing here knows how a payload is made, and nothing here reads the clock.

mod attach;
mod folder;
mod foreign;
mod in_place;
mod node_folder;
mod publish;
mod reuse;
mod shared;
mod shared_files;
mod signatures;
mod step;

pub use attach::{attach, sign};
pub use folder::{BundleBuilder, BundleHeader, Finished};
pub use node_folder::{NodeFolder, NodeSays};
pub use reuse::{Old, OldBundle};
pub use signatures::{SignatureSource, SignedTrees, Trees};
