//! One file for each subcommand: glue only.

/// `key`.
pub mod key;
/// `sign`.
pub mod sign;
/// `token`.
pub mod token;
/// `verify`.
pub mod verify;
