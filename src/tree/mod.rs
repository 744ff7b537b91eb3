//! One node as files, directories, links and units: what it must end up with, and the lists that say so. Knows nothing
//! of who makes a tree and who reads it.

mod clash;
mod content;
mod entry;
mod listed;
/// `tree.json` and `tree.sums`: the list of a tree.
pub mod listing;
/// Interfaces as the files of each network manager.
pub mod network;
mod node_tree;
/// Files as lines of tmpfiles.d(5).
pub mod tmpfiles;
mod unit;

pub use clash::Clash;
pub use content::{Asset, AssetSource, Blob, Content, Measure, nameless};
pub use entry::{Entry, EntryKind, Origin, Permissions};
pub use listed::{ListedKind, ListedTree};
pub use node_tree::{Conflict, NodeTree};
pub use unit::{
    Effective, InstallLink, Position, Program, Texts, UNIT_FOLDER, Unit, UnitFault, UnitPath,
    UnitText, check_unit, check_value, raw_words, read_unit, unit_keys, unit_name, unit_words,
};
