//! Input that was made to hurt, and secrets that get out: fuzzing, canaries, private keys, names that steer a terminal,
//! and files that lead out of a project.

pub mod canary;
pub mod foreign_text;
pub mod fuzz;
pub mod leads_out;
pub mod not_files;
pub mod private;
