//! Files between the time when they are written and the time when they have their owner, mode and disk.

use crate::model::NodePath;
use crate::tree::Entry;

/// Set-user-id, set-group-id and sticky.
pub const SPECIAL_BITS: u32 = 0o7000;

/// Whether nobody has to be looked up.
pub fn owned_by_root(entry: &Entry) -> bool {
    entry.user.id == 0 && entry.group.id == 0
}

/// The mode until the file is given to its owner. A secret of another user's is closed to the group too until then.
pub fn early_mode(entry: &Entry) -> u32 {
    let mode = entry.mode & !SPECIAL_BITS;
    if owned_by_root(entry) {
        mode
    } else {
        mode & 0o700
    }
}

/// Where a file waits for its disk: written early, moved when cloud-init has mounted what it makes. `defer` would do the
/// same, but cloud-init before 21.4 does not know it and writes the file where the disk then hides it.
pub fn waiting(path: &NodePath) -> String {
    format!("/run/nodebake/waiting{path}")
}
