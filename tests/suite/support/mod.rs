//! Helpers, and the tests of the helpers: the binary as a user runs it, oracles, projects to run it on, trees to compare
//! with, and virtual machines.

pub mod cloud_init;
pub mod emulator;
pub mod everything;
pub mod findings;
pub mod fixture;
pub mod harness;
pub mod hidden;
pub mod machine;
pub mod new_project;
pub mod oracles;
pub mod payload;
pub mod reason;
pub mod sample;
pub mod smoke;
pub mod tool;
pub mod trees;
