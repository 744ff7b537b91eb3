//! One file for each subcommand: glue only.

/// `key`.
pub mod key;
/// `sign`.
pub mod sign;
/// `verify`.
pub mod verify;
