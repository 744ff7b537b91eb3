//! The documentation is true: README, help, guides and manual pages.

pub mod contributing;
mod examples;
pub mod makefile;
pub mod man;
pub mod readme;
