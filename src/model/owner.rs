//! Owners of files on a node.

use std::sync::Arc;

/// Who owns an entry. Formats differ in what they support, so both id and name are always known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// uid or gid.
    pub id: u32,
    /// User or group name.
    pub name: Arc<str>,
}

impl Owner {
    /// `root`, id 0.
    pub fn root() -> Self {
        Self {
            id: 0,
            name: "root".into(),
        }
    }
}
