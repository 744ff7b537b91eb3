//! One path of a tree: a file, a directory or a link, with its mode, its owner and who wrote it.

use std::fmt;
use std::sync::Arc;

use crate::model::Owner;
use crate::tree::Content;

/// Who put an entry there: `overlay kubelet`, `generator bootstrap-kubeconfig`, `cluster.yaml:12:5`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(pub Arc<str>);

impl Origin {
    /// Whether it was made from facts rather than copied or rendered from what the user wrote.
    pub fn is_generator(&self) -> bool {
        self.0.starts_with("generator ")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of thing is at a path.
#[derive(Clone, Debug)]
pub enum EntryKind {
    /// A regular file.
    File(Content),
    /// A directory; declared ones only, ancestors are never set.
    Directory,
    /// A symbolic link with its target as written.
    Symlink(String),
}

/// Who may read and change a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Permission bits (0..=0o7777).
    pub mode: u32,
    /// Owning user.
    pub user: Owner,
    /// Owning group.
    pub group: Owner,
}

impl Default for Permissions {
    /// What a file has that nobody asked anything for.
    fn default() -> Self {
        Self {
            mode: 0o644,
            user: Owner::root(),
            group: Owner::root(),
        }
    }
}

impl Permissions {
    /// Those of an entry.
    pub fn of(entry: &Entry) -> Self {
        Self {
            mode: entry.mode,
            user: entry.user.clone(),
            group: entry.group.clone(),
        }
    }

    /// Gives them to an entry.
    pub fn apply(self, entry: &mut Entry) {
        entry.mode = self.mode;
        entry.user = self.user;
        entry.group = self.group;
    }
}

/// One path of the tree.
#[derive(Clone, Debug)]
pub struct Entry {
    /// File, directory or symlink.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky (0..=0o7777); 0o777 for a symlink.
    pub mode: u32,
    /// Owning user.
    pub user: Owner,
    /// Owning group.
    pub group: Owner,
    /// Who put it there.
    pub origin: Origin,
    /// Holds a secret: tight mode, and left out of `Debug`, logs and diffs.
    pub secret: bool,
}

impl Entry {
    /// A file of root's.
    pub fn file(content: Content, mode: u32, origin: Origin) -> Self {
        Self::new(EntryKind::File(content), mode, origin)
    }

    /// A file with a secret in it: 0600, root's.
    pub fn secret_file(content: Content, origin: Origin) -> Self {
        Self {
            secret: true,
            ..Self::file(content, 0o600, origin)
        }
    }

    /// A directory of root's.
    pub fn directory(mode: u32, origin: Origin) -> Self {
        Self::new(EntryKind::Directory, mode, origin)
    }

    /// A symbolic link.
    pub fn symlink(target: impl Into<String>, origin: Origin) -> Self {
        Self::new(EntryKind::Symlink(target.into()), 0o777, origin)
    }

    /// Whether it is a file that holds a secret; directories and links have nothing to hide.
    pub fn is_secret_file(&self) -> bool {
        self.secret && matches!(self.kind, EntryKind::File(_))
    }

    /// Whether it is a large file of the project that any reader may see: what nodes share rather than hold each.
    pub fn is_asset(&self) -> bool {
        !self.secret && matches!(self.kind, EntryKind::File(Content::Asset(_)))
    }

    /// What no format could say of this entry: a link whose target no file system holds, a mode beyond the
    /// permission bits, an owner without a usable name. Listings are line by line, hence no control characters.
    pub fn flaw(&self) -> Option<&'static str> {
        if let EntryKind::Symlink(target) = &self.kind {
            if target.is_empty() {
                return Some("a symbolic link must have a target");
            }
            if target.len() > 4095 {
                return Some("a link's target must be shorter than 4096 bytes (PATH_MAX)");
            }
            if target.contains(|c: char| c.is_control()) {
                return Some("a link's target must not hold control characters");
            }
        }
        if self.mode > 0o7777 {
            return Some("a mode has at most the bits 07777");
        }
        let unusable = |name: &str| {
            name.is_empty()
                || name.contains(|c: char| c.is_control() || c.is_whitespace() || c == ':')
        };
        if unusable(&self.user.name) || unusable(&self.group.name) {
            return Some("an owner's name must not be empty or hold spaces or ':'");
        }
        None
    }

    fn new(kind: EntryKind, mode: u32, origin: Origin) -> Self {
        Self {
            kind,
            mode,
            user: Owner::root(),
            group: Owner::root(),
            origin,
            secret: false,
        }
    }
}
