//! Findings as people and programs read them.

pub mod github;
pub mod json;
pub mod sarif;
pub mod text;
