//! One node as files, directories, symlinks and units, and how it comes to be: overlays, templates, generators.
//! In: a `NodePlan`. Out: a [`NodeTree`], which knows nothing of who reads it.

mod agree;
mod bake;
mod binary;
mod builder;
mod clash;
mod conditions;
mod content;
mod hashed;
mod images;
mod keyfile;
mod listed;
/// `tree.json` and `tree.sums`: what the node must end up with.
pub mod listing;
mod meter;
mod metered;
mod netplan;
mod networkd;
mod overlay;
mod piece;
mod proxies;
mod recipe;
mod registries;
mod template;
mod tree;
mod unit;
mod unpack;
mod words;

pub use bake::{Baked, Oven};
pub use clash::Clash;
pub use content::{Asset, Blob, Content, Measure, Source, nameless};
pub use listed::{ListedKind, ListedTree};
pub use netplan::network_config;
pub use overlay::shape::OVERLAY;
pub use recipe::refused;
pub use tree::{Conflict, Entry, EntryKind, NodeTree, Origin};
pub use unit::{
    Fault, InstallLink, Position, Texts, UNIT_FOLDER, Unit, check_unit, read_unit, unit_keys,
};
