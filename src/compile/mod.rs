//! What is the same for a class of nodes, made once: overlays read, templates found, assets hashed, images packed. Reads
//! the project's files; knows no node's name.

/// The version and architecture of a program, from its bytes.
pub mod binary;
/// A class of nodes, compiled.
pub mod class;
/// Images that come with the node.
pub mod images;
/// Overlays: folders of files with settings.
pub mod overlay;
/// Files of the project that the inventory names.
pub mod project_file;
/// The environment of a proxy.
pub mod proxies;
/// containerd's files of registries.
pub mod registries;
/// Text of the user's that may be a template.
pub mod text;
mod unpack;

pub use overlay::OVERLAY;
pub use project_file::refused;
