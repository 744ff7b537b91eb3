//! A user of the machine, for the formats that make users: cloud-init and Ignition.

use crate::model::Spanned;

/// One user; what is not said is left to the image's `useradd`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The number, where it matters.
    pub uid: Option<u32>,
    /// Groups beside the user's own.
    pub groups: Vec<String>,
    /// The login shell, an absolute path.
    pub shell: Option<String>,
    /// The home folder, an absolute path.
    pub home: Option<String>,
    /// Whether the number comes from the range of system users, and no home folder is made.
    pub system: bool,
    /// A rule of sudoers(5) without the user's name: `ALL=(ALL) NOPASSWD:ALL`.
    pub sudo: Option<String>,
    /// Lines for `authorized_keys`.
    pub ssh_keys: Vec<String>,
    /// A file of the project that holds the hash of its password.
    pub password_hash: Option<Spanned<String>>,
}
