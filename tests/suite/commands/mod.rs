//! The commands as users type them: whole runs, exit codes for pipelines, runs that end early, and the commands that
//! read a bundle back.

pub mod control_plane;
pub mod diff;
pub mod gates;
pub mod import;
pub mod inspect;
pub mod interrupted;
pub mod line;
pub mod listed;
pub mod preflight;
pub mod signals;
pub mod staged;
pub mod verify;
